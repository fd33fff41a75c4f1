"""A session cookie: the identity of its session, and an access token if the route has one."""

from typing import Any

from functions.authorizer.request import AuthorizerRequest
from shared.errors import CrossSiteRequest
from shared.identity import identity_of, read_claims
from shared.services import Services
from shared.sessions import LiveSession, load_session_with_token, require_session, required
from shared.store.records import AccessToken


def cookie_context(request: AuthorizerRequest, services: Services) -> dict[str, Any]:
    """Return the context. Raises SessionRequired, CrossSiteRequest, TokenRefused, Unavailable."""
    if request.may_be_forged:
        raise CrossSiteRequest("an unsafe method that another site may have sent")
    target = services.settings.access_token_routes.get(request.http.route)
    if target is None:
        return _context(require_session(request.session, services))
    found, cached = load_session_with_token(request.session, target, services)
    live = required(found)
    token = _access_token(live, target, cached, services)
    return {**_context(live), "access_token": token, "scopes": _scopes(token)}


def _access_token(
    live: LiveSession, target: str, cached: AccessToken | None, services: Services
) -> str:
    if cached is not None and services.clock() < cached.fresh_until:
        return cached.value
    # The SDK is imported only here: most requests find their token in the table, or need none.
    from functions.authorizer.token_refresh import access_token

    return access_token(live, target, cached=cached, services=services)


def _scopes(token: str) -> list[str]:
    """Return the scopes of an access token from Logto; none if it is not a JWT."""
    try:
        return str(read_claims(token).get("scope") or "").split()
    except (ValueError, IndexError):
        return []


def _context(live: LiveSession) -> dict[str, Any]:
    """Return the part of the context that describes a session."""
    return {
        **identity_of(live.session).context(),
        "scopes": list(live.session.scopes),
        # 0 when it is not known, so that it is never taken for fresh.
        "authenticated_at": live.session.authenticated_at or 0,
        "session_id_hash": live.handle.id_hash,
    }
