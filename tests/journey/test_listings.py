"""How sessions are listed under their users, from a sign-in until any end of its session."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.browser import FETCH, NAVIGATION, Browser
from harness.functions import ROUTE, TOKEN_SETTINGS, started_authorizer
from harness.product import Product, started_product
from harness.tables import dump
from shared.errors import TableUnavailable
from shared.revocation import end_op_session, end_subject, sessions_of
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.sessions import load_session
from shared.store.keys import ItemKey, listing_owner, op_session_digest, subject_digest
from tests.hostile.faults import KINDS
from tests.support.rows import put_many, put_session

ALICE, BOB = "alice0000001", "bob000000001"
HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}


@contextmanager
def failing(product: Product, operation: str, chosen: Callable[[int], bool]) -> Iterator[list[Any]]:
    """Refuse the chosen requests of an operation. Return what was sent, in order."""
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> Any:
        sent.append(json.loads(request.body))
        return KINDS["denied"](product.client, request) if chosen(len(sent)) else None

    events = product.client.meta.events
    events.register(f"before-send.dynamodb.{operation}", answer)
    try:
        yield sent
    finally:
        events.unregister(f"before-send.dynamodb.{operation}", answer)


def keys(product: Product, kind: str) -> set[ItemKey]:
    rows: list[Any] = dump(product.client, product.table_name)
    return {
        ItemKey(row["pk"]["S"], row["sk"]["S"])
        for row in rows
        if row["pk"]["S"].startswith(f"{kind}#")
    }


def expected(product: Product, *sessions: tuple[str, str]) -> set[ItemKey]:
    """Return the listings of these sessions, each given by its user and its cookie."""
    issuer = product.services.settings.issuer
    return {
        ItemKey(listing_owner(subject_digest(issuer, user)), SessionHandle.of(secret).key)
        for user, secret in sessions
    }


def signed_in(product: Product, account: str = ALICE) -> Browser:
    browser = product.browser()
    product.sign_in(browser, account)
    return browser


def secret_of(browser: Browser) -> str:
    return browser.jar["__Host-session"]


def live(secret: str, services: Services) -> bool:
    return load_session(SessionHandle.of(secret), services) is not None


def end_alice(product: Product) -> int:
    until = int(product.clock()) + 30
    return end_subject(ALICE, until=until, services=product.services).sessions


def test_each_sign_in_is_listed_until_the_end_of_its_session(product: Product) -> None:
    browsers = [signed_in(product), signed_in(product), signed_in(product, BOB)]
    secrets = [(ALICE, secret_of(b)) for b in browsers[:2]] + [(BOB, secret_of(browsers[2]))]
    assert keys(product, "subject") == expected(product, *secrets)
    ends = int(product.clock()) + product.services.settings.session_absolute_seconds
    rows: list[Any] = dump(product.client, product.table_name)
    for row in rows:
        if row["pk"]["S"].startswith("subject#"):
            assert ends - 60 <= int(row["expires_at"]["N"]) <= ends
            assert set(row) == {"pk", "sk", "v", "began_at", "expires_at"}


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_new_sign_in_takes_the_place_of_the_previous_session_and_listing(
    product: Product, account: str
) -> None:
    browser = signed_in(product)
    other = signed_in(product)
    product.sign_in(browser, account)
    left = ((account, secret_of(browser)), (ALICE, secret_of(other)))
    assert keys(product, "subject") == expected(product, *left)
    assert len(keys(product, "session")) == 2


def test_previous_session_that_cannot_be_read_ends_all_the_same(product: Product) -> None:
    browser = signed_in(product)
    before = secret_of(browser)
    with failing(product, "GetItem", lambda number: True):
        product.sign_in(browser)
    assert not live(before, product.services)
    assert live(secret_of(browser), product.services)
    dangling = ((ALICE, before), (ALICE, secret_of(browser)))
    assert keys(product, "subject") == expected(product, *dangling)


def test_cookie_of_a_session_that_is_gone_adds_nothing_to_a_sign_in(product: Product) -> None:
    browser = signed_in(product)
    old = dict(browser.jar)
    browser.get("/sign-out", HERE)
    browser.jar |= old
    with failing(product, "TransactWriteItems", lambda number: False) as sent:
        product.sign_in(browser)
    (request,) = sent
    assert [next(iter(part)) for part in request["TransactItems"]] == [
        "ConditionCheck",
        "Put",
        "Put",
    ]


def test_sign_out_leaves_no_listing(product: Product) -> None:
    browser, other = signed_in(product), signed_in(product)
    browser.get("/sign-out", HERE)
    assert keys(product, "subject") == expected(product, (ALICE, secret_of(other)))
    other.post("/sign-out?everywhere=true", {**HERE, "origin": f"https://{other.domain}"})
    assert keys(product, "subject") == set()
    assert keys(product, "session") == set()


def test_sign_out_succeeds_if_only_the_listing_cannot_be_deleted(
    product: Product, printed: Callable[[], str]
) -> None:
    """A listing without its session is harmless; the next revocation deletes it."""
    browser, other = signed_in(product), signed_in(product)
    secret = secret_of(browser)
    printed()
    with failing(product, "BatchWriteItem", lambda number: True):
        out = browser.get("/sign-out", HERE)
    assert out.status == 303
    assert "__Host-session" not in browser.jar
    assert "listings not deleted" in printed()
    assert not live(secret, product.services)
    dangling = ((ALICE, secret), (ALICE, secret_of(other)))
    assert keys(product, "subject") == expected(product, *dangling)
    assert [item.key for item in sessions_of(ALICE, product.services)] == [
        SessionHandle.of(secret_of(other)).key
    ]
    assert end_alice(product) == 1
    assert keys(product, "subject") == keys(product, "session") == set()


def test_session_that_lapsed_is_listed_for_nothing(product: Product) -> None:
    """TTL has deleted the idle session, and its listing is there until the absolute end."""
    put_session(product.services, ALICE)
    (key,) = keys(product, "session")
    product.client.delete_item(TableName=product.table_name, Key=key.attributes)
    assert len(keys(product, "subject")) == 1
    assert sessions_of(ALICE, product.services) == ()
    assert end_alice(product) == 0
    assert keys(product, "subject") == set()


def test_listing_that_lapsed_leaves_its_session_to_its_own_end(product: Product) -> None:
    secret = put_session(product.services, ALICE)
    (key,) = keys(product, "subject")
    product.client.delete_item(TableName=product.table_name, Key=key.attributes)
    product.clock.ahead = product.services.settings.session_absolute_seconds
    assert not live(secret, product.services)


def test_session_that_ends_with_its_grant_leaves_no_listing(product: Product) -> None:
    with (
        started_product(product.stand_in, **TOKEN_SETTINGS) as signing,
        started_authorizer(signing) as authorizer,
    ):
        browser, other = signed_in(signing), signed_in(signing, BOB)
        assert authorizer.ask(browser, route=ROUTE) is not None
        product.stand_in.tenant.users[ALICE].suspended = True
        signing.clock.ahead = 3560
        assert authorizer.ask(browser, route=ROUTE) is None
        assert keys(signing, "subject") == expected(signing, (BOB, secret_of(other)))
        assert len(keys(signing, "session")) == 1


def test_revocation_deletes_sessions_before_their_listings(product: Product) -> None:
    secrets = [put_session(product.services, ALICE, sid=f"sid-{n}") for n in range(30)]
    with failing(product, "BatchWriteItem", lambda number: False) as sent:
        assert end_alice(product) == 30
    deleted = [
        entry["DeleteRequest"]["Key"]["pk"]["S"].partition("#")[0]
        for request in sent
        for entry in request["RequestItems"][product.table_name]
    ]
    assert deleted == ["session"] * 30 + ["subject"] * 60
    assert not any(live(secret, product.services) for secret in secrets)


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
def test_interrupted_revocation_is_completed_by_a_repetition(product: Product, call: int) -> None:
    """A session is listed until it has been deleted."""
    secrets = [put_session(product.services, ALICE, sid=f"sid-{n}") for n in range(30)]
    with (
        failing(product, "BatchWriteItem", lambda number: number >= call),
        pytest.raises(TableUnavailable),
    ):
        end_alice(product)
    listed = {key.sk for key in keys(product, "subject")}
    assert {key.pk for key in keys(product, "session")} <= listed
    assert listed
    end_alice(product)
    assert keys(product, "session") == keys(product, "subject") == set()
    assert not any(live(secret, product.services) for secret in secrets)


def test_session_whose_listing_alone_was_seen_is_ended(product: Product) -> None:
    """While a transaction is being committed, a read may find one of its items and not another."""
    secret = put_session(product.services, ALICE)

    def unseen(**_: Any) -> None:
        (key,) = keys(product, "session")
        kept = product.client.get_item(TableName=product.table_name, Key=key.attributes)["Item"]
        product.client.delete_item(TableName=product.table_name, Key=key.attributes)

        def seen(**_: Any) -> None:
            product.client.put_item(TableName=product.table_name, Item=kept)

        product.client.meta.events.register("after-call.dynamodb.BatchGetItem", seen)

    product.client.meta.events.register("before-send.dynamodb.BatchGetItem", unseen)
    assert end_alice(product) == 0
    assert not live(secret, product.services)


def test_sessions_that_began_later_stay_listed(product: Product) -> None:
    old = put_session(product.services, ALICE, seconds_ago=100)
    new = put_session(product.services, ALICE, seconds_ago=10)
    until = int(product.clock()) - 50
    assert end_subject(ALICE, until=until, services=product.services).sessions == 1
    assert not live(old, product.services)
    assert keys(product, "subject") == expected(product, (ALICE, new))


@pytest.mark.parametrize(("subject", "ended"), [(None, 2), (ALICE, 1), ("nobody", 0)])
def test_ending_a_session_at_logto_leaves_no_listing_of_it(
    product: Product, subject: str | None, ended: int
) -> None:
    """Its sessions are listed under their users too, and those listings are deleted."""
    alice = put_session(product.services, ALICE, sid="shared")
    bob = put_session(product.services, BOB, sid="shared")
    other = put_session(product.services, ALICE, sid="another")
    assert len(keys(product, "subject")) == 6
    count = end_op_session("shared", subject=subject, services=product.services)
    assert count == ended
    assert live(alice, product.services) is (ended == 0)
    assert live(bob, product.services) is (subject is not None)
    assert live(other, product.services)
    assert len(keys(product, "subject")) == 6 - 2 * ended
    owner = listing_owner(op_session_digest(product.services.settings.issuer, "another"))
    assert ItemKey(owner, SessionHandle.of(other).key) in keys(product, "subject")


def test_ending_all_of_a_user_leaves_nothing_under_sessions_at_logto(product: Product) -> None:
    for number in range(3):
        put_session(product.services, ALICE, sid=f"sid-{number}")
    other = put_session(product.services, BOB, sid="sid-1")
    assert end_alice(product) == 3
    assert {key.sk for key in keys(product, "subject")} == {SessionHandle.of(other).key}
    assert len(keys(product, "subject")) == 2


def test_ten_thousand_sign_ins_of_one_user_leave_the_next_one_working(product: Product) -> None:
    """No listing is ever full, and every session is found."""

    def smaller(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 1000  # moto takes seconds for a page of a megabyte

    product.client.meta.events.register("provide-client-params.dynamodb.Query", smaller)
    put_many(product.services, product.client, product.table_name, ALICE, 10_000)
    browser = signed_in(product)
    assert browser.get("/me", FETCH).status == 200
    owner = listing_owner(subject_digest(product.services.settings.issuer, ALICE))
    product.forget_counts()
    assert len(product.services.revocations().read_listings(owner)) == 10_001
    assert product.wire.calls == ["Query"] * 11


def test_revocation_of_many_sessions_proceeds_in_parts(product: Product) -> None:
    """A part that was deleted before a failure is not repeated by the next attempt."""
    put_many(product.services, product.client, product.table_name, ALICE, 250)
    with (
        failing(product, "BatchGetItem", lambda number: number == 3),
        pytest.raises(TableUnavailable),
    ):
        end_alice(product)
    assert len(keys(product, "session")) == len(keys(product, "subject")) == 50
    assert end_alice(product) == 50
    assert keys(product, "session") == keys(product, "subject") == set()
