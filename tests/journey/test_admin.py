"""The operators' function through its handler: callers prove who they are, and all is logged."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from functions.admin.application import Handler, make_handler
from functions.admin.caller import CallerCheck
from harness.functions import started_services
from harness.product import Product, started_product
from harness.tables import dump
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.sessions import load_session
from shared.store.keys import subject_digest
from tests.hostile.faults import KINDS, Faults
from tests.support.rows import put_session
from tests.support.sts import running_sts

ALICE, BOB = "alice0000001", "bob000000001"
ARN = "arn:aws:sts::123456789012:user/moto"


@pytest.fixture
def sts(moto_url: str) -> Iterator[str]:
    with running_sts(moto_url) as endpoint:
        yield endpoint


@pytest.fixture
def proof(sts: str) -> str:
    """A signed request for the caller's identity, which is not sent by who signs it."""
    url: str = boto3.client("sts", endpoint_url=sts).generate_presigned_url(
        "get_caller_identity", ExpiresIn=60, HttpMethod="GET"
    )
    return url


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
        check = CallerCheck({"AWS_ENDPOINT_URL_STS": sts})
        yield Admin(make_handler(services, check), services, proof)


def id_of(secret: str) -> str:
    return SessionHandle.of(secret).key.removeprefix("session#")


def test_the_sessions_of_a_user(product: Product, admin: Admin) -> None:
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


def test_address_and_agent_where_they_are_kept(product: Product, proof: str, sts: str) -> None:
    with (
        started_product(product.stand_in, RECORD_CLIENT="true") as recording,
        started_services(recording, "admin") as services,
    ):
        browser = recording.browser()
        url = recording.at_logto(browser.get("/sign-in").location)
        browser.get(url, {"accept": "text/html", "user-agent": "Firefox\x7f 1"})
        check = CallerCheck({"AWS_ENDPOINT_URL_STS": sts})
        (session,) = Admin(make_handler(services, check), services, proof)("list_user", user=ALICE)[
            "sessions"
        ]
        assert session["ip"] == "192.0.2.1"
        assert session["agent"].startswith("Firefox")


def test_the_latest_first_in_pages(admin: Admin) -> None:
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


def test_ending_one(admin: Admin) -> None:
    first, second = admin.put(ALICE), admin.put(ALICE)
    assert admin("end_session", session=id_of(first)) == {"ok": True, "ended": 1}
    assert (admin.live(first), admin.live(second)) == (False, True)
    assert admin("end_session", session=id_of(first)) == {"ok": True, "ended": 0}


@pytest.mark.parametrize("name", ["subject#{}", "{}", "ended#{}"])
def test_ending_what_is_no_session(admin: Admin, name: str) -> None:
    secret = admin.put(ALICE)
    index = name.format(subject_digest(admin.services.settings.issuer, ALICE))
    before = len(admin("list_user", user=ALICE)["sessions"])
    assert admin("end_session", session=index)["ended"] == 0
    assert len(admin("list_user", user=ALICE)["sessions"]) == before
    assert admin.live(secret)


def test_ending_all_of_a_user(admin: Admin) -> None:
    secrets = [admin.put(ALICE) for _ in range(60)]
    other = admin.put(BOB)
    assert admin("end_user", user=ALICE) == {"ok": True, "ended": 60}
    assert not any(admin.live(secret) for secret in secrets)
    assert admin.live(other)
    assert admin("end_user", user="nobody") == {"ok": True, "ended": 0}


def test_a_sign_in_after_that_works(product: Product, admin: Admin) -> None:
    admin("end_user", user=ALICE)
    browser = product.browser()
    product.sign_in(browser)
    assert admin.live(browser.jar["__Host-session"])


def test_an_organization(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_organizations_come_with_a_sign_in(product: Product, admin: Admin) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.sign_in(product.browser(), BOB)
    (session,) = admin("list_organization", organization="contosoorg01")["sessions"]
    assert session["session"] == id_of(browser.jar["__Host-session"])


def test_erasing_a_user(product: Product, admin: Admin) -> None:
    secrets = [admin.put(ALICE) for _ in range(3)]
    other = admin.put(BOB)
    answer = admin("erase_user", user=ALICE)
    assert answer["ended"] == 3
    receipt = answer["receipt"]
    digest = subject_digest(admin.services.settings.issuer, ALICE)
    assert receipt["subject_digest"] == digest
    assert ALICE not in json.dumps(receipt)
    assert (receipt["sessions_deleted"], receipt["left"]) == (3, 0)
    assert receipt["index_items_deleted"] == 1
    assert receipt["table"] == product.table_name
    assert not any(admin.live(secret) for secret in secrets)
    assert admin.live(other)
    left = {str(row["pk"]) for row in dump(product.client, product.table_name)}
    assert sum("ended#" in name for name in left) == 1
    assert len(left) == 3  # the marker, and Bob's session and index
    again = admin("erase_user", user=ALICE)["receipt"]
    assert (again["sessions_deleted"], again["index_items_deleted"]) == (0, 0)


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
    "one more parameter": lambda url: url + "&RoleArn=x",
    "another path": lambda url: url.replace("/?", "/moto-api/reset?"),
    "a fragment": lambda url: url + "#x",
    "user information": lambda url: url.replace("http://", "http://x@"),
    "a host before it": lambda url: url.replace("http://", "http://evil.test@"),
    "no action": lambda url: url.replace("Action=GetCallerIdentity&", ""),
    "a signature altered": lambda url: url[:-1] + ("1" if url[-1] == "0" else "0"),
    "no signature": lambda url: url.partition("&X-Amz-Signature")[0],
    "another caller's name": lambda url: url.replace("Credential=test", "Credential=root"),
    "endless": lambda url: url + "&X-Amz-X=" + "x" * 10_000,
}


@pytest.mark.parametrize("name", PROOFS)
def test_who_proves_nothing(admin: Admin, name: str) -> None:
    secret = admin.put(ALICE)
    answer = admin.handler(
        {"action": "end_user", "user": ALICE, "caller": PROOFS[name](admin.proof)}, None
    )
    assert answer["ok"] is False
    assert answer["error"] == "not_allowed"
    assert admin.live(secret)


def test_no_sts(product: Product, proof: str) -> None:
    with started_services(product, "admin") as services:
        check = CallerCheck({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"})
        url = "http://127.0.0.1:9/?" + proof.partition("?")[2]
        answer = Admin(make_handler(services, check), services, url)("end_user", user=ALICE)
    assert (answer["ok"], answer["error"]) == (False, "unavailable")


def test_regions_of_sts() -> None:
    """Without an endpoint of its own it is that of the region, or the global one, over https."""
    check = CallerCheck({"AWS_REGION": "eu-central-1"})
    query = "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=0"
    assert check._is_proof(f"https://sts.eu-central-1.amazonaws.com{query}")
    assert check._is_proof(f"https://sts.amazonaws.com{query}")
    for host in (
        "https://sts.us-east-1.amazonaws.com",
        "http://sts.eu-central-1.amazonaws.com",
        "https://sts.eu-central-1.amazonaws.com.evil.test",
        "https://sts.eu-central-1.amazonaws.com:444",
        "https://169.254.169.254",
    ):
        assert not check._is_proof(f"{host}{query}")
    assert CallerCheck({"AWS_REGION": "cn-north-1"})._is_proof(
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
    "a cursor that is no number": {"action": "list_user", "user": ALICE, "cursor": "x"},
    "a negative cursor": {"action": "list_user", "user": ALICE, "cursor": "-1"},
    "a cursor that is a number": {"action": "list_user", "user": ALICE, "cursor": 50},
    "a cursor of an organization": {
        "action": "list_organization",
        "organization": "x",
        "cursor": 7,
    },
}


@pytest.mark.parametrize("name", EVENTS)
def test_malformed(admin: Admin, name: str) -> None:
    answer = admin.handler({"caller": admin.proof, **EVENTS[name]}, None)
    assert (answer["ok"], answer["error"]) == (False, "malformed_request")
    assert answer["message"]


@pytest.mark.parametrize("event", [None, [], "x", 7, {}])
def test_events_of_any_shape(admin: Admin, event: Any) -> None:
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


def test_what_is_done_is_logged(admin: Admin, printed: Callable[[], str]) -> None:
    """By the caller's ARN, before and after; whom it was about shows as a digest alone."""
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
        assert [line["message"] for line in lines] == ["action asked for", "action done"]
        assert {line["caller"] for line in lines} == {ARN}
        assert {line["action"] for line in lines} == {action}
        for name in (ALICE, "contosoorg01", id_of(secret), "X-Amz-Signature", admin.proof):
            assert name not in written
        if "user" in values:
            digest = subject_digest(admin.services.settings.issuer, ALICE)
            assert {line["subject"] for line in lines} == {digest}


def test_a_refusal_is_logged(admin: Admin, printed: Callable[[], str]) -> None:
    printed()
    admin.handler({"action": "end_user", "user": ALICE, "caller": "x"}, None)
    written = printed()
    assert "action refused" in written
    assert "not_allowed" in written
    assert ALICE not in written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["end_user", "erase_user"])
def test_table_failing_from_any_call_on(
    product: Product, admin: Admin, action: str, kind: str
) -> None:
    """An error, never a success, and asking again completes it."""
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
