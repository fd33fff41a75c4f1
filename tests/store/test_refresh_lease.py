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
from tests.store.items import commit, listing, session
from tests.store.lost import LostAnswer

pytestmark = pytest.mark.invariant(8)

KEY, NOW = "session#a", 1_800_000_000.0
SESSION = ItemKey(KEY)
TOKEN = TokenItem(key="token#a", sealed=b"token", expires_at=1_800_003_600)


@pytest.fixture
def leases(client: Any, table_name: str, table: SessionTable) -> RefreshLeases:
    commit(table, session())
    return RefreshLeases(table_client(client, table_name))


def lease(owner: str, until: float = NOW + 9) -> Lease:
    return Lease(owner=owner, until=until)


def leases_with_a_lost_answer(client: Any, table_name: str, operation: str) -> RefreshLeases:
    lossy: Any = LostAnswer(client, operation)
    return RefreshLeases(table_client(lossy, table_name))


def row(client: Any, table_name: str, key: ItemKey = SESSION) -> dict[str, Any]:
    answer = client.get_item(TableName=table_name, Key=key.attributes)
    found: dict[str, Any] = answer["Item"]
    return found


def test_lease_has_one_holder(leases: RefreshLeases, table: SessionTable) -> None:
    leased = leases.take_lease(KEY, lease("one"), now=NOW)
    assert leased is not None
    assert table.read_session(KEY) == replace(session(), lease_owner="one", lease_until=NOW + 9)
    assert not leased.outcome_unknown
    assert leases.take_lease(KEY, lease("two"), now=NOW) is None
    assert leases.take_lease(KEY, lease("two"), now=NOW + 8.999) is None


def test_lease_on_nothing_creates_no_row(
    leases: RefreshLeases, client: Any, table_name: str
) -> None:
    assert leases.take_lease("session#never", lease("one"), now=NOW) is None
    key = ItemKey("session#never").attributes
    assert "Item" not in client.get_item(TableName=table_name, Key=key)


def test_lease_that_was_given_back_is_free(
    leases: RefreshLeases, client: Any, table_name: str
) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    leases.give_back(KEY, "one")
    assert not {"lease_owner", "lease_until", "taken_from"} & set(row(client, table_name))
    leased = leases.take_lease(KEY, lease("two"), now=NOW)
    assert leased is not None
    assert not leased.outcome_unknown


def test_lease_that_lapsed_is_taken_over_with_an_unknown_outcome(leases: RefreshLeases) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    leased = leases.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    assert leased is not None
    assert leased.outcome_unknown


def test_old_holder_cannot_write_after_a_takeover(
    leases: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    leases.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    before = row(client, table_name)
    assert not leases.keep_refreshed(KEY, "one", b"new")
    assert not leases.finish(KEY, "one", b"new", TOKEN)
    assert not leases.end(KEY, "one", [listing()])
    leases.give_back(KEY, "one")
    leases.back_off(KEY, "one", until=NOW + 99, outcome_known=True)
    assert row(client, table_name) == before
    assert row(client, table_name, ItemKey("subject#1", KEY))
    assert table.read_session_and_token(KEY, TOKEN.key)[1] is None


def test_lease_whose_answer_was_lost_is_taken(
    leases: RefreshLeases, client: Any, table_name: str
) -> None:
    leased = leases_with_a_lost_answer(client, table_name, "update_item").take_lease(
        KEY, lease("one"), now=NOW
    )
    assert leased is not None
    assert not leased.outcome_unknown  # the row records that there was no holder before


def test_lost_answer_of_a_takeover_leaves_the_outcome_unknown(
    leases: RefreshLeases, client: Any, table_name: str
) -> None:
    """The second attempt still reports that there was a holder before."""
    leases.take_lease(KEY, lease("one"), now=NOW)
    retrying = leases_with_a_lost_answer(client, table_name, "update_item")
    leased = retrying.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    assert leased is not None
    assert leased.outcome_unknown


@pytest.mark.parametrize("outcome_known", [True, False])
def test_lease_is_not_free_during_a_back_off(
    leases: RefreshLeases, table: SessionTable, outcome_known: bool
) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    leases.back_off(KEY, "one", until=NOW + 2, outcome_known=outcome_known)
    item = table.read_session(KEY)
    assert item is not None
    assert item.lease == Lease(owner=None if outcome_known else "one", until=NOW + 2)
    assert leases.take_lease(KEY, lease("two"), now=NOW + 1) is None
    leased = leases.take_lease(KEY, lease("two"), now=NOW + 2)
    assert leased is not None
    assert leased.outcome_unknown is not outcome_known


def test_outcome_stays_unknown_after_two_holders_whose_leases_lapsed(leases: RefreshLeases) -> None:
    """If two holders in a row report no outcome, the third still learns that it is unknown."""
    leases.take_lease(KEY, lease("one"), now=NOW)
    leases.take_lease(KEY, lease("two", NOW + 18), now=NOW + 9)
    leased = leases.take_lease(KEY, lease("three", NOW + 27), now=NOW + 18)
    assert leased is not None
    assert leased.outcome_unknown


def test_rotated_token_is_stored_while_the_lease_holds(
    leases: RefreshLeases, table: SessionTable
) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    assert leases.keep_refreshed(KEY, "one", b"rotated")
    item = table.read_session(KEY)
    assert item is not None
    assert (item.sealed, item.lease) == (b"rotated", lease("one"))


def test_finished_refresh_stores_the_token_and_frees_the_lease(
    leases: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    assert leases.finish(KEY, "one", b"refreshed", TOKEN)
    item, token = table.read_session_and_token(KEY, TOKEN.key)
    assert item == session(sealed=b"refreshed")
    assert token == TOKEN
    assert not {"lease_owner", "lease_until", "taken_from"} & set(row(client, table_name))


def test_finish_whose_answer_was_lost_is_a_success(
    leases: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    """The lease is gone by then, so the second attempt fails; the row says who held it."""
    leases.take_lease(KEY, lease("one"), now=NOW)
    retrying = leases_with_a_lost_answer(client, table_name, "transact_write_items")
    assert retrying.finish(KEY, "one", b"refreshed", TOKEN)
    item, token = table.read_session_and_token(KEY, TOKEN.key)
    assert item == session(sealed=b"refreshed")
    assert token == TOKEN


def test_nothing_brings_an_ended_session_back(leases: RefreshLeases, table: SessionTable) -> None:
    leases.take_lease(KEY, lease("one"), now=NOW)
    table.delete_session(KEY)
    assert not leases.keep_refreshed(KEY, "one", b"x")
    assert not leases.finish(KEY, "one", b"x", TOKEN)
    leases.give_back(KEY, "one")
    leases.back_off(KEY, "one", until=NOW, outcome_known=True)
    assert not leases.end(KEY, "one", [listing()])
    assert table.read_session_and_token(KEY, TOKEN.key) == (None, None)


def test_holder_ends_the_session_and_its_listings(
    leases: RefreshLeases, table: SessionTable, client: Any, table_name: str
) -> None:
    both = (
        listing("session#b", "subject#1", other_owner="subject#2"),
        listing("session#b", "subject#2", other_owner="subject#1"),
    )
    commit(table, session("session#b"), both)
    leases.take_lease("session#b", lease("one"), now=NOW)
    assert leases.end("session#b", "one", both)
    left = {(row["pk"]["S"], row["sk"]["S"]) for row in client.scan(TableName=table_name)["Items"]}
    assert left == {(KEY, "-"), ("subject#1", KEY)}


def test_activity_and_a_lease_do_not_disturb_each_other(
    leases: RefreshLeases, table: SessionTable
) -> None:
    """An idle extension leaves the lease alone, and a refresh leaves the activity alone."""
    leases.take_lease(KEY, lease("one"), now=NOW)
    assert table.touch_session(KEY, seen_at=1_800_000_301, expires_at=2_000_000_301)
    assert leases.finish(KEY, "one", b"refreshed", TOKEN)
    item = table.read_session(KEY)
    assert item is not None
    assert (item.seen_at, item.expires_at) == (1_800_000_301, 2_000_000_301)


def test_missing_table_is_unavailable(client: Any) -> None:
    leases = RefreshLeases(table_client(client, "no-such-table"))
    for act in (
        lambda: leases.take_lease(KEY, lease("one"), now=NOW),
        lambda: leases.give_back(KEY, "one"),
        lambda: leases.keep_refreshed(KEY, "one", b"x"),
        lambda: leases.finish(KEY, "one", b"x", TOKEN),
        lambda: leases.end(KEY, "one", [listing()]),
    ):
        with pytest.raises(TableUnavailable):
            act()
