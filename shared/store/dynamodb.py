"""Send calls to DynamoDB. It and `revocation_queue` are the modules that import botocore.

Every call checks the request's deadline before each attempt and translates refusals into this
product's errors. A response that is not DynamoDB's counts as a failure.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from shared.clock import Deadline
from shared.errors import RecordTooLarge, TableUnavailable
from shared.limits import Limits
from shared.observability import Span, no_span
from shared.store.keys import ItemKey
from shared.store.rows import encoded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_READ, BATCH_WRITE = 100, 25
"""DynamoDB's limits of items in a batch."""

_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
    }
)
"""Temporary refusals. Nothing was written."""


def aws_config(limits: Limits) -> Config:
    """Return botocore's settings: one attempt, since it would retry without the deadline."""
    return Config(
        connect_timeout=limits.aws_connect_seconds,
        read_timeout=limits.aws_read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        parameter_validation=False,
    )


def connect(limits: Limits) -> "DynamoDBClient":
    """Return a client of botocore: boto3 would first load its resources and S3 transfers."""
    client: Any = Session().create_client("dynamodb", config=aws_config(limits))
    return cast("DynamoDBClient", client)


class ConditionFailed(Exception):
    """A named condition did not hold.

    `retried`: an earlier attempt may have been applied. `found`: the existing item, if any.
    `positions`: the indexes of the writes of a transaction whose conditions failed.
    """

    def __init__(
        self, *, retried: bool, found: dict[str, Any] | None = None, positions: tuple[int, ...] = ()
    ) -> None:
        super().__init__("a condition did not hold")
        self.retried = retried
        self.found = found
        self.positions = positions


@dataclass(frozen=True, kw_only=True, slots=True)
class TableClient:
    """Calls on one table. They raise TableUnavailable, ConditionFailed and RecordTooLarge."""

    client: "DynamoDBClient"
    table: str
    limits: Limits
    deadline: Deadline
    span: Span = no_span

    def until(self, deadline: Deadline) -> "TableClient":
        """Return a client with this deadline."""
        return replace(self, deadline=deadline)

    def __call__(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call a DynamoDB operation on the table, by its name in botocore."""
        return self._call(operation, {**arguments, "TableName": self.table})

    def get(self, key: str, **projection: Any) -> dict[str, Any] | None:
        """Return the item of a key that is not a listing's, strongly consistent; None if absent."""
        attributes = ItemKey(key).attributes
        found = self("get_item", Key=attributes, ConsistentRead=True, **projection).get("Item")
        return cast("dict[str, Any] | None", found)

    def update(self, key: str, change: str, condition: str, values: dict[str, Any]) -> bool:
        """Change an item if a condition holds; `values` are plain. Return False if it does not."""
        try:
            self(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=encoded(values),
            )
        except ConditionFailed:
            return False
        return True

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """Make all of these writes or none, each in TransactWriteItems' form: `{"Put": {...}}`."""
        named = [
            {kind: {**write, "TableName": self.table} for kind, write in entry.items()}
            for entry in writes
        ]
        # Every attempt sends the same token, by which DynamoDB applies the transaction only once.
        token = uuid.uuid4().hex
        self._call("transact_write_items", {"TransactItems": named, "ClientRequestToken": token})

    def read_all(self, keys: list[str], **projection: Any) -> dict[str, dict[str, Any]]:
        """Return those of the items that exist, by partition key, consistently; not listings."""
        found: dict[str, dict[str, Any]] = {}
        for part in batched(keys, BATCH_READ, strict=False):
            wanted = [ItemKey(key).attributes for key in part]
            request: Any = {self.table: {"Keys": wanted, "ConsistentRead": True, **projection}}
            for answer in self._batches("batch_get_item", request, "UnprocessedKeys"):
                for rows in answer.get("Responses", {}).values():
                    found |= {row["pk"]["S"]: row for row in rows}
        return found

    def query(self, key: str, **projection: Any) -> Iterator[dict[str, Any]]:
        """Yield the items under a partition key, page by page, strongly consistent."""
        start: dict[str, Any] = {}
        while True:
            answer = self(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": key}},
                ConsistentRead=True,
                **projection,
                **start,
            )
            yield from answer.get("Items", [])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def delete_all(self, keys: list[ItemKey]) -> None:
        """Delete all of these items. Raises TableUnavailable if some may be left."""
        for part in batched(keys, BATCH_WRITE, strict=False):
            request = {self.table: [{"DeleteRequest": {"Key": k.attributes}} for k in part]}
            self._batches("batch_write_item", request, "UnprocessedItems")

    def _batches(self, operation: str, request: Any, left: str) -> list[dict[str, Any]]:
        """Send a batch, resend its unprocessed parts, and return every response."""
        answers = [self._call(operation, {"RequestItems": request})]
        for pause in self.limits.batch_pauses:
            if not answers[-1].get(left):
                return answers
            self.deadline.pause(pause)
            answers.append(self._call(operation, {"RequestItems": answers[-1][left]}))
        if answers[-1].get(left):
            raise TableUnavailable(f"{operation}: a part was not processed")
        return answers

    def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make as many attempts as the limits and the deadline allow."""
        conflicts = iter(self.limits.conflict_pauses)
        failed = 0
        while True:
            try:
                return self._attempt(operation, arguments)
            except ClientError as refusal:
                pause = next(conflicts, None) if _is_conflict(refusal) else None
                if pause is not None:
                    # Nothing was written, so the next attempt cannot find its own result: it does
                    # not count as a retry.
                    self.deadline.pause(pause)
                    continue
                failure: Exception = _translated(refusal, retried=failed > 0)
                again = _is_transient(refusal)
            except (BotoCoreError, ResponseParserError) as fault:
                failure = TableUnavailable(f"{operation}: {type(fault).__name__}")
                again = isinstance(fault, HTTPClientError)
            failed += 1
            if not again or failed >= self.limits.aws_attempts or not self._has_time():
                raise failure from None
            self.deadline.pause(self.limits.aws_retry_pause_seconds)

    def _attempt(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if not self._has_time():
            raise TableUnavailable(f"{operation}: no time is left")
        with self.span(f"DynamoDB {operation}"):
            answer: dict[str, Any] = getattr(self.client, operation)(**arguments)
        if not answer.get("ResponseMetadata", {}).get("RequestId"):
            # botocore parses a body that is not JSON as an empty response: no item.
            raise TableUnavailable(f"{operation}: the response is not DynamoDB's")
        return answer

    def _has_time(self) -> bool:
        """Return whether the longest attempt would end in time: botocore's timeouts are fixed."""
        return self.deadline.left() >= self.limits.aws_attempt_seconds


def _is_conflict(refusal: ClientError) -> bool:
    """Return whether another transaction held an item. Then nothing was written."""
    if refusal.response.get("Error", {}).get("Code") == "TransactionConflictException":
        return True
    reasons: Any = refusal.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons} - {"None"}
    return codes == {"TransactionConflict"}


def _is_transient(refusal: ClientError) -> bool:
    status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or refusal.response.get("Error", {}).get("Code") in _THROTTLED


def _translated(refusal: ClientError, *, retried: bool) -> Exception:
    error = refusal.response.get("Error", {})
    code = error.get("Code", "")
    reasons: Any = refusal.response.get("CancellationReasons", [])
    failed = [n for n, r in enumerate(reasons) if r.get("Code") == "ConditionalCheckFailed"]
    if code == "ConditionalCheckFailedException" or failed:
        found: Any = refusal.response.get("Item")
        return ConditionFailed(retried=retried, found=found, positions=tuple(failed))
    if code in ("ValidationException", "TransactionCanceledException") and any(
        "size" in str(each.get("Message", "")) for each in (error, *reasons)
    ):
        return RecordTooLarge("an item is larger than DynamoDB's limit of 400 KB")
    return TableUnavailable(f"{refusal.operation_name}: {code[:60]}")
