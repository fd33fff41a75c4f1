"""Provider: ID tokens that must be refused, and unusual ones that must be accepted."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from tests.hostile.forged_tokens import Forgery, encoded, hand_signed, hmac_with, tampered, unsigned
from tests.hostile.provider import (
    DISCOVERY,
    ES384,
    KEYS,
    RS256,
    SUBJECT,
    TOKEN,
    EvilProvider,
    as_json,
)
from tests.hostile.scene import Scene

pytestmark = pytest.mark.invariant(6)


NOW = "now"
"""Stands for the time of the test in the tables below, as a tuple with an offset in seconds."""


def at(offset: float) -> tuple[str, float]:
    return (NOW, offset)


CLAIMS: dict[str, dict[str, Any]] = {
    "iss missing": {"iss": None},
    "iss of another provider": {"iss": "https://evil.test/oidc"},
    "iss with a slash at the end": {"iss": "{issuer}/"},
    "iss in capitals": {"iss": "{ISSUER}"},
    "iss a list": {"iss": ["{issuer}"]},
    "iss a number": {"iss": 1},
    "iss empty": {"iss": ""},
    "aud missing": {"aud": None},
    "aud of another client": {"aud": "other-app"},
    "aud empty": {"aud": ""},
    "aud an empty list": {"aud": []},
    "aud a list without us": {"aud": ["other-app"]},
    "aud several without azp": {"aud": ["local-app", "other-app"]},
    "aud several with our azp": {"aud": ["local-app", "other-app"], "azp": "local-app"},
    "aud several with another azp": {"aud": ["local-app", "other-app"], "azp": "other-app"},
    "aud us twice": {"aud": ["local-app", "local-app"]},
    "aud nested": {"aud": [["local-app"]]},
    "aud an object": {"aud": {"local-app": True}},
    "aud a number": {"aud": 1},
    "aud in capitals": {"aud": "LOCAL-APP"},
    "aud with a space": {"aud": "local-app "},
    "azp of another client": {"azp": "other-app"},
    "azp a list": {"azp": ["local-app"]},
    "azp empty": {"azp": ""},
    "sub missing": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 1},
    "sub true": {"sub": True},
    "sub a list": {"sub": [SUBJECT]},
    "sub too long": {"sub": "x" * 256},
    "sub with a line break": {"sub": "a\nb"},
    "sub with a NUL": {"sub": "a\x00b"},
    "sub not ASCII": {"sub": "usér"},
    "iat missing": {"iat": None},
    "iat text": {"iat": "1700000000"},
    "iat true": {"iat": True},
    "iat a list": {"iat": [1]},
    "iat zero": {"iat": 0},
    "iat negative": {"iat": -1},
    "iat absurd": {"iat": 1e30},
    "iat a minute ahead": {"iat": at(60)},
    "iat before this sign-in": {"iat": at(-120)},
    "exp missing": {"exp": None},
    "exp text": {"exp": "9999999999"},
    "exp true": {"exp": True},
    "exp zero": {"exp": 0},
    "exp negative": {"exp": -1},
    "exp absurd": {"exp": 1e30},
    "exp in ten years": {"exp": at(10 * 366 * 86_400)},
    "exp 35 s past": {"exp": at(-35), "iat": at(-36)},
    "exp before iat": {"exp": at(-10), "iat": at(0)},
    "nbf a minute ahead": {"nbf": at(60)},
    "nbf text": {"nbf": "0"},
    "nonce missing": {"nonce": None},
    "nonce empty": {"nonce": ""},
    "nonce another": {"nonce": "A" * 43},
    "nonce with more": {"nonce": "{nonce}x"},
    "nonce cut short": {"nonce": "{short}"},
    "nonce a list": {"nonce": ["{nonce}"]},
    "nonce a number": {"nonce": 1},
    "nonce in capitals": {"nonce": "{NONCE}"},
    "at_hash of another token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "at_hash a number": {"at_hash": 1},
    "at_hash empty": {"at_hash": ""},
    "events of a logout token": {
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}
    },
    "events of a logout token, no nonce": {
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "nonce": None,
        "jti": "x",
    },
}


def mutated(claims: dict[str, Any], changes: dict[str, Any], provider: EvilProvider) -> Any:
    """Return the claims with these changes; None removes one."""

    def value(given: Any) -> Any:
        if isinstance(given, tuple):
            return int(time.time() + given[1])
        if isinstance(given, str):
            words = {
                "{issuer}": provider.issuer,
                "{ISSUER}": provider.issuer.upper(),
                "{nonce}": claims["nonce"],
                "{NONCE}": claims["nonce"].swapcase(),
                "{short}": claims["nonce"][:-1],
            }
            for word, meaning in words.items():
                given = given.replace(word, meaning)
        return [value(item) for item in given] if isinstance(given, list) else given

    changed = {**claims, **{name: value(given) for name, given in changes.items()}}
    return {name: given for name, given in changed.items() if given is not None}


@pytest.mark.parametrize("name", CLAIMS)
def test_invalid_claim_is_refused(scene: Scene, name: str) -> None:
    def act(attempt: Any) -> Any:
        scene.provider.claims = lambda claims: mutated(claims, CLAIMS[name], scene.provider)
        return scene.finish(attempt)

    scene.rejected_over_a_live_session(act, token_requests=1)


def with_header(**header: Any) -> Forgery:
    return lambda provider, claims: provider.signed(claims, **header)


def signed_by(key: Key) -> Forgery:
    return lambda provider, claims: provider.signed(claims, key)


def resigned(payload: Callable[[dict[str, Any]], bytes]) -> Forgery:
    """Sign a payload that is not one JSON object with the provider's own key."""

    def forge(provider: EvilProvider, claims: dict[str, Any]) -> str:
        token = jws.serialize_compact(
            {"alg": "ES384", "kid": "es384"}, payload(claims), ES384, algorithms=["ES384"]
        )
        provider.secrets.add(token)
        return token

    return forge


def twice(name: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda claims: (json.dumps(claims)[:-1] + f', "{name}": "admin"}}').encode()


PEM = ES384.as_pem(private=False)
JWK = json.dumps(ES384.as_dict(private=False)).encode()
OTHER_EC = ECKey.generate_key("P-384", {"kid": "es384", "alg": "ES384"})
OTHER_CURVE = ECKey.generate_key("P-256", {"kid": "es384", "alg": "ES256"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "es384", "alg": "RS256"})
EVIL = "http://127.0.0.1:9/evil"

FORGERIES: dict[str, Forgery] = {
    "signature changed": tampered(2),
    "claims changed": tampered(1),
    "header changed": tampered(0),
    "signature missing": lambda p, c: p.signed(c).rsplit(".", 1)[0] + ".",
    "signature of zeros": lambda p, c: p.signed(c).rsplit(".", 1)[0] + "." + encoded(bytes(96)),
    "signature in DER": lambda p, c: p.signed(c).rsplit(".", 1)[0] + "." + encoded(b"0f" * 52),
    "alg none": lambda p, c: unsigned({"alg": "none"}, c),
    "alg None": lambda p, c: unsigned({"alg": "None"}, c),
    "alg nOnE with a signature": lambda p, c: unsigned({"alg": "nOnE"}, c, "AAAA"),
    "alg missing": lambda p, c: unsigned({"kid": "es384"}, c, "AAAA"),
    "alg empty": lambda p, c: unsigned({"alg": ""}, c, "AAAA"),
    "alg a list": lambda p, c: unsigned({"alg": ["ES384"]}, c, "AAAA"),
    "alg null": lambda p, c: unsigned({"alg": None}, c, "AAAA"),
    "HS256 with the client secret": hmac_with(b"local-app-secret"),
    "HS384 with the client secret": hmac_with(b"local-app-secret", "sha384"),
    "HS512 with the client secret": hmac_with(b"local-app-secret", "sha512"),
    "HS256 with the public key as PEM": hmac_with(PEM),
    "HS256 with the public key as JWK": hmac_with(JWK),
    "HS256 with an empty key": hmac_with(b""),
    "another key with the same kid": signed_by(OTHER_EC),
    "another curve with the same kid": signed_by(OTHER_CURVE),
    "RSA with the same kid": signed_by(OTHER_RSA),
    "RS256, which is not announced": signed_by(RS256),
    "a kid that is unknown": with_header(kid="unknown"),
    "a kid that is a path": with_header(kid="../../etc/passwd"),
    "a kid that is SQL": with_header(kid="' OR 1=1 --"),
    "a kid that is a number": lambda p, c: unsigned({"alg": "ES384", "kid": 1}, c, "AAAA"),
    "crit": hand_signed(crit=["exp"], exp=1),
    "crit empty": hand_signed(crit=[]),
    "b64 false": hand_signed(b64=False),
    "zip": hand_signed(zip="DEF"),
    "jku": hand_signed(jku=EVIL),
    "x5u": hand_signed(x5u=EVIL),
    "x5c": hand_signed(x5c=["AAAA"]),
    "jwk, signed by the provider": hand_signed(jwk={"kty": "EC"}),
    "alg and typ that differ": hand_signed(typ="logout+jwt"),
    "jwk in the header": lambda p, c: p.signed(
        c, OTHER_EC, jwk=OTHER_EC.as_dict(private=False), kid=None
    ),
    "typ of an access token": with_header(typ="at+jwt"),
    "typ of a logout token": with_header(typ="logout+jwt"),
    "claims a list": resigned(lambda claims: json.dumps([claims]).encode()),
    "claims text": resigned(lambda claims: b'"claims"'),
    "claims null": resigned(lambda claims: b"null"),
    "claims not JSON": resigned(lambda claims: b"{"),
    "claims empty": resigned(lambda claims: b""),
    "claims not UTF-8": resigned(lambda claims: b'{"sub": "\xff"}'),
    "claims with NaN": resigned(lambda c: json.dumps({**c, "exp": float("nan")}).encode()),
    "claims with infinity": resigned(lambda c: json.dumps({**c, "exp": float("inf")}).encode()),
    "sub twice": resigned(twice("sub")),
    "nonce twice": resigned(twice("nonce")),
    "claims nested without end": resigned(lambda c: b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "no token": lambda p, c: "",
    "text": lambda p, c: "this is not a token",
    "two parts": lambda p, c: p.signed(c).rsplit(".", 1)[0],
    "five parts, as encrypted ones have": lambda p, c: p.signed(c) + ".AAAA.AAAA",
    "padding": lambda p, c: p.signed(c) + "==",
    "a space before": lambda p, c: " " + p.signed(c),
    "a line break within": lambda p, c: p.signed(c).replace(".", ".\n", 1),
    "larger than the limit": lambda p, c: p.signed({**c, "name": "x" * 120_000}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_is_refused(scene: Scene, name: str) -> None:
    def act(attempt: Any) -> Any:
        scene.provider.id_token = lambda claims: FORGERIES[name](scene.provider, claims)
        return scene.finish(attempt)

    if name in (
        "no token",
        "text",
        "a space before",
        "a line break within",
        "larger than the limit",
    ):
        browser = scene.signed_in()
        scene.provider.requests.clear()
        reply = act(scene.begin(browser))
        assert 400 <= reply.status < 504  # without any token, the provider misbehaves
        scene.clean(reply, 1)
        assert scene.who(browser) == SUBJECT
    else:
        scene.rejected_over_a_live_session(act, token_requests=1)
    # Nothing that a header names is fetched, and an unknown key causes at most one refetch.
    assert {path for _, path in scene.provider.requests} <= {TOKEN, KEYS, DISCOVERY}
    assert scene.provider.count(KEYS) <= 1


def test_token_of_another_tab_is_refused(scene: Scene) -> None:
    """Of two attempts in one browser, the nonce of one is not valid for the other."""
    browser = scene.browser()
    one, other = scene.begin(browser), scene.begin(browser)
    reply = scene.finish(one, code=scene.provider.code_for(other.nonce))
    scene.refused(reply, token_requests=1)
    assert scene.who(browser) is None
    assert scene.finish(other).status == 302


def test_token_response_of_an_earlier_sign_in_is_refused(scene: Scene) -> None:
    """A whole token response is replayed into another attempt."""
    responses: list[dict[str, Any]] = []

    def replay(answer: dict[str, Any]) -> dict[str, Any]:
        responses.append(answer)
        return responses[0]

    scene.provider.token_response = replay
    browser = scene.signed_in()
    scene.refused(scene.finish(scene.begin(browser)), token_requests=2)
    assert scene.who(browser) == SUBJECT


def test_token_that_expired_while_the_user_was_away_is_refused(scene: Scene) -> None:
    attempt = scene.begin()
    scene.process.clock.ahead = 600
    scene.provider.claims = lambda claims: {**claims, "exp": claims["iat"] + 60}
    scene.refused(scene.finish(attempt), token_requests=1)


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: {key: value for key, value in answer.items() if key != name}


ACCEPTED: dict[str, dict[str, Any]] = {
    "plain": {},
    "aud a list of us alone": {"aud": ["local-app"]},
    "azp us": {"azp": "local-app"},
    "exp 20 s past": {"exp": at(-20), "iat": at(-25)},
    "iat 20 s ahead": {"iat": at(20)},
    "nbf 20 s ahead": {"nbf": at(20)},
    "email null": {"email": None},
    "name a number": {"name": 5},
    "roles null": {"roles": None},
    "a claim that is unknown": {"https://claims.test/x": {"deep": [1, 2, {"y": None}]}},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_unusual_claims_are_accepted(scene: Scene, name: str) -> None:
    scene.provider.claims = lambda claims: mutated(claims, ACCEPTED[name], scene.provider)
    attempt = scene.begin()
    assert scene.finish(attempt).status == 302
    assert scene.who(attempt.browser) == SUBJECT


@pytest.mark.parametrize("kind", ["bearer", "BEARER", "bEaReR"])
def test_token_type_in_any_case_is_accepted(scene: Scene, kind: str) -> None:
    scene.provider.token_response = lambda answer: {**answer, "token_type": kind}
    assert scene.finish(scene.begin()).status == 302


@pytest.mark.parametrize("expires_in", [None, 0, 30, -1, 1e30, "3600", True, [], 59.5])
def test_any_expires_in_is_accepted(scene: Scene, expires_in: Any) -> None:
    scene.provider.token_response = lambda answer: {**answer, "expires_in": expires_in}
    attempt = scene.begin()
    assert scene.finish(attempt).status == 302
    assert scene.who(attempt.browser) == SUBJECT


def test_token_response_without_expires_in_and_refresh_token_is_accepted(scene: Scene) -> None:
    scene.provider.token_response = lambda a: without("refresh_token")(without("expires_in")(a))
    assert scene.finish(scene.begin()).status == 302


def test_signature_made_by_hand_is_accepted(scene: Scene) -> None:
    scene.provider.id_token = lambda claims: hand_signed(typ="JWT")(scene.provider, claims)
    assert scene.finish(scene.begin()).status == 302


def test_published_key_of_an_algorithm_that_is_not_announced_is_refused(scene: Scene) -> None:
    scene.provider.keys = [RS256, ES384]
    scene.provider.id_token = lambda claims: scene.provider.signed(claims, RS256)
    scene.refused(scene.finish(scene.begin()), token_requests=1)


def test_rs256_is_accepted_if_announced(scene: Scene) -> None:
    scene.provider.keys, scene.provider.algorithms = [RS256], ["RS256"]
    assert scene.finish(scene.begin()).status == 302


def test_token_without_kid_is_accepted_if_there_is_one_key(scene: Scene) -> None:
    scene.provider.id_token = lambda claims: scene.provider.signed(claims, kid=None)
    assert scene.finish(scene.begin()).status == 302


def test_token_without_kid_is_refused_if_there_are_two_keys(scene: Scene) -> None:
    second = ECKey.generate_key("P-384", {"kid": "second", "use": "sig", "alg": "ES384"})
    scene.provider.keys = [ES384, second]
    scene.provider.id_token = lambda claims: scene.provider.signed(claims, kid=None)
    scene.refused(scene.finish(scene.begin()), token_requests=1)


def test_symmetric_key_in_the_key_set_is_never_used(scene: Scene) -> None:
    secret = OctKey.import_key("local-app-secret")
    scene.provider.responders[KEYS] = lambda _: as_json(
        {
            "keys": [
                ES384.as_dict(private=False),
                {**secret.as_dict(private=True), "kid": "oct", "alg": "HS256"},
            ]
        }
    )
    scene.provider.algorithms = ["ES384", "HS256"]
    scene.provider.id_token = lambda claims: hmac_with(b"local-app-secret")(scene.provider, claims)
    scene.refused(scene.finish(scene.begin()), token_requests=1)
