"""Forge ID tokens."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from tests.hostile.provider import (
    ES384,
    EvilProvider,
)

Forgery = Callable[[EvilProvider, dict[str, Any]], str]


def encoded(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    return f"{encoded(header)}.{encoded(claims)}.{signature}"


def hmac_with(key: bytes, digest: str = "sha256") -> Forgery:
    def forge(provider: EvilProvider, claims: dict[str, Any]) -> str:
        algorithm = {"sha256": "HS256", "sha384": "HS384", "sha512": "HS512"}[digest]
        head = f"{encoded({'alg': algorithm, 'kid': 'es384'})}.{encoded(claims)}"
        return f"{head}.{encoded(hmac.new(key, head.encode(), digest).digest())}"

    return forge


def hand_signed(**header: Any) -> Forgery:
    """Sign with the provider's own key, under a header that a library would not make."""

    def forge(provider: EvilProvider, claims: dict[str, Any]) -> str:
        head = f"{encoded({'alg': 'ES384', 'kid': 'es384', **header})}.{encoded(claims)}"
        private = ES384.private_key
        assert private is not None
        r, s = decode_dss_signature(private.sign(head.encode(), ECDSA(SHA384())))
        token = f"{head}.{encoded(r.to_bytes(48) + s.to_bytes(48))}"
        provider.secrets.add(token)
        return token

    return forge


def tampered(part: int) -> Forgery:
    def forge(provider: EvilProvider, claims: dict[str, Any]) -> str:
        parts = provider.signed(claims).split(".")
        middle = len(parts[part]) // 2
        letter = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]
        return ".".join(parts)

    return forge
