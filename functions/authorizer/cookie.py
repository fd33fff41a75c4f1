"""A session cookie: the identity of its session, and an access token where the route has one."""

from typing import Any

from functions.authorizer.request import AuthorizerRequest
from functions.authorizer.waiting import Waiting
from shared.errors import CrossSiteRequest
from shared.identity import identity_of, read_claims
from shared.sealing import digest
from shared.services import Services
from shared.sessions import (
    LiveSession,
    load_session,
    load_session_with_token,
    required,
)
from shared.store.records import AccessToken, session_seal


def cookie_context(
    asked: AuthorizerRequest, services: Services, waiting: Waiting
) -> dict[str, Any]:
    """What the integration is told. Raises SessionRequired, CrossSiteRequest, TokenRefused and
    Unavailable."""
    if asked.could_be_forged:
        raise CrossSiteRequest("an unsafe method that another site may have sent")
    secret = asked.session_secret
    target = services.settings.access_token_routes.get(asked.route)
    kept: AccessToken | None = None
    if target is None:
        found = load_session(secret, services)
    else:
        found, kept = load_session_with_token(secret, target, services)
    live = required(found)
    context = _context(live, str(secret))
    if target is not None:
        # The SDK is loaded only here: most requests find their token, or need none.
        token = _access_token(str(secret), live, target, kept, services, waiting, asked.began)
        context |= {"access_token": token, "scopes": _scopes(token)}
    return context


def _scopes(token: str) -> list[str]:
    """What an access token allows, which came from Logto itself; nothing where it does not say."""
    try:
        return str(read_claims(token).get("scope") or "").split()
    except (ValueError, IndexError):
        return []


def _access_token(
    secret: str,
    live: LiveSession,
    target: str,
    kept: AccessToken | None,
    services: Services,
    waiting: Waiting,
    began: float,
) -> str:
    if kept is not None and services.clock() < kept.fresh_until:
        return kept.value
    from functions.authorizer.token_refresh import access_token

    renewed = access_token(secret, live.session, target, kept=kept, services=services, began=began)
    return waiting.result(renewed)


def _context(live: LiveSession, secret: str) -> dict[str, Any]:
    """Unknown is an empty text or list: API Gateway passes null on in ways of its own."""
    identity = identity_of(live.session)
    return {
        "sub": identity.subject,
        "name": identity.name or "",
        "email": identity.email or "",
        "organizations": list(identity.organizations),
        "organization_roles": list(identity.organization_roles),
        "roles": list(identity.roles),
        "groups": list(identity.groups),
        "scopes": list(live.session.scopes),
        "connector": identity.connector or "",
        "tenant_id": identity.tenant_id or "",
        # Names the session in logs and rate limits; the table's key cannot be told from it.
        "session_id_hash": digest("session id", session_seal(secret).key),
    }
