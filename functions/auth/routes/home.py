"""GET and HEAD /: show the user's profile, or a sign-in button."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from functions.auth import pages
from functions.auth.request import BrowserRequest
from functions.auth.responses import brand_of, page, redirect
from shared.errors import RevalidationRequired
from shared.identity import identity_of
from shared.sessions import LiveSession, load_session

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request) -> Response:
    browser = BrowserRequest.of(request)
    live = load_session(browser.session, browser.services)
    if live is not None and live.revalidation_due:
        if not browser.wants_page or browser.is_prefetch:
            raise RevalidationRequired(live.session.connector)
        site = browser.site
        path = site.revalidation_path(live.session.connector, return_to=f"{site.root}/")
        return redirect(f"{site.origin}{path}")
    html = pages.render_home(
        brand_of(browser.services.settings),
        _view(live, browser.site.origin) if live is not None else None,
        root=browser.site.root,
    )
    return page(browser, html, referrer=True)


def _view(live: LiveSession, origin: str) -> pages.HomeView:
    return pages.HomeView(
        identity=identity_of(live.session),
        signed_in_at=datetime.fromtimestamp(live.session.signed_in_at, UTC),
        expires_at=datetime.fromtimestamp(live.expires_at, UTC),
        idle_expires_at=datetime.fromtimestamp(live.idle_expires_at, UTC),
        origin=origin,
    )
