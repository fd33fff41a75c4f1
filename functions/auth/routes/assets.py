"""GET /assets/{name}: serve the two stylesheets. Versioned URLs make them cacheable forever."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from functions.auth import pages
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of

router = APIRouter()


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
async def asset(request: Request) -> Response:
    # Not an argument: for it, FastAPI would import all of Pydantic's first version.
    name = request.path_params["name"]
    brand = brand_of(BrowserRequest.of(request).services.settings)
    if name == "style.css":
        sheet = pages.style_css()
    elif name == "accent.css":
        sheet = pages.accent_css(brand)
    else:
        raise HTTPException(404)
    return Response(
        sheet,
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
