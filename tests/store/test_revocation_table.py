"""Markers, listings and batches, and their conditions, against moto."""

from dataclasses import replace
from typing import Any

import pytest

from harness.tables import table_client
from shared.errors import EndedMeanwhile, TableUnavailable
from shared.store.keys import ItemKey
from shared.store.revocation_table import RevocationTable
from shared.store.session_table import SessionTable
from tests.store.lost import LostAnswer
from tests.store.test_session_table import commit, listing, session

MARKER, SID_MARKER = "ended#alice", "ended#sid"
BEGAN = 1_800_000_000
"""When the sessions of these tests began; they redeemed their code in the same second."""
LAPSES = 2_000_000_000


@pytest.fixture
def endings(client: Any, table_name: str) -> RevocationTable:
    return RevocationTable(table_client(client, table_name))


def mark(
    endings: RevocationTable, ended_before: int, arrived_at: int, expires_at: int = LAPSES
) -> None:
    endings.mark_subject(
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
def test_a_commit_meets_the_marker(
    table: SessionTable, endings: RevocationTable, name: str
) -> None:
    ended_before, arrived_at, allowed = COMMITS[name]
    mark(endings, ended_before, arrived_at)
    if allowed:
        commit(table, session())
        assert table.read_session("session#a") is not None
        return
    with pytest.raises(EndedMeanwhile):
        commit(table, session())
    assert table.read_session("session#a") is None
    assert endings.read_listings("subject#1") == ()


def test_a_refused_commit_deletes_nothing(table: SessionTable, endings: RevocationTable) -> None:
    commit(table, session("session#before"))
    mark(endings, BEGAN, BEGAN + 1)
    with pytest.raises(EndedMeanwhile):
        commit(table, session(), previous=(ItemKey("session#before"),))
    assert table.read_session("session#before") is not None


def test_a_marker_goes_forward(endings: RevocationTable, client: Any, table_name: str) -> None:
    mark(endings, BEGAN, BEGAN, LAPSES)
    mark(endings, BEGAN + 10, BEGAN + 10, LAPSES + 10)
    found = row(client, table_name, MARKER)
    assert (found["ended_before"]["N"], found["arrived_at"]["N"], found["expires_at"]["N"]) == (
        str(BEGAN + 10),
        str((BEGAN + 10) * 1000),
        str(LAPSES + 10),
    )


def test_a_marker_that_reaches_further_stays(
    endings: RevocationTable, client: Any, table_name: str
) -> None:
    """What arrives later counts from its arrival, and takes nothing back."""
    mark(endings, BEGAN + 30, BEGAN)
    mark(endings, BEGAN + 10, BEGAN + 10, LAPSES + 10)
    found = row(client, table_name, MARKER)
    assert (found["ended_before"]["N"], found["arrived_at"]["N"], found["expires_at"]["N"]) == (
        str(BEGAN + 30),
        str((BEGAN + 10) * 1000),
        str(LAPSES + 10),
    )


@pytest.mark.invariant(13)
@pytest.mark.parametrize(("ended_before", "kept"), [(BEGAN - 10, BEGAN), (BEGAN + 10, BEGAN + 10)])
def test_logout_that_is_carried_out_late_takes_nothing_back(
    endings: RevocationTable, client: Any, table_name: str, ended_before: int, kept: int
) -> None:
    """It arrived before the one whose marker is there, whichever of them reaches further."""
    mark(endings, BEGAN, BEGAN)
    mark(endings, ended_before, BEGAN - 5)
    found = row(client, table_name, MARKER)
    assert found["ended_before"]["N"] == str(kept)
    assert found["arrived_at"]["N"] == str(BEGAN * 1000)


def test_a_marker_that_lapses_in_between(client: Any, table_name: str) -> None:
    """Between the two writes the marker went: an error, and never a marker of half the truth."""

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


def test_marking_with_a_lost_answer(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "update_item")
    mark(RevocationTable(table_client(losing, table_name)), BEGAN, BEGAN)
    assert losing.lost
    assert row(client, table_name, MARKER)["ended_before"]["N"] == str(BEGAN)


OP_SESSIONS: dict[str, tuple[tuple[str | None, ...], bool]] = {
    "in nobody's name in particular": ((None,), False),
    "in this one's": (("alice",), False),
    "in another's": (("bob",), True),
    "in another's, then in this one's": (("bob", "alice"), False),
    "in this one's, then in another's": (("alice", "bob"), False),
    "in any name, then in another's": ((None, "bob"), False),
    "in another's, then in any name": (("bob", None), False),
    "in a name that holds this one's": (("alice2",), True),
}


@pytest.mark.invariant(13)
@pytest.mark.parametrize("name", OP_SESSIONS)
def test_a_session_at_logto_that_has_ended(
    table: SessionTable, endings: RevocationTable, name: str
) -> None:
    subjects, allowed = OP_SESSIONS[name]
    for subject in subjects:
        endings.mark_op_session(SID_MARKER, subject=subject, expires_at=LAPSES)
    if allowed:
        commit(table, session(), op_session_marker=SID_MARKER)
        return
    with pytest.raises(EndedMeanwhile):
        commit(table, session(), op_session_marker=SID_MARKER)
    assert table.read_session("session#a") is None


def test_what_is_listed(table: SessionTable, endings: RevocationTable) -> None:
    commit(table, session("session#a"))
    both = (
        listing("session#b", "subject#1", other_owner="subject#2", began_at=BEGAN + 7),
        listing("session#b", "subject#2", other_owner="subject#1", began_at=BEGAN + 7),
    )
    commit(table, session("session#b"), both)
    assert endings.read_listings("subject#1") == (listing("session#a"), both[0])
    assert endings.read_listings("subject#2") == both[1:]
    assert endings.read_listings("subject#3") == ()


def test_one_listing_is_enough_to_delete_both(
    table: SessionTable, endings: RevocationTable
) -> None:
    both = (
        listing("session#a", "subject#1", other_owner="subject#2"),
        listing("session#a", "subject#2", other_owner="subject#1"),
    )
    commit(table, session(), both)
    commit(table, session("session#b"))
    endings.delete_listings(endings.read_listings("subject#2"))
    assert endings.read_listings("subject#2") == ()
    assert [item.session for item in endings.read_listings("subject#1")] == ["session#b"]
    assert table.read_session("session#a") is not None


def test_what_is_listed_in_pages(client: Any, table_name: str, table: SessionTable) -> None:
    """Every page is asked for, and each is strongly consistent."""
    asked: list[dict[str, Any]] = []

    class Paging:
        """Answers with two listings at a time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def query(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return client.query(**arguments, Limit=2)

    for name in "abcde":
        commit(table, session(f"session#{name}"))
    paging: Any = Paging()
    found = RevocationTable(table_client(paging, table_name)).read_listings("subject#1")
    assert [item.session for item in found] == [f"session#{name}" for name in "abcde"]
    assert len(asked) == 3
    assert all(arguments["ConsistentRead"] is True for arguments in asked)


def test_batches_of_many(table: SessionTable, endings: RevocationTable) -> None:
    keys = [f"session#{number:03}" for number in range(130)]
    for key in keys:
        commit(table, session(key))
    assert {item.key for item in endings.read_sessions([*keys, "session#never"])} == set(keys)
    endings.delete_sessions(keys[:-1])
    assert [item.key for item in endings.read_sessions(keys)] == keys[-1:]
    endings.delete_listings(endings.read_listings("subject#1")[:-1])
    assert [item.session for item in endings.read_listings("subject#1")] == keys[-1:]


def test_nothing_to_do_is_nothing_asked(endings: RevocationTable, client: Any) -> None:
    calls: list[str] = []
    client.meta.events.register("before-send.dynamodb", lambda **named: calls.append("sent"))
    assert endings.read_sessions([]) == ()
    endings.delete_sessions([])
    endings.delete_listings([])
    assert calls == []


def test_rows_of_another_kind_are_no_sessions(
    endings: RevocationTable, table: SessionTable
) -> None:
    commit(table, session())
    mark(endings, BEGAN - 9, BEGAN)
    found = endings.read_sessions(["session#a", "subject#1", MARKER])
    assert [item.key for item in found] == ["session#a"]
    assert endings.read_listings(MARKER) == ()


def test_a_guard_is_put_once(endings: RevocationTable) -> None:
    assert not endings.exists("replay#1")
    assert endings.put_once("replay#1", "one", expires_at=LAPSES)
    assert endings.exists("replay#1")
    assert not endings.put_once("replay#1", "another", expires_at=LAPSES)
    assert endings.put_once("replay#1", "one", expires_at=LAPSES)  # it knows itself again


def test_a_guard_whose_answer_was_lost_was_put(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "put_item")
    assert RevocationTable(table_client(losing, table_name)).put_once(
        "replay#1", "one", expires_at=LAPSES
    )
    assert losing.lost


def test_what_a_batch_leaves_undone_is_asked_for_again(
    client: Any, table_name: str, table: SessionTable
) -> None:
    class Lazy:
        """Does one item of a batch at a time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def batch_write_item(self, RequestItems: Any) -> Any:
            ((name, items),) = RequestItems.items()
            answer = client.batch_write_item(RequestItems={name: items[:1]})
            left = {name: items[1:]} if items[1:] else {}
            return {**answer, "UnprocessedItems": left}

        def batch_get_item(self, RequestItems: Any) -> Any:
            ((name, asked),) = RequestItems.items()
            first = {**asked, "Keys": asked["Keys"][:1]}
            answer = client.batch_get_item(RequestItems={name: first})
            rest = {**asked, "Keys": asked["Keys"][1:]}
            return {**answer, "UnprocessedKeys": {name: rest} if rest["Keys"] else {}}

    lazy: Any = Lazy()
    endings = RevocationTable(table_client(lazy, table_name))
    keys = [f"session#{name}" for name in "abcde"]
    for key in keys:
        commit(table, session(key))
    assert len(endings.read_sessions(keys[:4])) == 4
    with pytest.raises(TableUnavailable):
        endings.read_sessions(keys)  # it never comes to an end
    endings.delete_sessions(keys[:4])
    assert table.read_session("session#a") is None
    with pytest.raises(TableUnavailable):
        endings.delete_sessions(keys)


def test_a_scan_in_parts(table: SessionTable, endings: RevocationTable) -> None:
    for number in range(12):
        organizations = frozenset({"contoso"}) if number % 2 else frozenset({"contoso2"})
        item = replace(session(f"session#{number}"), organizations=organizations)
        commit(table, item)
    found, start = [], None
    while True:
        page = endings.scan_organization("contoso", start_key=start, limit=5)
        found += [item.key for item in page.items]
        start = page.next_key
        if start is None:
            break
    assert sorted(found) == sorted(f"session#{number}" for number in range(1, 12, 2))
