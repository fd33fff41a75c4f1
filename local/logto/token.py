"""The token endpoint: redeems codes and refresh tokens by Logto's rules."""

import base64
import hashlib
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.logto.claims import ORGANIZATIONS, id_token
from local.logto.clients import authenticate_client
from local.logto.state import AccessToken, Grant, RefreshToken, StandInState, new_token
from local.logto.tenant import MANAGEMENT_RESOURCE, Application, Machine
from local.oauth import parameters
from local.oauth.errors import Refusal
from local.oauth.parameters import Parameters

_GRANT_TYPES: Final = ("authorization_code", "client_credentials", "refresh_token")
ROTATE_AFTER: Final = 0.7
"""The part of a refresh token's lifetime after which using it issues a new one."""


async def _token(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    client = authenticate_client(request, given, state.tenant)
    kind = given.need("grant_type")
    if kind not in _GRANT_TYPES:
        raise Refusal("unsupported_grant_type", "unsupported grant_type requested")
    if isinstance(client, Machine) != (kind == "client_credentials"):
        raise Refusal("invalid_request", "requested grant type is not allowed for this client")
    if isinstance(client, Machine):
        answer = _management_token(given, client, state)
    elif kind == "authorization_code":
        answer = _redeem_code(given, client, state)
    else:
        answer = _refresh(given, client, state)
    return JSONResponse(answer, headers={"cache-control": "no-store"})


def _management_token(given: Parameters, machine: Machine, state: StandInState) -> dict[str, Any]:
    """Issue a token for the Management API.

    Its scope is what was requested and the machine's roles allow, which can be nothing.
    """
    if given.resources != [MANAGEMENT_RESOURCE]:
        raise Refusal("invalid_target", "resource indicator is missing, or unknown")
    now = int(state.clock())
    claims = {
        "jti": new_token(),
        "sub": machine.id,
        "client_id": machine.id,
        "aud": MANAGEMENT_RESOURCE,
        "scope": "all" if machine.manages and "all" in given.get("scope", "").split() else "",
        "iat": now,
        "exp": now + state.tenant.token_seconds,
        "iss": state.issuer,
    }
    return {
        "access_token": state.keys.sign(claims, type="at+jwt"),
        "expires_in": state.tenant.token_seconds,
        "scope": claims["scope"],
        "token_type": "Bearer",
    }


def _redeem_code(
    given: Parameters, application: Application, state: StandInState
) -> dict[str, Any]:
    code = state.codes.get(given.need("code"))
    redirect_uri = given.need("redirect_uri")
    if code is None or code.grant.client_id != application.id:
        raise _invalid_grant("authorization code not found")
    if code.consumed:
        code.grant.revoked = True
        raise _invalid_grant("authorization code already consumed")
    if state.clock() >= code.expires_at:
        raise _invalid_grant("authorization code is expired")
    if _challenge(given.get("code_verifier", "")) != code.request.code_challenge:
        raise _invalid_grant("PKCE verification failed")
    if redirect_uri != code.request.redirect_uri:
        raise _invalid_grant("authorization code redirect_uri mismatch")
    _check_user(code.grant, state)
    code.consumed = True
    answer = _access(code.grant, given, state, organization_id=None)
    if code.grant.refreshable:
        answer["refresh_token"] = _new_refresh_token(code.grant, state)
    return answer


def _refresh(given: Parameters, application: Application, state: StandInState) -> dict[str, Any]:
    value = given.need("refresh_token")
    token = state.refresh_tokens.get(value)
    now = state.clock()
    if token is None or token.grant.client_id != application.id or token.grant.revoked:
        raise _invalid_grant("refresh token not found")
    if now >= token.expires_at:
        raise _invalid_grant("refresh token is expired")
    grace = state.tenant.refresh_grace_seconds
    if token.rotated_at is not None and now - token.rotated_at > grace:
        token.grant.revoked = token.grant.revoked or state.tenant.reuse_revokes_grant
        raise _invalid_grant("refresh token already used")
    _check_user(token.grant, state)
    answer = _access(token.grant, given, state, organization_id=given.get("organization_id"))
    old = now - token.issued_at >= ROTATE_AFTER * (token.expires_at - token.issued_at)
    due = application.rotate_refresh_token_always or (application.rotate_refresh_token and old)
    if token.rotated_at is None and not due:
        return answer | {"refresh_token": value}
    token.rotated_at = now if token.rotated_at is None else token.rotated_at
    return answer | {"refresh_token": _new_refresh_token(token.grant, state)}


def _access(
    grant: Grant, given: Parameters, state: StandInState, *, organization_id: str | None
) -> dict[str, Any]:
    """Issue an opaque access token, or a JWT for a resource or an organization: the answer."""
    scopes = grant.scopes
    if "scope" in given:
        requested = given["scope"].split()
        if not set(requested) <= set(grant.scopes):
            raise Refusal("invalid_request", "requested scope exceeds the granted one")
        scopes = tuple(requested)
    token, granted = _jwt(grant, given, organization_id, state) or _opaque(grant, scopes, state)
    return {
        "access_token": token,
        "expires_in": state.tenant.token_seconds,
        "id_token": id_token(grant, state),
        "scope": granted,
        "token_type": "Bearer",
    }


def _opaque(grant: Grant, scopes: tuple[str, ...], state: StandInState) -> tuple[str, str]:
    value = new_token()
    expires_at = state.clock() + state.tenant.token_seconds
    state.access_tokens[value] = AccessToken(grant=grant, scopes=scopes, expires_at=expires_at)
    return value, " ".join(scopes)


def _jwt(
    grant: Grant, given: Parameters, organization_id: str | None, state: StandInState
) -> tuple[str, str] | None:
    if not given.resources and organization_id is None:
        return None
    allowed: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    if organization_id is not None:
        allowed = _organization_scopes(grant, organization_id, state)
        claims["aud"] = f"urn:logto:organization:{organization_id}"
    if given.resources:
        allowed = _resource_scopes(grant, given.resources, state)
        if organization_id is not None:
            claims["organization_id"] = organization_id
        claims["aud"] = given.resources[0]
    now = int(state.clock())
    claims |= {
        "jti": new_token(),
        "sub": grant.user_id,
        "iat": now,
        "exp": now + state.tenant.token_seconds,
        "scope": " ".join(allowed),
        "client_id": grant.client_id,
        "iss": state.issuer,
    }
    return state.keys.sign(claims, type="at+jwt"), claims["scope"]


def _organization_scopes(
    grant: Grant, organization_id: str, state: StandInState
) -> tuple[str, ...]:
    if ORGANIZATIONS not in grant.scopes:
        raise Refusal("insufficient_scope", "refresh token missing required scope", status=403)
    organization = state.tenant.organizations.get(organization_id)
    if organization is None or grant.user_id not in organization.members:
        raise Refusal("access_denied", "user is not a member of the organization", status=403)
    return tuple(
        dict.fromkeys(
            scope
            for role in organization.members[grant.user_id]
            for scope in organization.role_scopes[role]
        )
    )


def _resource_scopes(grant: Grant, indicators: list[str], state: StandInState) -> tuple[str, ...]:
    """The scopes of a resource that were granted and that the user's roles allow."""
    resource = state.tenant.resources.get(indicators[0])
    if len(indicators) > 1 or resource is None or resource.indicator not in grant.resources:
        raise Refusal("invalid_target", "resource indicator is missing, or unknown")
    roles = set(state.tenant.users[grant.user_id].roles)
    return tuple(
        scope
        for scope, granting in resource.scopes.items()
        if scope in grant.scopes and roles & set(granting)
    )


def _new_refresh_token(grant: Grant, state: StandInState) -> str:
    value = new_token()
    now = state.clock()
    lifetime = state.tenant.applications[grant.client_id].refresh_token_seconds
    state.refresh_tokens[value] = RefreshToken(
        grant=grant, issued_at=now, expires_at=now + lifetime
    )
    return value


def _check_user(grant: Grant, state: StandInState) -> None:
    if state.active_user(grant.user_id) is None:
        raise _invalid_grant("the account is not active")


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _invalid_grant(reason: str) -> Refusal:
    """Refuse a grant. The answer is always the same; `reason` appears only in tracebacks here."""
    refusal = Refusal("invalid_grant", "grant request is invalid")
    refusal.add_note(reason)
    return refusal


routes = [Route("/oidc/token", _token, methods=["POST"])]
