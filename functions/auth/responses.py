"""Build responses: pages, problems, redirects, and the security headers."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import HTMLResponse, JSONResponse, Response

from functions.auth import pages
from functions.auth.after_sign_out import AfterSignOut
from functions.auth.problems import Problem
from functions.auth.request import BrowserRequest
from functions.auth.sign_in import StartedSignIn
from shared.parsing.urls import origin_of
from shared.settings import Settings

_NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"


def brand_of(settings: Settings) -> pages.Brand:
    """Return the brand that the settings describe."""
    return pages.Brand(
        name=settings.brand_name,
        logo_url=settings.brand_logo_url,
        accent=settings.brand_accent_colour,
    )


def page(
    browser: BrowserRequest, html: str, *, status: int = 200, referrer: bool = False
) -> Response:
    """Return a page. `referrer` lets its forms send their origin; never if the URL has a code."""
    provider = origin_of(browser.services.settings.logto_endpoint)
    policy = pages.content_security_policy(form_action=(provider,))
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin" if referrer else "no-referrer",
        },
    )


def redirect(url: str, *, status: int = 302) -> Response:
    """Return a redirect to a URL that has been validated; it is not encoded again."""
    return Response(status_code=status, headers={"Location": url})


def remember(browser: BrowserRequest, response: Response, after: AfterSignOut | None) -> None:
    """Keep in the browser what is left of a sign-out; None removes what was kept."""
    if after is not None:
        lifetime = browser.services.limits.transaction_seconds
        cookie = browser.cookies.set_sign_out(after.cookie_value(), lifetime)
    elif browser.after_sign_out is not None:
        cookie = browser.cookies.clear_sign_out()
    else:
        return
    response.headers.append("Set-Cookie", cookie)


def authorization_redirect(browser: BrowserRequest, started: StartedSignIn) -> Response:
    """Return the redirect to Logto, with the cookie that ties the attempt to the browser."""
    response = redirect(started.url)
    lifetime = browser.services.limits.transaction_seconds
    response.headers.append("Set-Cookie", browser.cookies.set_browser(started.cookie, lifetime))
    return response


def problem_response(
    browser: BrowserRequest,
    problem: Problem,
    error: str,
    *,
    sign_in_path: str | None = None,
    switch: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return an error page for a person, problem+json (RFC 9457) for a program.

    `switch` has what the form for another account posts to /sign-out.
    """
    site = browser.site
    sign_in_path = sign_in_path or f"{site.root}/sign-in"
    if browser.wants_page and browser.path != "/me":
        action = _next_action(problem, site.root, sign_in_path, switch)
        html = pages.render_error(
            brand_of(browser.services.settings),
            status=problem.status,
            title=problem.title,
            message=problem.message,
            correlation_id=browser.correlation_id,
            action=action,
            root=site.root,
        )
        response = page(browser, html, status=problem.status)
    else:
        content = {
            "type": "about:blank",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.message,
            "error": error,
            "correlation_id": browser.correlation_id,
        }
        if problem.offer_sign_in:
            content["sign_in_url"] = site.origin + sign_in_path
        response = JSONResponse(
            content, status_code=problem.status, media_type="application/problem+json"
        )
    if problem.retry is not None:
        response.headers["Retry-After"] = str(problem.retry)
    return response


def _next_action(
    problem: Problem, root: str, sign_in_path: str, switch: Mapping[str, str]
) -> pages.Action:
    if problem.other_account:
        # Logto and Microsoft have sessions of this user, and would sign in the same one again.
        return pages.Action(
            label="Sign in with another account",
            href=f"{root}/sign-out",
            fields={"switch": "true", **switch},
        )
    if problem.offer_sign_in:
        return pages.Action(label="Sign in", href=sign_in_path)
    return pages.Action(label="Go to the start page", href=f"{root}/")


def secure_headers(*, correlation_id: str) -> dict[str, str]:
    """Return the headers that are added to every response that does not set them."""
    return {
        "cache-control": "no-store",
        "content-security-policy": _NO_CONTENT_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-correlation-id": correlation_id,
        "x-frame-options": "DENY",
    }
