"""Table: each call fails in each way, once or from then on."""

from collections.abc import Callable

import pytest

from harness.browser import FETCH, NAVIGATION, Reply
from harness.tables import dump
from tests.hostile.faults import KINDS, TRANSIENT, Faults, _refusal
from tests.hostile.provider import SUBJECT, TOKEN
from tests.hostile.scene import SESSION, Attempt, Scene, Witnessed

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}
FLOWS = ["sign-in", "callback", "home", "me", "idle extension", "sign-out"]


@pytest.fixture
def faults(scene: Scene) -> Faults:
    return Faults(scene.process.client)


def act(scene: Scene, flow: str, browser: Witnessed, attempt: Attempt) -> Reply:
    if flow == "callback":
        return scene.finish(attempt)
    if flow == "idle extension":
        scene.process.clock.ahead = 1000
        return browser.get("/me", FETCH)
    path = {"sign-in": "/sign-in", "home": "/", "me": "/me", "sign-out": "/sign-out"}[flow]
    return browser.get(path, HERE)


def check(
    scene: Scene, flow: str, kind: str, browser: Witnessed, before: str, reply: Reply
) -> None:
    """Check for a clean answer, and that everything works after the table is back."""
    assert reply.status in (200, 302, 303, 503), (reply.status, reply.body)
    assert "Traceback" not in reply.body
    if reply.status == 503:
        assert reply.set_cookies == ()
        assert reply.headers["retry-after"]
    if flow == "sign-out":
        if reply.status == 303:
            browser.jar[SESSION] = before
            assert scene.who(browser) is None  # never a false "signed out"
        else:
            assert browser.get("/sign-out", HERE).status == 303
            browser.jar[SESSION] = before
            assert scene.who(browser) is None
    elif flow == "callback":
        assert scene.provider.count(TOKEN) <= 1
        if kind == "applied, answer lost" and reply.status == 503:
            return  # committed, but the answer and the check of the row were lost
        assert scene.who(browser) == SUBJECT  # the new session, or the one before
    else:
        assert browser.jar[SESSION] == before
        assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead = 0
    again = scene.browser()
    assert scene.finish(scene.begin(again)).status == 302
    assert scene.who(again) == SUBJECT


@pytest.mark.invariant(17)
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_flow_answers_cleanly_if_one_call_fails(
    scene: Scene, faults: Faults, flow: str, kind: str, number: int
) -> None:
    browser = scene.signed_in()
    before = browser.jar[SESSION]
    attempt = scene.begin(browser)
    scene.provider.requests.clear()
    faults.arm(kind, lambda sent: sent == number)
    reply = act(scene, flow, browser, attempt)
    faults.disarm()
    if kind in TRANSIENT:
        assert reply.status != 503, "a second attempt would have succeeded"
    check(scene, flow, kind, browser, before, reply)


@pytest.mark.invariant(17)
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_flow_answers_cleanly_if_every_later_call_fails(
    scene: Scene, faults: Faults, flow: str, kind: str, number: int
) -> None:
    browser = scene.signed_in()
    before = browser.jar[SESSION]
    attempt = scene.begin(browser)
    scene.provider.requests.clear()
    faults.arm(kind, lambda sent: sent >= number)
    reply = act(scene, flow, browser, attempt)
    assert faults.sent <= 8  # bounded work for one request
    faults.disarm()
    if number == 1 and flow != "sign-in" and kind != "applied, answer lost":
        assert reply.status == 503
    check(scene, flow, kind, browser, before, reply)


@pytest.mark.invariant(17)
@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems", "UpdateItem"])
def test_lost_answer_of_a_write_is_recognised(scene: Scene, faults: Faults, operation: str) -> None:
    browser = scene.signed_in()
    attempt = scene.begin(browser)
    number = 2 if operation in ("TransactWriteItems", "UpdateItem") else 1
    faults.arm("applied, answer lost", lambda sent: sent == number)
    flow = {"PutItem": "sign-in", "TransactWriteItems": "callback", "UpdateItem": "idle extension"}
    reply = act(scene, flow[operation], browser, attempt)
    faults.disarm()
    assert reply.status in (200, 302)
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(3)
def test_lost_answer_of_a_claim_causes_no_second_redemption(scene: Scene, faults: Faults) -> None:
    attempt = scene.begin()
    faults.arm("applied, answer lost", lambda sent: sent == 1)
    scene.unavailable(scene.finish(attempt), token_requests=0)
    faults.disarm()
    scene.refused(scene.finish(attempt), token_requests=0)
    assert scene.finish(scene.begin(attempt.browser)).status == 302


CONFLICT = {"Code": "TransactionConflict", "Message": "busy"}
CONFLICTS: dict[str, Callable[[object, object], object]] = {
    "item": _refusal(400, "TransactionConflictException"),
    "transaction": _refusal(
        400,
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "None"}, CONFLICT, {"Code": "None"}],
    ),
}


@pytest.mark.parametrize("kind", CONFLICTS)
@pytest.mark.parametrize("times", [1, 2])
def test_sign_in_succeeds_with_another_transaction_in_the_way(
    scene: Scene, faults: Faults, monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    """Two sign-ins of one user check the same marker at once, and both get their session."""
    monkeypatch.setitem(KINDS, "conflict", CONFLICTS[kind])
    attempt = scene.begin()
    faults.arm("conflict", lambda sent: 2 <= sent < 2 + times)
    assert scene.finish(attempt).status == 302
    faults.disarm()
    assert scene.who(attempt.browser) == SUBJECT


def interrupt(scene: Scene, operation: str, action: Callable[[], None]) -> None:
    """Do something immediately before an operation is sent, once."""
    events = scene.process.client.meta.events

    def once(**_: object) -> None:
        events.unregister(f"before-send.dynamodb.{operation}", once)
        action()

    events.register(f"before-send.dynamodb.{operation}", once)


def delete_sessions(scene: Scene) -> None:
    """Delete all sessions, as a logout from elsewhere does."""
    for row in dump(scene.process.client, scene.process.table_name):
        if "seen_at" in row:
            key = {name: row[name] for name in ("pk", "sk")}
            scene.process.client.delete_item(TableName=scene.process.table_name, Key=key)  # type: ignore[arg-type]


@pytest.mark.invariant(14)
def test_nothing_resurrects_a_session_that_ends_during_an_idle_extension(scene: Scene) -> None:
    browser = scene.signed_in()
    scene.process.clock.ahead = 1000
    interrupt(scene, "UpdateItem", lambda: delete_sessions(scene))
    assert scene.who(browser) is None
    rows = dump(scene.process.client, scene.process.table_name)
    assert not [row for row in rows if "seen_at" in row]


@pytest.mark.invariant(14)
def test_sign_out_during_a_callback_ends_the_previous_session(scene: Scene) -> None:
    browser = scene.signed_in()
    old = browser.jar[SESSION]
    attempt = scene.begin(browser)
    interrupt(scene, "TransactWriteItems", lambda: delete_sessions(scene))
    assert scene.finish(attempt).status == 302
    assert scene.who(browser) == SUBJECT
    browser.jar[SESSION] = old
    assert scene.who(browser) is None


def test_sign_out_succeeds_if_the_session_is_gone(scene: Scene) -> None:
    browser = scene.signed_in()
    delete_sessions(scene)
    out = browser.get("/sign-out", HERE)
    assert out.status == 303
    assert SESSION not in browser.jar


def test_reads_right_after_a_logout_are_consistent(scene: Scene) -> None:
    """Each read asks for strong consistency."""
    consistent: list[bool] = []

    def note(params: dict[str, object], **_: object) -> None:
        consistent.append(b'"ConsistentRead": true' in params["body"])  # type: ignore[operator]

    scene.process.client.meta.events.register("before-call.dynamodb.GetItem", note)
    browser = scene.signed_in()
    browser.get("/")
    browser.get("/sign-out", HERE)
    assert consistent
    assert all(consistent)


SIZE = "Item size has exceeded the maximum allowed size"
TOO_LARGE = {
    "alone": _refusal(400, "ValidationException", message=SIZE),
    "in a transaction": _refusal(
        400,
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "ValidationError", "Message": SIZE}, {"Code": "None"}],
    ),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_item_over_400_kb_gets_a_page_and_keeps_the_session(
    scene: Scene, faults: Faults, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(KINDS, "large", TOO_LARGE[kind])
    browser = scene.signed_in()
    attempt = scene.begin(browser)
    faults.arm("large", lambda sent: sent == 2)
    reply = scene.finish(attempt)
    faults.disarm()
    assert reply.status == 502
    assert "too large" in reply.body
    assert scene.who(browser) == SUBJECT
