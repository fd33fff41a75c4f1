"""Provider: keys, discovery and the token endpoint that fail, lie, drip or flood."""

import gzip
import json
import resource
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from joserfc.jwk import ECKey

from shared.errors import CONFIGURATION_ERRORS, ProviderMisbehaved
from shared.limits import Limits
from shared.oidc.provider import check_metadata
from tests.hostile.forged_tokens import hand_signed
from tests.hostile.provider import (
    DISCOVERY,
    ES384,
    KEYS,
    REVOCATION,
    RS256,
    SUBJECT,
    TOKEN,
    Answer,
    EvilProvider,
    as_json,
    evil_provider,
)
from tests.hostile.scene import Scene
from tests.hostile.waiting import STALL, STALLED_SECONDS, cases

MEGABYTE = 1024 * 1024
FRESH_SECONDS = int(Limits().metadata_fresh_seconds)
STALE_SECONDS = int(Limits().metadata_stale_seconds)
NOISE: dict[str, Answer] = {
    "500": Answer(status=500),
    "503 with a page": Answer(status=503, body=b"<h1>Down</h1>"),
    "429": Answer(status=429, headers={"retry-after": "60"}),
    "404": Answer(status=404),
    "204": Answer(status=204),
    "206": Answer(status=206, body=b"{}"),
    "a reset": Answer(reset=True),
    "slow": Answer(body=b"{}", pause=STALL),
    "drip": Answer(body=b'{"keys": []}', drip=STALLED_SECONDS / 4),
    "100 MB": Answer(endless=100 * MEGABYTE),
    "HTML": Answer(body=b"<html>sign in to the wifi</html>"),
    "a list": Answer(body=b"[]"),
    "null": Answer(body=b"null"),
    "text": Answer(body=b'"text"'),
    "nothing": Answer(),
    "an empty object": Answer(body=b"{}"),
    "cut short": Answer(body=b'{"keys": [', promised=1000),
    "not UTF-8": Answer(body=b'{"a": "\xff"}'),
    "nested without end": Answer(body=b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "a member twice": Answer(body=b'{"issuer": "a", "issuer": "b"}'),
    "compressed": Answer(body=gzip.compress(b"{}"), headers={"content-encoding": "gzip"}),
    "a bomb": Answer(
        body=gzip.compress(b"x" * 20 * MEGABYTE), headers={"content-encoding": "gzip"}
    ),
    "301": Answer(status=301, headers={"location": "/elsewhere"}),
    "302": Answer(status=302, headers={"location": "/elsewhere"}),
    "307": Answer(status=307, headers={"location": "/elsewhere"}),
    "308": Answer(status=308, headers={"location": "/elsewhere"}),
}


OUTAGES = ("500", "503 with a page", "429", "a reset", "slow", "drip")
"""Failures that pass: the page asks the user to try again in a moment."""


def peak_memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.invariant(11)
@pytest.mark.parametrize("where", [DISCOVERY, KEYS])
@pytest.mark.parametrize("name", cases(NOISE))
def test_sign_in_is_unavailable_if_a_document_fails_at_a_cold_start(
    scene: Scene, where: str, name: str
) -> None:
    scene.provider.responders[where] = lambda _: NOISE[name]
    before = peak_memory()
    browser = scene.browser()
    reply = browser.get("/sign-in")
    scene.unavailable(reply)
    if name in OUTAGES:
        assert reply.status == 503
        assert reply.headers["retry-after"]
    assert peak_memory() - before < 60 * MEGABYTE
    assert browser.get("/").status == 200
    del scene.provider.responders[where]
    scene.begin(browser)  # the failure is not cached


@pytest.mark.parametrize("where", [DISCOVERY, KEYS])
@pytest.mark.parametrize("name", cases(["500", "a reset", "slow", "100 MB", "HTML", "302", "404"]))
def test_cache_serves_a_warm_process_for_a_day_if_a_document_fails(
    scene: Scene, where: str, name: str
) -> None:
    """The cache serves while the provider does not answer, for a day and no longer."""
    scene.signed_in()
    scene.provider.responders[where] = lambda _: NOISE[name]
    scene.process.clock.ahead = FRESH_SECONDS + 1
    scene.provider.claims = lambda claims: {
        **claims,
        "iat": claims["iat"] + FRESH_SECONDS,
        "exp": claims["exp"] + FRESH_SECONDS,
    }
    assert scene.finish(scene.begin()).status == 302
    scene.process.clock.ahead = STALE_SECONDS + 60
    scene.unavailable(scene.browser().get("/sign-in"))


@pytest.mark.parametrize("where", [DISCOVERY, KEYS])
@pytest.mark.limits(metadata_renewal_seconds=0.2)
def test_cache_serves_if_a_document_takes_its_time(scene: Scene, where: str) -> None:
    """A renewal has less time than a request: the cache serves, and is not renewed for a while."""
    scene.signed_in()
    scene.provider.clock = scene.process.clock
    scene.provider.requests.clear()
    scene.provider.responders[where] = lambda _: Answer(pause=STALL)
    scene.process.clock.ahead = FRESH_SECONDS + 1
    for _ in range(3):
        assert scene.finish(scene.begin()).status == 302
    assert scene.provider.count(where) == 1


@pytest.mark.limits(metadata_seconds=0.2)
def test_sign_in_is_unavailable_if_documents_take_too_long_at_a_cold_start(scene: Scene) -> None:
    scene.provider.responders[KEYS] = lambda _: Answer(pause=STALL)
    reply = scene.browser().get("/sign-in")
    scene.unavailable(reply)
    assert reply.headers["retry-after"]


HALVES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "organizations": lambda claims: {**claims, "organizations": ["\ud800"]},
    "sid": lambda claims: {**claims, "sid": "\udfff"},
    "name": lambda claims: {**claims, "name": "a\ud800b"},
}


@pytest.mark.parametrize("name", HALVES)
def test_half_a_character_in_a_claim_is_refused(scene: Scene, name: str) -> None:
    scene.provider.id_token = lambda claims: hand_signed()(scene.provider, claims)
    scene.provider.claims = HALVES[name]
    scene.refused(scene.finish(scene.begin()), token_requests=1)


def test_half_a_character_in_the_token_response_is_refused(scene: Scene) -> None:
    scene.provider.token_response = lambda answer: {**answer, "scope": "openid \ud800"}
    scene.unavailable(scene.finish(scene.begin()), token_requests=1)


def test_both_halves_of_a_character_are_accepted(scene: Scene) -> None:
    scene.provider.claims = lambda claims: {**claims, "name": "Ada \U0001f600"}
    assert scene.finish(scene.begin()).status == 302


METADATA: dict[str, dict[str, Any]] = {
    "issuer of another provider": {"issuer": "https://evil.test/oidc"},
    "issuer with a slash": {"issuer": "{issuer}/"},
    "issuer without /oidc": {"issuer": "{url}"},
    "issuer missing": {"issuer": None},
    "issuer a list": {"issuer": ["{issuer}"]},
    "token endpoint elsewhere": {"token_endpoint": "https://evil.test/token"},
    "token endpoint on another port": {"token_endpoint": "http://127.0.0.1:9/token"},
    "token endpoint by user name": {"token_endpoint": "{url}@evil.test/token"},
    "token endpoint missing": {"token_endpoint": None},
    "token endpoint a number": {"token_endpoint": 5},
    "keys elsewhere": {"jwks_uri": "https://evil.test/jwks"},
    "keys in a file": {"jwks_uri": "file:///etc/passwd"},
    "authorization endpoint elsewhere": {"authorization_endpoint": "https://evil.test/auth"},
    "authorization endpoint with a query": {"authorization_endpoint": "{issuer}/auth?a=b"},
    "authorization endpoint with a fragment": {"authorization_endpoint": "{issuer}/auth#a"},
    "authorization endpoint over two lines": {"authorization_endpoint": "{issuer}/au\r\nth"},
    "authorization endpoint not ASCII": {"authorization_endpoint": "{issuer}/\u2603"},
    "authorization endpoint a script": {"authorization_endpoint": "javascript:alert(1)"},
    "userinfo elsewhere": {"userinfo_endpoint": "http://evil.test/me"},
    "end of session elsewhere": {"end_session_endpoint": "https://evil.test/end"},
    "revocation elsewhere": {"revocation_endpoint": "https://evil.test/revoke"},
    "algorithms missing": {"id_token_signing_alg_values_supported": None},
    "algorithms a word": {"id_token_signing_alg_values_supported": "ES384"},
    "algorithms numbers": {"id_token_signing_alg_values_supported": [1]},
}


@pytest.mark.parametrize("name", METADATA)
def test_discovery_document_that_lies_is_refused(scene: Scene, name: str) -> None:
    def lie(document: dict[str, Any]) -> dict[str, Any]:
        words = {"{issuer}": scene.provider.issuer, "{url}": scene.provider.url}

        def value(given: Any) -> Any:
            if isinstance(given, str):
                for word, meaning in words.items():
                    given = given.replace(word, meaning)
            return [value(item) for item in given] if isinstance(given, list) else given

        changed = {**document, **{key: value(given) for key, given in METADATA[name].items()}}
        return {key: given for key, given in changed.items() if given is not None}

    scene.provider.metadata = lie
    scene.unavailable(scene.browser().get("/sign-in"), token_requests=0)


@pytest.mark.invariant(11)
def test_http_endpoint_of_an_https_provider_is_refused() -> None:
    """Only loopback may be plain: every endpoint has the origin of LOGTO_ENDPOINT."""
    endpoint = "https://tenant.logto.app"
    names = ("authorization", "token", "userinfo")
    document = {
        "issuer": f"{endpoint}/oidc",
        "jwks_uri": f"{endpoint}/oidc/jwks",
        "id_token_signing_alg_values_supported": ["ES384"],
        **{f"{name}_endpoint": f"{endpoint}/oidc/{name}" for name in names},
    }
    check_metadata(document, endpoint=endpoint)
    for name in names:
        plain = {**document, f"{name}_endpoint": f"http://tenant.logto.app/oidc/{name}"}
        with pytest.raises(ProviderMisbehaved, match=name):
            check_metadata(plain, endpoint=endpoint)


@pytest.mark.invariant(6)
def test_keys_rotated_between_two_sign_ins_are_fetched_once(scene: Scene) -> None:
    scene.signed_in()
    scene.provider.keys = [
        ECKey.generate_key("P-384", {"kid": "new", "use": "sig", "alg": "ES384"})
    ]
    scene.provider.requests.clear()
    scene.signed_in()
    assert scene.provider.count(KEYS) == 1


def test_keys_rotated_in_quick_succession_are_accepted(scene: Scene) -> None:
    """A key is accepted at once, even if the keys were refetched a moment before."""
    for number in range(3):
        key = ECKey.generate_key("P-384", {"kid": f"k{number}", "use": "sig", "alg": "ES384"})
        scene.provider.keys = [key]
        scene.signed_in()


def test_algorithm_changed_in_a_warm_process_is_accepted(scene: Scene) -> None:
    scene.signed_in()
    scene.provider.keys, scene.provider.algorithms = [RS256], ["RS256"]
    scene.signed_in()


@pytest.mark.invariant(6)
def test_hundred_unknown_keys_cause_few_fetches_and_break_no_sign_in(scene: Scene) -> None:
    scene.signed_in()
    scene.provider.requests.clear()
    for number in range(100):
        scene.provider.id_token = partial(scene.provider.signed, kid=f"unknown-{number}")
        scene.refused(scene.finish(scene.begin()))
    assert scene.provider.count(KEYS) <= Limits().key_refetches + 1
    scene.provider.id_token = scene.provider.signed
    scene.signed_in()


@pytest.mark.invariant(6)
def test_removed_key_is_not_trusted_after_the_renewal(scene: Scene) -> None:
    scene.signed_in()
    stolen = ES384
    scene.provider.keys = [
        ECKey.generate_key("P-384", {"kid": "new", "use": "sig", "alg": "ES384"})
    ]
    ahead = FRESH_SECONDS + 1
    scene.process.clock.ahead = ahead

    def forged(claims: dict[str, Any]) -> str:
        later = {**claims, "iat": claims["iat"] + ahead, "exp": claims["exp"] + ahead}
        return scene.provider.signed(later, stolen)

    scene.provider.id_token = forged
    scene.refused(scene.finish(scene.begin()), token_requests=2)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "EC", "crv": "P-384", "kid": "es384", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-384", "kid": "es384", "x": 1, "y": 2},
        {"kty": "EC", "crv": "P-384", "kid": "es384"},
        {"kty": "RSA", "kid": "es384", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "es384", "k": "c2VjcmV0"},
        {"kid": "es384"},
        {**ES384.as_dict(private=False), "use": "enc"},
        {**ES384.as_dict(private=False), "alg": "ES256"},
        "es384",
    ],
)
def test_key_that_cannot_be_used_is_refused(scene: Scene, key: object) -> None:
    scene.provider.responders[KEYS] = lambda _: as_json({"keys": [key]})
    reply = scene.browser().get("/sign-in")
    if reply.status == 302:
        scene.refused(scene.finish(scene.begin()))
    else:
        scene.unavailable(reply)


Tokens = Callable[[EvilProvider, dict[str, str]], Answer]


def broken(**changes: Any) -> Tokens:
    """Return a token response with these members, and without those that are None."""

    def respond(provider: EvilProvider, form: dict[str, str]) -> Answer:
        answer = {**provider.good_tokens(form), **changes}
        return as_json({key: value for key, value in answer.items() if value is not None})

    return respond


def always(answer: Answer) -> Tokens:
    return lambda provider, form: answer


def canary_error(status: int, **body: Any) -> Tokens:
    def respond(provider: EvilProvider, form: dict[str, str]) -> Answer:
        return as_json({**body, "error_description": provider.canary("description")}, status=status)

    return respond


TOKEN_ANSWERS: dict[str, Tokens] = {
    **{name: always(answer) for name, answer in NOISE.items()},
    "50 MB": lambda p, f: Answer(endless=50 * MEGABYTE),
    "cut in the middle": lambda p, f: Answer(
        body=json.dumps(p.good_tokens(f)).encode()[:200], promised=4000
    ),
    "good tokens, too late": lambda p, f: as_json(p.good_tokens(f), pause=STALL),
    "good tokens in 300 KB": lambda p, f: Answer(
        body=json.dumps(p.good_tokens(f)).encode() + b" " * 300_000
    ),
    "good tokens, compressed": lambda p, f: Answer(
        body=gzip.compress(json.dumps(p.good_tokens(f)).encode()),
        headers={"content-encoding": "gzip"},
    ),
    "good tokens, said to be compressed": lambda p, f: Answer(
        body=json.dumps(p.good_tokens(f)).encode(), headers={"content-encoding": "br"}
    ),
    "good tokens with status 500": lambda p, f: as_json(p.good_tokens(f), status=500),
    "good tokens with status 400": lambda p, f: as_json(p.good_tokens(f), status=400),
    "good tokens with status 201": lambda p, f: as_json(p.good_tokens(f), status=201),
    "id_token missing": broken(id_token=None),
    "id_token a number": broken(id_token=5),
    "id_token a list": broken(id_token=["a.b.c"]),
    "access_token missing": broken(access_token=None),
    "access_token a number": broken(access_token=5),
    "access_token empty": broken(access_token=""),
    "access_token with a line break": broken(access_token="a\r\nb"),
    "refresh_token a number": broken(refresh_token=5),
    "token_type missing": broken(token_type=None),
    "token_type mac": broken(token_type="mac"),
    "token_type DPoP": broken(token_type="DPoP"),
    "invalid_grant": canary_error(400, error="invalid_grant"),
    "invalid_request": canary_error(400, error="invalid_request"),
    "invalid_client": canary_error(401, error="invalid_client"),
    **{
        name: canary_error(400, error=name)
        for name in CONFIGURATION_ERRORS
        if name != "invalid_client"
    },
    "an error that is HTML": canary_error(400, error="<script>alert(1)</script>"),
    "an error that is a list": canary_error(400, error=["invalid_grant"]),
    "an error with status 200": canary_error(200, error="invalid_grant"),
}


@pytest.mark.invariant(11)
@pytest.mark.parametrize("name", cases(TOKEN_ANSWERS))
def test_failing_token_response_leaves_the_session(scene: Scene, name: str) -> None:
    """The code is redeemed once, no partial session is made, and the previous session stays."""
    browser = scene.signed_in()
    session = browser.jar["__Host-session"]
    attempt = scene.begin(browser)
    scene.provider.requests.clear()
    scene.provider.responders[TOKEN] = lambda form: TOKEN_ANSWERS[name](scene.provider, form)
    reply = scene.finish(attempt)
    assert reply.status in (400, 502, 503)
    scene.clean(reply, 1)
    assert [path for _, path in scene.provider.requests] == [TOKEN]
    assert browser.jar["__Host-session"] == session
    assert scene.who(browser) == SUBJECT
    del scene.provider.responders[TOKEN]
    assert scene.finish(scene.begin(browser)).status == 302


@pytest.mark.parametrize("error", CONFIGURATION_ERRORS)
def test_configuration_error_of_the_token_endpoint_is_a_problem(scene: Scene, error: str) -> None:
    scene.provider.responders[TOKEN] = lambda form: as_json({"error": error}, status=400)
    reply = scene.finish(scene.begin())
    scene.unavailable(reply, token_requests=1)
    assert "This sign-in is not set up correctly" in reply.body
    assert "/sign-in" not in reply.body
    reason = "client_refused" if error == "invalid_client" else "configuration_refused"
    lines = [json.loads(line) for line in scene.printed().splitlines() if line.startswith("{")]
    assert [line["reason"] for line in lines if "Problems" in line] == [reason]


@pytest.mark.invariant(11)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_client_secret_is_not_sent_to_the_target_of_a_redirect(scene: Scene, status: int) -> None:
    with evil_provider() as thief:
        scene.provider.responders[TOKEN] = lambda _: Answer(
            status=status, headers={"location": f"{thief.url}{TOKEN}"}
        )
        scene.unavailable(scene.finish(scene.begin()), token_requests=1)
        assert thief.requests == []


@pytest.mark.parametrize("name", cases(["500", "a reset", "slow", "100 MB", "302", "HTML", "429"]))
def test_sign_out_succeeds_if_the_revocation_fails(scene: Scene, name: str) -> None:
    browser = scene.signed_in()
    scene.provider.responders[REVOCATION] = lambda _: NOISE[name]
    out = browser.get("/sign-out", {"sec-fetch-site": "same-origin", "accept": "text/html"})
    assert out.status == 303
    assert out.location.startswith(f"{scene.provider.issuer}/session/end?")
    assert scene.provider.count(REVOCATION) == 1
    # The hint that Logto gets is an ID token: it goes to Logto, and nowhere else.
    assert scene.who(browser) is None
