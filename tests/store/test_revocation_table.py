"""Markers, indexes and batches, and their conditions, against moto."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import EndedMeanwhile, TableUnavailable
from shared.store.dynamodb import TableClient
from shared.store.revocation_table import RevocationTable
from shared.store.session_table import SessionTable
from tests.store.lost import LostAnswer
from tests.store.test_session_table import commit, session

MARKER, SID_MARKER = "ended#alice", "ended#sid"
BEGAN = 1_800_000_000
"""When the sessions of these tests began; they redeemed their code in the same second."""
LAPSES = 2_000_000_000


@pytest.fixture
def endings(client: Any, table_name: str) -> RevocationTable:
    return RevocationTable(TableClient(client, table_name))


def mark(
    endings: RevocationTable, ended_before: int, arrived_at: int, expires_at: int = LAPSES
) -> None:
    endings.mark_subject(
        MARKER, ended_before=ended_before, arrived_at=arrived_at * 1000, expires_at=expires_at
    )


def row(client: Any, table_name: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_item(TableName=table_name, Key={"pk": {"S": key}})["Item"]
    return found


COMMITS = {
    "a logout before the redemption": (BEGAN - 5, BEGAN, True),
    "a logout of earlier sessions, after it": (BEGAN - 1, BEGAN + 1, True),
    "a logout of this second, after it": (BEGAN, BEGAN + 1, False),
    "a logout of later ones, after it": (BEGAN + 5, BEGAN + 1, False),
    "a logout of later ones, before it": (BEGAN + 30, BEGAN - 1, True),
}


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
    assert endings.listed(("subject#1",)) == {}


def test_a_refused_commit_deletes_nothing(table: SessionTable, endings: RevocationTable) -> None:
    commit(table, session("session#before"))
    mark(endings, BEGAN, BEGAN + 1)
    with pytest.raises(EndedMeanwhile):
        commit(table, session(), previous="session#before")
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
                    client.delete_item(TableName=table_name, Key={"pk": {"S": MARKER}})

            return then_gone

    mark(RevocationTable(TableClient(client, table_name)), BEGAN + 30, BEGAN)
    lapsing: Any = Lapsing(client, "update_item")
    with pytest.raises(TableUnavailable):
        mark(RevocationTable(TableClient(lapsing, table_name)), BEGAN, BEGAN + 1)
    assert "Item" not in client.get_item(TableName=table_name, Key={"pk": {"S": MARKER}})


def test_marking_with_a_lost_answer(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "update_item")
    mark(RevocationTable(TableClient(losing, table_name)), BEGAN, BEGAN)
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


def test_what_is_listed_and_unlisted(table: SessionTable, endings: RevocationTable) -> None:
    for name in "abc":
        commit(table, session(f"session#{name}"))
    commit(table, session("session#d"), index=("subject#1", "subject#2"))
    everything = {f"session#{name}" for name in "abcd"}
    index = ("subject#1", "subject#2", "subject#3")
    assert endings.listed(index) == {"subject#1": everything, "subject#2": {"session#d"}}
    endings.unlist("subject#1", ["session#a", "session#b", "session#never"])
    assert endings.listed(("subject#1",)) == {"subject#1": {"session#c", "session#d"}}
    endings.unlist("subject#never", ["session#a"])
    assert endings.listed(("subject#never",)) == {}


def test_an_index_item_goes_only_when_it_lists_nothing(
    table: SessionTable, endings: RevocationTable
) -> None:
    commit(table, session())
    assert not endings.delete_if_empty("subject#1")
    endings.unlist("subject#1", ["session#a"])
    assert endings.delete_if_empty("subject#1")
    assert endings.listed(("subject#1",)) == {}


def test_batches_of_many(table: SessionTable, endings: RevocationTable) -> None:
    keys = [f"session#{number:03}" for number in range(130)]
    for key in keys:
        commit(table, session(key))
    assert {item.key for item in endings.sessions([*keys, "session#never"])} == set(keys)
    endings.delete(keys[:-1])
    assert [item.key for item in endings.sessions(keys)] == keys[-1:]
    endings.unlist("subject#1", keys)
    assert endings.listed(("subject#1",)) == {"subject#1": frozenset()}


def test_nothing_to_do_is_nothing_asked(endings: RevocationTable, client: Any) -> None:
    calls: list[str] = []
    client.meta.events.register("before-send.dynamodb", lambda **named: calls.append("sent"))
    assert endings.listed(()) == {}
    assert endings.sessions([]) == ()
    endings.delete([])
    endings.unlist("subject#1", [])
    assert calls == []


def test_rows_of_another_kind_are_no_sessions(
    endings: RevocationTable, table: SessionTable
) -> None:
    commit(table, session())
    mark(endings, BEGAN - 9, BEGAN)
    found = endings.sessions(["session#a", "subject#1", MARKER])
    assert [item.key for item in found] == ["session#a"]


def test_a_guard_is_put_once(endings: RevocationTable) -> None:
    assert not endings.is_there("replay#1")
    assert endings.put_once("replay#1", "one", expires_at=LAPSES)
    assert endings.is_there("replay#1")
    assert not endings.put_once("replay#1", "another", expires_at=LAPSES)
    assert endings.put_once("replay#1", "one", expires_at=LAPSES)  # it knows itself again


def test_a_guard_whose_answer_was_lost_was_put(client: Any, table_name: str) -> None:
    losing: Any = LostAnswer(client, "put_item")
    assert RevocationTable(TableClient(losing, table_name)).put_once(
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
    endings = RevocationTable(TableClient(lazy, table_name))
    keys = [f"session#{name}" for name in "abcde"]
    for key in keys:
        commit(table, session(key))
    assert len(endings.sessions(keys[:4])) == 4
    with pytest.raises(TableUnavailable):
        endings.sessions(keys)  # it never comes to an end
    endings.delete(keys[:4])
    assert table.read_session("session#a") is None
    with pytest.raises(TableUnavailable):
        endings.delete(keys)


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
