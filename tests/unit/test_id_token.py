"""Checks of the ID token: each rule has a token that breaks only that rule."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from shared.errors import IdTokenInvalid
from shared.oidc.id_token import KeyUnknown, check_id_token
from shared.parsing import base64url
from tests.support.tokens import (
    CLIENT_ID,
    ES384,
    ISSUER,
    NOW,
    RS256,
    claims,
    expected,
    known,
    signed,
)

pytestmark = pytest.mark.invariant(6)


def check(token: str, **changes: Any) -> dict[str, Any]:
    provider = changes.pop("provider", known())
    return check_id_token(token, provider, expected(**changes), now=NOW)


@pytest.mark.parametrize(
    "content",
    [
        claims(),
        claims(aud=[CLIENT_ID]),
        claims(azp=CLIENT_ID),
        claims(exp=NOW - 20, iat=NOW - 50),
        claims(iat=NOW + 20),
        claims(nbf=NOW + 20),
        claims(exp=NOW + 3600.5),
    ],
    ids=["plain", "aud-list", "azp", "expired-20s", "iat-20s-ahead", "nbf-20s-ahead", "fraction"],
)
def test_token_with_valid_claims_is_accepted(content: dict[str, Any]) -> None:
    assert check(signed(content))["sub"] == "user-1"


def test_rs256_is_accepted_if_the_provider_announces_it() -> None:
    provider = known(ES384, RS256, algorithms=("ES384", "RS256"))
    assert check(signed(claims(), RS256), provider=provider)["sub"] == "user-1"


def test_token_without_kid_is_accepted_with_a_single_key() -> None:
    assert check(signed(claims(), header={"kid": None}))["sub"] == "user-1"


def test_token_without_kid_is_refused_with_two_keys_of_the_algorithm() -> None:
    other = ECKey.generate_key("P-384", {"kid": "other", "alg": "ES384"})
    with pytest.raises(KeyUnknown):
        check(signed(claims(), header={"kid": None}), provider=known(ES384, other))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example/oidc"}, {"iss": None}, {"iss": [ISSUER]},
        {"iss": ISSUER + "/"},
        {"aud": "other"}, {"aud": None}, {"aud": []}, {"aud": [CLIENT_ID, "other"]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}, {"aud": {"x": CLIENT_ID}}, {"aud": 1},
        {"azp": "other"}, {"azp": 7},
        {"sub": None}, {"sub": ""}, {"sub": 5}, {"sub": "x" * 256}, {"sub": "a\nb"}, {"sub": ["a"]},
        {"exp": None}, {"exp": NOW - 31}, {"exp": "soon"}, {"exp": True}, {"exp": 1e30},
        {"exp": NOW + 400 * 86_400}, {"exp": -1}, {"exp": NOW - 1, "iat": NOW},
        {"iat": None}, {"iat": NOW + 90}, {"iat": 0}, {"iat": str(NOW)}, {"iat": NOW - 300},
        {"nbf": NOW + 90}, {"nbf": "x"},
        {"nonce": None}, {"nonce": "another-tab"}, {"nonce": ["the-nonce"]}, {"nonce": ""},
        {"at_hash": "wrong"}, {"at_hash": 5},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ],
    ids=lambda changes: "-".join(f"{name}={str(value)[:20]}" for name, value in changes.items()),
)  # fmt: skip
def test_token_with_an_invalid_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenInvalid) as caught:
        check(signed(claims(**changes)), access_token="opaque")
    assert "user-1" not in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "EC"}},
        {"typ": "logout+jwt"},
        {"typ": "at+jwt"},
    ],
    ids=lambda header: next(iter(header)),
)
def test_token_with_a_forbidden_header_is_refused(header: dict[str, Any]) -> None:
    _, body, signature = signed(claims()).split(".")
    forged = base64url.encode(json.dumps({"alg": "ES384", "kid": "es384", **header}).encode())
    with pytest.raises(IdTokenInvalid):
        check(f"{forged}.{body}.{signature}")


def _unsigned(algorithm: str, key: bytes = b"") -> str:
    head = base64url.encode(json.dumps({"alg": algorithm, "kid": "es384"}).encode())
    body = base64url.encode(json.dumps(claims()).encode())
    signature = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest() if key else b""
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "ES384"])
def test_unsigned_token_is_refused(algorithm: str) -> None:
    with pytest.raises(IdTokenInvalid):
        check(_unsigned(algorithm))


@pytest.mark.parametrize("key", [b"app-secret", json.dumps(ES384.as_dict(private=False)).encode()])
def test_token_with_an_hmac_is_refused(key: bytes) -> None:
    with pytest.raises(IdTokenInvalid):
        check(_unsigned("HS256", key), provider=known(algorithms=("ES384", "HS256")))


def test_algorithm_that_is_not_announced_is_refused() -> None:
    with pytest.raises(KeyUnknown):
        check(signed(claims(), RS256), provider=known(ES384, RS256))


def test_another_key_under_the_same_kid_is_refused() -> None:
    forger = ECKey.generate_key("P-384", {"kid": "es384", "alg": "ES384"})
    with pytest.raises(IdTokenInvalid):
        check(signed(claims(), forger))


@pytest.mark.parametrize(
    "token",
    ["", "a.b", "a.b.c", "....", "é.é.é", "." * 200_000, "e30.e30.", "W10.e30.AA"],
    ids=["empty", "two", "three", "dots", "letters", "long", "no-alg", "header-list"],
)
def test_malformed_token_is_refused(token: str) -> None:
    with pytest.raises(IdTokenInvalid):
        check(token)


def test_at_hash_of_the_access_token_is_accepted() -> None:
    half = hashlib.sha384(b"opaque").digest()[:24]
    token = signed(claims(at_hash=base64url.encode(half)))
    assert check(token, access_token="opaque")["sub"] == "user-1"


def test_claim_named_twice_is_refused() -> None:
    head = base64url.encode(json.dumps({"alg": "ES384", "kid": "es384"}).encode())
    body = json.dumps(claims())[:-1] + ', "sub": "admin"}'
    key = ES384.private_key
    assert key is not None
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    signing_input = f"{head}.{base64url.encode(body.encode())}"
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ECDSA(hashes.SHA384())))
    signature = base64url.encode(r.to_bytes(48) + s.to_bytes(48))
    with pytest.raises(IdTokenInvalid, match="one JSON object"):
        check(f"{signing_input}.{signature}")
