"""Logout from outside: logout tokens that end what they name, and those that must end nothing."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from functions.auth.new_session import CODE_SECONDS
from harness.functions import started_notifications
from harness.product import DOMAIN, started_process
from harness.tables import dump, raw_bytes
from shared.revocation import end_subject
from tests.hostile.faults import KINDS, Faults
from tests.hostile.forged_tokens import encoded, hand_signed, hmac_with, tampered, unsigned
from tests.hostile.leaving import (
    ALL,
    EVENT,
    FORM,
    MALLORY,
    OTHER,
    Leaving,
    as_base64,
    as_text,
    leaving,
)
from tests.hostile.provider import DISCOVERY, ES384, KEYS, RS256, TOKEN, Answer, EvilProvider
from tests.hostile.scene import Scene, Witnessed
from tests.hostile.waiting import STALL, cases
from tests.support.rows import put_session

pytestmark = pytest.mark.invariant(13)

MANY = 500
REFUSED = 400


@pytest.fixture
def stage(scene: Scene) -> Iterator[Leaving]:
    with leaving(scene) as started:
        assert started.alive() == ALL
        yield started


NAMED: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "sid alone": ({"sub": None}, ALL - {"first"}),
    "sub alone": ({"sid": None}, frozenset({"other"})),
    "both": ({}, ALL - {"first"}),
    "a sid of another subject": ({"sub": OTHER}, ALL),
    "an unknown sid": ({"sid": "nobody-has-this"}, ALL),
    "an unknown sid alone": ({"sid": "nobody-has-this", "sub": None}, ALL),
    "an unknown sub": ({"sid": None, "sub": "nobody-is-this"}, ALL),
    "the sid in capitals": ({"sid": "CANARY-SID-6669727374"}, ALL),
    "a sid that is a sub": ({"sid": MALLORY, "sub": None}, ALL),
    "aud in a list": ({"aud": ["local-app"]}, ALL - {"first"}),
    "more claims": ({"auth_time": 1, "toe": [1], "https://x.test/": {"a": None}}, ALL - {"first"}),
    "another event beside it": ({"events": {EVENT: {}, "urn:x": {}}}, ALL - {"first"}),
    "an event with members": ({"events": {EVENT: {"reason": "x"}}}, ALL - {"first"}),
}


@pytest.mark.parametrize("name", NAMED)
def test_token_ends_the_sessions_that_it_names(stage: Leaving, name: str) -> None:
    changes, left = NAMED[name]
    assert stage.log_out(stage.token(**changes)) == 200
    assert stage.alive() == left


HEADERS: dict[str, dict[str, Any]] = {
    "typ in capitals": {"typ": "LOGOUT+JWT"},
    "typ in mixed letters": {"typ": "Logout+Jwt"},
    "the full media type": {"typ": "application/logout+jwt"},
    "the media type in capitals": {"typ": "Application/Logout+JWT"},
    "no kid with one key": {"kid": None},
    "a content type": {"cty": "json"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_token_with_unusual_headers_is_accepted(stage: Leaving, name: str) -> None:
    assert stage.log_out(stage.sign(stage.claims(), **HEADERS[name])) == 200
    assert stage.alive() == ALL - {"first"}


@pytest.mark.parametrize(("iat", "exp"), [(0, 120), (-140, -20), (25, 145), (-300, 60), (0.5, 9.5)])
def test_token_with_unusual_times_is_accepted(stage: Leaving, iat: float, exp: float) -> None:
    now = int(stage.scene.process.clock())
    assert stage.log_out(stage.token(iat=now + iat, exp=now + exp)) == 200
    assert stage.alive() == ALL - {"first"}


def test_token_that_is_signed_with_rs256_is_accepted(scene: Scene) -> None:
    scene.provider.keys = [ES384, RS256]
    scene.provider.algorithms = ["ES384", "RS256"]
    with leaving(scene) as stage:
        assert stage.log_out(stage.sign(stage.claims(), RS256)) == 200
        assert stage.alive() == ALL - {"first"}
        assert stage.log_out(stage.token(sid=stage.sid("second"))) == 200
        assert stage.alive() == {"other"}


Post = Callable[[Leaving, str], int]
POSTS: dict[str, Post] = {
    "as text": lambda stage, token: stage.post("", **as_text({"logout_token": token})),
    "as base64": lambda stage, token: stage.post("", **as_base64({"logout_token": token})),
    "more parameters": lambda stage, token: stage.post({"a": "1", "logout_token": token, "b": ""}),
    "a charset": lambda stage, token: stage.post(
        {"logout_token": token}, kind=f"{FORM}; charset=utf-8"
    ),
    "the type in capitals": lambda stage, token: stage.post(
        {"logout_token": token}, kind=FORM.upper()
    ),
    "ampersands around it": lambda stage, token: stage.post(f"&logout_token={token}&"),
    "a token percent-encoded": lambda stage, token: stage.post(
        "logout_token=" + "".join(f"%{ord(letter):02x}" for letter in token)
    ),
    "a cookie beside it": lambda stage, token: stage.post(
        {"logout_token": token}, cookies=["__Host-session=x"]
    ),
}


@pytest.mark.parametrize("name", POSTS)
def test_posts_of_unusual_form_are_accepted(stage: Leaving, name: str) -> None:
    assert POSTS[name](stage, stage.token(sid=None)) == 200
    assert stage.alive() == {"other"}


MISSING = ("iss", "aud", "iat", "exp", "jti", "events")
CLAIMS: dict[str, dict[str, Any]] = {
    **{f"{name} missing": {name: None} for name in MISSING},
    "iss of another provider": {"iss": "https://evil.test/oidc"},
    "iss a list": {"iss": ["https://evil.test/oidc"]},
    "aud of another client": {"aud": "another-app"},
    "aud empty": {"aud": []},
    "aud with another one": {"aud": ["local-app", "another-app"]},
    "aud nested": {"aud": [["local-app"]]},
    "aud an object": {"aud": {"local-app": True}},
    "nonce": {"nonce": "the-nonce"},
    "nonce empty": {"nonce": ""},
    "nonce false": {"nonce": False},
    "events empty": {"events": {}},
    "events a list": {"events": [EVENT]},
    "events text": {"events": EVENT},
    "events of another kind": {"events": {f"{EVENT}2": {}}},
    "events in capitals": {"events": {EVENT.upper(): {}}},
    "events with text for a member": {"events": {EVENT: "x"}},
    "events with null for a member": {"events": {EVENT: 0}},
    "events with a list for a member": {"events": {EVENT: []}},
    "events with true for a member": {"events": {EVENT: True}},
    "iat text": {"iat": "1700000000"},
    "iat true": {"iat": True},
    "iat zero": {"iat": 0},
    "iat negative": {"iat": -1},
    "iat absurd": {"iat": 1e30},
    "iat a list": {"iat": [1]},
    "exp text": {"exp": "9999999999"},
    "exp zero": {"exp": 0},
    "exp absurd": {"exp": 1e30},
    "jti empty": {"jti": ""},
    "jti a number": {"jti": 7},
    "jti a list": {"jti": ["x"]},
    "jti endless": {"jti": "x" * 256},
    "jti with a line break": {"jti": "a\nb"},
    "neither sub nor sid": {"sub": None, "sid": None},
    "sub a number": {"sub": 7},
    "sub a number alone": {"sub": 7, "sid": None},
    "sub a list": {"sub": [MALLORY], "sid": None},
    "sub an object": {"sub": {"id": MALLORY}, "sid": None},
    "sub empty": {"sub": "", "sid": None},
    "sub true": {"sub": True, "sid": None},
    "sub endless": {"sub": "x" * 256, "sid": None},
    "sid a number": {"sid": 7},
    "sid a list": {"sid": ["x"], "sub": None},
    "sid empty": {"sid": "", "sub": None},
    "sid empty beside a sub": {"sid": ""},
    "sid false": {"sid": False},
    "sid with a blank": {"sid": "a b"},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_token_with_invalid_claims_ends_nothing(stage: Leaving, name: str) -> None:
    assert stage.log_out(stage.token(**CLAIMS[name])) == REFUSED
    assert stage.alive() == ALL


TIMES = {
    "iat a minute ahead": (60, 180),
    "iat a day ahead": (86_400, 86_520),
    "iat six minutes ago": (-360, 60),
    "iat a day ago": (-86_400, 60),
    "expired": (-200, -80),
    "expired a second too long": (-60, -31),
    "exp before iat": (0, -10),
    "exp at iat": (0, 0),
    "exp in ten years": (0, 3660 * 86_400),
}


@pytest.mark.parametrize("name", TIMES)
def test_token_with_invalid_times_ends_nothing(stage: Leaving, name: str) -> None:
    now = int(stage.scene.process.clock())
    iat, exp = TIMES[name]
    assert stage.log_out(stage.token(iat=now + iat, exp=now + exp)) == REFUSED
    assert stage.alive() == ALL


def test_null_nonce_is_refused_like_any_other(stage: Leaving) -> None:
    """`nonce` must be absent, whatever its value."""
    claims = {**stage.claims(), "nonce": None}
    assert stage.log_out(stage.sign(claims)) == REFUSED
    assert stage.alive() == ALL


Forgery = Callable[[EvilProvider, dict[str, Any]], str]
STRANGE_EC = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})
STRANGE_KID = ECKey.generate_key("P-384", {"kid": "strange", "use": "sig", "alg": "ES384"})
STRANGE_RSA = RSAKey.generate_key(2048, {"kid": "rs256", "use": "sig", "alg": "RS256"})
PUBLIC = ES384.as_pem(private=False)
HEAD = {"alg": "ES384", "kid": "es384", "typ": "logout+jwt"}


def with_key(key: Any) -> Callable[[Leaving, dict[str, Any]], str]:
    return lambda stage, claims: stage.sign(claims, key)


def with_header(**header: Any) -> Callable[[Leaving, dict[str, Any]], str]:
    return lambda stage, claims: stage.sign(claims, **header)


def by_hand(forge: Forgery) -> Callable[[Leaving, dict[str, Any]], str]:
    return lambda stage, claims: forge(stage.scene.provider, claims)


def altered(part: int) -> Callable[[Leaving, dict[str, Any]], str]:
    def forge(stage: Leaving, claims: dict[str, Any]) -> str:
        parts = stage.sign(claims).split(".")
        middle = len(parts[part]) // 2
        letter = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]
        return ".".join(parts)

    return forge


FORGERIES: dict[str, Callable[[Leaving, dict[str, Any]], str]] = {
    "signature altered": altered(2),
    "claims altered": altered(1),
    "header altered": altered(0),
    "signature missing": lambda stage, claims: stage.sign(claims).rpartition(".")[0] + ".",
    "signature of another token": lambda stage, claims: (
        stage.sign(claims).rpartition(".")[0] + "." + stage.token().rpartition(".")[2]
    ),
    "another key under the same kid": with_key(STRANGE_EC),
    "a key that nobody knows": with_key(STRANGE_KID),
    "an algorithm that is not announced": with_key(STRANGE_RSA),
    "none": lambda stage, claims: unsigned({**HEAD, "alg": "none"}, claims),
    "none in capitals": lambda stage, claims: unsigned({**HEAD, "alg": "NONE"}, claims),
    "none with a signature": lambda stage, claims: unsigned(
        {**HEAD, "alg": "none"}, claims, encoded(b"x" * 96)
    ),
    "HMAC with the application's secret": by_hand(hmac_with(b"local-app-secret")),
    "HMAC with the public key": by_hand(hmac_with(PUBLIC, "sha384")),
    "typ of an ID token": with_header(typ="JWT"),
    "typ of an access token": with_header(typ="at+jwt"),
    "typ missing": with_header(typ=None),
    "typ empty": with_header(typ=""),
    "typ a list": by_hand(hand_signed(typ=["logout+jwt"])),
    "typ with a blank": with_header(typ="logout+jwt "),
    "crit": by_hand(hand_signed(typ="logout+jwt", crit=["exp"])),
    "jku": by_hand(hand_signed(typ="logout+jwt", jku="https://evil.test/jwks")),
    "jwk": by_hand(hand_signed(typ="logout+jwt", jwk=STRANGE_EC.as_dict(private=False))),
    "claims twice": lambda stage, claims: stage.sign(claims).replace(".", "..", 1),
    "five parts": lambda stage, claims: stage.sign(claims) + ".x.y",
    "no token": lambda stage, claims: "x",
    "nothing": lambda stage, claims: "",
    "blanks around it": lambda stage, claims: f" {stage.sign(claims)} ",
    "an ID token": lambda stage, claims: stage.scene.provider.signed(
        {**stage.scene.provider.good_claims("n"), "sid": stage.sid("first")}
    ),
    "an ID token tampered with": by_hand(tampered(1)),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_ends_nothing(stage: Leaving, name: str) -> None:
    token = FORGERIES[name](stage, stage.claims(sid=None))
    assert stage.log_out(token) == REFUSED
    assert stage.alive() == ALL
    asked = {path for _, path in stage.scene.provider.requests}
    assert asked <= {DISCOVERY, KEYS}


BAD_POSTS: dict[str, Post] = {
    "GET": lambda stage, token: stage.post({"logout_token": token}, method="GET"),
    "HEAD": lambda stage, token: stage.post({"logout_token": token}, method="HEAD"),
    "PUT": lambda stage, token: stage.post({"logout_token": token}, method="PUT"),
    "GET with a query": lambda stage, token: stage.post(
        "", method="GET", rawQueryString=f"logout_token={token}"
    ),
    "POST with a query": lambda stage, token: stage.post(
        "", rawQueryString=f"logout_token={token}"
    ),
    "JSON": lambda stage, token: stage.post(
        f'{{"logout_token": "{token}"}}', kind="application/json"
    ),
    "a form that says JSON": lambda stage, token: stage.post(
        {"logout_token": token}, kind="application/json"
    ),
    "plain text": lambda stage, token: stage.post({"logout_token": token}, kind="text/plain"),
    "no type": lambda stage, token: stage.post({"logout_token": token}, kind=None),
    "the token alone": lambda stage, token: stage.post(token),
    "two tokens": lambda stage, token: stage.post(f"logout_token={token}&logout_token={token}"),
    "two tokens, one spelled otherwise": lambda stage, token: stage.post(
        f"logout_token={token}&logout%5Ftoken={token}"
    ),
    "an array": lambda stage, token: stage.post({"logout_token[]": token}),
    "another name": lambda stage, token: stage.post({"Logout_Token": token}),
    "1 MB": lambda stage, token: stage.post({"logout_token": token, "x": "x" * 1_000_000}),
    "1 MB token": lambda stage, token: stage.post({"logout_token": token + "x" * 1_000_000}),
    "5,000 parameters": lambda stage, token: stage.post(f"logout_token={token}" + "&a=1" * 5000),
    "empty": lambda stage, token: stage.post(""),
    "no body": lambda stage, token: stage.post("", body=None, isBase64Encoded=False),
    "a body that is not text": lambda stage, token: stage.post("", body=[token]),
    "bad base64": lambda stage, token: stage.post("", body="%%%", isBase64Encoded=True),
    "base64 cut short": lambda stage, token: stage.post(
        "",
        body=base64.b64encode(f"logout_token={token}".encode()).decode()[:-3],
        isBase64Encoded=True,
    ),
    "a form that says base64": lambda stage, token: stage.post(
        "", body=f"logout_token={token}", isBase64Encoded=True
    ),
    "no text": lambda stage, token: stage.post("logout_token=%ff%fe"),
    "a NUL": lambda stage, token: stage.post(f"logout_token={token}%00"),
}


@pytest.mark.parametrize("name", BAD_POSTS)
def test_malformed_posts_end_nothing(stage: Leaving, name: str) -> None:
    assert BAD_POSTS[name](stage, stage.token(sid=None)) == REFUSED
    assert stage.alive() == ALL


@pytest.mark.parametrize("path", ["/", "/backchannel-logout/", "/Backchannel-Logout", "/sign-out"])
def test_other_path_is_not_found(stage: Leaving, path: str) -> None:
    assert stage.post({"logout_token": stage.token(sid=None)}, path=path) == 404
    assert stage.alive() == ALL


def test_event_of_any_shape_ends_nothing(stage: Leaving) -> None:
    for event in ({}, {"requestContext": None}, {"headers": [], "body": 7, "rawPath": 7}):
        assert stage.send(event) == 200  # it is not a request, so nothing is refused
        assert stage.send({**event, "requestContext": {"http": {}}}) == 404
    assert stage.alive() == ALL


def test_replayed_token_is_refused(stage: Leaving) -> None:
    """It ends nothing, and no session that has begun since."""
    token = stage.token(sid=None)
    assert stage.log_out(token) == 200
    stage.sign_in("first")
    assert stage.log_out(token) == REFUSED
    assert stage.alive() == {"first", "other"}


def test_replayed_jti_in_another_token_is_refused(stage: Leaving) -> None:
    assert stage.log_out(stage.token(jti="once", sub=OTHER, sid=None)) == 200
    assert stage.log_out(stage.token(jti="once", sid=None)) == REFUSED
    assert stage.alive() == ALL - {"other"}


def test_replay_is_remembered_longer_than_a_token_lives(stage: Leaving) -> None:
    claims = stage.claims(sub="nobody", sid=None, exp=int(stage.scene.process.clock()) + 3000)
    token = stage.sign(claims)
    assert stage.log_out(token) == 200
    rows = dump(stage.scene.process.client, stage.scene.process.table_name)
    (guard,) = [row for row in rows if str(row["pk"]).find("replay#") >= 0]
    lapses = int(guard["expires_at"]["N"])  # type: ignore[index]
    assert lapses > stage.scene.process.clock() + 360  # what `iat` may be old, and more
    for ahead in (100, 250):
        stage.scene.process.clock.ahead = ahead
        assert stage.log_out(token) == REFUSED


def test_refused_token_uses_up_no_jti(stage: Leaving) -> None:
    assert stage.log_out(stage.token(jti="mine", aud="another-app")) == REFUSED
    assert stage.log_out(stage.token(jti="mine")) == 200
    assert stage.alive() == ALL - {"first"}


def test_sub_alone_spares_what_began_after_it(stage: Leaving) -> None:
    """A late logout ends only sessions that began before its `iat`."""
    earlier = int(stage.scene.process.clock()) + 1
    stage.scene.process.clock.ahead = 20
    stage.scene.provider.clock = stage.scene.process.clock
    stage.sign_in("later")
    assert stage.log_out(stage.token(sid=None, iat=earlier)) == 200
    assert stage.alive() == {"other", "later"}


def test_sign_in_right_after_a_logout_succeeds(stage: Leaving) -> None:
    """In the same second, and after a logout of the subject alone."""
    assert stage.log_out(stage.token(sid=None)) == 200
    stage.sign_in("first")
    assert stage.alive() == {"first", "other"}


def test_five_hundred_sessions_of_one_user_are_ended(stage: Leaving) -> None:
    for _ in range(MANY):
        put_session(stage.scene.process.services, MALLORY)
    assert sessions(stage) == MANY + 3
    assert stage.log_out(stage.token(sid=None)) == 200
    assert stage.alive() == {"other"}
    assert sessions(stage) == 1


def sessions(stage: Leaving) -> int:
    rows = dump(stage.scene.process.client, stage.scene.process.table_name)
    return sum("seen_at" in row for row in rows)


NAMES = {"sub alone": {"sid": None}, "sid alone": {"sub": None}, "both": {}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("named", NAMES)
def test_table_failing_from_any_call_on_is_an_error_that_a_repetition_repairs(
    stage: Leaving, named: str, kind: str
) -> None:
    """The repetition may be the same token or another one."""
    faults = Faults(stage.scene.process.client)
    for call in range(1, 20):
        one, two = f"one at {call}", f"two at {call}"  # a session at Logto that has ended is over
        stage.sign_in(one)
        stage.sign_in(two)
        changes = {"sid": stage.sid(one), **NAMES[named]}
        token = stage.token(**changes)
        faults.arm(kind, lambda sent, at=call: sent >= at)  # type: ignore[misc]
        status = stage.log_out(token)
        reached = faults.sent >= call
        faults.disarm()
        if not reached:
            assert status == 200
            assert call > 4
            return
        assert status == 503
        if call % 2:  # refused where all was done, and the note of it too, and its answer got lost
            assert stage.log_out(token) in (200, REFUSED)
        else:
            assert stage.log_out(stage.token(**changes)) == 200
        assert one not in stage.alive()
        assert (two in stage.alive()) == (named != "sub alone")
        assert "other" in stage.alive()
    pytest.fail("the calls have no end")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", range(1, 9))
def test_one_failing_call_is_retried_or_repaired_by_a_repetition(
    stage: Leaving, kind: str, call: int
) -> None:
    """The second attempt of the call succeeds, or the same token when it is sent again."""
    faults = Faults(stage.scene.process.client)
    token = stage.token(sid=None)
    faults.arm(kind, lambda sent: sent == call)
    status = stage.log_out(token)
    faults.disarm()
    if status != 200:
        assert status == 503
        assert stage.log_out(token) == 200
    assert stage.alive() == {"other"}


def test_batch_that_is_never_done_is_an_error(
    stage: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB may report unprocessed items in a successful response."""
    client = stage.scene.process.client
    real = client.batch_write_item

    def lazy(RequestItems: Any) -> Any:
        answer = real(RequestItems={n: items[1:] or items for n, items in RequestItems.items()})
        return {**answer, "UnprocessedItems": RequestItems}

    monkeypatch.setattr(client, "batch_write_item", lazy)
    token = stage.token(sid=None)
    assert stage.log_out(token) == 503
    monkeypatch.undo()
    assert stage.log_out(token) == 200
    assert stage.alive() == {"other"}


@pytest.mark.parametrize("named", NAMES)
def test_logout_between_exchange_and_commit_cancels_the_sign_in(stage: Leaving, named: str) -> None:
    """The sign-in ends in a page, and its grant is revoked."""
    attempt = stage.scene.begin()
    provider = stage.scene.provider

    def meanwhile(form: dict[str, str]) -> Answer:
        provider.responders.clear()
        answer = provider.tokens(form)
        assert stage.log_out(stage.token(**NAMES[named])) == 200
        return answer

    provider.responders[TOKEN] = meanwhile
    provider.requests.clear()
    browser = stage.finish(attempt, "first")
    reply = browser.replies[-1]
    assert reply.status == 401
    assert reply.set_cookies == ()
    assert provider.count("/oidc/token/revocation") == 1
    stage.people["first"] = browser
    assert "first" not in stage.alive()
    stage.sign_in("afterwards")
    assert "afterwards" in stage.alive()


@pytest.mark.parametrize("named", NAMES)
def test_logout_while_the_user_is_at_the_provider_cancels_the_sign_in(
    stage: Leaving, named: str
) -> None:
    """The user may have authenticated before the logout, so the pending sign-in is cancelled: even if
    the provider's clock, which has whole seconds, reaches the next second in between."""
    scene = stage.scene
    scene.provider.clock = scene.process.clock
    scene.process.clock.ahead += 0.8 - scene.process.clock() % 1
    attempt = scene.begin()
    assert stage.log_out(stage.token(**NAMES[named])) == 200
    scene.process.clock.ahead += 0.3
    assert stage.finish(attempt, "first").replies[-1].status == 401
    stage.sign_in("afterwards")
    assert "afterwards" in stage.alive()


def test_logout_longer_ago_than_a_code_lives_cancels_nothing(stage: Leaving) -> None:
    """A code that is still valid belongs to a sign-in after the logout."""
    attempt = stage.scene.begin()
    clock = stage.scene.process.clock
    stage.scene.provider.clock = clock
    assert stage.log_out(stage.token(sid=None)) == 200
    clock.ahead += CODE_SECONDS + 2
    stage.people["third"] = stage.finish(attempt, "third")
    assert stage.alive() == {"third", "other"}


LONGER = {
    "SESSION_ABSOLUTE_SECONDS": str(30 * 86_400),
    "SESSION_IDLE_SECONDS": str(7 * 86_400),
}


@pytest.mark.parametrize("named", NAMES)
def test_sessions_from_before_a_longer_lifetime_are_ended(stage: Leaving, named: str) -> None:
    """Earlier sessions keep their lifetime, and are found until its end."""
    scene = stage.scene
    before = scene.process.services.settings
    with (
        started_process(
            scene.provider.url, table_name=scene.process.table_name, settings=LONGER
        ) as process,
        started_notifications(process) as notifications,
    ):
        longer = Leaving(replace(scene, process=process), notifications)
        longer.people = {
            name: Witnessed(process.handler, domain=DOMAIN, jar=dict(browser.jar))
            for name, browser in stage.people.items()
        }
        scene.provider.clock = process.clock
        process.clock.ahead = before.session_absolute_seconds - 60
        assert longer.alive() == ALL
        assert longer.log_out(longer.token(**NAMES[named])) == 200
        assert "first" not in longer.alive()
        assert "other" in longer.alive()
        process.clock.ahead += 120
        assert longer.alive() == frozenset()


def test_logouts_of_other_users_cancel_no_sign_in(stage: Leaving) -> None:
    """One logout names another user; one names this session at Logto under another user."""
    attempt = stage.scene.begin()
    provider = stage.scene.provider

    def meanwhile(form: dict[str, str]) -> Answer:
        provider.responders.clear()
        answer = provider.tokens(form)
        assert stage.log_out(stage.token(sub=OTHER, sid=None)) == 200
        assert stage.log_out(stage.token(sub=OTHER)) == 200
        return answer

    provider.responders[TOKEN] = meanwhile
    stage.people["third"] = stage.finish(attempt, "first")
    assert stage.alive() == {"first", "second", "third"}


@pytest.mark.parametrize("first", [{}, {"sub": None}], ids=["in their own name", "in any name"])
def test_later_logout_takes_no_earlier_one_back(stage: Leaving, first: dict[str, Any]) -> None:
    """A session at Logto stays ended, even if a later token names another user for it."""
    attempt = stage.scene.begin()
    provider = stage.scene.provider

    def meanwhile(form: dict[str, str]) -> Answer:
        provider.responders.clear()
        answer = provider.tokens(form)
        assert stage.log_out(stage.token(**first)) == 200
        assert stage.log_out(stage.token(sub=OTHER)) == 200
        return answer

    provider.responders[TOKEN] = meanwhile
    assert stage.finish(attempt, "first").replies[-1].status == 401


def test_earlier_revocation_hides_no_later_one(stage: Leaving) -> None:
    """An operator's revocation reaches half a minute ahead. A logout within that time still cancels
    a sign-in that redeemed its code between the two."""
    now = int(stage.scene.process.clock())
    end_subject(MALLORY, until=now + 30, services=stage.scene.process.services)
    stage.scene.process.clock.ahead += 2
    attempt = stage.scene.begin()
    provider = stage.scene.provider

    def meanwhile(form: dict[str, str]) -> Answer:
        provider.responders.clear()
        answer = provider.tokens(form)
        stage.scene.process.clock.ahead += 2
        assert stage.log_out(stage.token(sid=None)) == 200
        return answer

    provider.responders[TOKEN] = meanwhile
    assert stage.finish(attempt, "first").replies[-1].status == 401


def test_token_by_a_rotated_key_is_accepted_and_by_the_old_one_refused(stage: Leaving) -> None:
    newer = ECKey.generate_key("P-384", {"kid": "newer", "use": "sig", "alg": "ES384"})
    assert stage.log_out(stage.token(sid=stage.sid("second"))) == 200
    stage.scene.provider.keys = [newer]
    assert stage.log_out(stage.token()) == 200
    assert stage.alive() == {"other"}
    assert stage.scene.provider.count(KEYS) == 2
    stage.scene.process.clock.ahead += 1
    old = stage.sign(stage.claims(sub=OTHER, sid=None), ES384)
    assert stage.log_out(old) == REFUSED  # the key is no longer the provider's
    assert stage.alive() == {"other"}


def test_hundred_unknown_keys_cause_few_refetches_and_no_refusal_of_a_good_token(
    stage: Leaving,
) -> None:
    """A token is refused if the keys were refetched for it.

    Without a refetch left it cannot be checked, so the answer is 503.
    """
    answers = []
    for number in range(100):
        token = stage.sign(stage.claims(), STRANGE_KID, kid=f"strange-{number}")
        answers.append(stage.log_out(token))
    allowed = stage.scene.limits.key_refetches
    assert answers[:allowed] == [REFUSED] * allowed
    assert answers.count(503) > 90
    assert set(answers) == {REFUSED, 503}
    assert stage.scene.provider.count(KEYS) <= 7
    assert stage.alive() == ALL
    assert stage.log_out(stage.token()) == 200


def test_token_by_a_rotated_key_is_accepted_later_if_refetches_are_spent(stage: Leaving) -> None:
    """A flood follows a rotation: a genuine token gets 503, and is accepted later."""
    clock = stage.scene.process.clock
    assert stage.log_out(stage.token(sid=stage.sid("second"))) == 200
    for number in range(20):
        stage.log_out(stage.sign(stage.claims(), STRANGE_KID, kid=f"strange-{number}"))
    newer = ECKey.generate_key("P-384", {"kid": "newer", "use": "sig", "alg": "ES384"})
    stage.scene.provider.keys = [newer]
    token = stage.token()
    assert stage.log_out(token) == 503
    assert stage.alive() == ALL - {"second"}
    clock.ahead += stage.scene.limits.key_refetch_seconds
    assert stage.log_out(token) == 200
    assert stage.alive() == {"other"}


OUTAGES: dict[str, Answer] = {
    "500": Answer(status=500),
    "429": Answer(status=429),
    "404": Answer(status=404),
    "reset": Answer(reset=True),
    "slow": Answer(pause=STALL),
    "HTML": Answer(body=b"<html>"),
    "no keys": Answer(body=b'{"keys": []}'),
}


@pytest.mark.parametrize("where", [DISCOVERY, KEYS])
@pytest.mark.parametrize("kind", cases(OUTAGES))
def test_token_is_accepted_later_if_keys_are_unreachable(
    stage: Leaving, kind: str, where: str
) -> None:
    """The token cannot be checked, so the answer is an error."""
    stage.scene.provider.responders[where] = lambda form: OUTAGES[kind]
    token = stage.token()
    assert stage.log_out(token) in (502, 503)
    assert stage.alive() == ALL
    stage.scene.provider.responders.clear()
    assert stage.log_out(token) == 200
    assert stage.alive() == ALL - {"first"}


@pytest.mark.parametrize("kind", cases(OUTAGES))
def test_token_is_accepted_later_if_new_keys_are_unreachable(stage: Leaving, kind: str) -> None:
    """A warm process cannot fetch the key of a token that it does not know."""
    assert stage.log_out(stage.token(sid=stage.sid("second"))) == 200
    newer = ECKey.generate_key("P-384", {"kid": "newer", "use": "sig", "alg": "ES384"})
    stage.scene.provider.keys = [newer]
    stage.scene.provider.responders[KEYS] = lambda form: OUTAGES[kind]
    token = stage.token()
    assert stage.log_out(token) in (502, 503)
    stage.scene.provider.responders.clear()
    assert stage.log_out(token) == 200
    assert stage.alive() == {"other"}


def test_table_contains_no_name_of_a_token(stage: Leaving) -> None:
    token = stage.token()
    assert stage.log_out(token) == 200
    stored = raw_bytes(stage.scene.process.client, stage.scene.process.table_name)
    for secret in (MALLORY, OTHER, *(s for s in stage.scene.provider.secrets if "-" in s)):
        assert secret.encode() not in stored
