"""The lease on a session's refresh token, and the access tokens that refreshes bring.

A refresh token may be redeemed by one process at a time: Logto ends the whole grant where one that
it has replaced comes again. The lease is two attributes of the session's row, taken by a
conditional write and given back with the result. A holder that dies leaves its name behind; whoever
takes over then knows that the outcome of a redemption is unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys
from shared.store.records import VERSION, Lease, SessionItem, TokenItem
from shared.store.session_table import session_item

LEASE_FREE: Final = (
    "attribute_exists(pk) AND (attribute_not_exists(lease_until) OR lease_until <= :now)"
)
"""The session is there, and nobody else is at its refresh token."""
LEASE_MINE: Final = "attribute_exists(pk) AND lease_owner = :owner"
"""The session is there, and no other process has taken over."""
_NOBODY = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leased:
    """A session whose refresh token is this process's to redeem.

    `outcome_unknown`: an earlier holder never said how its redemption ended.
    """

    item: SessionItem
    outcome_unknown: bool


class RefreshLeases:
    """Every method raises TableUnavailable where DynamoDB fails."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def take_lease(self, key: str, lease: Lease, *, now: float) -> Leased | None:
        """The lease on a session, which is read along; None where it is held or the row is gone."""
        values = {
            ":owner": {"S": lease.owner or _NOBODY},
            ":until": {"N": f"{lease.until:.3f}"},
            ":now": {"N": f"{now:.3f}"},
            ":nobody": {"S": _NOBODY},
        }
        try:
            answer = self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression=(
                    "SET taken_from = if_not_exists(lease_owner, :nobody), "
                    "lease_owner = :owner, lease_until = :until"
                ),
                ConditionExpression=LEASE_FREE,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            row: dict[str, Any] = answer["Attributes"]
        except ConditionFailed as failed:
            row = failed.found or {}
            if row.get("lease_owner", {}).get("S") != lease.owner:
                return None  # otherwise the first attempt was applied, and its answer got lost
        item = session_item(key, row)
        if item is None:
            return None
        return Leased(item=item, outcome_unknown=row["taken_from"]["S"] != _NOBODY)

    def give_back(self, key: str, owner: str) -> None:
        """Give the lease back: what the redemption brought is known."""
        self._mine(key, owner, "REMOVE lease_owner, lease_until, taken_from", {})

    def back_off(self, key: str, owner: str, *, until: float, outcome_known: bool) -> None:
        """Give the lease back after a failure: no request tries again before `until`.

        `outcome_known`: the refresh token was certainly not redeemed. If not, the next holder
        learns it.
        """
        change = "SET lease_until = :until"
        if outcome_known:
            change += " REMOVE lease_owner, taken_from"
        self._mine(key, owner, change, {":until": {"N": f"{until:.3f}"}})

    def keep_refreshed(self, key: str, owner: str, sealed: bytes) -> bool:
        """Write a session with a new refresh token. False where it was ended or taken over."""
        return self._mine(key, owner, "SET sealed = :sealed", {":sealed": {"B": sealed}})

    def finish(self, key: str, owner: str, sealed: bytes, token: TokenItem) -> bool:
        """Write session and access token and give the lease back, all or nothing.

        False where the session was ended or taken over meanwhile.
        """
        writes: list[dict[str, Any]] = [
            {
                "Update": {
                    "Key": ItemKey(key).attributes,
                    "UpdateExpression": (
                        "SET sealed = :sealed, refreshed_by = :owner "
                        "REMOVE lease_owner, lease_until, taken_from"
                    ),
                    "ConditionExpression": LEASE_MINE,
                    "ExpressionAttributeValues": {
                        ":owner": {"S": owner},
                        ":sealed": {"B": sealed},
                    },
                }
            },
            {
                "Put": {
                    "Item": {
                        **ItemKey(token.key).attributes,
                        "v": {"N": str(VERSION)},
                        "sealed": {"B": token.sealed},
                        "expires_at": {"N": str(token.expires_at)},
                    }
                }
            },
        ]
        try:
            self._call.transact(writes)
        except (TableUnavailable, ConditionFailed) as failure:
            if self._refreshed_by(key, owner):
                return True  # it was applied, and its answer got lost
            if isinstance(failure, ConditionFailed):
                return False
            raise
        return True

    def end(self, key: str, owner: str, listings: Iterable[Listing]) -> bool:
        """Delete the session and its listings, unless another process has taken over meanwhile."""
        session = {
            "Key": ItemKey(key).attributes,
            "ConditionExpression": LEASE_MINE,
            "ExpressionAttributeValues": {":owner": {"S": owner}},
        }
        listed = [{"Key": listing.attributes} for listing in listing_keys(listings)]
        try:
            self._call.transact([{"Delete": write} for write in (session, *listed)])
        except ConditionFailed:
            return False
        return True

    def _mine(self, key: str, owner: str, change: str, values: dict[str, Any]) -> bool:
        try:
            self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression=change,
                ConditionExpression=LEASE_MINE,
                ExpressionAttributeValues={":owner": {"S": owner}, **values},
            )
        except ConditionFailed:
            return False
        return True

    def _refreshed_by(self, key: str, owner: str) -> bool:
        answer = self._call(
            "get_item",
            Key=ItemKey(key).attributes,
            ProjectionExpression="refreshed_by",
            ConsistentRead=True,
        )
        found: bool = answer.get("Item", {}).get("refreshed_by", {}).get("S") == owner
        return found
