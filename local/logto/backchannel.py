"""OpenID Connect Back-Channel Logout 1.0: the message that a sign-out sends to an application."""

import logging

import httpx

from local.logto.state import StandInState, new_token

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGGER = logging.getLogger(__name__)


def logout_token(state: StandInState, client_id: str, user_id: str, sid: str) -> str:
    """Sign a logout token (section 2.4 there)."""
    now = int(state.clock())
    claims = {
        "sub": user_id,
        "events": {_EVENT: {}},
        "jti": new_token(),
        "aud": client_id,
        "iat": now,
        "exp": now + 120,
        "iss": state.issuer,
    }
    if state.tenant.applications[client_id].backchannel_logout_session_required:
        claims["sid"] = sid
    return state.keys.sign(claims, type="logout+jwt")


async def send(state: StandInState, client_id: str, user_id: str, sid: str) -> None:
    """Post a logout token to the application's registered URI, if any. Failures are logged."""
    application = state.tenant.applications.get(client_id)
    if application is None or application.backchannel_logout_uri is None:
        return
    form = {"logout_token": logout_token(state, client_id, user_id, sid)}
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.post(application.backchannel_logout_uri, data=form)
            answer.raise_for_status()
    except httpx.HTTPError as failure:
        _LOGGER.warning("back-channel logout of %s failed: %s", client_id, type(failure).__name__)
