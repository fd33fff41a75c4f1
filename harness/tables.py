"""Tables on a DynamoDB server, and what is in them."""

import uuid
from typing import TYPE_CHECKING, Any

from harness.patience import PATIENT
from local.table import create_table
from shared.clock import Deadline
from shared.store.dynamodb import TableClient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def new_table(client: "DynamoDBClient") -> str:
    """Create a table of the product's schema under a new name."""
    name = f"sessions-{uuid.uuid4().hex[:8]}"
    create_table(client, name)
    return name


def table_client(client: Any, name: str) -> TableClient:
    """Return the product's client of a table, with patient limits."""
    deadline = Deadline.after(PATIENT.page_seconds)
    return TableClient(client=client, table=name, limits=PATIENT, deadline=deadline)


def dump(client: "DynamoDBClient", name: str) -> list[dict[str, object]]:
    """Read every item as DynamoDB stores it."""
    return [dict(item) for item in client.scan(TableName=name, ConsistentRead=True)["Items"]]


def raw_bytes(client: "DynamoDBClient", name: str) -> bytes:
    """Read all names and values of a table as bytes, binary values as they are."""
    parts: list[bytes] = []

    def walk(value: object) -> None:
        if isinstance(value, bytes):
            parts.append(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                parts.append(str(key).encode())
                walk(inner)
        elif isinstance(value, list | set | tuple):
            for inner in value:
                walk(inner)
        else:
            parts.append(str(value).encode())

    walk(dump(client, name))
    return b"\n".join(parts)
