"""GET and POST /sign-in: start a sign-in and redirect to Logto."""

from fastapi import APIRouter, Request, Response

from functions.auth.problems import NOT_A_NAVIGATION
from functions.auth.request import BrowserRequest
from functions.auth.responses import authorization_redirect, problem_response, redirect
from functions.auth.sign_in import (
    FREE,
    PARAMETERS,
    SignInRequest,
    form_as_query,
    parse_sign_in,
    start_sign_in,
)
from shared.errors import ProviderMisbehaved, Unavailable

router = APIRouter()


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    """Start a sign-in, unless nobody asked for one: a prefetch or an image must write nothing."""
    browser = BrowserRequest.of(request)
    if browser.is_prefetch or browser.is_subresource:
        # Not a success, so that the browser does not show this answer when the user does navigate.
        return problem_response(browser, NOT_A_NAVIGATION, "not_a_navigation")
    sign_in_request = _parsed(browser, browser.query(PARAMETERS, free=FREE))
    try:
        started = start_sign_in(
            sign_in_request,
            site=browser.site,
            browser_cookies=browser.browser_cookies,
            services=browser.services,
        )
    except (Unavailable, ProviderMisbehaved) as failure:
        if not sign_in_request.is_silent:
            raise
        browser.services.observer.problem("silent sign-in not started", reason=failure.error)
        return redirect(f"{browser.site.origin}{sign_in_request.return_to}")
    return authorization_redirect(browser, started)


@router.post("/sign-in")
async def sign_in_by_form(request: Request) -> Response:
    """Send the browser on to the GET: a third party may initiate a sign-in so (OIDC Core 4).

    A cross-site POST comes without the browser's cookies. If it started a sign-in, each one would
    leave another row, and another cookie in the browser.
    """
    browser = BrowserRequest.of(request)
    parameters = browser.form(PARAMETERS, free=FREE)
    query = form_as_query(parameters, _parsed(browser, parameters), site=browser.site)
    # 303, so the browser follows the POST by a GET (RFC 9110 section 15.4.4).
    return redirect(f"{browser.site.base_url}/sign-in{query}", status=303)


def _parsed(browser: BrowserRequest, parameters: dict[str, str]) -> SignInRequest:
    return parse_sign_in(
        parameters,
        site=browser.site,
        default_connector=browser.services.settings.logto_default_connector,
    )
