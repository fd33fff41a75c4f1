"""What the table's client sends: consistent reads, and transactions with a token for repeats."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from harness.patience import PATIENT
from shared.clock import Deadline
from shared.store.dynamodb import TableClient
from shared.store.revocation_table import RevocationTable
from shared.store.session_table import SessionTable


@dataclass
class Asked:
    """A client that records its calls, and loses the answers to the first of them."""

    losing: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(arguments)
            if self.losing:
                self.losing -= 1
                raise ReadTimeoutError(endpoint_url="http://dynamodb.test")
            return {"ResponseMetadata": {"RequestId": "1"}}

        return call

    def table(self) -> TableClient:
        client: Any = self
        return TableClient(client=client, table="t", limits=PATIENT, deadline=Deadline.after(600))


def test_transaction_has_one_token_for_every_attempt() -> None:
    asked = Asked(losing=1)
    table = asked.table()
    table.transact([{"Delete": {"Key": {}}}])
    table.transact([{"Delete": {"Key": {}}}])
    first, again, other = (call["ClientRequestToken"] for call in asked.calls)
    assert first == again
    assert first != other


READS: dict[str, Callable[[TableClient], object]] = {
    "a session": lambda table: SessionTable(table).read_session("session#a"),
    "a session and a token": lambda table: SessionTable(table).read_session_and_token("a", "b"),
    "listings": lambda table: RevocationTable(table).read_listings("subject#a"),
    "sessions": lambda table: RevocationTable(table).read_sessions(["session#a"]),
    "a guard": lambda table: RevocationTable(table).exists("replay#a"),
    "an organization": lambda table: RevocationTable(table).scan_organization(
        "contoso", start_key=None, limit=5
    ),
}


@pytest.mark.parametrize("name", READS)
def test_read_is_strongly_consistent(name: str) -> None:
    """A stale read could show a session that has just ended, or hide one that has just begun."""
    asked = Asked()
    READS[name](asked.table())
    (call,) = asked.calls
    requests = call["RequestItems"].values() if "RequestItems" in call else [call]
    assert [request.get("ConsistentRead") for request in requests] == [True]
