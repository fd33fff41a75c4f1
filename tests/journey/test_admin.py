"""The operators' function through its handler: callers prove who they are, and all is logged."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from functions.admin.application import Handler, make_handler
from functions.admin.caller import AUDIENCE_HEADER, PROOF_SECONDS, CallerCheck
from functions.admin.cursors import cursor_of
from harness.functions import started_services
from harness.patience import PATIENT
from harness.product import Product, started_product
from harness.tables import dump
from provision.admin_function import caller_proof
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.sessions import load_session
from shared.store.keys import subject_digest
from tests.hostile.faults import KINDS, Faults
from tests.support import http_server
from tests.support.http_server import serving_http
from tests.support.rows import put_session
from tests.support.sts import presigned, running_sts

ALICE, BOB = "alice0000001", "bob000000001"
ARN = "arn:aws:sts::123456789012:user/moto"
FUNCTION = "sign-in-AdminFunction-x1Y2"


@pytest.fixture
def sts(moto_url: str) -> Iterator[str]:
    with running_sts(moto_url) as endpoint:
        yield endpoint


@pytest.fixture
def proof(sts: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A signed request for the caller's identity, as the operators' commands make it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
    return caller_proof(boto3.Session(), FUNCTION)


def check_at(sts: str) -> CallerCheck:
    return CallerCheck({"AWS_ENDPOINT_URL_STS": sts, "AWS_LAMBDA_FUNCTION_NAME": FUNCTION})


@dataclass(frozen=True, slots=True)
class Admin:
    """The function, and the proof that its caller sends along."""

    handler: Handler
    services: Services
    proof: str

    def __call__(self, action: object, **values: object) -> dict[str, Any]:
        return self.handler({"action": action, "caller": self.proof, **values}, None)

    def put(self, subject: str, **changes: Any) -> str:
        return put_session(self.services, subject, **changes)

    def live(self, secret: str) -> bool:
        return load_session(SessionHandle.of(secret), self.services) is not None


@pytest.fixture
def admin(product: Product, sts: str, proof: str) -> Iterator[Admin]:
    with started_services(product, "admin") as services:
        yield Admin(make_handler(services, check_at(sts)), services, proof)


def id_of(secret: str) -> str:
    return SessionHandle.of(secret).key.removeprefix("session#")


def test_list_of_a_user_has_each_session_without_its_secret(product: Product, admin: Admin) -> None:
    browser = product.browser()
    product.sign_in(browser)
    admin.put(BOB)
    answer = admin("list_user", user=ALICE)
    assert answer.pop("ok") is True
    assert answer["cursor"] is None
    (session,) = answer["sessions"]
    assert session.pop("session") == id_of(browser.jar["__Host-session"])
    assert len(session.pop("session_id_hash")) == 43
    for name in ("created", "last_seen", "ends_if_unused"):
        assert session.pop(name).endswith("Z")
    assert session == {"ip": None, "agent": None}
    assert browser.jar["__Host-session"] not in json.dumps(answer)


def test_list_has_address_and_agent_if_they_are_recorded(
    product: Product, proof: str, sts: str
) -> None:
    with (
        started_product(product.stand_in, RECORD_CLIENT="true") as recording,
        started_services(recording, "admin") as services,
    ):
        browser = recording.browser()
        url = recording.at_logto(browser.get("/sign-in").location)
        browser.get(url, {"accept": "text/html", "user-agent": "Firefox\x7f 1"})
        recorded = Admin(make_handler(services, check_at(sts)), services, proof)
        (session,) = recorded("list_user", user=ALICE)["sessions"]
        assert session["ip"] == "192.0.2.1"
        assert session["agent"].startswith("Firefox")


def test_pages_begin_with_the_latest_session(admin: Admin) -> None:
    secrets = [admin.put(ALICE, seconds_ago=10 * number) for number in range(120)]
    found: list[str] = []
    cursor, pages = None, 0
    while True:
        more: dict[str, object] = {"cursor": cursor} if cursor else {}
        answer = admin("list_user", user=ALICE, **more)
        found += [session["session"] for session in answer["sessions"]]
        cursor, pages = answer["cursor"], pages + 1
        if cursor is None:
            break
    assert pages == 3
    assert found == [id_of(secret) for secret in secrets]


def test_pages_repeat_and_omit_nothing_while_sessions_begin_and_end(admin: Admin) -> None:
    """A new session belongs to a page that has been shown already."""
    secrets = [admin.put(ALICE, seconds_ago=10 * number) for number in range(101, 181)]
    first = admin("list_user", user=ALICE)
    assert [s["session"] for s in first["sessions"]] == [id_of(secret) for secret in secrets[:50]]
    for secret in (secrets[3], secrets[49], secrets[50]):
        assert admin("end_session", session=id_of(secret))["ended"] == 1
    for _ in range(5):
        admin.put(ALICE)
    second = admin("list_user", user=ALICE, cursor=first["cursor"])
    assert [s["session"] for s in second["sessions"]] == [id_of(secret) for secret in secrets[51:]]
    assert second["cursor"] is None


def test_sessions_of_one_second_are_each_on_one_page(admin: Admin) -> None:
    secrets = [admin.put(ALICE, seconds_ago=60 - 60 * (number % 2)) for number in range(120)]
    found: list[str] = []
    answer = admin("list_user", user=ALICE)
    while True:
        found += [session["session"] for session in answer["sessions"]]
        if answer["cursor"] is None:
            break
        answer = admin("list_user", user=ALICE, cursor=answer["cursor"])
    assert len(found) == len(set(found)) == 120
    assert set(found) == {id_of(secret) for secret in secrets}


CURSORS: dict[str, Callable[[str], str]] = {
    "empty": lambda cursor: "",
    "cut short": lambda cursor: cursor[:-1],
    "longer": lambda cursor: cursor + "A",
    "another position": lambda cursor: cursor[:-4] + ("AAAA" if cursor[-4:] != "AAAA" else "BBBB"),
    "the position alone": lambda cursor: cursor.partition(".")[2],
    "the check alone": lambda cursor: cursor.partition(".")[0],
    "a key": lambda cursor: "session#a",
    "no text that can be encoded": lambda cursor: "\ud800.x",
}


@pytest.mark.parametrize("name", CURSORS)
@pytest.mark.parametrize("kind", ["user", "organization"])
def test_altered_cursor_is_refused(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.setattr("functions.admin.actions.PAGE", 2)
    monkeypatch.setattr("functions.admin.actions.SCANNED", 2)
    for _ in range(3):
        admin.put(ALICE, organizations=["contosoorg01"])
    whose = {"user": ALICE} if kind == "user" else {"organization": "contosoorg01"}
    cursor = admin(f"list_{kind}", **whose)["cursor"]
    assert admin(f"list_{kind}", **whose, cursor=cursor)["ok"] is True
    answer = admin(f"list_{kind}", **whose, cursor=CURSORS[name](cursor))
    assert (answer["ok"], answer["error"]) == (False, "malformed_request")


def test_cursor_of_another_list_is_refused(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.admin.actions.PAGE", 2)
    monkeypatch.setattr("functions.admin.actions.SCANNED", 2)
    for user in (ALICE, BOB):
        for _ in range(3):
            admin.put(user, organizations=["contosoorg01"])
    of_alice = admin("list_user", user=ALICE)["cursor"]
    of_contoso = admin("list_organization", organization="contosoorg01")["cursor"]
    for action, values in (
        ("list_user", {"user": BOB, "cursor": of_alice}),
        ("list_user", {"user": ALICE, "cursor": of_contoso}),
        ("list_organization", {"organization": "contosoorg01", "cursor": of_alice}),
        ("list_organization", {"organization": "other", "cursor": of_contoso}),
        ("end_organization", {"organization": "other", "cursor": of_contoso}),
    ):
        assert admin(action, **values)["error"] == "malformed_request"


def test_forged_cursor_with_a_valid_check_is_refused(admin: Admin) -> None:
    """The check in a cursor is not secret, so its content is validated too."""
    whose = subject_digest(admin.services.settings.issuer, ALICE)
    for first in ("x", "", "-1", "\u00b2"):
        cursor = cursor_of(whose, first, "session#a")
        assert admin("list_user", user=ALICE, cursor=cursor)["error"] == "malformed_request"


def test_ending_one_session_leaves_the_others(admin: Admin) -> None:
    first, second = admin.put(ALICE), admin.put(ALICE)
    assert admin("end_session", session=id_of(first)) == {"ok": True, "ended": 1}
    assert (admin.live(first), admin.live(second)) == (False, True)
    assert admin("end_session", session=id_of(first)) == {"ok": True, "ended": 0}


@pytest.mark.parametrize("name", ["subject#{}", "{}", "ended#{}"])
def test_ending_another_kind_of_item_ends_nothing(admin: Admin, name: str) -> None:
    secret = admin.put(ALICE)
    other = name.format(subject_digest(admin.services.settings.issuer, ALICE))
    before = len(admin("list_user", user=ALICE)["sessions"])
    assert admin("end_session", session=other)["ended"] == 0
    assert len(admin("list_user", user=ALICE)["sessions"]) == before
    assert admin.live(secret)


def test_ending_all_sessions_of_a_user_leaves_other_users(admin: Admin) -> None:
    secrets = [admin.put(ALICE) for _ in range(60)]
    other = admin.put(BOB)
    assert admin("end_user", user=ALICE) == {"ok": True, "ended": 60}
    assert not any(admin.live(secret) for secret in secrets)
    assert admin.live(other)
    assert admin("end_user", user="nobody") == {"ok": True, "ended": 0}


def test_user_whose_sessions_were_ended_can_sign_in_again(product: Product, admin: Admin) -> None:
    admin("end_user", user=ALICE)
    browser = product.browser()
    product.sign_in(browser)
    assert admin.live(browser.jar["__Host-session"])


def test_sessions_of_an_organization_are_listed_and_ended_page_by_page(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of the scan may end at a listing; the next page continues there."""
    monkeypatch.setattr("functions.admin.actions.SCANNED", 7)
    inside = [admin.put(ALICE, organizations=["contosoorg01", "other"]) for _ in range(20)]
    outside = [admin.put(BOB, organizations=["other"]), admin.put(BOB)]
    found: list[str] = []
    answer = admin("list_organization", organization="contosoorg01")
    while True:
        found += [session["session"] for session in answer["sessions"]]
        if answer["cursor"] is None:
            break
        answer = admin("list_organization", organization="contosoorg01", cursor=answer["cursor"])
    assert sorted(found) == sorted(id_of(secret) for secret in inside)
    ended, cursor = 0, None
    while True:
        more: dict[str, object] = {"cursor": cursor} if cursor else {}
        answer = admin("end_organization", organization="contosoorg01", **more)
        ended, cursor = ended + answer["ended"], answer["cursor"]
        if cursor is None:
            break
    assert ended == 20
    assert not any(admin.live(secret) for secret in inside)
    assert all(admin.live(secret) for secret in outside)


def test_session_is_listed_under_the_organizations_of_its_sign_in(
    product: Product, admin: Admin
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.sign_in(product.browser(), BOB)
    (session,) = admin("list_organization", organization="contosoorg01")["sessions"]
    assert session["session"] == id_of(browser.jar["__Host-session"])


def test_erasing_a_user_leaves_only_the_marker(product: Product, admin: Admin) -> None:
    secrets = [admin.put(ALICE) for _ in range(3)]
    other = admin.put(BOB)
    ended = admin.put(ALICE)
    assert admin("end_session", session=id_of(ended))["ended"] == 1  # its listing is left
    answer = admin("erase_user", user=ALICE)
    assert answer["ended"] == 3
    receipt = answer["receipt"]
    digest = subject_digest(admin.services.settings.issuer, ALICE)
    assert receipt["subject_digest"] == digest
    assert ALICE not in json.dumps(receipt)
    assert (receipt["sessions_deleted"], receipt["left"]) == (3, 0)
    assert receipt["listings_deleted"] == 4
    assert receipt["table"] == product.table_name
    assert not any(admin.live(secret) for secret in secrets)
    assert admin.live(other)
    left = [str(row["pk"]) for row in dump(product.client, product.table_name)]
    assert sum("ended#" in name for name in left) == 1
    assert len(left) == 3  # the marker, and Bob's session and listing
    again = admin("erase_user", user=ALICE)["receipt"]
    assert (again["sessions_deleted"], again["listings_deleted"]) == (0, 0)


def test_erasing_deletes_listings_under_sessions_at_logto(product: Product, admin: Admin) -> None:
    admin.put(ALICE, sid="one")
    admin.put(ALICE, sid="two")
    assert admin("erase_user", user=ALICE)["receipt"]["listings_deleted"] == 4
    rows = dump(product.client, product.table_name)
    assert not [row for row in rows if "subject#" in str(row["pk"])]


PROOFS: dict[str, Callable[[str], object]] = {
    "none": lambda url: None,
    "empty": lambda url: "",
    "a number": lambda url: 7,
    "an object": lambda url: {"arn": ARN},
    "an ARN": lambda url: ARN,
    "another host": lambda url: url.replace("127.0.0.1", "127.0.0.2"),
    "another port": lambda url: url.replace("127.0.0.1:", "127.0.0.1:1"),
    "another scheme": lambda url: url.replace("http://", "file://"),
    "another action": lambda url: url.replace("GetCallerIdentity", "GetSessionToken"),
    "one more action": lambda url: url + "&Action=AssumeRole",
    "one more action before it": lambda url: url.replace("/?", "/?Action=AssumeRole&"),
    "one more parameter": lambda url: url + "&RoleArn=x",
    "one more parameter without a value": lambda url: url + "&RoleArn=",
    "one more parameter of a signature": lambda url: url + "&X-Amz-Content-Sha256=x",
    "another path": lambda url: url.replace("/?", "/moto-api/reset?"),
    "a fragment": lambda url: url + "#x",
    "user information": lambda url: url.replace("http://", "http://x@"),
    "a host before it": lambda url: url.replace("http://", "http://evil.test@"),
    "no action": lambda url: url.replace("Action=GetCallerIdentity&", ""),
    "a signature altered": lambda url: url[:-1] + ("1" if url[-1] == "0" else "0"),
    "no signature": lambda url: url.partition("&X-Amz-Signature")[0],
    "another caller's name": lambda url: url.replace("Credential=test", "Credential=root"),
    "its audience taken out": lambda url: url.replace(f"%3B{AUDIENCE_HEADER}", ""),
    "another algorithm": lambda url: url.replace("HMAC-SHA256", "HMAC-SHA1"),
    "a longer validity": lambda url: url.replace("Expires=60", "Expires=61"),
    "no validity": lambda url: url.replace("Expires=60", "Expires=0"),
    "a validity that is not a number": lambda url: url.replace("Expires=60", "Expires=\u0661"),
    "no such date": lambda url: re.sub(r"Date=\d{8}T", "Date=20260230T", url),
    "no date": lambda url: re.sub(r"&X-Amz-Date=\w+", "", url),
    "endless": lambda url: url + "&X-Amz-X=" + "x" * 10_000,
}


@pytest.mark.parametrize("name", PROOFS)
def test_caller_who_proves_nothing_is_refused(admin: Admin, name: str) -> None:
    secret = admin.put(ALICE)
    answer = admin.handler(
        {"action": "end_user", "user": ALICE, "caller": PROOFS[name](admin.proof)}, None
    )
    assert answer["ok"] is False
    assert answer["error"] == "not_allowed"
    assert admin.live(secret)


SIGNED: dict[str, tuple[dict[str, str], int]] = {
    "no audience": ({}, 60),
    "another function": ({AUDIENCE_HEADER: "sign-in-AdminFunction-other"}, 60),
    "a part of the name": ({AUDIENCE_HEADER: FUNCTION[:-1]}, 60),
    "no name": ({AUDIENCE_HEADER: ""}, 60),
    "another header": ({"x-k8s-aws-id": FUNCTION}, 60),
    "one more header": ({AUDIENCE_HEADER: FUNCTION, "x-k8s-aws-id": "cluster"}, 60),
    "a validity that is too long": ({AUDIENCE_HEADER: FUNCTION}, PROOF_SECONDS + 1),
}
"""Requests that the caller signed for another purpose."""


@pytest.mark.parametrize("name", SIGNED)
def test_signature_for_another_purpose_is_refused(admin: Admin, sts: str, name: str) -> None:
    secret = admin.put(ALICE)
    headers, expires = SIGNED[name]
    event = {"action": "end_user", "user": ALICE}
    answer = admin.handler({**event, "caller": presigned(sts, headers, expires=expires)}, None)
    assert (answer["ok"], answer["error"]) == (False, "not_allowed")
    assert admin.live(secret)
    good = presigned(sts, {AUDIENCE_HEADER: FUNCTION}, expires=PROOF_SECONDS)
    assert admin.handler({**event, "caller": good}, None) == {"ok": True, "ended": 1}


@pytest.mark.parametrize("seconds", [-1, 1])
def test_proof_is_accepted_for_two_minutes(product: Product, admin: Admin, seconds: int) -> None:
    """This function's clock may be ahead of the caller's or behind it."""
    margin = 30  # for a slow machine
    product.clock.ahead = seconds * (PROOF_SECONDS - margin)
    assert admin("list_user", user=ALICE)["ok"] is True
    product.clock.ahead = seconds * (PROOF_SECONDS + margin)
    assert admin("list_user", user=ALICE)["error"] == "not_allowed"


def test_proof_that_has_expired_at_sts_is_refused(
    admin: Admin, sts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=60)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: signed_at)
    for expires, error in ((1, "not_allowed"), (PROOF_SECONDS, None)):
        caller = presigned(sts, {AUDIENCE_HEADER: FUNCTION}, expires=expires)
        answer = admin.handler({"action": "list_user", "user": ALICE, "caller": caller}, None)
        assert answer.get("error") == error


def test_unreachable_sts_is_unavailable(product: Product, proof: str) -> None:
    with started_services(product, "admin") as services:
        url = "http://127.0.0.1:9/?" + proof.partition("?")[2]
        handler = make_handler(services, check_at("http://127.0.0.1:9"))
        answer = Admin(handler, services, url)("end_user", user=ALICE)
    assert (answer["ok"], answer["error"]) == (False, "unavailable")


def test_sts_that_never_answers_delays_the_answer_no_longer_than_the_limit(
    product: Product, proof: str
) -> None:
    class Endless(http_server.Handler):
        def do_GET(self) -> None:
            self.send_response(200)
            while True:
                self.send_header("x", "y")
                self.flush_headers()
                time.sleep(0.05)

    limits = replace(PATIENT, admin_seconds=0.5)
    with (
        serving_http(Endless) as url,
        started_services(product, "admin", limits=limits) as services,
    ):
        handler = make_handler(services, check_at(url))
        began = time.monotonic()
        answer = Admin(handler, services, f"{url}/?{proof.partition('?')[2]}")(
            "end_user", user=ALICE
        )
        assert time.monotonic() - began < limits.exchange_seconds
    assert (answer["ok"], answer["error"]) == (False, "unavailable")


def test_redirect_of_sts_is_not_followed(product: Product, sts: str, proof: str) -> None:
    class Elsewhere(http_server.Handler):
        def do_GET(self) -> None:
            self.answer(307, headers={"location": proof})

    with serving_http(Elsewhere) as url, started_services(product, "admin") as services:
        handler = make_handler(services, check_at(url))
        answer = Admin(handler, services, f"{url}/?{proof.partition('?')[2]}")(
            "list_user", user=ALICE
        )
    assert (answer["ok"], answer["error"]) == (False, "unavailable")


def test_only_the_endpoints_of_sts_in_these_regions_are_called() -> None:
    """They are the region's and the global one, over https, unless an endpoint is configured."""
    check = CallerCheck({"AWS_REGION": "eu-central-1"})
    query = presigned("https://sts.test", {AUDIENCE_HEADER: FUNCTION}).removeprefix(
        "https://sts.test"
    )
    assert check._parameters(f"https://sts.eu-central-1.amazonaws.com{query}")
    assert check._parameters(f"https://sts.amazonaws.com{query}")
    assert check._parameters(f"https://sts.amazonaws.com{query}&X-Amz-Security-Token=x")
    for host in (
        "https://sts.us-east-1.amazonaws.com",
        "http://sts.eu-central-1.amazonaws.com",
        "https://sts.eu-central-1.amazonaws.com.evil.test",
        "https://sts.eu-central-1.amazonaws.com:444",
        "https://169.254.169.254",
    ):
        assert not check._parameters(f"{host}{query}")
    assert CallerCheck({"AWS_REGION": "cn-north-1"})._parameters(
        f"https://sts.cn-north-1.amazonaws.com.cn{query}"
    )


EVENTS: dict[str, dict[str, object]] = {
    "no action": {"action": None},
    "an unknown action": {"action": "drop_table"},
    "an action that is a list": {"action": ["end_user"]},
    "no user": {"action": "end_user"},
    "a user that is a number": {"action": "end_user", "user": 7},
    "an empty user": {"action": "end_user", "user": ""},
    "an endless user": {"action": "end_user", "user": "x" * 256},
    "a user with a line break": {"action": "end_user", "user": "a\nb"},
    "no organization": {"action": "end_organization", "user": ALICE},
    "no session": {"action": "end_session"},
    "a session that is a list": {"action": "end_session", "session": ["x"]},
    "a cursor that is not a number": {"action": "list_user", "user": ALICE, "cursor": "x"},
    "a negative cursor": {"action": "list_user", "user": ALICE, "cursor": "-1"},
    "a cursor that is a number": {"action": "list_user", "user": ALICE, "cursor": 50},
    "a cursor of an organization": {
        "action": "list_organization",
        "organization": "x",
        "cursor": 7,
    },
}


@pytest.mark.parametrize("name", EVENTS)
def test_malformed_request_is_refused(admin: Admin, name: str) -> None:
    answer = admin.handler({"caller": admin.proof, **EVENTS[name]}, None)
    assert (answer["ok"], answer["error"]) == (False, "malformed_request")
    assert answer["message"]


@pytest.mark.parametrize("event", [None, [], "x", 7, {}])
def test_event_of_any_shape_is_refused(admin: Admin, event: Any) -> None:
    assert admin.handler(event, None)["ok"] is False


def test_ended_sessions_are_counted(admin: Admin, printed: Callable[[], str]) -> None:
    for _ in range(3):
        admin.put(ALICE)
    for action, counted in (("list_user", []), ("end_user", [3]), ("erase_user", [0])):
        printed()
        assert admin(action, user=ALICE)["ok"] is True
        lines = [json.loads(line) for line in printed().splitlines()]
        assert [line["SessionsEnded"] for line in lines if "SessionsEnded" in line] == [
            [number] for number in counted
        ]


def test_action_is_logged_with_the_caller_and_a_digest_of_the_user(
    admin: Admin, printed: Callable[[], str]
) -> None:
    """One line before the action and one after it; neither has the user's id."""
    secret = admin.put(ALICE, organizations=["contosoorg01"])
    printed()
    for action, values in (
        ("list_user", {"user": ALICE}),
        ("end_session", {"session": id_of(secret)}),
        ("end_organization", {"organization": "contosoorg01"}),
        ("erase_user", {"user": ALICE}),
    ):
        assert admin(action, **values)["ok"] is True
        written = printed()
        read = [json.loads(line) for line in written.splitlines()]
        lines = [line for line in read if "_aws" not in line]  # metrics name nobody
        assert [line["message"] for line in lines] == ["action requested", "action done"]
        assert {line["caller"] for line in lines} == {ARN}
        assert {line["action"] for line in lines} == {action}
        for name in (ALICE, "contosoorg01", id_of(secret), "X-Amz-Signature", admin.proof):
            assert name not in written
        if "user" in values:
            digest = subject_digest(admin.services.settings.issuer, ALICE)
            assert {line["subject"] for line in lines} == {digest}


def test_refusal_is_logged_without_the_user(admin: Admin, printed: Callable[[], str]) -> None:
    printed()
    admin.handler({"action": "end_user", "user": ALICE, "caller": "x"}, None)
    written = printed()
    assert "action refused" in written
    assert "not_allowed" in written
    assert ALICE not in written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["end_user", "erase_user"])
def test_table_failing_from_any_call_on_is_an_error_that_a_repetition_repairs(
    product: Product, admin: Admin, action: str, kind: str
) -> None:
    """A failure is never reported as a success."""
    faults = Faults(product.client)
    for call in range(1, 20):
        secrets = [admin.put(ALICE) for _ in range(2)]
        faults.arm(kind, lambda sent, at=call: sent >= at)  # type: ignore[misc]
        answer = admin(action, user=ALICE)
        reached = faults.sent >= call
        faults.disarm()
        if not reached:
            assert answer["ok"] is True
            return
        assert (answer["ok"], answer["error"]) == (False, "table_unavailable")
        assert admin(action, user=ALICE)["ok"] is True
        assert not any(admin.live(secret) for secret in secrets)
    pytest.fail("the calls have no end")
