"""The DynamoDB table: the one module that speaks to it.

Every condition has a name below. A conditional write is the only thing that decides a race:
whoever's write is accepted has won. Reads are strongly consistent, because a stale one would
show a session that has just been ended.
"""

import time
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from shared.errors import OtherBrowser, RecordTooLarge, TableUnavailable
from shared.records import VERSION, SessionItem, TransactionItem
from shared.tracing import Span, no_span

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

NOT_THERE: Final = "attribute_not_exists(pk)"
"""Nothing has this key yet: a new item never overwrites another."""
STILL_THERE: Final = "attribute_exists(pk)"
"""The row has not been deleted meanwhile: no update brings an ended session back."""

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


def connect() -> "DynamoDBClient":
    """A DynamoDB client with this product's time limits; region and endpoint are botocore's own
    settings (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`)."""
    client: DynamoDBClient = boto3.client("dynamodb", config=LIMITS)
    return client


class Table:
    """Transactions and sessions. Every method raises TableUnavailable where DynamoDB fails."""

    def __init__(self, client: "DynamoDBClient", name: str, span: Span = no_span) -> None:
        self._client = client
        self._name = name
        self._span = span

    def put_transaction(self, item: TransactionItem) -> None:
        """Keep a new transaction; its key comes from a fresh random `state`."""
        self._call(
            "put_item",
            Item={
                "pk": {"S": item.key},
                "v": {"N": str(VERSION)},
                "binding": {"S": item.binding},
                "sealed": {"B": item.sealed},
                "expires_at": {"N": str(item.expires_at)},
            },
        )

    def claim_transaction(self, key: str, bindings: list[str]) -> TransactionItem | None:
        """Take the transaction out of the table, if one of these browsers began it.

        None where it is not there. Raises OtherBrowser where it began in another browser, which
        can then still claim it, and TableUnavailable also where an answer was lost and a repeated
        attempt found nothing: the first may have taken it, and what it took is gone.
        """
        operands = {f":b{number}": {"S": binding} for number, binding in enumerate(bindings)}
        try:
            answer = self._call(
                "delete_item",
                Key={"pk": {"S": key}},
                ConditionExpression=f"binding IN ({', '.join(operands)})",
                ExpressionAttributeValues=operands,
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except _ConditionFailed as failed:
            if failed.found:
                raise OtherBrowser("the transaction began in another browser") from None
            if failed.retried:
                raise TableUnavailable("the answer to a claim was lost") from None
            return None
        row = answer["Attributes"]
        try:
            return TransactionItem(
                key=key,
                sealed=_binary(row),
                expires_at=int(row["expires_at"]["N"]),
                binding=row["binding"]["S"],
            )
        except (KeyError, ValueError):
            return None  # a row that is not one of ours opens nothing

    def holds(self, key: str) -> bool:
        """Whether an item of this key is there."""
        answer = self._call(
            "get_item",
            Key={"pk": {"S": key}},
            ProjectionExpression="pk",
            ConsistentRead=True,
        )
        return "Item" in answer

    def commit_session(
        self,
        item: SessionItem,
        *,
        index: tuple[str, ...],
        index_expires_at: int,
        previous: str | None,
    ) -> None:
        """Create a session, list it in its indexes and delete the `previous` one, all or nothing.

        The key comes from a fresh 256-bit secret, so where it is there already, it is this very
        write that was applied while its answer got lost.
        """
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._name,
                    "Item": {
                        "pk": {"S": item.key},
                        "v": {"N": str(VERSION)},
                        "sealed": {"B": item.sealed},
                        "seen_at": {"N": str(item.seen_at)},
                        "expires_at": {"N": str(item.expires_at)},
                    },
                    "ConditionExpression": NOT_THERE,
                }
            }
        ]
        writes += [
            {
                "Update": {
                    "TableName": self._name,
                    "Key": {"pk": {"S": key}},
                    "UpdateExpression": (
                        "ADD sessions :session SET expires_at = :expires_at, v = :v"
                    ),
                    "ExpressionAttributeValues": {
                        ":session": {"SS": [item.key]},
                        ":expires_at": {"N": str(index_expires_at)},
                        ":v": {"N": str(VERSION)},
                    },
                }
            }
            for key in index
        ]
        if previous is not None:
            writes.append({"Delete": {"TableName": self._name, "Key": {"pk": {"S": previous}}}})
        try:
            self._call("transact_write_items", table=False, TransactItems=writes)
        except (TableUnavailable, _ConditionFailed):
            if not self.holds(item.key):
                raise TableUnavailable("the session could not be committed") from None

    def read_session(self, key: str) -> SessionItem | None:
        """The session row of this key, expired or not, or None."""
        answer = self._call("get_item", Key={"pk": {"S": key}}, ConsistentRead=True)
        return _session_item(key, answer.get("Item"))

    def touch_session(self, key: str, *, seen_at: int, expires_at: int) -> bool:
        """Note activity at `seen_at`. False where the session has been ended meanwhile."""
        try:
            self._call(
                "update_item",
                Key={"pk": {"S": key}},
                UpdateExpression="SET seen_at = :seen_at, expires_at = :expires_at",
                ConditionExpression=STILL_THERE,
                ExpressionAttributeValues={
                    ":seen_at": {"N": str(seen_at)},
                    ":expires_at": {"N": str(expires_at)},
                },
            )
        except _ConditionFailed:
            return False
        return True

    def delete_session(self, key: str) -> SessionItem | None:
        """Delete the session and return what it was; None where it was not there."""
        answer = self._call("delete_item", Key={"pk": {"S": key}}, ReturnValues="ALL_OLD")
        return _session_item(key, answer.get("Attributes"))

    def _call(self, operation: str, *, table: bool = True, **arguments: Any) -> dict[str, Any]:
        if table:
            arguments["TableName"] = self._name
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


class _ConditionFailed(Exception):
    """A named condition did not hold.

    `retried`: an earlier attempt may have been applied. `found`: the item is there all the same.
    """

    def __init__(self, *, retried: bool, found: bool = False) -> None:
        super().__init__("a condition did not hold")
        self.retried = retried
        self.found = found


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
        return _ConditionFailed(retried=retried, found="Item" in refusal.response)
    if code == "TransactionCanceledException":
        reasons: Any = refusal.response.get("CancellationReasons", [])
        if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
            return _ConditionFailed(retried=retried)
        if any("size" in str(reason.get("Message", "")) for reason in reasons):
            return RecordTooLarge("an item is larger than DynamoDB's limit of 400 KB")
    if code == "ValidationException" and "size" in error.get("Message", ""):
        return RecordTooLarge("an item is larger than DynamoDB's limit of 400 KB")
    return TableUnavailable(f"{refusal.operation_name}: {code[:60]}")


def _session_item(key: str, row: dict[str, Any] | None) -> SessionItem | None:
    if row is None:
        return None
    try:
        return SessionItem(
            key=key,
            sealed=_binary(row),
            expires_at=int(row["expires_at"]["N"]),
            seen_at=int(row["seen_at"]["N"]),
        )
    except (KeyError, ValueError):
        return None  # a row that is not one of ours opens nothing


def _binary(row: dict[str, Any]) -> bytes:
    return bytes(row["sealed"]["B"])
