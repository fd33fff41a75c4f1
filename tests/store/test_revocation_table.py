"""Markers, listings and batches, and their conditions, against moto."""

from dataclasses import replace
from typing import Any

import pytest

from harness.tables import table_client
from shared.errors import EndedMeanwhile, TableUnavailable
from shared.store.keys import ItemKey
from shared.store.revocation_table import RevocationTable
from shared.store.session_table import SessionTable
from tests.store.items import commit, listing, session
from tests.store.lost import LostAnswer

MARKER, SID_MARKER = "ended#alice", "ended#sid"
BEGAN = 1_800_000_000
"""When the sessions of these tests began; they redeemed their code in the same second."""
LAPSES = 2_000_000_000


@pytest.fixture
def revocations(client: Any, table_name: str) -> RevocationTable:
    return RevocationTable(table_client(client, table_name))


def mark(
    revocations: RevocationTable, ended_before: int, arrived_at: int, expires_at: int = LAPSES
) -> None:
    revocations.mark_subject(
        MARKER, ended_before=ended_before, arrived_at=arrived_at * 1000, expires_at=expires_at
    )


def row(client: Any, table_name: str, key: str) -> dict[str, Any]:
    answer = client.get_item(TableName=table_name, Key=ItemKey(key).attributes)
    found: dict[str, Any] = answer["Item"]
    return found


COMMITS = {
    "a logout before the redemption": (BEGAN - 5, BEGAN, True),
    "a logout of earlier sessions, after it": (BEGAN - 1, BEGAN + 1, True),
    "a logout of this second, after it": (BEGAN, BEGAN + 1, False),
    "a logout of later ones, after it": (BEGAN + 5, BEGAN + 1, False),
    "a logout of later ones, before it": (BEGAN + 30, BEGAN - 1, True),
}


@pytest.mark.invariant(13)
@pytest.mark.parametrize("name", COMMITS)
def test_commit_obeys_the_marker_of_the_subject(
    table: SessionTable, revocations: RevocationTable, name: str
) -> None:
    ended_before, arrived_at, allowed = COMMITS[name]
    mark(revocations, ended_before, arrived_at)
    if allowed:
        commit(table, session())
        assert table.read_session("session#a") is not None
        return
    with pytest.raises(EndedMeanwhile):
        commit(table, session())
    assert table.read_session("session#a") is None
    assert revocations.read_listings("subject#1") == ()


def test_refused_commit_leaves_the_previous_session(
    table: SessionTable, revocations: RevocationTable
) -> None:
    commit(table, session("session#before"))
    mark(revocations, BEGAN, BEGAN + 1)
    with pytest.raises(EndedMeanwhile):
        commit(table, session(), previous=(ItemKey("session#before"),))
    assert table.read_session("session#before") is not None


def test_later_logout_moves_the_marker_forward(
    revocations: RevocationTable, client: Any, table_name: str
) -> None:
    mark(revocations, BEGAN, BEGAN, LAPSES)
    mark(revocations, BEGAN + 10, BEGAN + 10, LAPSES + 10)
    found = row(client, table_name, MARKER)
    assert (found["ended_before"]["N"], found["arrived_at"]["N"], found["expires_at"]["N"]) == (
        str(BEGAN + 10),
        str((BEGAN + 10) * 1000),
        str(LAPSES + 10),
    )


def test_marker_that_reaches_further_stays(
    revocations: RevocationTable, client: Any, table_name: str
) -> None:
    """A later logout updates the arrival, and does not take back the earlier one."""
    mark(revocations, BEGAN + 30, BEGAN)
    mark(revocations, BEGAN + 10, BEGAN + 10, LAPSES + 10)
    found = row(client, table_name, MARKER)
    assert (found["ended_before"]["N"], found["arrived_at"]["N"], found["expires_at"]["N"]) == (
        str(BEGAN + 30),
        str((BEGAN + 10) * 1000),
        str(LAPSES + 10),
    )


@pytest.mark.invariant(13)
@pytest.mark.parametrize(("ended_before", "kept"), [(BEGAN - 10, BEGAN), (BEGAN + 10, BEGAN + 10)])
def test_logout_that_is_carried_out_late_takes_nothing_back(
    revocations: RevocationTable, client: Any, table_name: str, ended_before: int, kept: int
) -> None:
    """It arrived before the one whose marker is there, whichever of them reaches further."""
    mark(revocations, BEGAN, BEGAN)
    mark(revocations, ended_before, BEGAN - 5)
    found = row(client, table_name, MARKER)
    assert found["ended_before"]["N"] == str(kept)
    assert found["arrived_at"]["N"] == str(BEGAN * 1000)


def test_marker_that_lapses_between_two_writes_is_an_error(client: Any, table_name: str) -> None:
    """If the marker is deleted between the two writes, no incomplete marker is left."""

    class Lapsing(LostAnswer):
        def __getattr__(self, name: str) -> Any:
            call = getattr(self._client, name)
            if name != "update_item":
                return call

            def then_gone(**arguments: Any) -> Any:
                try:
                    return call(**arguments)
                finally:
                    client.delete_item(TableName=table_name, Key=ItemKey(MARKER).attributes)

            return then_gone

    mark(RevocationTable(table_client(client, table_name)), BEGAN + 30, BEGAN)
    lapsing: Any = Lapsing(client, "update_item")
    with pytest.raises(TableUnavailable):
        mark(RevocationTable(table_client(lapsing, table_name)), BEGAN, BEGAN + 1)
    assert "Item" not in client.get_item(TableName=table_name, Key=ItemKey(MARKER).attributes)


def test_marker_whose_answer_was_lost_is_written(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "update_item")
    mark(RevocationTable(table_client(losing, table_name)), BEGAN, BEGAN)
    assert losing.lost
    assert row(client, table_name, MARKER)["ended_before"]["N"] == str(BEGAN)


OP_SESSIONS: dict[str, tuple[tuple[str | None, ...], bool]] = {
    "for any subject": ((None,), False),
    "for this subject": (("alice",), False),
    "for another subject": (("bob",), True),
    "for another subject, then for this one": (("bob", "alice"), False),
    "for this subject, then for another": (("alice", "bob"), False),
    "for any subject, then for another": ((None, "bob"), False),
    "for another subject, then for any": (("bob", None), False),
    "for a subject whose name contains this one's": (("alice2",), True),
}


@pytest.mark.invariant(13)
@pytest.mark.parametrize("name", OP_SESSIONS)
def test_commit_obeys_the_marker_of_the_session_at_logto(
    table: SessionTable, revocations: RevocationTable, name: str
) -> None:
    subjects, allowed = OP_SESSIONS[name]
    for subject in subjects:
        revocations.mark_op_session(SID_MARKER, subject=subject, expires_at=LAPSES)
    if allowed:
        commit(table, session(), op_session="sid")
        return
    with pytest.raises(EndedMeanwhile):
        commit(table, session(), op_session="sid")
    assert table.read_session("session#a") is None


def test_sessions_are_listed_by_owner(table: SessionTable, revocations: RevocationTable) -> None:
    commit(table, session("session#a"))
    both = (
        listing("session#b", "subject#1", other_owner="subject#2", began_at=BEGAN + 7),
        listing("session#b", "subject#2", other_owner="subject#1", began_at=BEGAN + 7),
    )
    commit(table, session("session#b"), both)
    assert revocations.read_listings("subject#1") == (listing("session#a"), both[0])
    assert revocations.read_listings("subject#2") == both[1:]
    assert revocations.read_listings("subject#3") == ()


def test_one_listing_is_enough_to_delete_both(
    table: SessionTable, revocations: RevocationTable
) -> None:
    both = (
        listing("session#a", "subject#1", other_owner="subject#2"),
        listing("session#a", "subject#2", other_owner="subject#1"),
    )
    commit(table, session(), both)
    commit(table, session("session#b"))
    revocations.delete_listings(revocations.read_listings("subject#2"))
    assert revocations.read_listings("subject#2") == ()
    assert [item.session for item in revocations.read_listings("subject#1")] == ["session#b"]
    assert table.read_session("session#a") is not None


def test_listings_of_several_pages_are_all_read_consistently(
    client: Any, table_name: str, table: SessionTable
) -> None:
    """Every page is requested, each with a strongly consistent read."""
    queries: list[dict[str, Any]] = []

    class Paging:
        """Answers with two listings at a time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def query(self, **arguments: Any) -> Any:
            queries.append(arguments)
            return client.query(**arguments, Limit=2)

    for name in "abcde":
        commit(table, session(f"session#{name}"))
    paging: Any = Paging()
    found = RevocationTable(table_client(paging, table_name)).read_listings("subject#1")
    assert [item.session for item in found] == [f"session#{name}" for name in "abcde"]
    assert len(queries) == 3
    assert all(arguments["ConsistentRead"] is True for arguments in queries)


def test_many_items_are_read_and_deleted_in_batches(
    table: SessionTable, revocations: RevocationTable
) -> None:
    keys = [f"session#{number:03}" for number in range(130)]
    for key in keys:
        commit(table, session(key))
    assert {item.key for item in revocations.read_sessions([*keys, "session#never"])} == set(keys)
    revocations.delete_sessions(keys[:-1])
    assert [item.key for item in revocations.read_sessions(keys)] == keys[-1:]
    revocations.delete_listings(revocations.read_listings("subject#1")[:-1])
    assert [item.session for item in revocations.read_listings("subject#1")] == keys[-1:]


def test_empty_batch_sends_no_request(revocations: RevocationTable, client: Any) -> None:
    calls: list[str] = []
    client.meta.events.register("before-send.dynamodb", lambda **named: calls.append("sent"))
    assert revocations.read_sessions([]) == ()
    revocations.delete_sessions([])
    revocations.delete_listings([])
    assert calls == []


def test_rows_of_another_kind_are_not_read_as_sessions(
    revocations: RevocationTable, table: SessionTable
) -> None:
    commit(table, session())
    mark(revocations, BEGAN - 9, BEGAN)
    found = revocations.read_sessions(["session#a", "subject#1", MARKER])
    assert [item.key for item in found] == ["session#a"]
    assert revocations.read_listings(MARKER) == ()


def test_guard_is_put_once(revocations: RevocationTable) -> None:
    assert not revocations.exists("replay#1")
    assert revocations.put_once("replay#1", "one", expires_at=LAPSES)
    assert revocations.exists("replay#1")
    assert not revocations.put_once("replay#1", "another", expires_at=LAPSES)
    assert revocations.put_once("replay#1", "one", expires_at=LAPSES)  # the owner is recognised


def test_guard_whose_answer_was_lost_is_put(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "put_item")
    assert RevocationTable(table_client(losing, table_name)).put_once(
        "replay#1", "one", expires_at=LAPSES
    )
    assert losing.lost


def test_items_that_a_batch_leaves_undone_are_requested_again(
    client: Any, table_name: str, table: SessionTable
) -> None:
    class Lazy:
        """Processes one item of a batch at a time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def batch_write_item(self, RequestItems: Any) -> Any:
            ((name, items),) = RequestItems.items()
            answer = client.batch_write_item(RequestItems={name: items[:1]})
            left = {name: items[1:]} if items[1:] else {}
            return {**answer, "UnprocessedItems": left}

        def batch_get_item(self, RequestItems: Any) -> Any:
            ((name, request),) = RequestItems.items()
            first = {**request, "Keys": request["Keys"][:1]}
            answer = client.batch_get_item(RequestItems={name: first})
            rest = {**request, "Keys": request["Keys"][1:]}
            return {**answer, "UnprocessedKeys": {name: rest} if rest["Keys"] else {}}

    lazy: Any = Lazy()
    revocations = RevocationTable(table_client(lazy, table_name))
    keys = [f"session#{name}" for name in "abcde"]
    for key in keys:
        commit(table, session(key))
    assert len(revocations.read_sessions(keys[:4])) == 4
    with pytest.raises(TableUnavailable):
        revocations.read_sessions(keys)  # needs more requests than are made
    revocations.delete_sessions(keys[:4])
    assert table.read_session("session#a") is None
    with pytest.raises(TableUnavailable):
        revocations.delete_sessions(keys)


def test_scan_finds_the_sessions_of_an_organization_in_parts(
    table: SessionTable, revocations: RevocationTable
) -> None:
    for number in range(12):
        organizations = frozenset({"contoso"}) if number % 2 else frozenset({"contoso2"})
        item = replace(session(f"session#{number}"), organizations=organizations)
        commit(table, item)
    found, start = [], None
    while True:
        items, start = revocations.scan_organization("contoso", start_key=start, limit=5)
        found += [item.key for item in items]
        if start is None:
            break
    assert sorted(found) == sorted(f"session#{number}" for number in range(1, 12, 2))
