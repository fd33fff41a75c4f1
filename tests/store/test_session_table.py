"""The table's writes and their conditions, against moto."""

import json
import os
import socket
import threading
from typing import Any

import pytest

from harness.patience import PATIENT
from harness.tables import table_client
from shared.errors import OtherBrowser, RecordTooLarge, TableUnavailable
from shared.limits import Limits
from shared.sealing import new_secret
from shared.store.dynamodb import connect
from shared.store.keys import ItemKey, listing_keys
from shared.store.records import (
    Transaction,
    binding_of,
    transaction_key,
    transaction_seal,
)
from shared.store.session_table import SessionTable
from tests.store.items import commit, listing, session
from tests.store.lost import LostAnswer

STATE, COOKIE = new_secret(), new_secret()
KEY = transaction_key(STATE)


def transaction() -> Transaction:
    return Transaction(
        sdk_session="{}",
        nonce="n",
        return_to="/",
        connector=None,
        reauthenticates=False,
        started_at=1_800_000_000,
    )


def put(table: SessionTable) -> None:
    table.put_transaction(
        transaction().seal(state=STATE, cookie=COOKIE, expires_at=2_000_000_000, random=os.urandom)
    )


@pytest.mark.invariant(3)
def test_transaction_is_claimed_once(table: SessionTable) -> None:
    put(table)
    item = table.claim_transaction(KEY, [binding_of(new_secret()), binding_of(COOKIE)])
    assert item is not None
    assert Transaction.unseal(item, transaction_seal(STATE, COOKIE)) == transaction()
    assert table.claim_transaction(KEY, [binding_of(COOKIE)]) is None


@pytest.mark.invariant(2)
def test_claim_by_another_browser_leaves_the_transaction(table: SessionTable) -> None:
    put(table)
    with pytest.raises(OtherBrowser):
        table.claim_transaction(KEY, [binding_of(new_secret())])
    assert table.claim_transaction(KEY, [binding_of(COOKIE)]) is not None


def test_hundred_browser_cookies_are_one_condition(table: SessionTable) -> None:
    put(table)
    bindings = [binding_of(new_secret()) for _ in range(99)] + [binding_of(COOKIE)]
    assert table.claim_transaction(KEY, bindings) is not None


def test_session_is_committed_with_its_listings(
    table: SessionTable, client: Any, table_name: str
) -> None:
    commit(table, session())
    first, second = (
        listing("session#b", "subject#1", other_owner="subject#2"),
        listing("session#b", "subject#2", other_owner="subject#1"),
    )
    previous = (ItemKey("session#a"), *listing_keys([listing("session#a")]))
    commit(table, session("session#b"), (first, second), previous)
    assert table.read_session("session#a") is None
    assert table.read_session("session#b") == session("session#b")
    rows = {(row["pk"]["S"], row["sk"]["S"]): row for row in _rows(client, table_name)}
    assert set(rows) == {("session#b", "-"), *listing_keys([first])}
    assert rows["subject#1", "session#b"] == {
        "pk": {"S": "subject#1"},
        "sk": {"S": "session#b"},
        "v": {"N": "2"},
        "began_at": {"N": "1800000000"},
        "expires_at": {"N": "2000043200"},
        "other_owner": {"S": "subject#2"},
    }


def test_sign_ins_of_one_user_write_to_different_items(table: SessionTable, client: Any) -> None:
    """Two of them share only the marker, which both check and neither writes."""
    sent: list[set[ItemKey]] = []

    def note(params: Any, **_: Any) -> None:
        writes = json.loads(params["body"])["TransactItems"]
        rows = [write for entry in writes for kind, write in entry.items() if kind == "Put"]
        assert {kind for entry in writes for kind in entry} == {"ConditionCheck", "Put"}
        keys = (row["Item"] for row in rows)
        sent.append({ItemKey(key["pk"]["S"], key["sk"]["S"]) for key in keys})

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", note)
    commit(table, session("session#a"))
    commit(table, session("session#b"))
    one, other = sent
    assert len(one) == len(other) == 2
    assert not one & other


def _rows(client: Any, table_name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.scan(TableName=table_name)["Items"]
    return found


def test_listings_are_deleted_and_nothing_else(
    table: SessionTable, client: Any, table_name: str
) -> None:
    both = (
        listing("session#a", "subject#1", other_owner="subject#2"),
        listing("session#a", "subject#2", other_owner="subject#1"),
    )
    commit(table, session(), both)
    commit(table, session("session#b"))
    table.delete_listings(both)
    left = {(row["pk"]["S"], row["sk"]["S"]) for row in _rows(client, table_name)}
    assert left == {("session#a", "-"), ("session#b", "-"), ("subject#1", "session#b")}
    table.delete_listings(both)  # deleting listings that are gone succeeds


def test_commit_that_was_applied_already_is_a_success(table: SessionTable) -> None:
    commit(table, session())
    commit(table, session())
    assert table.read_session("session#a") == session()


@pytest.mark.invariant(14)
def test_nothing_brings_a_deleted_session_back(table: SessionTable) -> None:
    commit(table, session())
    assert table.touch_session("session#a", seen_at=1_900_000_000, expires_at=2_000_000_001)
    assert table.delete_session("session#a") is not None
    assert not table.touch_session("session#a", seen_at=1_900_000_001, expires_at=2_000_000_002)
    assert table.read_session("session#a") is None
    assert table.delete_session("session#a") is None


def test_item_over_400_kb_is_refused_and_not_stored(table: SessionTable) -> None:
    with pytest.raises((RecordTooLarge, TableUnavailable)):
        commit(table, session(sealed=b"x" * 450_000))
    assert table.read_session("session#a") is None


def test_missing_table_is_unavailable(client: Any) -> None:
    with pytest.raises(TableUnavailable, match="ResourceNotFoundException"):
        SessionTable(table_client(client, "no-such-table")).read_session("session#a")


def test_server_that_does_not_listen_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.store.dynamodb import connect

    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with pytest.raises(TableUnavailable):
        SessionTable(table_client(connect(PATIENT), "sessions")).read_session("session#a")


def test_silent_server_gets_two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limits of a deployment, the call fails after two attempts."""
    given_up: list[bool] = []

    def accept(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                while connection.recv(65_536):
                    pass
                given_up.append(True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        server = threading.Thread(target=accept, args=(listener,), daemon=True)
        server.start()
        with pytest.raises(TableUnavailable, match="ReadTimeout"):
            SessionTable(table_client(connect(Limits()), "sessions")).read_session("session#a")
        server.join(60)
    assert len(given_up) == 2


@pytest.mark.invariant(17)
def test_commit_whose_answer_was_lost_is_a_success(client: Any, table_name: str) -> None:
    table = SessionTable(table_client(LostAnswer(client, "transact_write_items"), table_name))
    commit(table, session())
    assert table.read_session("session#a") == session()


@pytest.mark.invariant(3)
def test_claim_whose_answer_was_lost_is_unavailable(client: Any, table_name: str) -> None:
    """The transaction is gone, so a retry looks like a replay; the page says to try again."""
    table = SessionTable(table_client(LostAnswer(client, "delete_item"), table_name))
    put(table)
    with pytest.raises(TableUnavailable):
        table.claim_transaction(KEY, [binding_of(COOKIE)])
