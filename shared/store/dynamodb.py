"""Send calls to DynamoDB: the one module, with `dynamodb_client`, that imports botocore.

Every call has a time limit, every refusal becomes one of this product's errors, and an answer
that is not DynamoDB's counts as none.
"""

import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from shared.errors import RecordTooLarge, TableUnavailable
from shared.store.dynamodb_client import make_client
from shared.tracing import Span, no_span

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIMITS = Config(
    # Two attempts of this length leave room for Logto's share of an answer within 10 s.
    connect_timeout=1,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 2},
    tcp_keepalive=True,
    parameter_validation=False,
)

CONFLICT_PAUSES = (0.05, 0.15)
"""Seconds before each new attempt where another transaction has an item at this moment: two
sign-ins of one user, who is in one index item."""
BATCH_PAUSES = (0.05, 0.2, 0.5)
"""Seconds before what a batch left undone is asked for again."""
BATCH_READ, BATCH_WRITE = 100, 25
"""Items that one batch takes."""


def connect() -> "DynamoDBClient":
    """A DynamoDB client with this product's time limits."""
    return make_client(LIMITS)


class ConditionFailed(Exception):
    """A named condition did not hold.

    `retried`: an earlier attempt may have been applied. `found`: the item, where it is there all
    the same. `positions`: which writes of a transaction it was.
    """

    def __init__(
        self,
        *,
        retried: bool,
        found: dict[str, Any] | None = None,
        positions: tuple[int, ...] = (),
    ) -> None:
        super().__init__("a condition did not hold")
        self.retried = retried
        self.found = found
        self.positions = positions


class TableClient:
    """Calls on one table. Each raises TableUnavailable where DynamoDB fails, ConditionFailed and
    RecordTooLarge."""

    def __init__(self, client: "DynamoDBClient", table: str, span: Span = no_span) -> None:
        self._client = client
        self.table = table
        self._span = span

    def __call__(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One operation on the table, by botocore's name of it."""
        return self._call(operation, {**arguments, "TableName": self.table})

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """Writes that happen all or not at all; each is `{"Put": {...}}` and the like."""
        named = [
            {kind: {**write, "TableName": self.table} for kind, write in entry.items()}
            for entry in writes
        ]
        self._call("transact_write_items", {"TransactItems": named})

    def read_all(self, keys: list[str], **projection: Any) -> dict[str, dict[str, Any]]:
        """The items that are there, by key, strongly consistent."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(keys), BATCH_READ):
            wanted = [{"pk": {"S": key}} for key in keys[start : start + BATCH_READ]]
            request: Any = {self.table: {"Keys": wanted, "ConsistentRead": True, **projection}}
            for answer in self._batches("batch_get_item", request, "UnprocessedKeys"):
                for rows in answer.get("Responses", {}).values():
                    found |= {row["pk"]["S"]: row for row in rows}
        return found

    def delete_all(self, keys: list[str]) -> None:
        """Delete items, all of them or TableUnavailable."""
        for start in range(0, len(keys), BATCH_WRITE):
            chosen = keys[start : start + BATCH_WRITE]
            request = {self.table: [{"DeleteRequest": {"Key": {"pk": {"S": k}}}} for k in chosen]}
            for _ in self._batches("batch_write_item", request, "UnprocessedItems"):
                pass

    def _batches(self, operation: str, request: Any, left: str) -> list[dict[str, Any]]:
        """Every answer of a batch, asked on until nothing is left undone."""
        answers = [self._call(operation, {"RequestItems": request})]
        for pause in BATCH_PAUSES:
            if not answers[-1].get(left):
                return answers
            time.sleep(pause)
            answers.append(self._call(operation, {"RequestItems": answers[-1][left]}))
        if answers[-1].get(left):
            raise TableUnavailable(f"{operation}: a part was left undone")
        return answers

    def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        pauses = iter(CONFLICT_PAUSES)
        while True:
            try:
                with self._span(f"DynamoDB {operation}"):
                    answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
            except ClientError as refusal:
                pause = next(pauses, None) if _is_conflict(refusal) else None
                if pause is None:
                    raise _translated(refusal) from None
                time.sleep(pause)
            except (BotoCoreError, ResponseParserError) as failure:
                raise TableUnavailable(f"{operation}: {type(failure).__name__}") from None
            else:
                if not answer.get("ResponseMetadata", {}).get("RequestId"):
                    # botocore reads a body that is no JSON as an empty answer: no such row.
                    raise TableUnavailable(f"{operation}: the answer is not DynamoDB's")
                return answer


def _is_conflict(refusal: ClientError) -> bool:
    """Whether a transaction was in the way: then nothing was written, and trying again is safe."""
    if refusal.response.get("Error", {}).get("Code") == "TransactionConflictException":
        return True
    reasons: Any = refusal.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons} - {"None"}
    return codes == {"TransactionConflict"}


def _translated(refusal: ClientError) -> Exception:
    error = refusal.response.get("Error", {})
    code = error.get("Code", "")
    retried = refusal.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
    if code == "ConditionalCheckFailedException":
        found: Any = refusal.response.get("Item")
        return ConditionFailed(retried=retried, found=found)
    if code == "TransactionCanceledException":
        reasons: Any = refusal.response.get("CancellationReasons", [])
        failed = [n for n, r in enumerate(reasons) if r.get("Code") == "ConditionalCheckFailed"]
        if failed:
            return ConditionFailed(retried=retried, positions=tuple(failed))
        if any("size" in str(reason.get("Message", "")) for reason in reasons):
            return RecordTooLarge("an item is larger than DynamoDB's limit of 400 KB")
    if code == "ValidationException" and "size" in error.get("Message", ""):
        return RecordTooLarge("an item is larger than DynamoDB's limit of 400 KB")
    return TableUnavailable(f"{refusal.operation_name}: {code[:60]}")
