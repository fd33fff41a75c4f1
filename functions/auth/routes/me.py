"""GET /me: return the identity as JSON, or 401 with the URL for signing in; never redirect."""

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from functions.auth.request import BrowserRequest
from shared.identity import identity_of
from shared.sessions import require_session

router = APIRouter()
PARAMETERS = frozenset({"touch"})


@router.api_route("/me", methods=["GET", "HEAD"])
async def me(request: Request) -> Response:
    """Return the identity. `?touch=false` does not extend the session, for a page that polls."""
    browser = BrowserRequest.of(request)
    touch = browser.query(PARAMETERS).get("touch") != "false"
    live = require_session(browser.session, browser.services, touch=touch)
    return JSONResponse(
        {
            **identity_of(live.session).public(),
            "signed_in_at": live.session.signed_in_at,
            "authenticated_at": live.session.authenticated_at,
            "expires_at": live.expires_at,
            "idle_expires_at": live.idle_expires_at,
            "sign_out_url": f"{browser.site.base_url}/sign-out",
        }
    )
