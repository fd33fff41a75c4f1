"""GET and POST /sign-in: start a sign-in and redirect to Logto."""

from fastapi import APIRouter, Request, Response

from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect
from functions.auth.sign_in import TARGETS, parse_sign_in, start_sign_in
from shared.errors import MalformedRequest
from shared.parsing.form import parse_query

router = APIRouter()


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    browser = BrowserRequest.of(request)
    return _start(browser, parse_query(browser.http.query, free=TARGETS))


@router.post("/sign-in")
async def sign_in_by_form(request: Request) -> Response:
    """Start a sign-in from a form: a third party may initiate one so (OIDC Core section 4)."""
    browser = BrowserRequest.of(request)
    if browser.http.content_type != "application/x-www-form-urlencoded":
        raise MalformedRequest("the body is not a form")
    return _start(browser, parse_query(browser.http.body or b"", free=TARGETS))


def _start(browser: BrowserRequest, parameters: dict[str, str]) -> Response:
    services = browser.services
    sign_in_request = parse_sign_in(
        parameters, site=browser.site, default_connector=services.settings.logto_default_connector
    )
    started = start_sign_in(
        sign_in_request,
        site=browser.site,
        browser_cookies=browser.browser_cookies,
        services=services,
    )
    # 303, so the browser follows a POST by a GET.
    response = redirect(started.url, status=303 if browser.http.method == "POST" else 302)
    lifetime = services.limits.transaction_seconds
    response.headers.append("Set-Cookie", browser.cookies.set_browser(started.cookie, lifetime))
    return response
