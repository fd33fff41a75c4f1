"""Messages that come once: what cannot be carried out at once is carried out later, or reported.

Logto repeats neither a webhook nor a logout token. So a valid one is never lost to a failing table,
and one that could not be checked is neither refused nor believed.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey

from functions.notifications.application import make_handler
from functions.notifications.revocation_request import REPLAY_SECONDS
from harness.functions import SIGNING_KEY, Notifications
from harness.tables import dump
from shared.clock import Deadline, Timer
from shared.errors import SecretUnavailable
from shared.oidc.client_secret import StoredSecret
from tests.hostile.faults import KINDS
from tests.hostile.leaving import ALL, MALLORY, OTHER, Leaving
from tests.hostile.provider import DISCOVERY, KEYS, TOKEN, Answer
from tests.hostile.queued import Queued, queued
from tests.hostile.scene import Scene
from tests.hostile.webhook import HEADER, posted, signature, suspension, tell

pytestmark = pytest.mark.invariant(13)

TEN_MINUTES = 600
STRANGE_EC = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})
STRANGE_KID = ECKey.generate_key("P-384", {"kid": "strange", "use": "sig", "alg": "ES384"})
MESSAGES: dict[str, Callable[[Leaving], int]] = {
    "webhook": lambda stage: tell(stage, suspension(stage)),
    "sub alone": lambda stage: stage.log_out(stage.token(sid=None)),
    "sid alone": lambda stage: stage.log_out(stage.token(sub=None)),
    "sub and sid": lambda stage: stage.log_out(stage.token()),
}
LEFT = {
    "webhook": frozenset({"other"}),
    "sub alone": frozenset({"other"}),
    "sid alone": ALL - {"first"},
    "sub and sid": ALL - {"first"},
}


@pytest.fixture
def sqs(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", moto_url)


@pytest.fixture
def act(scene: Scene, sqs: None) -> Iterator[Queued]:
    scene.provider.secrets.add(SIGNING_KEY)
    with queued(scene) as started:
        yield started


def always(sent: int) -> bool:
    return True


@pytest.mark.parametrize("name", MESSAGES)
def test_message_that_is_carried_out_at_once_is_not_queued(act: Queued, name: str) -> None:
    assert MESSAGES[name](act.stage) == 200
    assert act.receive() == []
    assert act.stage.alive() == LEFT[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_table_failing_for_ten_minutes(act: Queued, name: str) -> None:
    """The delays grow, each failed delivery is reported, and the first that can ends it."""
    clock, faults = act.stage.scene.process.clock, act.table
    faults.arm("error 500", always)
    assert MESSAGES[name](act.stage) == 202
    waited = 0
    while not act.deliver():
        clock.ahead += act.delays[-1]
        waited += act.delays[-1]
        if waited >= TEN_MINUTES:
            faults.disarm()
    assert act.delays == [60, 120, 240, 480]
    assert act.receive() == []
    assert act.stage.alive() == LEFT[name]


def test_delay_grows_to_an_hour_and_no_further(act: Queued) -> None:
    faults = act.table
    faults.arm("error 500", always)
    assert MESSAGES["webhook"](act.stage) == 202
    for _ in range(35):
        assert not act.deliver()
    faults.disarm()
    assert act.delays == [60, 120, 240, 480, 960, 1920, *[3600] * 29]
    assert act.deliver()


@pytest.mark.parametrize("kind", ["throttled", "timeout", "no JSON", "applied, answer lost"])
@pytest.mark.parametrize("name", MESSAGES)
def test_table_failing_from_any_call_on(act: Queued, name: str, kind: str) -> None:
    """Wherever the request and then a delivery fail, the next delivery completes it."""
    faults, stage = act.table, act.stage
    for call in range(1, 20):
        stage.first = f"first at {call}"  # a session at Logto that has ended is over
        stage.sign_in(stage.first)
        faults.arm(kind, lambda sent, at=call: sent >= at)  # type: ignore[misc]
        status = MESSAGES[name](stage)
        reached = faults.sent >= call
        if status == 202:
            assert reached
            faults.arm(kind, lambda sent, at=call: sent >= at)  # type: ignore[misc]
            act.deliver()  # it may have been carried out, and only the note of it was missing
            faults.disarm()
            assert act.deliver()
        faults.disarm()
        assert stage.first not in stage.alive()
        assert "other" in stage.alive()
        if not reached:
            assert status == 200
            assert call > 4
            return
    pytest.fail("the calls have no end")


def test_no_time_is_left_after_a_message_was_checked(scene: Scene, sqs: None) -> None:
    """What was done stays done, and time to queue the message, or to delay it, is kept."""
    scene.provider.secrets.add(SIGNING_KEY)
    slow = SlowTable(scene.process.client)
    timer = Timer(lambda: slow.now, slow.sleep)
    with queued(scene, client=slow, timer=timer) as act:
        slow.seconds = 100.0
        assert MESSAGES["sub alone"](act.stage) == 202
        assert slow.calls < 6
        assert len(act.bodies()) == 1
        assert not act.deliver()
        assert act.delays == [60]
        slow.seconds = 0.0
        assert act.deliver()
        assert act.stage.alive() == {"other"}


class SlowTable:
    """A DynamoDB client whose calls take so many seconds of a clock that is moved by hand."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.meta = client.meta
        self.now = self.seconds = 0.0
        self.calls = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def take_time(**arguments: Any) -> Any:
            self.now += self.seconds
            self.calls += self.seconds > 0
            return call(**arguments)

        return take_time if name != "close" else call


def test_session_that_began_after_the_event_goes_on(act: Queued) -> None:
    """A user was reinstated while the message waited."""
    faults, clock = act.table, act.stage.scene.process.clock
    faults.arm("error 500", always)
    for name in ("webhook", "sub alone", "sub and sid"):
        assert MESSAGES[name](act.stage) == 202
    assert not act.deliver()
    faults.disarm()
    clock.ahead += 7200
    act.stage.scene.provider.clock = clock
    act.stage.sign_in("reinstated")
    assert act.deliver()
    assert "reinstated" in act.stage.alive()
    clock.ahead -= 7200
    assert act.stage.alive() == {"other", "reinstated"}


def marker(stage: Leaving) -> dict[str, Any]:
    rows = dump(stage.scene.process.client, stage.scene.process.table_name)
    (found,) = [row for row in rows if "ended_before" in row]
    return found


@pytest.mark.parametrize("name", ["webhook", "sub alone"])
def test_marker_has_the_time_at_which_the_message_arrived(act: Queued, name: str) -> None:
    faults, clock = act.table, act.stage.scene.process.clock
    faults.arm("error 500", always)
    before = int(clock() * 1000)
    assert MESSAGES[name](act.stage) == 202
    after = int(clock() * 1000)
    faults.disarm()
    clock.ahead += 1800
    assert act.deliver()
    found = marker(act.stage)
    assert before <= int(found["arrived_at"]["N"]) <= after
    assert before // 1000 <= int(found["ended_before"]["N"]) <= after // 1000
    assert int(found["expires_at"]["N"]) > clock()


def test_sign_in_that_began_after_the_message_is_not_cancelled(act: Queued) -> None:
    """It is in flight when the message is carried out, and within a second of its arrival."""
    faults, scene = act.table, act.stage.scene
    scene.provider.clock = scene.process.clock
    scene.process.clock.ahead += 0.1 - scene.process.clock() % 1
    faults.arm("error 500", always)
    assert MESSAGES["sub alone"](act.stage) == 202
    faults.disarm()
    scene.process.clock.ahead += 0.05
    attempt = scene.begin()

    def meanwhile(form: dict[str, str]) -> Answer:
        scene.provider.responders.clear()
        answer = scene.provider.tokens(form)
        assert act.deliver()
        return answer

    scene.provider.responders[TOKEN] = meanwhile
    act.stage.people["afterwards"] = act.stage.finish(attempt, "afterwards")
    assert act.stage.alive() == {"other", "afterwards"}


def test_sign_in_in_flight_when_the_message_arrived_is_over(act: Queued) -> None:
    """It redeemed its code before; the message waits for the table, as the commit does."""
    faults, scene = act.table, act.stage.scene
    attempt = scene.begin()

    def meanwhile(form: dict[str, str]) -> Answer:
        scene.provider.responders.clear()
        answer = scene.provider.tokens(form)
        faults.arm("error 500", always)
        assert MESSAGES["sub alone"](act.stage) == 202
        faults.disarm()
        assert act.deliver()
        return answer

    scene.provider.responders[TOKEN] = meanwhile
    assert act.stage.finish(attempt, "first").replies[-1].status == 401


def test_message_that_waits_takes_no_later_logout_back(act: Queued) -> None:
    """The later one was carried out first, and cancels what it would have cancelled."""
    faults, clock = act.table, act.stage.scene.process.clock
    faults.arm("error 500", always)
    assert MESSAGES["webhook"](act.stage) == 202
    faults.disarm()
    clock.ahead += 60
    act.stage.scene.provider.clock = clock
    act.stage.sign_in("later")
    assert MESSAGES["sub alone"](act.stage) == 200
    kept = marker(act.stage)
    clock.ahead += 60
    assert act.deliver()
    assert {n: marker(act.stage)[n] for n in ("ended_before", "arrived_at")} == {
        n: kept[n] for n in ("ended_before", "arrived_at")
    }


def test_token_counts_as_used_once_it_was_carried_out(act: Queued) -> None:
    faults = act.table
    token = act.stage.token(sid=None)
    faults.arm("error 500", always)
    assert [act.stage.log_out(token) for _ in range(3)] == [202] * 3
    faults.disarm()
    assert act.deliver()
    act.stage.sign_in("first")
    assert act.stage.log_out(token) == 400
    assert act.stage.alive() == {"first", "other"}


def test_queued_token_that_was_carried_out_meanwhile_is_a_success(act: Queued) -> None:
    """It ends nothing that began since."""
    faults = act.table
    token = act.stage.token()
    faults.arm("error 500", always)
    assert act.stage.log_out(token) == 202
    faults.disarm()
    assert act.stage.log_out(token) == 200
    act.stage.sign_in("again")
    assert act.deliver()
    assert act.stage.alive() == {"again", "second", "other"}


def test_function_that_is_cut_off_before_it_answers_leaves_the_message(
    act: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logto gets no answer, and the message is in the queue; Logto's retry adds another one."""

    class CutOff(BaseException):
        pass

    faults, client = act.table, act.function_client
    send = client.send_message

    def cut(**arguments: Any) -> None:
        send(**arguments)
        raise CutOff

    faults.arm("error 500", always)
    monkeypatch.setattr(client, "send_message", cut)
    with pytest.raises(CutOff):
        MESSAGES["webhook"](act.stage)
    monkeypatch.setattr(client, "send_message", send)
    assert MESSAGES["webhook"](act.stage) == 202
    faults.disarm()
    assert len(act.receive()) == 2
    assert act.deliver()
    assert act.stage.alive() == {"other"}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_that_is_delivered_again_after_it_was_carried_out(act: Queued, name: str) -> None:
    """Lambda's answer got lost, or SQS delivered it twice, as it may."""
    faults, clock = act.table, act.stage.scene.process.clock
    faults.arm("error 500", always)
    assert MESSAGES[name](act.stage) == 202
    faults.disarm()
    twice = act.receive()[0]
    assert act.deliver()
    clock.ahead += REPLAY_SECONDS + 1
    act.stage.scene.provider.clock = clock
    act.stage.sign_in("since")
    act.events = [twice]
    assert act.deliver()
    clock.ahead = 0
    assert act.stage.alive() == LEFT[name] | {"since"}


@pytest.mark.parametrize("kind", KINDS)
def test_queue_fails_too(act: Queued, kind: str) -> None:
    """The answer is an error, as without a queue. A message whose receipt got lost is carried out."""
    table, queue = act.table, act.queue
    table.arm("error 500", always)
    queue.arm(kind, always)
    assert MESSAGES["webhook"](act.stage) == 503
    assert queue.sent == act.stage.scene.limits.aws_attempts
    table.disarm()
    queue.disarm()
    assert len(act.receive()) == (2 if kind == "applied, answer lost" else 0)
    assert act.stage.alive() == ALL
    assert act.deliver()
    assert act.stage.alive() == ({"other"} if kind == "applied, answer lost" else ALL)


@pytest.mark.parametrize("kind", KINDS)
def test_one_call_of_the_queue_fails(act: Queued, kind: str) -> None:
    """The second attempt succeeds; the first may have been received, too."""
    table, queue = act.table, act.queue
    table.arm("error 500", always)
    queue.arm(kind, lambda sent: sent == 1)
    assert MESSAGES["webhook"](act.stage) == 202
    table.disarm()
    assert len(act.receive()) == (2 if kind == "applied, answer lost" else 1)
    assert act.deliver()
    assert act.stage.alive() == {"other"}


@pytest.mark.parametrize("kind", KINDS)
def test_delivery_that_cannot_be_delayed_is_reported_all_the_same(act: Queued, kind: str) -> None:
    table, queue = act.table, act.queue
    table.arm("error 500", always)
    assert MESSAGES["webhook"](act.stage) == 202
    queue.arm(kind, always)
    assert not act.deliver()
    table.disarm()
    assert act.deliver()
    assert act.stage.alive() == {"other"}


OUT_OF_REACH = {
    "discovery": (DISCOVERY, Answer(status=500)),
    "keys": (KEYS, Answer(reset=True)),
    "no keys": (KEYS, Answer(body=b'{"keys": []}')),
}


@pytest.mark.parametrize("name", OUT_OF_REACH)
@pytest.mark.parametrize("fails", [True, False])
def test_logout_token_that_cannot_be_checked_is_not_queued(
    act: Queued, name: str, fails: bool
) -> None:
    """It cannot be checked, whether the table fails or not."""
    where, answer = OUT_OF_REACH[name]
    faults = act.table
    act.stage.scene.provider.responders[where] = lambda form: answer
    if fails:
        faults.arm("error 500", always)
    assert act.stage.log_out(act.stage.token()) == 503
    faults.disarm()
    assert act.receive() == []
    assert act.stage.alive() == ALL


def test_logout_token_while_refetches_are_spent_is_not_queued(act: Queued) -> None:
    """A flood has spent them, and a key was rotated: it may be genuine."""
    stage, faults = act.stage, act.table
    for number in range(20):
        stage.log_out(stage.sign(stage.claims(), STRANGE_KID, kid=f"strange-{number}"))
    newer = ECKey.generate_key("P-384", {"kid": "newer", "use": "sig", "alg": "ES384"})
    stage.scene.provider.keys = [newer]
    faults.arm("error 500", always)
    assert stage.log_out(stage.token()) == 503
    faults.disarm()
    assert act.receive() == []
    assert stage.alive() == ALL


def test_webhook_whose_signing_key_cannot_be_read_is_not_queued(act: Queued) -> None:
    stage = act.stage
    readable: list[str] = []

    def fetch(arn: str, fresh: bool, deadline: Deadline) -> str:
        if not readable:
            raise SecretUnavailable("as it happens")
        return readable[0]

    key = StoredSecret(
        arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
        given=None,
        fetch=fetch,
        clock=stage.scene.process.clock,
        refetch_seconds=10,
        name="LOGTO_WEBHOOK_SIGNING_KEY",
        member=None,
    )
    services = stage.notifications.services
    assert services is not None
    stage.notifications = Notifications(make_handler(services, key), services)
    faults = act.table
    for fails in (True, False):
        faults.arm("error 500", lambda sent, fails=fails: fails)  # type: ignore[misc]
        assert tell(stage, suspension(stage)) == 503
    assert act.receive() == []
    assert stage.alive() == ALL
    readable.append(SIGNING_KEY)
    assert tell(stage, suspension(stage)) == 200
    assert stage.alive() == {"other"}


INVALID: dict[str, Callable[[Leaving], int]] = {
    "forged logout token": lambda stage: stage.log_out(stage.sign(stage.claims(), STRANGE_EC)),
    "logout token of another client": lambda stage: stage.log_out(stage.token(aud="another")),
    "logout token without jti": lambda stage: stage.log_out(stage.token(jti=None)),
    "logout token that expired": lambda stage: stage.log_out(stage.token(iat=1, exp=2)),
    "no logout token": lambda stage: stage.post({"a": "b"}),
    "unsigned webhook": lambda stage: stage.send(posted(b"{}", {})),
    "forged webhook": lambda stage: stage.send(
        posted(json.dumps(suspension(stage)).encode(), {HEADER: signature(b"x", "another-key")})
    ),
    "webhook without a time": lambda stage: tell(stage, suspension(stage, createdAt=None)),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_message_is_refused_and_not_queued_while_the_table_fails(
    act: Queued, name: str
) -> None:
    faults = act.table
    faults.arm("error 500", always)
    assert INVALID[name](act.stage) == 400
    faults.disarm()
    assert act.receive() == []
    assert act.stage.alive() == ALL


@pytest.mark.parametrize("event", ["User.Data.Updated", "PostSignIn", "Grant.LimitExceeded"])
def test_webhook_that_ends_nothing_needs_no_table(act: Queued, event: str) -> None:
    """An evicted grant is counted: its webhook names no session that is known here."""
    faults = act.table
    faults.arm("error 500", always)
    grant = {"userId": MALLORY, "revokedGrantIds": ["a", "b"], "maxAllowedGrants": 2}
    assert tell(act.stage, {**suspension(act.stage, event=event), **grant}) == 200
    faults.disarm()
    assert act.receive() == []
    assert act.stage.alive() == ALL
    assert ("GrantEvicted" in act.stage.scene.printed()) == (event == "Grant.LimitExceeded")


def test_message_holds_ids_and_times_and_nothing_else(act: Queued) -> None:
    faults = act.table
    faults.arm("error 500", always)
    data = {"id": OTHER, "isSuspended": True, "primaryEmail": "o@x.test", "name": "Odette"}
    assert tell(act.stage, suspension(act.stage, data=data, ip="192.0.2.1")) == 202
    token = act.stage.token(jti="the-token-id")
    assert act.stage.log_out(token) == 202
    faults.disarm()
    now = act.stage.scene.process.clock()
    webhook, logout = sorted(act.bodies(), key=lambda body: body["kind"], reverse=True)
    for body in (webhook, logout):
        assert abs(body.pop("arrived_at") / 1000 - now) < 60
        assert abs(body.pop("until") - now) < 60
    assert webhook == {
        "v": 1,
        "kind": "webhook",
        "subject": OTHER,
        "op_session": None,
        "token_id": None,
    }
    assert logout == {
        "v": 1,
        "kind": "backchannel_logout",
        "subject": MALLORY,
        "op_session": act.stage.sid("first"),
        "token_id": "the-token-id",
    }


def test_messages_of_one_event_are_reported_one_by_one(act: Queued) -> None:
    faults = act.table
    faults.arm("error 500", always)
    for name in ("webhook", "sid alone"):
        assert MESSAGES[name](act.stage) == 202
    faults.disarm()
    (good,), (poison,) = (event["Records"] for event in act.receive())
    poison["body"] = "{}"
    answer = act.stage.notifications.handler({"Records": [poison, good, None]}, None)
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": poison["messageId"]}, {"itemIdentifier": ""}]
    }
    assert act.delays == [60]


GOOD = {
    "v": 1,
    "kind": "webhook",
    "subject": MALLORY,
    "op_session": None,
    "until": 1_800_000_000,
    "arrived_at": 1_800_000_000_000,
    "token_id": None,
}
POISON: dict[str, Any] = {
    "missing": None,
    "a number": 7,
    "an object": GOOD,
    "empty": "",
    "no JSON": "<html>",
    "a list": json.dumps([GOOD]),
    "cut short": json.dumps(GOOD)[:-1],
    "half a character": json.dumps(GOOD).replace("webhook", "\ud800"),
    "nested without end": '{"a":' * 30_000,
    "a member twice": json.dumps(GOOD)[:-1] + ', "v": 1}',
    "a member more": json.dumps({**GOOD, "name": "x"}),
    "a member less": json.dumps({n: v for n, v in GOOD.items() if n != "until"}),
    **{
        f"{name} {value!r:.20}": json.dumps({**GOOD, name: value})
        for name, values in {
            "v": (None, 2, "1", [1]),
            "kind": (None, "another", ["webhook"], {}),
            "subject": (None, "", 7, [MALLORY], "a b", "x" * 256, f"{MALLORY}\x00"),
            "op_session": ("", 7, {"sid": "x"}, "a\nb"),
            "token_id": ("", 7, "x" * 256),
            "until": (None, "1800000000", True, 1.5, 10**15, -(10**15), 10**400),
            "arrived_at": (None, "now", False, 0.5, 10**16),
        }.items()
        for value in values
    },
    "until infinite": json.dumps(GOOD).replace("1800000000,", "1e999,"),
    "until of 5,000 digits": json.dumps(GOOD).replace("1800000000,", f"{'9' * 5000},"),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_reported_and_ends_nothing(act: Queued, name: str) -> None:
    """So the queue moves it to the dead letters, which raise an alarm."""
    record = {
        "messageId": "the-message",
        "receiptHandle": "x",
        "body": POISON[name],
        "attributes": {"ApproximateReceiveCount": "3"},
        "eventSource": "aws:sqs",
    }
    answer = act.stage.notifications.handler({"Records": [record]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "the-message"}]}
    assert set(act.delays) == {240}
    assert act.stage.alive() == ALL


SQS = {"eventSource": "aws:sqs"}
ODD: dict[str, tuple[Any, list[str]]] = {
    "nothing but its source": ([SQS], [""]),
    "ids of other types": ([{**SQS, "messageId": 7, "receiptHandle": [], "body": {}}], [""]),
    "attributes of other types": ([{**SQS, "messageId": "a", "attributes": 7}], ["a"]),
    "a count of another type": (
        [{**SQS, "messageId": "a", "attributes": {"ApproximateReceiveCount": 7}}],
        ["a"],
    ),
    "counts that are none": (
        [
            {**SQS, "messageId": text, "attributes": {"ApproximateReceiveCount": text}}
            for text in ("", "x", "-1", "0", "1e9", "٣", "9" * 6, "9" * 400)
        ],
        ["", "x", "-1", "0", "1e9", "٣", "9" * 6, "9" * 400],
    ),
    "records of other types": ([SQS, None, 7, [], "x", {}], [""] * 6),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("fails", [True, False])
def test_odd_event_of_the_queue_is_reported(act: Queued, name: str, fails: bool) -> None:
    records, failed = ODD[name]
    if fails:
        act.queue.arm("error 500", always)
    answer = act.stage.notifications.handler({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    assert all(60 <= delay <= 3600 for delay in act.delays)
    assert act.stage.alive() == ALL


@pytest.mark.parametrize(
    "records", [None, [], [None], [7], {}, "aws:sqs", [{}], [{"eventSource": "aws:s3"}], [[SQS]]]
)
def test_event_that_is_not_the_queues_is_a_request(act: Queued, records: Any) -> None:
    assert act.stage.send({"Records": records, "requestContext": {"http": {}}}) == 404
    assert act.stage.send({"Records": records}) == 200  # as a schedule's
    assert act.stage.alive() == ALL


def test_function_without_a_queue_carries_out_what_is_delivered(scene: Scene, sqs: None) -> None:
    """Removing the setting loses no waiting message."""
    with queued(scene, is_set=False) as act:
        now = int(scene.process.clock()) + 1
        body = json.dumps({**GOOD, "until": now, "arrived_at": now * 1000})
        record = {**SQS, "messageId": "a", "receiptHandle": "x", "body": body}
        answer = act.stage.notifications.handler({"Records": [record]}, None)
        assert answer == {"batchItemFailures": []}
        assert act.stage.alive() == {"other"}
        poison = {**record, "body": "x"}
        answer = act.stage.notifications.handler({"Records": [poison]}, None)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "a"}]}
