"""Check a bearer access token (RFC 9068, RFC 6750): a JWT that Logto issued for an API resource."""

import re
from typing import Any

from functions.authorizer.request import AuthorizerRequest
from shared.errors import BearerRefused, IdTokenInvalid
from shared.identity import Identity
from shared.oidc.id_token import KeyUnknown, check_lifetime, is_identifier, verify_signature
from shared.oidc.provider import ProviderMetadata
from shared.services import Services

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9_.-]{1,16384})")
_TYPES = ("AT+JWT", "APPLICATION/AT+JWT")


def bearer_context(request: AuthorizerRequest, services: Services) -> dict[str, Any]:
    """Return the context. A route's own access token must be this one. Raises BearerRefused."""
    target = services.settings.access_token_routes.get(request.http.route)
    resources = services.settings.logto_resources if target is None else (target,)
    token, claims = check_bearer(request.authorization or "", resources, services)
    organization = claims.get("organization_id")
    client = claims.get("client_id")
    identity = Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        organizations=(organization,) if isinstance(organization, str) else (),
    )
    context = {
        **identity.context(),
        "scopes": str(claims.get("scope") or "").split(),
        "session_id_hash": "",
        "client_id": client if isinstance(client, str) else "",
    }
    if target is not None:
        context["access_token"] = token
    return context


def check_bearer(
    authorization: str, resources: tuple[str, ...], services: Services
) -> tuple[str, dict[str, Any]]:
    """Return a header's token and its claims. Raises BearerRefused and Unavailable."""
    matched = _BEARER.fullmatch(authorization)
    if matched is None:
        raise BearerRefused("the Authorization header has no bearer token")
    token, provider = matched[1], services.provider()
    metadata = provider.metadata(services.deadline)
    try:
        try:
            claims = _checked(token, metadata, resources, services.clock())
        except KeyUnknown:
            metadata = provider.refetched(services.deadline)
            claims = _checked(token, metadata, resources, services.clock())
    except IdTokenInvalid as failure:
        raise BearerRefused(str(failure)) from None
    return token, claims


def _checked(
    token: str, metadata: ProviderMetadata, resources: tuple[str, ...], now: float
) -> dict[str, Any]:
    header, claims = verify_signature(token, metadata)
    if str(header.get("typ", "")).upper() not in _TYPES:
        raise BearerRefused("the header's `typ` is not that of an access token")
    if claims.get("iss") != metadata.issuer:
        raise BearerRefused("`iss` is not the provider's issuer")
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in resources:
        raise BearerRefused("`aud` is not one of the configured resources")
    subject = claims.get("sub")
    if not is_identifier(subject):
        raise BearerRefused("`sub` is not a subject identifier")
    check_lifetime(claims, now=now)
    return claims
