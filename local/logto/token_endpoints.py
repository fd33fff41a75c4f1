"""Endpoints for tokens that have been issued: userinfo, introspection, revocation."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.logto.claims import userinfo
from local.logto.clients import authenticate
from local.logto.state import AccessToken, StandInState
from local.oauth import parameters
from local.oauth.errors import Refusal


async def _me(request: Request) -> Response:
    """Answer with userinfo (OIDC Core 5.3). Tokens for a resource are refused."""
    state: StandInState = request.app.state.stand_in
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = _valid_access_token(value.strip(), state) if scheme.lower() == "bearer" else None
    user = state.active_user(token.grant.user_id) if token else None
    if token is None or user is None:
        raise Refusal("invalid_token", "invalid token provided", status=401)
    return JSONResponse(userinfo(user, token.scopes, state.tenant))


async def _introspect(request: Request) -> Response:
    """Introspect an opaque access token or a refresh token (RFC 7662).

    A refresh token that has been rotated is not active.
    """
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    application = authenticate(request, given, state.tenant)
    value = given.need("token")
    answer: dict[str, Any] = {"active": False}
    access = _valid_access_token(value, state)
    refresh = state.refresh_tokens.get(value)
    usable = refresh and refresh.rotated_at is None and state.clock() < refresh.expires_at
    found = access or (refresh if usable else None)
    if found and not found.grant.revoked and found.grant.client_id == application.id:
        answer = {
            "active": True,
            "sub": found.grant.user_id,
            "client_id": found.grant.client_id,
            "exp": int(found.expires_at),
            "iss": state.issuer,
            "scope": " ".join(found.grant.scopes),
        }
        if access:
            answer["token_type"] = "Bearer"  # noqa: S105 - RFC 6750's name of a type
    return JSONResponse(answer)


async def _revoke(request: Request) -> Response:
    """Revoke a token and its whole grant (RFC 7009). An unknown token is a success too."""
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    application = authenticate(request, given, state.tenant)
    value = given.need("token")
    token = state.refresh_tokens.get(value) or state.access_tokens.get(value)
    if token is not None and token.grant.client_id == application.id:
        token.grant.revoked = True
    return Response()


def _valid_access_token(value: str, state: StandInState) -> AccessToken | None:
    token = state.access_tokens.get(value)
    if token is None or token.grant.revoked or state.clock() >= token.expires_at:
        return None
    return token


routes = [
    Route("/oidc/me", _me, methods=["GET", "POST"]),
    Route("/oidc/token/introspection", _introspect, methods=["POST"]),
    Route("/oidc/token/revocation", _revoke, methods=["POST"]),
]
