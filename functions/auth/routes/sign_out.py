"""GET and POST /sign-out: end the session here and at Logto, and at Microsoft if that is asked."""

from fastapi import APIRouter, Request, Response

from functions.auth import pages
from functions.auth.after_sign_out import AfterSignOut
from functions.auth.entra_claims import is_login_url
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of, page, redirect, remember
from functions.auth.return_to import from_target_link_uri, safe_return_to
from functions.auth.sign_out import sign_out
from shared.errors import CrossSiteRequest

router = APIRouter()
PARAMETERS = frozenset({"everywhere", "switch", "upstream"})
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
    """Sign out. `everywhere=true` ends the user's sessions in all browsers.

    `switch=true` signs the user out at Microsoft too, and goes on to a new sign-in.
    """
    browser = BrowserRequest.of(request)
    if not browser.is_same_origin:
        raise CrossSiteRequest("another origin initiated the sign-out")
    parameters = browser.query(PARAMETERS, free=FREE)
    if browser.has_form:
        parameters |= browser.form(PARAMETERS, free=FREE)
    return _end(
        browser,
        everywhere=parameters.get("everywhere") == "true",
        switch=parameters.get("switch") == "true",
        upstream=_upstream(browser, parameters),
        return_to=_return_to(browser, parameters),
    )


def _return_to(browser: BrowserRequest, parameters: dict[str, str]) -> str | None:
    """Return the local page to go on to after the sign-out; None if none was named."""
    target = parameters.get("return_to")
    if not target:
        return None
    site = browser.site
    return safe_return_to(from_target_link_uri(target, base_url=site.base_url), root=site.root)


def _upstream(browser: BrowserRequest, parameters: dict[str, str]) -> str | None:
    """Return where Microsoft signs out a user whom the access rules excluded.

    There is no session that says so, but the form of the page that told the user.
    """
    url = parameters.get("upstream", "")
    return url if is_login_url(url, browser.services.settings) else None


def _end(
    browser: BrowserRequest,
    *,
    return_to: str | None,
    everywhere: bool = False,
    switch: bool = False,
    upstream: str | None = None,
) -> Response:
    ended = sign_out(
        browser.sessions,
        everywhere=everywhere,
        return_to=return_to,
        site=browser.site,
        services=browser.services,
    )
    after = AfterSignOut.of_sign_out(
        login_url=ended.login_url or upstream,
        return_to=return_to or "",
        switch=switch,
        settings=browser.services.settings,
    )
    if ended.end_session_url is not None:
        response = redirect(ended.end_session_url, status=303)
    else:
        root = browser.site.root
        html = pages.render_signed_out(
            brand_of(browser.services.settings),
            return_to=f"{root}/signed-out" if after else return_to,
            root=root,
        )
        response = page(browser, html)
    response.headers.append("Set-Cookie", browser.cookies.clear_session())
    remember(browser, response, after)
    return response
