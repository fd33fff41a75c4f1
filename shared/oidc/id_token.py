"""Check ID tokens (OIDC Core 3.1.3.7, RFC 7515, RFC 8725): pure functions.

The text of an IdTokenInvalid names what was expected and never contains the token or a claim.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeIs

import jwt

from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import IdTokenInvalid
from shared.parsing import base64url
from shared.parsing.strict_json import parse_json_object

if TYPE_CHECKING:
    from shared.oidc.provider import ProviderMetadata

MAX_LIFETIME_SECONDS = 366 * 86_400
"""No valid token lives longer: such an `exp` is a fault or a forgery."""
MAX_TOKEN_CHARACTERS = 100_000

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
# RFC 8725 section 3.10: a token must not name its own key, nor unsupported extensions.
_REFUSED_HEADERS = ("crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc")
_PUBLIC_MEMBERS: tuple[str, ...] = ("kty", "crv", "x", "y", "n", "e")
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")


class KeyUnknown(IdTokenInvalid):
    """The token names a key or an algorithm that is not cached: refetch the metadata and retry."""

    error = IdTokenInvalid.error


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """Expected values of an ID token. Times are Unix seconds."""

    client_id: str
    nonce: str = field(repr=False)
    needs_nonce: bool = True
    """Whether a token without a nonce is refused. One that it has is always checked."""
    subject: str | None = None
    """None: it is not known yet."""
    access_token: str | None = field(default=None, repr=False)
    issued_after: float
    """When the sign-in began: its token cannot have been issued earlier."""


def check_id_token(
    token: str, metadata: "ProviderMetadata", expected: Expected, *, now: float
) -> dict[str, Any]:
    """Return the checked claims. Raises IdTokenInvalid, or KeyUnknown if newer keys may help."""
    header, claims = verify_signature(token, metadata)
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise IdTokenInvalid("the header's `typ` is not that of an ID token")
    if "events" in claims:
        raise IdTokenInvalid("this is a logout token")
    check_claims(claims, metadata.issuer, expected, now=now)
    _check_access_token_hash(claims, header["alg"], expected.access_token)
    return claims


def expected_after_refresh(original: Mapping[str, Any], *, client_id: str, now: float) -> Expected:
    """Return what a refresh must repeat of the `original` claims (OIDC Core section 12.2)."""
    return Expected(
        client_id=client_id,
        subject=original["sub"],
        nonce=original.get("nonce", ""),
        needs_nonce=False,
        issued_after=min(_time(original, "iat"), now),
    )


def is_identifier(value: object) -> TypeIs[str]:
    """Return whether a value has the form of a `sub` or of an id in Logto (OIDC Core section 2)."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def verify_signature(
    token: str, metadata: "ProviderMetadata"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a compact JWS that one of the provider's keys signed."""
    header = _header(token)
    algorithm = header.get("alg")
    # Never `none`, and never an HMAC under a public key (RFC 8725 section 2.1).
    if not isinstance(algorithm, str) or not (algorithm in _CURVES or algorithm in _RSA):
        raise IdTokenInvalid("the algorithm is not an asymmetric signature")
    if algorithm not in metadata.algorithms:
        raise KeyUnknown("the provider does not announce the algorithm")
    payload = _verified_payload(token, algorithm, _key_for(header, algorithm, metadata))
    try:
        return header, parse_json_object(payload)
    except ValueError:
        raise IdTokenInvalid("the claims are not one JSON object") from None


def check_claims(claims: Mapping[str, Any], issuer: str, expected: Expected, *, now: float) -> None:
    """Check every ID token's claims. Raises IdTokenInvalid, which names the first invalid one."""
    if claims.get("iss") != issuer:
        raise IdTokenInvalid("`iss` is not the provider's issuer")
    subject = claims.get("sub")
    if not is_identifier(subject):
        raise IdTokenInvalid("`sub` is not a subject identifier")
    if expected.subject not in (None, subject):
        raise IdTokenInvalid("`sub` is not the user who signed in")
    audience = claims.get("aud")
    # Item 3: no audience besides this client is trusted.
    if audience != expected.client_id and audience != [expected.client_id]:
        raise IdTokenInvalid("`aud` is not this application alone")
    if "azp" in claims and claims["azp"] != expected.client_id:
        raise IdTokenInvalid("`azp` is not this application")
    check_lifetime(claims, now=now)
    if _time(claims, "iat") < expected.issued_after - CLOCK_SKEW_SECONDS:
        raise IdTokenInvalid("`iat` is before this sign-in began")
    if "nonce" not in claims and not expected.needs_nonce:
        return
    if not _equal(claims.get("nonce"), expected.nonce):
        raise IdTokenInvalid("`nonce` is not that of this sign-in")


def check_lifetime(claims: Mapping[str, Any], *, now: float) -> None:
    """Check `iat`, `exp` and `nbf` of any token from the provider. Raises IdTokenInvalid."""
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    if expires <= now - CLOCK_SKEW_SECONDS:
        raise IdTokenInvalid("`exp` has passed")
    if issued > now + CLOCK_SKEW_SECONDS:
        raise IdTokenInvalid("`iat` is in the future")
    if expires <= issued or expires - issued > MAX_LIFETIME_SECONDS:
        raise IdTokenInvalid("`exp` is not a plausible time after `iat`")
    if claims.get("nbf") is not None and _time(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
        raise IdTokenInvalid("`nbf` is in the future")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # This comparison is false for NaN, for an infinity, and for what `float` cannot hold.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise IdTokenInvalid(f"`{name}` is not a time")
    return float(value)


def _equal(given: object, expected: str) -> bool:
    """Compare a claim to the expected text in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _check_access_token_hash(
    claims: Mapping[str, Any], algorithm: str, access_token: str | None
) -> None:
    """Compare `at_hash`, if given, to the left half of the access token's hash (3.1.3.8)."""
    given = claims.get("at_hash")
    if given is None or access_token is None:
        return
    digest = _HASHES[algorithm[2:]](access_token.encode()).digest()
    expected = base64url.encode(digest[: len(digest) // 2])
    if not _equal(given, expected):
        raise IdTokenInvalid("`at_hash` is not that of the access token")


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_CHARACTERS or token.count(".") != 2:
        raise IdTokenInvalid("the token is not a compact JWS")
    try:
        header = parse_json_object(base64url.decode(token.partition(".")[0]))
    except ValueError:
        raise IdTokenInvalid("the header is not one JSON object") from None
    if any(name in header for name in _REFUSED_HEADERS):
        raise IdTokenInvalid("the header has a parameter that is not allowed")
    return header


def _key_for(
    header: Mapping[str, Any], algorithm: str, metadata: "ProviderMetadata"
) -> dict[str, Any]:
    """Return the key that the header's `kid` names; without one, the algorithm's only key."""
    suitable = [key for key in metadata.keys if _suits(key, algorithm)]
    key_id = header.get("kid")
    if key_id is not None:
        suitable = [key for key in suitable if key.get("kid") == key_id]
    if len(suitable) != 1:
        raise KeyUnknown("the provider has no key that matches the token")
    return suitable[0]


def _suits(key: Mapping[str, Any], algorithm: str) -> bool:
    if key.get("alg", algorithm) != algorithm:
        return False
    if algorithm in _CURVES:
        return key.get("kty") == "EC" and key.get("crv") == _CURVES[algorithm]
    return key.get("kty") == "RSA"


def _verified_payload(token: str, algorithm: str, key: dict[str, Any]) -> bytes:
    try:
        public: dict[str, Any] = {name: key[name] for name in _PUBLIC_MEMBERS if name in key}
        # `_suits` has matched algorithm and key, so a token cannot have its key used otherwise.
        jwk = jwt.PyJWK(public, algorithm=algorithm)
        payload: bytes = jwt.PyJWS().decode(token, jwk, algorithms=[algorithm])
    except jwt.PyJWTError:
        raise IdTokenInvalid("the signature is not the provider's") from None
    except (ValueError, TypeError):
        raise IdTokenInvalid("a key of the provider cannot be used") from None
    return payload
