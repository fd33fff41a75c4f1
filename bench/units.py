"""Capacity units of a call, by DynamoDB's rules, from the sizes of its items.

Source: the AWS documentation of read and write capacity, and of item sizes. moto does not count
them, so the items are read from its memory.
"""

import math
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass(frozen=True, slots=True)
class Units:
    """The capacity units of a call."""

    read: float = 0.0
    write: float = 0.0


def units_of(operation: str, request: dict[str, Any], answer: dict[str, Any]) -> Units:
    """Compute the units of a call. A missing item counts like one of the smallest size."""
    table = request.get("TableName", "")
    if operation == "GetItem":
        return Units(
            read=_reads(answer.get("Item")) * (1 if request.get("ConsistentRead") else 0.5)
        )
    if operation == "BatchGetItem":
        return Units(read=_batch_reads(request, answer))
    if operation == "PutItem":
        return Units(write=_writes(request["Item"]))
    if operation == "Query":
        size = sum(item_size(item) for item in answer.get("Items", ()))
        return Units(
            read=max(1, math.ceil(size / 4096)) * (1 if request.get("ConsistentRead") else 0.5)
        )
    if operation in ("UpdateItem", "DeleteItem"):
        return Units(write=_writes(stored(table, request["Key"])))
    if operation == "BatchWriteItem":
        return Units(write=_batch_writes(request))
    if operation == "TransactWriteItems":
        entries = [entry for wrapped in request["TransactItems"] for entry in wrapped.values()]
        return Units(
            write=sum(
                2 * _writes(entry.get("Item") or stored(entry["TableName"], entry["Key"]))
                for entry in entries
            )
        )
    return Units()


def stored(table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """Read an item from moto's memory."""
    from moto.backends import get_backend
    from moto.dynamodb.models.dynamo_type import DynamoType

    tables = get_backend("dynamodb")[ACCOUNT][REGION].tables
    pk, sk = DynamoType(key["pk"]), DynamoType(key["sk"])
    found = tables[table].get_item(pk, sk) if table in tables else None
    return found.to_json()["Attributes"] if found is not None else None


def item_size(item: dict[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names and values."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "B":
            return len(content) * 3 // 4
        case "SS":
            return sum(len(text.encode()) for text in content)
        case _:
            return 1


def _reads(item: dict[str, Any] | None) -> int:
    return max(1, math.ceil(item_size(item) / 4096)) if item else 1


def _writes(item: dict[str, Any] | None) -> int:
    return max(1, math.ceil(item_size(item) / 1024)) if item else 1


def _batch_writes(request: dict[str, Any]) -> int:
    return sum(
        _writes(stored(table, write["Key"]) if "Key" in write else write["Item"])
        for table, entries in request["RequestItems"].items()
        for entry in entries
        for write in entry.values()
    )


def _batch_reads(request: dict[str, Any], answer: dict[str, Any]) -> float:
    requested = sum(len(batch["Keys"]) for batch in request["RequestItems"].values())
    found = [item for items in answer.get("Responses", {}).values() for item in items]
    return sum(map(_reads, found)) + requested - len(found)
