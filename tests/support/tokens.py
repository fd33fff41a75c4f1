"""Signing keys and ID tokens for tests of their checks."""

from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from shared.oidc.id_token import Expected
from shared.oidc.provider import ProviderMetadata

ISSUER = "https://tenant.logto.app/oidc"
CLIENT_ID = "app"
NONCE = "the-nonce"
NOW = 1_800_000_000
"""The time at which these tokens are checked; seconds since 1970."""
ES384 = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})
RS256 = RSAKey.generate_key(2048, {"kid": "rs256", "use": "sig", "alg": "RS256"})


def known(*keys: Key, algorithms: tuple[str, ...] = ("ES384",)) -> ProviderMetadata:
    """Return the metadata of a provider with these keys."""
    return ProviderMetadata(
        document={
            "issuer": ISSUER,
            "id_token_signing_alg_values_supported": list(algorithms),
        },
        keys=tuple(key.as_dict(private=False) for key in keys or (ES384,)),
    )


def expected(**changes: Any) -> Expected:
    values: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "nonce": NONCE,
        "access_token": None,
        "issued_after": NOW - 60,
    }
    return Expected(**{**values, **changes})


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid ID token; None removes one."""
    values: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": CLIENT_ID,
        "iat": NOW,
        "exp": NOW + 3600,
        "nonce": NONCE,
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def signed(
    content: dict[str, Any], key: Key = ES384, *, header: dict[str, Any] | None = None
) -> str:
    """Sign claims, and return a compact JWS."""
    algorithm = str(key.alg or "ES384")
    full = {"alg": algorithm, "kid": key.kid, **(header or {})}
    full = {name: value for name, value in full.items() if value is not None}
    return jwt.encode(full, content, key, algorithms=[algorithm])
