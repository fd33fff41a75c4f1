"""What ends sessions from outside: markers, indexes, and rows read and deleted in batches.

Of a session it reads what is not sealed, and nothing else: whoever ends sessions for others has no
permission to read what is in them.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.records import VERSION, SessionEntry
from shared.store.session_table import NOT_THERE, STILL_THERE

NOT_ENDED_LATER: Final = "attribute_not_exists(pk) OR ended_before <= :ended_before"
"""No marker of a later logout is there."""
NOT_FOR_ALL: Final = "attribute_not_exists(pk) OR attribute_exists(subjects)"
"""The session at Logto has not been ended for every subject already."""
LISTS_NOTHING: Final = "attribute_not_exists(sessions)"
"""No session has been listed since the last one was taken out."""
_INDEXED_AT_ONCE = 100
_NOT_SEALED: Final = "pk, seen_at, began_at, expires_at, client_ip, client_agent"
"""The attributes that a role which ends sessions may read of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of what a scan finds; `next_key` is where to go on, None at the end."""

    items: tuple[SessionEntry, ...]
    next_key: str | None


class RevocationTable:
    """Every method raises TableUnavailable where DynamoDB fails or leaves a part undone."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def mark_subject(
        self, key: str, *, ended_before: int, arrived_at: int, expires_at: int
    ) -> None:
        """Note that sessions of a subject that began up to `ended_before` have ended.

        Unix seconds by Logto's clock; `arrived_at` is milliseconds by this deployment's.
        """
        change = "SET arrived_at = :arrived_at, expires_at = :expires_at, v = :v"
        values = {
            ":arrived_at": {"N": str(arrived_at)},
            ":expires_at": {"N": str(expires_at)},
            ":v": {"N": str(VERSION)},
        }
        ended = {":ended_before": {"N": str(ended_before)}}
        try:
            self._update(
                key, f"{change}, ended_before = :ended_before", NOT_ENDED_LATER, {**values, **ended}
            )
        except ConditionFailed:
            # The marker says more of when sessions began. Its arrival is this one's all the same:
            # a sign-in whose code was redeemed between the two has lost as well.
            self._update_there(key, change, values)

    def mark_op_session(self, key: str, *, subject: str | None, expires_at: int) -> None:
        """Note that a session at Logto has ended, of this subject (its digest) or of any.

        What was noted before stays: a marker of any subject, and other subjects beside this one.
        """
        values = {":expires_at": {"N": str(expires_at)}, ":v": {"N": str(VERSION)}}
        change = "SET expires_at = :expires_at, v = :v"
        if subject is None:
            self._call(
                "update_item",
                Key={"pk": {"S": key}},
                UpdateExpression=f"{change} REMOVE subjects",
                ExpressionAttributeValues=values,
            )
            return
        named = {":subject": {"SS": [subject]}}
        with suppress(ConditionFailed):  # it has ended for every subject
            self._update(key, f"{change} ADD subjects :subject", NOT_FOR_ALL, {**values, **named})

    def listed(self, index: tuple[str, ...]) -> dict[str, frozenset[str]]:
        """The session keys that each index item lists, without items that are not there."""
        rows = self._call.read_all(list(index))
        return {key: frozenset(row.get("sessions", {}).get("SS", ())) for key, row in rows.items()}

    def sessions(self, keys: list[str]) -> tuple[SessionEntry, ...]:
        """The sessions that are there still."""
        rows = self._call.read_all(keys, ProjectionExpression=_NOT_SEALED)
        found = (_entry(row) for row in rows.values())
        return tuple(item for item in found if item is not None)

    def delete(self, keys: list[str]) -> None:
        """Delete items, every one of them."""
        self._call.delete_all(keys)

    def unlist(self, index_key: str, keys: list[str]) -> None:
        """Take session keys out of an index item; what is listed meanwhile stays."""
        for start in range(0, len(keys), _INDEXED_AT_ONCE):
            taken = {":keys": {"SS": keys[start : start + _INDEXED_AT_ONCE]}}
            with suppress(ConditionFailed):  # it lapsed meanwhile
                self._update(index_key, "DELETE sessions :keys", STILL_THERE, taken)

    def delete_if_empty(self, index_key: str) -> bool:
        """Delete an index item that lists nothing. False where it lists something."""
        try:
            self._call(
                "delete_item",
                Key={"pk": {"S": index_key}},
                ConditionExpression=LISTS_NOTHING,
            )
        except ConditionFailed:
            return False
        return True

    def is_there(self, key: str) -> bool:
        """Whether an item of this key is there."""
        return key in self._call.read_all([key])

    def put_once(self, key: str, owner: str, *, expires_at: int) -> bool:
        """Put an item that says no more than that it is there. False where it was already.

        `owner` is a random name, by which a write that is repeated recognises itself.
        """
        try:
            self._call(
                "put_item",
                Item={
                    "pk": {"S": key},
                    "v": {"N": str(VERSION)},
                    "owner": {"S": owner},
                    "expires_at": {"N": str(expires_at)},
                },
                ConditionExpression=NOT_THERE,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            mine: bool = (failed.found or {}).get("owner", {}).get("S") == owner
            return mine
        return True

    def _update(self, key: str, change: str, condition: str, values: dict[str, Any]) -> None:
        self._call(
            "update_item",
            Key={"pk": {"S": key}},
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )

    def _update_there(self, key: str, change: str, values: dict[str, Any]) -> None:
        try:
            self._update(key, change, STILL_THERE, values)
        except ConditionFailed:
            raise TableUnavailable("a marker lapsed meanwhile") from None

    def scan_organization(self, organization: str, *, start_key: str | None, limit: int) -> Page:
        """Sessions of an organization (its digest): a part of a scan over the whole table."""
        start = {"ExclusiveStartKey": {"pk": {"S": start_key}}} if start_key else {}
        answer = self._call(
            "scan",
            ProjectionExpression=_NOT_SEALED,
            FilterExpression="contains(organizations, :organization)",
            ExpressionAttributeValues={":organization": {"S": organization}},
            ConsistentRead=True,
            Limit=limit,
            **start,
        )
        found = (_entry(row) for row in answer.get("Items", []))
        return Page(
            items=tuple(item for item in found if item is not None),
            next_key=answer.get("LastEvaluatedKey", {}).get("pk", {}).get("S"),
        )


def _entry(row: dict[str, Any]) -> SessionEntry | None:
    """What is not sealed of a session; None for a row that is not of a session."""
    try:
        return SessionEntry(
            key=row["pk"]["S"],
            seen_at=int(row["seen_at"]["N"]),
            began_at=int(row["began_at"]["N"]),
            expires_at=int(row["expires_at"]["N"]),
            client_ip=row.get("client_ip", {}).get("S"),
            client_agent=row.get("client_agent", {}).get("S"),
        )
    except (KeyError, ValueError):
        return None  # a row that is not one of ours is no session
