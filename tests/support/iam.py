"""IAM policies, evaluated as IAM does for the calls that this product makes.

moto's own enforcement knows neither resources nor conditions, and asks for a permission
`dynamodb:TransactWriteItems` that IAM does not have. So each request is turned into what IAM is
asked for it, and decided by the statements of the policies. Service authorization reference of
DynamoDB: a transaction asks once for each of its parts; a batch asks once for each table, with all
keys.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_WORDS = frozenset({"ADD", "AND", "DELETE", "IN", "OR", "REMOVE", "SET"})
_FUNCTIONS = frozenset({"attribute_exists", "attribute_not_exists", "contains", "if_not_exists"})
_NAME = re.compile(r"(?<![:\w])[A-Za-z_]\w*")
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What IAM is asked: may this action be done to this resource, in this context?"""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]


def is_allowed(policies: list[dict[str, Any]], asked: Asked) -> bool:
    """Return whether a statement allows it and none denies it."""
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if applies(statement, asked)
    }
    return effects == {"Allow"}


def applies(statement: dict[str, Any], asked: Asked) -> bool:
    """Return whether a statement applies to what is asked."""
    assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    return (
        any(fnmatchcase(asked.action.lower(), a.lower()) for a in _list(statement["Action"]))
        and any(fnmatchcase(asked.resource, r) for r in _list(statement["Resource"]))
        and all(
            _meets(operator, asked.context.get(key, ()), _list(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _meets(operator: str, values: tuple[str, ...], wanted: list[str]) -> bool:
    quantifier, _, comparison = operator.rpartition(":")
    assert quantifier in ("", "ForAllValues", "ForAnyValue")
    if comparison.endswith("IfExists") and not values:
        return True
    comparison = comparison.removesuffix("IfExists")
    assert comparison in ("StringEquals", "StringLike")
    matches = [_matches(comparison, value, wanted) for value in values]
    if quantifier == "ForAllValues":
        return all(matches)  # as in IAM: true also if there is no value
    return any(matches) if quantifier else matches == [True]


def _matches(comparison: str, value: str, wanted: list[str]) -> bool:
    if comparison == "StringEquals":
        return value in wanted
    return any(fnmatchcase(value, pattern) for pattern in wanted)


def dynamodb(operation: str, request: Mapping[str, Any], table_arns: str) -> Iterator[Asked]:
    """Yield what is asked for an operation; `table_arns` is the ARN of a table up to its name."""
    if operation == "TransactWriteItems":
        for entry in request["TransactItems"]:
            ((kind, write),) = entry.items()
            action = {"ConditionCheck": "ConditionCheckItem"}.get(kind, f"{kind}Item")
            yield from dynamodb(action, write, table_arns)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table, part in request["RequestItems"].items():
            yield _asked(operation, table_arns + table, _batch(part))
    elif operation == "Query":
        context = _context([_queried(request)], request, reads=True)
        yield _asked(operation, table_arns + request["TableName"], context)
    else:
        rows = [request[name] for name in ("Key", "Item") if name in request]
        context = _context(rows, request, reads=operation == "GetItem")
        yield _asked(operation, table_arns + request["TableName"], context)


def _queried(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the partition key of a query, whose condition is always the same in this product."""
    assert request["KeyConditionExpression"] == "pk = :pk"
    return {"pk": request["ExpressionAttributeValues"][":pk"]}


def _batch(part: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(part, dict):
        return _context(part["Keys"], part, reads=True)
    writes = [write for entry in part for write in entry.values()]
    return _context([write.get("Key") or write["Item"] for write in writes], {}, reads=False)


def _context(
    rows: list[dict[str, Any]], request: Mapping[str, Any], *, reads: bool
) -> dict[str, tuple[str, ...]]:
    named = {name for row in rows for name in row}
    for expression in _EXPRESSIONS:
        named |= set(_NAME.findall(request.get(expression, ""))) - _WORDS - _FUNCTIONS
    context = {"dynamodb:Attributes": tuple(sorted(named))}
    if rows:
        context["dynamodb:LeadingKeys"] = tuple(row["pk"]["S"] for row in rows)
    if "Select" in request:
        context["dynamodb:Select"] = (request["Select"],)
    elif reads:
        projected = "ProjectionExpression" in request
        select = "SPECIFIC_ATTRIBUTES" if projected else "ALL_ATTRIBUTES"
        context["dynamodb:Select"] = (select,)
    return context


def _asked(operation: str, resource: str, context: dict[str, tuple[str, ...]]) -> Asked:
    return Asked(action=f"dynamodb:{operation}", resource=resource, context=context)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
