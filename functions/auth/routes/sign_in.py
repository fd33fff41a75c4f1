"""GET and POST /sign-in: to Logto, with a transaction of its own for every attempt."""

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
    """Third-party-initiated login may come as a form (OIDC Core section 4)."""
    browser = BrowserRequest.of(request)
    if browser.http.content_type != "application/x-www-form-urlencoded":
        raise MalformedRequest("a sign-in is posted as a form")
    return _start(browser, parse_query(browser.http.body or b"", free=TARGETS))


def _start(browser: BrowserRequest, parameters: dict[str, str]) -> Response:
    services = browser.services
    asked = parse_sign_in(
        parameters,
        site=browser.site,
        default_connector=services.settings.logto_default_connector,
    )
    started = start_sign_in(
        asked,
        site=browser.site,
        browser_cookies=browser.browser_cookies,
        services=services,
    )
    # 303: what follows a posted form is a GET.
    response = redirect(started.url, status=303 if browser.http.method == "POST" else 302)
    lifetime = services.limits.transaction_seconds
    response.headers.append("Set-Cookie", browser.cookies.set_browser(started.cookie, lifetime))
    return response
