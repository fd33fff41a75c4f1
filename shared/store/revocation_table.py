"""What ends sessions from outside: markers, listings, and items read and deleted in batches.

Of a session it reads what is not sealed, and nothing else: whoever ends sessions for others has no
permission to read what is in them.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys
from shared.store.records import VERSION, SessionEntry
from shared.store.session_table import NOT_THERE, STILL_THERE, is_there

NOT_ENDED_LATER: Final = "attribute_not_exists(pk) OR ended_before <= :ended_before"
"""No marker of a later logout is there."""
NOT_FOR_ALL: Final = "attribute_not_exists(pk) OR attribute_exists(subjects)"
"""The session at Logto has not been ended for every subject already."""
_LISTED: Final = "pk, sk, began_at, expires_at, other_owner"
_NOT_SEALED: Final = "pk, seen_at, began_at, expires_at, client_ip, client_agent"
"""The attributes that a role which ends sessions may read of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of what a scan finds; `next_key` is where to go on, None at the end.

    The next key may be that of any item, a listing too: a scan passes all of them.
    """

    items: tuple[SessionEntry, ...]
    next_key: ItemKey | None


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
                Key=ItemKey(key).attributes,
                UpdateExpression=f"{change} REMOVE subjects",
                ExpressionAttributeValues=values,
            )
            return
        named = {":subject": {"SS": [subject]}}
        with suppress(ConditionFailed):  # it has ended for every subject
            self._update(key, f"{change} ADD subjects :subject", NOT_FOR_ALL, {**values, **named})

    def listed(self, owner: str) -> tuple[Listing, ...]:
        """What is listed under an owner. A listed session need not be there any more."""
        rows = self._call.query(owner, ProjectionExpression=_LISTED)
        found = (_listing(row) for row in rows)
        return tuple(listing for listing in found if listing is not None)

    def sessions(self, keys: list[str]) -> tuple[SessionEntry, ...]:
        """The sessions that are there still."""
        rows = self._call.read_all(keys, ProjectionExpression=_NOT_SEALED)
        found = (_entry(row) for row in rows.values())
        return tuple(item for item in found if item is not None)

    def delete_sessions(self, keys: Iterable[str]) -> None:
        """Delete sessions, every one of them."""
        self._call.delete_all([ItemKey(key) for key in keys])

    def delete_listings(self, listings: Iterable[Listing]) -> None:
        """Delete listings and their sessions' other ones, every one of them.

        Their sessions are deleted before: one that is not listed any more would not be found again.
        """
        self._call.delete_all(listing_keys(listings))

    def is_there(self, key: str) -> bool:
        """Whether an item of this key is there."""
        return is_there(self._call, key)

    def put_once(self, key: str, owner: str, *, expires_at: int) -> bool:
        """Put an item that says no more than that it is there. False where it was already.

        `owner` is a random name, by which a write that is repeated recognises itself.
        """
        try:
            self._call(
                "put_item",
                Item={
                    **ItemKey(key).attributes,
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
            Key=ItemKey(key).attributes,
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )

    def _update_there(self, key: str, change: str, values: dict[str, Any]) -> None:
        try:
            self._update(key, change, STILL_THERE, values)
        except ConditionFailed:
            raise TableUnavailable("a marker lapsed meanwhile") from None

    def scan_organization(
        self, organization: str, *, start_key: ItemKey | None, limit: int
    ) -> Page:
        """Sessions of an organization (its digest): a part of a scan over the whole table."""
        start = {"ExclusiveStartKey": start_key.attributes} if start_key else {}
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
        last = answer.get("LastEvaluatedKey")
        return Page(
            items=tuple(item for item in found if item is not None),
            next_key=ItemKey(last["pk"]["S"], last["sk"]["S"]) if last else None,
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


def _listing(row: dict[str, Any]) -> Listing | None:
    """What a row lists; None for a row that is not a listing."""
    try:
        return Listing(
            owner=row["pk"]["S"],
            session=row["sk"]["S"],
            began_at=int(row["began_at"]["N"]),
            expires_at=int(row["expires_at"]["N"]),
            other_owner=row.get("other_owner", {}).get("S"),
        )
    except (KeyError, ValueError):
        return None  # a row that is not one of ours lists nothing
