"""GET and POST /sign-out: end the session here and at Logto."""

from fastapi import APIRouter, Request, Response

from functions.auth import pages
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of, page, redirect
from functions.auth.return_to import from_target_link_uri, safe_return_to
from functions.auth.sign_out import sign_out
from shared.errors import CrossSiteRequest

router = APIRouter()
PARAMETERS = frozenset({"everywhere"})
FREE = frozenset({"return_to"})


@router.api_route("/sign-out", methods=["GET", "HEAD"])
async def sign_out_by_link(request: Request) -> Response:
    """Sign out if the user navigates here; ask first if anything else loads this page."""
    browser = BrowserRequest.of(request)
    return_to = _return_to(browser, browser.query(frozenset(), free=FREE))
    if browser.http.method == "GET" and browser.is_deliberate_navigation:
        return _end(browser, return_to=return_to)
    html = pages.render_sign_out(
        brand_of(browser.services.settings), return_to=return_to, root=browser.site.root
    )
    return page(browser, html, referrer=True)


@router.post("/sign-out")
async def sign_out_by_form(request: Request) -> Response:
    """Sign out; with `everywhere=true`, end the user's sessions in all browsers."""
    browser = BrowserRequest.of(request)
    if not browser.is_same_origin:
        raise CrossSiteRequest("another origin initiated the sign-out")
    parameters = browser.query(PARAMETERS, free=FREE)
    if browser.has_form:
        parameters |= browser.form(PARAMETERS, free=FREE)
    return _end(
        browser,
        everywhere=parameters.get("everywhere") == "true",
        return_to=_return_to(browser, parameters),
    )


def _return_to(browser: BrowserRequest, parameters: dict[str, str]) -> str | None:
    """Return the local page to go on to after the sign-out; None if none was named."""
    target = parameters.get("return_to")
    if not target:
        return None
    site = browser.site
    return safe_return_to(from_target_link_uri(target, base_url=site.base_url), root=site.root)


def _end(browser: BrowserRequest, *, return_to: str | None, everywhere: bool = False) -> Response:
    url = sign_out(
        browser.sessions,
        everywhere=everywhere,
        return_to=return_to,
        site=browser.site,
        services=browser.services,
    )
    if url is not None:
        response = redirect(url, status=303)
    else:
        html = pages.render_signed_out(
            brand_of(browser.services.settings), return_to=return_to, root=browser.site.root
        )
        response = page(browser, html)
    response.headers.append("Set-Cookie", browser.cookies.clear_session())
    return response
