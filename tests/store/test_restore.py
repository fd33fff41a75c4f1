"""The guide's program that copies restored rows, run as the guide prints it."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.tables import dump, new_table

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs/operations.md"


def session(name: str, seen_at: int) -> dict[str, Any]:
    return {"pk": {"S": f"session#{name}"}, "sk": {"S": "-"}, "seen_at": {"N": str(seen_at)}}


def listing(user: str, session: str) -> dict[str, Any]:
    key = {"pk": {"S": f"subject#{user}"}, "sk": {"S": f"session#{session}"}}
    return {**key, "expires_at": {"N": "2000000000"}, "v": {"N": "2"}}


def test_missing_rows_come_back_and_no_other_row_changes(
    client: Any, table_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = new_table(client)
    marker = {"pk": {"S": "ended#carol"}, "sk": {"S": "-"}, "expires_at": {"N": "1"}}
    lost = [session("lost", 1), listing("alice", "lost"), session("other", 1)]
    lost.append(listing("bob", "other"))
    for row in (*lost, session("used", 1), listing("alice", "used"), marker):
        client.put_item(TableName=restored, Item=row)
    present = [session("used", 2), listing("alice", "used"), session("new", 2)]
    for row in present:
        client.put_item(TableName=table_name, Item=row)
    ((program),) = re.findall(r"```python\n(import sys\n.*?)```", GUIDE.read_text(), re.S)
    monkeypatch.setattr(sys, "argv", ["restore.py", restored, table_name])
    exec(program, {})  # noqa: S102 - the guide's own
    by_key = [(str(row["pk"]), str(row["sk"]), row) for row in dump(client, table_name)]
    expected = [(str(row["pk"]), str(row["sk"]), row) for row in (*lost, *present)]
    assert sorted(by_key, key=lambda row: row[:2]) == sorted(expected, key=lambda row: row[:2])
