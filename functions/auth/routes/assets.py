"""GET /assets/{name}: the two stylesheets; their URLs carry a version, so they may be kept."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from functions.auth import pages
from functions.auth.answers import brand_of
from functions.auth.incoming import Incoming

router = APIRouter()


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    brand = brand_of(Incoming(request).services.settings)
    sheets = {"style.css": pages.style_css, "accent.css": lambda: pages.accent_css(brand)}
    if name not in sheets:
        raise HTTPException(404)
    return Response(
        sheets[name](),
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
