"""Store revocation markers, and read and delete sessions by their listings.

The functions that revoke sessions have no permission to read `sealed`.
"""

from collections.abc import Iterable
from typing import Any, Final

from shared.errors import TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys
from shared.store.records import VERSION, SessionEntry
from shared.store.rows import encoded, items_of
from shared.store.session_table import ITEM_ABSENT, item_exists

NO_LATER_MARKER: Final = (
    "attribute_not_exists(pk) OR (ended_before <= :ended_before AND arrived_at <= :arrived_at)"
)
"""There is no marker that ends more sessions, or of a logout that arrived later."""
ENDED_EARLIER: Final = "ended_before <= :ended_before"
"""The marker ends no more sessions than this logout: one that does must not be shortened."""
ARRIVED_EARLIER: Final = "arrived_at <= :arrived_at"
"""The marker's logout arrived no later: one that did cancels sign-ins that this one does not."""
NOT_FOR_ALL: Final = "attribute_not_exists(pk) OR attribute_exists(subjects)"
"""There is no marker that ends the session for every subject, which must not be narrowed."""
_LISTED: Final = "pk, sk, began_at, expires_at, other_owner"
_NOT_SEALED: Final = "pk, seen_at, began_at, expires_at, client_ip, client_agent"
"""The attributes of a session that the roles of revoking functions may read."""


class RevocationTable:
    """Markers and listings. Every method raises TableUnavailable if any part of it fails."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def mark_subject(
        self, key: str, *, ended_before: int, arrived_at: int, expires_at: int
    ) -> None:
        """Mark the sessions of a subject that began up to `ended_before` as ended.

        `ended_before` is Unix seconds by Logto's clock; `arrived_at` is milliseconds by this
        deployment's clock. Both only grow: an earlier logout that comes late changes nothing.
        """
        change = "SET expires_at = :expires_at, v = :v"
        values = {":expires_at": expires_at, ":v": VERSION}
        ended, arrived = {":ended_before": ended_before}, {":arrived_at": arrived_at}
        both = f"{change}, ended_before = :ended_before, arrived_at = :arrived_at"
        if self._call.update(key, both, NO_LATER_MARKER, {**values, **ended, **arrived}):
            return
        # Keep the later one of each. A logout that reaches less far still cancels the sign-ins in
        # flight at its arrival, and one that was carried out late takes nothing back.
        self._raise(
            key, f"{change}, ended_before = :ended_before", ENDED_EARLIER, {**values, **ended}
        )
        self._raise(
            key, f"{change}, arrived_at = :arrived_at", ARRIVED_EARLIER, {**values, **arrived}
        )

    def mark_op_session(self, key: str, *, subject: str | None, expires_at: int) -> None:
        """Mark a session at Logto as ended, for one more subject (its digest) or for all."""
        values = {":expires_at": expires_at, ":v": VERSION}
        change = "SET expires_at = :expires_at, v = :v"
        if subject is None:
            self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression=f"{change} REMOVE subjects",
                ExpressionAttributeValues=encoded(values),
            )
            return
        added = {**values, ":subject": frozenset({subject})}
        # If the condition fails, it has already ended for every subject.
        self._call.update(key, f"{change} ADD subjects :subject", NOT_FOR_ALL, added)

    def read_listings(self, owner: str) -> tuple[Listing, ...]:
        """Return the listings under an owner. A listed session may have been deleted already."""
        return items_of(Listing, self._call.query(owner, ProjectionExpression=_LISTED))

    def read_sessions(self, keys: list[str]) -> tuple[SessionEntry, ...]:
        """Return those of the sessions that exist."""
        rows = self._call.read_all(keys, ProjectionExpression=_NOT_SEALED)
        return items_of(SessionEntry, rows.values())

    def delete_sessions(self, keys: Iterable[str]) -> None:
        """Delete all of these sessions."""
        self._call.delete_all([ItemKey(key) for key in keys])

    def delete_listings(self, listings: Iterable[Listing]) -> None:
        """Delete listings, and the other ones of their sessions, which must be deleted already."""
        self._call.delete_all(listing_keys(listings))

    def exists(self, key: str) -> bool:
        """Return whether an item has this key."""
        return item_exists(self._call, key)

    def put_once(self, key: str, owner: str, *, expires_at: int) -> bool:
        """Create an item; False if it exists. A retry recognises its own by a random `owner`."""
        row = {**ItemKey(key)._asdict(), "v": VERSION, "expires_at": expires_at, "owner": owner}
        try:
            self._call(
                "put_item",
                Item=encoded(row),
                ConditionExpression=ITEM_ABSENT,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            return bool((failed.found or {}).get("owner", {}).get("S") == owner)
        return True

    def _raise(self, key: str, change: str, condition: str, values: dict[str, Any]) -> None:
        """Change an existing marker unless the condition fails, which keeps what it has."""
        try:
            self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=encoded(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            if failed.found is None:
                raise TableUnavailable("a marker expired during its update") from None

    def scan_organization(
        self, organization: str, *, start_key: ItemKey | None, limit: int
    ) -> tuple[tuple[SessionEntry, ...], ItemKey | None]:
        """Return sessions of an organization (its digest) in a part of the table.

        Return also the key to go on from, which may be any item's; None at the end.
        """
        start = {"ExclusiveStartKey": start_key.attributes} if start_key else {}
        answer = self._call(
            "scan",
            # Implied by the projection, but the policy requires it, and may see only what is sent.
            Select="SPECIFIC_ATTRIBUTES",
            ProjectionExpression=_NOT_SEALED,
            FilterExpression="contains(organizations, :organization)",
            ExpressionAttributeValues=encoded({":organization": organization}),
            ConsistentRead=True,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        next_key = ItemKey(last["pk"]["S"], last["sk"]["S"]) if last else None
        return items_of(SessionEntry, answer.get("Items", [])), next_key
