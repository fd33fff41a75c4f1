"""Checking an access token that a client brings (RFC 9068, RFC 6750)."""

import re
from typing import Any

from shared.errors import BearerRefused, IdTokenInvalid
from shared.oidc.id_token import KeyUnknown, check_lifetime, verify_signature
from shared.oidc.provider import ProviderMetadata
from shared.services import Services

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9_.-]{1,16384})")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_TYPES = ("AT+JWT", "APPLICATION/AT+JWT")


async def check_bearer(
    authorization: str, resources: tuple[str, ...], services: Services
) -> tuple[str, dict[str, Any]]:
    """The token of an `Authorization` header, and its claims.

    Raises BearerRefused, and Unavailable where the keys cannot be had.
    """
    matched = _BEARER.fullmatch(authorization)
    if matched is None:
        raise BearerRefused("the Authorization header holds no bearer token")
    token, provider = matched[1], services.provider()
    known = await provider.known()
    try:
        try:
            claims = _checked(token, known, resources, services.clock())
        except KeyUnknown:
            claims = _checked(token, await provider.refreshed(), resources, services.clock())
    except IdTokenInvalid as failure:
        raise BearerRefused(str(failure)) from None
    return token, claims


def _checked(
    token: str, known: ProviderMetadata, resources: tuple[str, ...], now: float
) -> dict[str, Any]:
    header, claims = verify_signature(token, known)
    if str(header.get("typ", "")).upper() not in _TYPES:
        raise BearerRefused("the header's `typ` is not that of an access token")
    if claims.get("iss") != known.issuer:
        raise BearerRefused("`iss` is not the provider's issuer")
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in resources:
        raise BearerRefused("`aud` is not one of the configured resources")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise BearerRefused("`sub` is not a subject identifier")
    check_lifetime(claims, now=now)
    return claims
