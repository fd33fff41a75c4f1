"""How answers look: pages, problems, redirects, and the headers that all of them carry."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from functions.auth import pages
from functions.auth.problems import Problem
from functions.auth.request import BrowserRequest
from shared.parsing.urls import origin_of
from shared.settings import Settings

_NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"


def brand_of(settings: Settings) -> pages.Brand:
    """How the pages are branded."""
    return pages.Brand(
        name=settings.brand_name,
        logo_url=settings.brand_logo_url,
        accent=settings.brand_accent_colour,
    )


def page(
    browser: BrowserRequest, html: str, *, status: int = 200, referrer: bool = False
) -> Response:
    """A page. `referrer` lets its forms name this origin: never where the URL may hold a code."""
    settings = browser.services.settings
    policy = pages.content_security_policy(
        brand_of(settings), form_action=(origin_of(settings.logto_endpoint),)
    )
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin" if referrer else "no-referrer",
        },
    )


def redirect(url: str, *, status: int = 302) -> Response:
    """A redirect to a URL that has been checked already, and is sent as it is."""
    return Response(status_code=status, headers={"Location": url})


def problem(
    browser: BrowserRequest, told: Problem, error: str, *, sign_in_path: str | None = None
) -> Response:
    """An error page for a person, problem+json (RFC 9457) for a program."""
    site = browser.site
    sign_in_path = sign_in_path or f"{site.root}/sign-in"
    if browser.wants_page and browser.path != "/me":
        action = _way_on(told, site.root, sign_in_path)
        html = pages.render_error(
            brand_of(browser.services.settings),
            status=told.status,
            title=told.title,
            message=told.message,
            correlation_id=browser.correlation_id,
            action=action,
            root=site.root,
        )
        response = page(browser, html, status=told.status)
    else:
        content = {
            "type": "about:blank",
            "title": told.title,
            "status": told.status,
            "detail": told.message,
            "error": error,
            "correlation_id": browser.correlation_id,
        }
        if told.offer_sign_in:
            content["sign_in_url"] = site.origin + sign_in_path
        response = JSONResponse(
            content, status_code=told.status, media_type="application/problem+json"
        )
    if told.retry is not None:
        response.headers["Retry-After"] = str(told.retry)
    return response


def _way_on(told: Problem, root: str, sign_in_path: str) -> pages.Action:
    if told.other_account:
        # Logto remembers who was here: without the prompt it would be the same user again.
        return pages.Action(
            label="Sign in with another account", href=f"{root}/sign-in?prompt=login"
        )
    if told.offer_sign_in:
        return pages.Action(label="Sign in", href=sign_in_path)
    return pages.Action(label="Go to the start page", href=f"{root}/")


def secure_headers(*, correlation_id: str) -> dict[str, str]:
    """Headers of every answer that does not set them itself."""
    return {
        "cache-control": "no-store",
        "content-security-policy": _NO_CONTENT_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-correlation-id": correlation_id,
        "x-frame-options": "DENY",
    }
