"""The guide's program that copies restored rows, run as it is printed."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.tables import dump, new_table

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs/operations.md"


def session(name: str, seen_at: int) -> dict[str, Any]:
    return {"pk": {"S": f"session#{name}"}, "seen_at": {"N": str(seen_at)}}


def listing(name: str, *sessions: str) -> dict[str, Any]:
    return {
        "pk": {"S": f"subject#{name}"},
        "sessions": {"SS": [f"session#{session}" for session in sessions]},
        "expires_at": {"N": "2000000000"},
        "v": {"N": "1"},
    }


def test_missing_rows_come_back_listed_and_no_other_row_changes(
    client: Any, table_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = new_table(client)
    emptied = {"pk": {"S": "subject#carol"}, "expires_at": {"N": "1"}, "v": {"N": "1"}}
    marker = {"pk": {"S": "ended#carol"}, "expires_at": {"N": "1"}}
    for row in (
        *(session("lost", 1), session("used", 1), listing("alice", "lost", "used")),
        *(session("other", 1), listing("bob", "other"), emptied, marker),
    ):
        client.put_item(TableName=restored, Item=row)
    for row in (session("used", 2), session("new", 2), listing("alice", "used", "new")):
        client.put_item(TableName=table_name, Item=row)
    ((program),) = re.findall(r"```python\n(import sys\n.*?)```", GUIDE.read_text(), re.S)
    monkeypatch.setattr(sys, "argv", ["restore.py", restored, table_name])
    exec(program, {})  # noqa: S102 - the guide's own
    found = {str(row["pk"]): row for row in dump(client, table_name)}
    for row in found.values():
        if "sessions" in row:
            row["sessions"] = {"SS": sorted(row["sessions"]["SS"])}  # type: ignore[index]
    expected = [
        *(session("lost", 1), session("used", 2), session("new", 2), session("other", 1)),
        *(listing("alice", "lost", "new", "used"), listing("bob", "other")),
    ]
    assert found == {str(row["pk"]): row for row in expected}
