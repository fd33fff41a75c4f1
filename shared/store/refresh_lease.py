"""Lease a session's refresh token to one process, and store the result of its refresh.

If a refresh token that Logto has rotated is used again, Logto revokes the whole grant. A
conditional write takes the lease, and the write of the result releases it. A holder that dies
leaves its name behind, so the next holder learns that the outcome of a redemption is unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys
from shared.store.records import Lease, TokenItem
from shared.store.rows import encoded, row_of

LEASE_FREE: Final = (
    "attribute_exists(pk) AND (attribute_not_exists(lease_until) OR lease_until <= :now)"
)
"""The session exists, and its refresh token is neither leased nor in back-off."""
LEASE_MINE: Final = "attribute_exists(pk) AND lease_owner = :owner"
"""The session exists, and no other process has taken the lease."""
_RELEASE: Final = "REMOVE lease_owner, lease_until, taken_from"
_NO_OWNER = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leased:
    """A lease of this process. `outcome_unknown`: how an earlier holder's redemption ended."""

    owner: str
    outcome_unknown: bool


class RefreshLeases:
    """Leases on refresh tokens. Every method raises TableUnavailable if DynamoDB fails."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def take_lease(self, key: str, lease: Lease, *, now: float) -> Leased | None:
        """Take the lease; None if it is held or the session is gone."""
        owner = lease.owner or _NO_OWNER
        values = {":owner": owner, ":until": lease.until, ":now": now, ":no_owner": _NO_OWNER}
        try:
            answer = self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                # `taken_from` gets the previous owner, which is there only if it never released.
                UpdateExpression=(
                    "SET taken_from = if_not_exists(lease_owner, :no_owner), "
                    "lease_owner = :owner, lease_until = :until"
                ),
                ConditionExpression=LEASE_FREE,
                ExpressionAttributeValues=encoded(values),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            row: dict[str, Any] = answer["Attributes"]
        except ConditionFailed as failed:
            row = failed.found or {}
            if row.get("lease_owner", {}).get("S") != lease.owner:
                return None  # else an earlier attempt was applied, and its response was lost
        return Leased(owner=owner, outcome_unknown=row["taken_from"]["S"] != _NO_OWNER)

    def give_back(self, key: str, owner: str) -> None:
        """Release the lease: the refresh token was not redeemed, or its outcome is stored."""
        self._mine(key, owner, _RELEASE, {})

    def back_off(self, key: str, owner: str, *, until: float, outcome_known: bool) -> None:
        """Release the lease after a failure: no request tries again before `until`.

        Unless `outcome_known`, the owner's name stays, and tells the next holder so.
        """
        change = "SET lease_until = :until"
        if outcome_known:
            change += " REMOVE lease_owner, taken_from"
        self._mine(key, owner, change, {":until": until})

    def keep_refreshed(self, key: str, owner: str, sealed: bytes) -> bool:
        """Store a rotated refresh token. Return False if the session or the lease is gone."""
        return self._mine(key, owner, "SET sealed = :sealed", {":sealed": sealed})

    def finish(self, key: str, owner: str, sealed: bytes, token: TokenItem) -> bool:
        """Store session and token and release the lease, all or nothing. False if it is lost."""
        session = {
            "Key": ItemKey(key).attributes,
            "UpdateExpression": f"SET sealed = :sealed, refreshed_by = :owner {_RELEASE}",
            "ConditionExpression": LEASE_MINE,
            "ExpressionAttributeValues": encoded({":owner": owner, ":sealed": sealed}),
        }
        try:
            self._call.transact([{"Update": session}, {"Put": {"Item": row_of(token)}}])
        except (TableUnavailable, ConditionFailed) as failure:
            if self._refreshed_by(key, owner):
                return True  # it was applied, and its response was lost
            if isinstance(failure, ConditionFailed):
                return False
            raise
        return True

    def end(self, key: str, owner: str, listings: Iterable[Listing]) -> bool:
        """Delete the session and its listings, unless another process has taken the lease."""
        session = {
            "Key": ItemKey(key).attributes,
            "ConditionExpression": LEASE_MINE,
            "ExpressionAttributeValues": encoded({":owner": owner}),
        }
        others = [{"Key": key.attributes} for key in listing_keys(listings)]
        try:
            self._call.transact([{"Delete": write} for write in (session, *others)])
        except ConditionFailed:
            return False
        return True

    def _mine(self, key: str, owner: str, change: str, values: dict[str, Any]) -> bool:
        return self._call.update(key, change, LEASE_MINE, {":owner": owner, **values})

    def _refreshed_by(self, key: str, owner: str) -> bool:
        row = self._call.get(key, ProjectionExpression="refreshed_by") or {}
        return bool(row.get("refreshed_by", {}).get("S") == owner)
