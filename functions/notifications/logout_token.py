"""Check a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import IdTokenInvalid
from shared.oidc.id_token import check_lifetime, is_identifier, verify_signature

if TYPE_CHECKING:
    from shared.oidc.provider import ProviderMetadata

EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_AGE_SECONDS = 300
"""A logout token is sent as soon as it is issued; Logto's are valid for two minutes."""
_TYPES = ("LOGOUT+JWT", "APPLICATION/LOGOUT+JWT")


def check_logout_token(
    token: str, metadata: "ProviderMetadata", *, client_id: str, now: float
) -> dict[str, Any]:
    """Return the checked claims, with `sub`, `sid` or both. Raises IdTokenInvalid, KeyUnknown."""
    header, claims = verify_signature(token, metadata)
    if str(header.get("typ", "")).upper() not in _TYPES:
        raise IdTokenInvalid("the header's `typ` is not that of a logout token")
    if claims.get("iss") != metadata.issuer:
        raise IdTokenInvalid("`iss` is not the provider's issuer")
    if claims.get("aud") not in (client_id, [client_id]):
        raise IdTokenInvalid("`aud` is not this application alone")
    check_lifetime(claims, now=now)
    if claims["iat"] < now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS:
        raise IdTokenInvalid("`iat` is too long ago")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise IdTokenInvalid("`events` does not contain the logout event")
    if "nonce" in claims:
        raise IdTokenInvalid("a logout token must not have a `nonce`")
    subject, op_session = _name(claims, "sub"), _name(claims, "sid")
    if subject is None and op_session is None:
        raise IdTokenInvalid("both `sub` and `sid` are missing")
    token_id = _name(claims, "jti")
    if token_id is None:
        raise IdTokenInvalid("`jti` is missing")
    return claims


def _name(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not is_identifier(value):
        raise IdTokenInvalid(f"`{name}` is not an identifier")
    return value
