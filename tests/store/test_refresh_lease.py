"""The lease on a session's refresh token, and what a refresh writes, against moto."""

from dataclasses import replace
from typing import Any

import pytest

from harness.tables import table_client
from shared.errors import TableUnavailable
from shared.store.keys import ItemKey
from shared.store.records import Lease, TokenItem
from shared.store.refresh_lease import RefreshLeases
from shared.store.session_table import SessionTable
from tests.store.lost import LostAnswer
from tests.store.test_session_table import commit, listing, session

pytestmark = pytest.mark.invariant(8)

KEY, NOW = "session#a", 1_800_000_000.0
SESSION = ItemKey(KEY)
TOKEN = TokenItem(key="token#a", sealed=b"token", expires_at=1_800_003_600)


@pytest.fixture
def tokens(client: Any, table_name: str, table: SessionTable) -> RefreshLeases:
    commit(table, session())
    return RefreshLeases(table_client(client, table_name))


def lease(owner: str, until: float = NOW + 9) -> Lease:
    return Lease(owner=owner, until=until)


def losing(client: Any, table_name: str, operation: str) -> RefreshLeases:
    client_that_loses: Any = LostAnswer(client, operation)
    return RefreshLeases(table_client(client_that_loses, table_name))


def row(client: Any, table_name: str, key: ItemKey = SESSION) -> dict[str, Any]:
    answer = client.get_item(TableName=table_name, Key=key.attributes)
    found: dict[str, Any] = answer["Item"]
    return found


def test_one_holds_the_lease(tokens: RefreshLeases) -> None:
    leased = tokens.take_lease(KEY, lease("one"), now=NOW)
    assert leased is not None
    assert leased.item == replace(session(), lease=lease("one"))
    assert not leased.outcome_unknown
    assert tokens.take_lease(KEY, lease("two"), now=NOW) is None
    assert tokens.take_lease(KEY, lease("two"), now=NOW + 8.999) is None


def test_a_lease_on_nothing(tokens: RefreshLeases, client: Any, table_name: str) -> None:
    """It brings no row about."""
    assert tokens.take_lease("session#never", lease("one"), now=NOW) is None
    key = ItemKey("session#never").attributes
    assert "Item" not in client.get_item(TableName=table_name, Key=key)


def test_a_lease_that_was_given_back(tokens: RefreshLeases, client: Any, table_name: str) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    tokens.give_back(KEY, "one")
    assert not {"lease_owner", "lease_until", "taken_from"} & set(row(client, table_name))
    leased = tokens.take_lease(KEY, lease("two"), now=NOW)
    assert leased is not None
    assert not leased.outcome_unknown


def test_a_lease_that_lapsed_is_taken_over_and_said_to_be(tokens: RefreshLeases) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    leased = tokens.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    assert leased is not None
    assert leased.outcome_unknown


def test_the_old_holder_has_no_say_any_more(
    tokens: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    tokens.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    before = row(client, table_name)
    assert not tokens.keep_refreshed(KEY, "one", b"new")
    assert not tokens.finish(KEY, "one", b"new", TOKEN)
    assert not tokens.end(KEY, "one", [listing()])
    tokens.give_back(KEY, "one")
    tokens.back_off(KEY, "one", until=NOW + 99, outcome_known=True)
    assert row(client, table_name) == before
    assert row(client, table_name, ItemKey("subject#1", KEY))
    assert table.read_session_and_token(KEY, TOKEN.key)[1] is None


def test_a_taken_lease_whose_answer_was_lost(
    tokens: RefreshLeases, client: Any, table_name: str
) -> None:
    leased = losing(client, table_name, "update_item").take_lease(KEY, lease("one"), now=NOW)
    assert leased is not None
    assert not leased.outcome_unknown  # what was there before is remembered


def test_a_lost_answer_to_taking_over(tokens: RefreshLeases, client: Any, table_name: str) -> None:
    """The second attempt still says that somebody was there before."""
    tokens.take_lease(KEY, lease("one"), now=NOW)
    loser = losing(client, table_name, "update_item")
    leased = loser.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    assert leased is not None
    assert leased.outcome_unknown


@pytest.mark.parametrize("outcome_known", [True, False])
def test_a_rest(tokens: RefreshLeases, table: SessionTable, outcome_known: bool) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    tokens.back_off(KEY, "one", until=NOW + 2, outcome_known=outcome_known)
    item = table.read_session(KEY)
    assert item is not None
    assert item.lease == Lease(owner=None if outcome_known else "one", until=NOW + 2)
    assert tokens.take_lease(KEY, lease("two"), now=NOW + 1) is None
    leased = tokens.take_lease(KEY, lease("two"), now=NOW + 2)
    assert leased is not None
    assert leased.outcome_unknown is not outcome_known


def test_doubt_outlives_a_holder_that_learned_nothing(tokens: RefreshLeases) -> None:
    """Two in a row that never said how it ended: the third is told as well."""
    tokens.take_lease(KEY, lease("one"), now=NOW)
    tokens.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    leased = tokens.take_lease(KEY, lease("three", NOW + 27), now=NOW + 18)
    assert leased is not None
    assert leased.outcome_unknown


def test_a_rotated_token_is_kept_while_the_lease_holds(
    tokens: RefreshLeases, table: SessionTable
) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    assert tokens.keep_refreshed(KEY, "one", b"rotated")
    item = table.read_session(KEY)
    assert item is not None
    assert (item.sealed, item.lease) == (b"rotated", lease("one"))


def test_the_end_of_a_refresh(
    tokens: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    assert tokens.finish(KEY, "one", b"refreshed", TOKEN)
    item, token = table.read_session_and_token(KEY, TOKEN.key)
    assert item == session(sealed=b"refreshed")
    assert token == TOKEN
    assert not {"lease_owner", "lease_until", "taken_from"} & set(row(client, table_name))


def test_a_finish_whose_answer_was_lost(
    tokens: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    """The lease is gone by then, so the second attempt fails; the row says whose it was."""
    tokens.take_lease(KEY, lease("one"), now=NOW)
    loser = losing(client, table_name, "transact_write_items")
    assert loser.finish(KEY, "one", b"refreshed", TOKEN)
    item, token = table.read_session_and_token(KEY, TOKEN.key)
    assert item == session(sealed=b"refreshed")
    assert token == TOKEN


def test_nothing_brings_an_ended_session_back(tokens: RefreshLeases, table: SessionTable) -> None:
    tokens.take_lease(KEY, lease("one"), now=NOW)
    table.delete_session(KEY)
    assert not tokens.keep_refreshed(KEY, "one", b"x")
    assert not tokens.finish(KEY, "one", b"x", TOKEN)
    tokens.give_back(KEY, "one")
    tokens.back_off(KEY, "one", until=NOW, outcome_known=True)
    assert not tokens.end(KEY, "one", [listing()])
    assert table.read_session_and_token(KEY, TOKEN.key) == (None, None)


def test_the_holder_ends_the_session_and_its_listings(
    tokens: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    both = (
        listing("session#b", "subject#1", other_owner="subject#2"),
        listing("session#b", "subject#2", other_owner="subject#1"),
    )
    commit(table, session("session#b"), both)
    tokens.take_lease("session#b", lease("one"), now=NOW)
    assert tokens.end("session#b", "one", both)
    left = {(row["pk"]["S"], row["sk"]["S"]) for row in client.scan(TableName=table_name)["Items"]}
    assert left == {(KEY, "-"), ("subject#1", KEY)}


def test_activity_meets_a_lease(tokens: RefreshLeases, table: SessionTable) -> None:
    """An idle extension leaves the lease alone, and a refresh leaves the activity alone."""
    tokens.take_lease(KEY, lease("one"), now=NOW)
    assert table.touch_session(KEY, seen_at=1_800_000_301, expires_at=2_000_000_301)
    assert tokens.finish(KEY, "one", b"refreshed", TOKEN)
    item = table.read_session(KEY)
    assert item is not None
    assert (item.seen_at, item.expires_at) == (1_800_000_301, 2_000_000_301)


def test_a_missing_table(client: Any) -> None:
    tokens = RefreshLeases(table_client(client, "no-such-table"))
    for act in (
        lambda: tokens.take_lease(KEY, lease("one"), now=NOW),
        lambda: tokens.give_back(KEY, "one"),
        lambda: tokens.keep_refreshed(KEY, "one", b"x"),
        lambda: tokens.finish(KEY, "one", b"x", TOKEN),
        lambda: tokens.end(KEY, "one", [listing()]),
    ):
        with pytest.raises(TableUnavailable):
            act()
