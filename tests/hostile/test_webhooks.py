"""Logout from outside: webhooks that end a user's sessions, and those that must end nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from functions.notifications.application import make_handler
from harness.functions import SIGNING_KEY, Notifications, started_services
from harness.tables import dump
from shared.clock import CLOCK_SKEW_SECONDS, Deadline
from shared.oidc.client_secret import StoredSecret
from tests.hostile.faults import KINDS, Faults
from tests.hostile.leaving import ALL, MALLORY, OTHER, Leaving, leaving
from tests.hostile.provider import TOKEN, Answer
from tests.hostile.scene import Scene
from tests.hostile.webhook import DELETED, HEADER, moment, posted, signature, suspension, tell

pytestmark = pytest.mark.invariant(13)

REFUSED = 400


@pytest.fixture
def stage(scene: Scene) -> Iterator[Leaving]:
    scene.provider.secrets.add(SIGNING_KEY)
    with leaving(scene) as started:
        yield started


ENDS: dict[str, dict[str, Any]] = {
    "suspended": {},
    "deleted": {"event": DELETED, "data": {"id": MALLORY}},
    "deleted, with more": {"event": DELETED, "data": {"id": MALLORY, "isSuspended": False}},
    "more members": {"extra": [1, {"a": None}], "ip": "192.0.2.1"},
    "no params": {"params": None},
    "an offset": {"createdAt": "{+02:00}"},
    "microseconds": {"createdAt": "{us}"},
}


@pytest.mark.parametrize("name", ENDS)
def test_suspension_or_deletion_ends_the_users_sessions(stage: Leaving, name: str) -> None:
    message = suspension(stage, **ENDS[name])
    now = datetime.fromtimestamp(stage.scene.process.clock() + 1, UTC)
    if message["createdAt"] == "{us}":
        message["createdAt"] = now.isoformat()
    if message["createdAt"] == "{+02:00}":
        message["createdAt"] = now.astimezone(timezone(timedelta(hours=2))).isoformat()
    assert tell(stage, message) == 200
    assert stage.alive() == {"other"}


IGNORED: dict[str, dict[str, Any]] = {
    "suspension lifted": {"data": {"id": MALLORY, "isSuspended": False}},
    "user created": {"event": "User.Created"},
    "user updated": {"event": "User.Data.Updated"},
    "sign-in": {"event": "PostSignIn", "createdAt": None, "data": None},
    "role deleted": {"event": "Role.Deleted", "data": {"id": MALLORY}},
    "a user's name in lower case": {"event": "user.deleted"},
    "no event": {"event": None},
    "an event that is not text": {"event": 7},
    "an event that is a list": {"event": [DELETED]},
    "an unknown user": {"data": {"id": "nobody-is-this", "isSuspended": True}},
    "an unknown user deleted": {"event": DELETED, "data": {"id": "nobody-is-this"}},
    "a session at Logto": {"event": DELETED, "data": {"id": "{sid}"}},
}


@pytest.mark.parametrize("name", IGNORED)
def test_other_event_is_acknowledged_and_ends_nothing(stage: Leaving, name: str) -> None:
    changes = json.loads(json.dumps(IGNORED[name]).replace("{sid}", stage.sid("first")))
    assert tell(stage, suspension(stage, **changes)) == 200
    assert stage.alive() == ALL


MALFORMED: dict[str, dict[str, Any]] = {
    "createdAt missing": {"createdAt": None},
    "createdAt empty": {"createdAt": ""},
    "createdAt a number": {"createdAt": 1_800_000_000},
    "createdAt a list": {"createdAt": ["2026-01-01T00:00:00Z"]},
    "createdAt without a zone": {"createdAt": "2026-01-01T00:00:00"},
    "createdAt a word": {"createdAt": "yesterday"},
    "createdAt in month 13": {"createdAt": "2026-13-01T00:00:00Z"},
    "createdAt in the year 10000": {"createdAt": "10000-01-01T00:00:00Z"},
    "data missing": {"data": None},
    "data a list": {"data": [MALLORY]},
    "data text": {"data": MALLORY},
    "no id": {"data": {"isSuspended": True}},
    "id a number": {"data": {"id": 7, "isSuspended": True}},
    "id a list": {"data": {"id": [MALLORY], "isSuspended": True}},
    "id empty": {"data": {"id": "", "isSuspended": True}},
    "id endless": {"data": {"id": "x" * 256, "isSuspended": True}},
    "id with a NUL": {"data": {"id": f"{MALLORY}\x00", "isSuspended": True}},
    "isSuspended missing": {"data": {"id": MALLORY}},
    "isSuspended text": {"data": {"id": MALLORY, "isSuspended": "true"}},
    "isSuspended a number": {"data": {"id": MALLORY, "isSuspended": 1}},
    "deleted without an id": {"event": DELETED, "data": {}},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_signed_but_malformed_message_is_refused(stage: Leaving, name: str) -> None:
    assert tell(stage, suspension(stage, **MALFORMED[name])) == REFUSED
    assert stage.alive() == ALL


BODIES: dict[str, Callable[[str], str]] = {
    "cut short": lambda body: body[:-1],
    "two values": lambda body: body + body,
    "a list": lambda body: f"[{body}]",
    "text": lambda body: json.dumps(body),
    "null": lambda body: "null",
    "NaN": lambda body: body[:-1] + ', "x": NaN}',
    "a member twice": lambda body: body[:-1] + f', "event": "{DELETED}"}}',
    "a member of the data twice": lambda body: body.replace('{"id"', '{"id": "x", "id"'),
    "nested without end": lambda body: '{"a":' * 30_000,
    "a form": lambda body: "event=User.Deleted",
    "not JSON": lambda body: "<html>",
}


@pytest.mark.parametrize("name", BODIES)
def test_signed_body_that_is_not_json_is_refused(stage: Leaving, name: str) -> None:
    assert tell(stage, BODIES[name](json.dumps(suspension(stage)))) == REFUSED
    assert stage.alive() == ALL


SIGNATURES: dict[str, Callable[[bytes], dict[str, str]]] = {
    "missing": lambda body: {},
    "empty": lambda body: {HEADER: ""},
    "of another key": lambda body: {HEADER: signature(body, "another-key")},
    "of an empty key": lambda body: {HEADER: signature(body, "")},
    "of the application's secret": lambda body: {HEADER: signature(body, "local-app-secret")},
    "of another body": lambda body: {HEADER: signature(body + b" ")},
    "of nothing": lambda body: {HEADER: signature(b"")},
    "cut short": lambda body: {HEADER: signature(body)[:-1]},
    "half": lambda body: {HEADER: signature(body)[:32]},
    "with more": lambda body: {HEADER: signature(body) + "0"},
    "with a blank": lambda body: {HEADER: signature(body) + " "},
    "with a line break": lambda body: {HEADER: signature(body) + "\n"},
    "one digit off": lambda body: {
        HEADER: ("1" if signature(body)[0] == "0" else "0") + signature(body)[1:]
    },
    "twice": lambda body: {HEADER: f"{signature(body)},{signature(body)}"},
    "a wrong one before it": lambda body: {HEADER: f"{'0' * 64},{signature(body)}"},
    "with its algorithm": lambda body: {HEADER: f"sha256={signature(body)}"},
    "as base64": lambda body: {HEADER: base64.b64encode(bytes.fromhex(signature(body))).decode()},
    "SHA-1": lambda body: {HEADER: hmac.new(SIGNING_KEY.encode(), body, "sha1").hexdigest()},
    "a hash without a key": lambda body: {HEADER: hashlib.sha256(body).hexdigest()},
    "under another name": lambda body: {"logto-signature": signature(body)},
    "in other digits": lambda body: {HEADER: "\u0660" * 64},
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_wrong_signature_is_refused(stage: Leaving, name: str) -> None:
    body = json.dumps(suspension(stage)).encode()
    assert stage.send(posted(body, SIGNATURES[name](body))) == REFUSED
    assert stage.alive() == ALL


def test_signature_in_capitals_is_accepted(stage: Leaving) -> None:
    body = json.dumps(suspension(stage)).encode()
    assert stage.send(posted(body, {HEADER: signature(body).upper()})) == 200
    assert stage.alive() == {"other"}


@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 1.0])
def test_body_altered_by_one_byte_is_refused(stage: Leaving, part: float) -> None:
    body = json.dumps(suspension(stage)).encode()
    place = int(part * (len(body) - 1))
    altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    assert stage.send(posted(altered, {HEADER: signature(body)})) == REFUSED
    assert stage.alive() == ALL


EVENTS: dict[str, dict[str, Any]] = {
    "GET": {"method": "GET"},
    "PUT": {"method": "PUT"},
    "no body": {"body": None},
    "empty": {"body": ""},
    "a body that is not text": {"body": {"event": DELETED}},
    "bad base64": {"body": "%%%", "isBase64Encoded": True},
    "1 MB": {"body": " " * 1_000_000},
}


@pytest.mark.parametrize("name", EVENTS)
def test_malformed_events_are_refused(stage: Leaving, name: str) -> None:
    changes = dict(EVENTS[name])
    method = changes.pop("method", "POST")
    given = changes.get("body")
    body = given.encode() if isinstance(given, str) else json.dumps(suspension(stage)).encode()
    event = {**posted(body, {HEADER: signature(body)}, method), **changes}
    assert stage.send(event) == REFUSED
    assert stage.alive() == ALL


def test_body_in_base64_is_accepted(stage: Leaving) -> None:
    body = json.dumps(suspension(stage), ensure_ascii=False).encode()
    event = posted(body, {HEADER.title(): signature(body)})
    encoded = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert stage.send({**event, **encoded}) == 200
    assert stage.alive() == {"other"}


def test_body_that_is_not_ascii_is_accepted(stage: Leaving) -> None:
    data = {"id": MALLORY, "name": "Zoë ☃", "isSuspended": True}
    assert tell(stage, json.dumps(suspension(stage, data=data), ensure_ascii=False)) == 200
    assert stage.alive() == {"other"}


def test_replay_spares_a_later_sign_in(stage: Leaving) -> None:
    message = suspension(stage)
    assert tell(stage, message) == 200
    assert stage.alive() == {"other"}
    stage.scene.process.clock.ahead = 60
    stage.scene.provider.clock = stage.scene.process.clock
    stage.sign_in("reinstated")
    for _ in range(3):
        assert tell(stage, message) == 200
    assert stage.alive() == {"other", "reinstated"}


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59Z", "2126-01-01T00:00:00.000Z"])
def test_message_from_the_future_ends_no_later_sign_in(stage: Leaving, created: str) -> None:
    """It ends the sessions that exist, and none that begins later."""
    assert tell(stage, suspension(stage, createdAt=created)) == 200
    assert stage.alive() == {"other"}
    stage.sign_in("afterwards")
    assert stage.alive() == {"other", "afterwards"}
    rows = dump(stage.scene.process.client, stage.scene.process.table_name)
    (marker,) = [row for row in rows if "ended_before" in row]
    reaches = int(marker["ended_before"]["N"])  # type: ignore[index]
    assert reaches <= stage.scene.process.clock() + CLOCK_SKEW_SECONDS


@pytest.mark.parametrize("created", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"])
def test_message_from_long_ago_ends_nothing(stage: Leaving, created: str) -> None:
    assert tell(stage, suspension(stage, createdAt=created)) == 200
    assert stage.alive() == ALL


def test_sessions_end_if_logtos_clock_is_ahead(stage: Leaving) -> None:
    """A session's beginning is a time of Logto's clock, too."""
    clock = stage.scene.process.clock
    stage.scene.provider.clock = lambda: clock() + 20
    stage.sign_in("lately")
    assert tell(stage, suspension(stage, createdAt=moment(clock() + 25))) == 200
    assert stage.alive() == {"other"}


def test_suspension_between_exchange_and_commit_cancels_the_sign_in(stage: Leaving) -> None:
    attempt = stage.scene.begin()
    provider = stage.scene.provider

    def meanwhile(form: dict[str, str]) -> Answer:
        provider.responders.clear()
        answer = provider.tokens(form)
        assert tell(stage, suspension(stage)) == 200
        return answer

    provider.responders[TOKEN] = meanwhile
    assert stage.finish(attempt, "third").replies[-1].status == 401
    assert stage.alive() == {"other"}


def test_suspension_of_another_user_leaves_this_one(stage: Leaving) -> None:
    data = {"id": OTHER, "isSuspended": True}
    assert tell(stage, suspension(stage, data=data)) == 200
    assert stage.alive() == ALL - {"other"}


@pytest.mark.parametrize("kind", KINDS)
def test_table_failing_from_any_call_on_is_an_error_that_a_repetition_repairs(
    stage: Leaving, kind: str
) -> None:
    """Sending the message again completes it."""
    faults = Faults(stage.scene.process.client)
    for call in range(1, 20):
        stage.sign_in(f"one at {call}")
        message = suspension(stage)
        faults.arm(kind, lambda sent, at=call: sent >= at)  # type: ignore[misc]
        status = tell(stage, message)
        reached = faults.sent >= call
        faults.disarm()
        if not reached:
            assert status == 200
            assert call > 4
            return
        assert status == 503
        assert tell(stage, message) == 200
        assert stage.alive() == {"other"}
    pytest.fail("the calls have no end")


def with_stored_key(scene: Scene, stored: list[str]) -> Iterator[Leaving]:
    """Start a process that reads its signing key by an ARN, with a cache of `stored[0]`."""
    kept = [stored[0]]

    def fetch(arn: str, fresh: bool, deadline: Deadline) -> str:
        if fresh:
            kept[0] = stored[0]
        return kept[0]

    key = StoredSecret(
        arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
        given=None,
        fetch=fetch,
        clock=scene.process.clock,
        refetch_seconds=scene.limits.secret_refetch_seconds,
        name="LOGTO_WEBHOOK_SIGNING_KEY",
        member=None,
    )
    with started_services(scene.process, "notifications", limits=scene.limits) as services:
        stage = Leaving(scene, Notifications(make_handler(services, key)))
        stage.sign_in("first")
        stage.sign_in("other", OTHER)
        yield stage
        stage.search()


@pytest.mark.limits(secret_refetch_seconds=3600)
def test_rotated_signing_key_is_accepted_without_a_deployment(scene: Scene) -> None:
    """The stored key is read again at a bounded rate."""
    stored = [SIGNING_KEY]
    scene.provider.secrets |= {SIGNING_KEY, "the-next-signing-key-of-32-chars"}
    for stage in with_stored_key(scene, stored):
        stored[0] = "the-next-signing-key-of-32-chars"
        body = json.dumps(suspension(stage)).encode()
        assert stage.send(posted(body, {HEADER: signature(body, stored[0])})) == 200
        assert stage.alive() == {"other"}
        assert stage.send(posted(body, {HEADER: signature(body)})) == REFUSED
        stored[0] = "one-more-signing-key-of-32-chars"
        assert stage.send(posted(body, {HEADER: signature(body, stored[0])})) == REFUSED


def test_missing_signing_key_refuses_every_message(scene: Scene) -> None:
    """A mistake of the deployment is an error, and accepts no signature."""
    with started_services(scene.process, "notifications") as services:
        key = StoredSecret(
            arn=None,
            given=None,
            fetch=lambda arn, fresh, deadline: "",
            clock=services.clock,
            refetch_seconds=0,
            name="KEY",
        )
        stage = Leaving(scene, Notifications(make_handler(services, key)))
        stage.sign_in("first")
        body = json.dumps(suspension(stage)).encode()
        for signed in (signature(body), signature(body, ""), signature(body, "None")):
            assert stage.send(posted(body, {HEADER: signed})) == 500
        assert stage.alive() == {"first"}
        stage.search()
