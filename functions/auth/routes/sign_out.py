"""GET and POST /sign-out: ends the session here and at Logto."""

from fastapi import APIRouter, Request, Response

from functions.auth import pages
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of, page, redirect
from functions.auth.sign_out import sign_out
from shared.errors import CrossSiteRequest

router = APIRouter()


@router.get("/sign-out")
async def sign_out_by_link(request: Request) -> Response:
    """A link from another site, or a prefetch, must not end a session: it gets a question."""
    incoming = BrowserRequest(request)
    if not incoming.comes_from_here or incoming.is_prefetch:
        brand = brand_of(incoming.services.settings)
        return page(incoming, pages.render_sign_out(brand, root=incoming.site.root), referrer=True)
    return await _end(incoming)


@router.post("/sign-out")
async def sign_out_by_form(request: Request) -> Response:
    """`?everywhere=true` ends the user's sessions in all browsers."""
    incoming = BrowserRequest(request)
    if not incoming.comes_from_here:
        raise CrossSiteRequest("a sign-out was posted from another origin")
    return await _end(incoming, everywhere=incoming.query.get("everywhere") == "true")


async def _end(incoming: BrowserRequest, *, everywhere: bool = False) -> Response:
    url = await sign_out(
        incoming.session_secrets,
        everywhere=everywhere,
        site=incoming.site,
        services=incoming.services,
    )
    if url is not None:
        response = redirect(url, status=303)
    else:
        brand = brand_of(incoming.services.settings)
        response = page(incoming, pages.render_signed_out(brand, root=incoming.site.root))
    response.headers.append("Set-Cookie", incoming.cookies.clear_session())
    return response
