"""GET and POST /sign-out: end the session here and at Logto."""

from fastapi import APIRouter, Request, Response

from functions.auth import pages
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of, page, redirect
from functions.auth.sign_out import sign_out
from shared.errors import CrossSiteRequest

router = APIRouter()


@router.get("/sign-out")
async def sign_out_by_link(request: Request) -> Response:
    """Sign out, or ask first if another site or a prefetch initiated the request."""
    browser = BrowserRequest.of(request)
    if not browser.is_same_origin or browser.is_prefetch:
        brand = brand_of(browser.services.settings)
        return page(browser, pages.render_sign_out(brand, root=browser.site.root), referrer=True)
    return _end(browser)


@router.post("/sign-out")
async def sign_out_by_form(request: Request) -> Response:
    """Sign out; with `?everywhere=true`, end the user's sessions in all browsers."""
    browser = BrowserRequest.of(request)
    if not browser.is_same_origin:
        raise CrossSiteRequest("another origin initiated the sign-out")
    return _end(browser, everywhere=browser.query.get("everywhere") == "true")


def _end(browser: BrowserRequest, *, everywhere: bool = False) -> Response:
    url = sign_out(
        browser.sessions, everywhere=everywhere, site=browser.site, services=browser.services
    )
    if url is not None:
        response = redirect(url, status=303)
    else:
        brand = brand_of(browser.services.settings)
        response = page(browser, pages.render_signed_out(brand, root=browser.site.root))
    response.headers.append("Set-Cookie", browser.cookies.clear_session())
    return response
