"""Transactions and sessions in the DynamoDB table.

Every condition has a name below. A conditional write is the only thing that decides a race:
whoever's write is accepted has won. Reads are strongly consistent, because a stale one would
show a session that has just been ended.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import EndedMeanwhile, OtherBrowser, TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys
from shared.store.records import VERSION, Lease, SessionItem, TokenItem, TransactionItem

NOT_THERE: Final = "attribute_not_exists(pk)"
"""Nothing has this key yet: a new item never overwrites another."""
STILL_THERE: Final = "attribute_exists(pk)"
"""The row has not been deleted meanwhile: no update brings an ended session back."""
SUBJECT_NOT_ENDED: Final = (
    "attribute_not_exists(pk) OR ended_before < :authenticated OR arrived_at <= :in_flight_since"
)
"""No logout of the subject has arrived since the user may have signed in at Logto for this."""
OP_SESSION_NOT_ENDED: Final = (
    "attribute_not_exists(pk) OR (attribute_exists(subjects) AND NOT contains(subjects, :subject))"
)
"""The session at Logto that this sign-in belongs to has not been ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitGuards:
    """The markers of revocations that would forbid a new session."""

    subject: str
    """The digest of the subject."""
    subject_marker: str
    op_session_marker: str | None
    in_flight_since: int
    """When the user may have signed in at Logto at the earliest: the sign-in had begun, and its
    code had not expired by the time it was redeemed. Milliseconds by this deployment's clock."""
    authenticated_from: float
    """The same in Unix seconds by Logto's clock."""


class SessionTable:
    """Transactions and sessions. Every method raises TableUnavailable where DynamoDB fails."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def put_transaction(self, item: TransactionItem) -> None:
        """Keep a new transaction; its key comes from a fresh random `state`."""
        self._call(
            "put_item",
            Item={
                **ItemKey(item.key).attributes,
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
                Key=ItemKey(key).attributes,
                ConditionExpression=f"binding IN ({', '.join(operands)})",
                ExpressionAttributeValues=operands,
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            if failed.found is not None:
                raise OtherBrowser("the transaction began in another browser") from None
            if failed.retried:
                raise TableUnavailable("the answer to a claim was lost") from None
            return None
        row = answer["Attributes"]
        try:
            return TransactionItem(
                key=key,
                sealed=binary(row),
                expires_at=int(row["expires_at"]["N"]),
                binding=row["binding"]["S"],
            )
        except (KeyError, ValueError):
            return None  # a row that is not one of ours opens nothing

    def commit_session(
        self,
        item: SessionItem,
        listings: Sequence[Listing],
        guards: CommitGuards,
        *,
        previous: Sequence[ItemKey],
    ) -> None:
        """Create a session and its listings and delete the `previous` ones, all or nothing.

        Raises EndedMeanwhile where a logout of its user arrived during the sign-in. The
        key comes from a fresh 256-bit secret, so where it is there already, it is this very write
        that was applied while its answer got lost.
        """
        checks = _marker_checks(guards)
        writes = [
            *checks,
            {"Put": {"Item": _session_row(item), "ConditionExpression": NOT_THERE}},
            *({"Put": {"Item": _listing_row(listing)}} for listing in listings),
            *({"Delete": {"Key": key.attributes}} for key in previous),
        ]
        try:
            self._call.transact(writes)
        except (TableUnavailable, ConditionFailed) as failure:
            if is_there(self._call, item.key):
                return
            if isinstance(failure, ConditionFailed) and min(failure.positions) < len(checks):
                raise EndedMeanwhile("the user was logged out meanwhile") from None
            raise TableUnavailable("the session could not be committed") from None

    def read_session(self, key: str) -> SessionItem | None:
        """The session row of this key, expired or not, or None."""
        answer = self._call("get_item", Key=ItemKey(key).attributes, ConsistentRead=True)
        return session_item(key, answer.get("Item"))

    def read_session_and_token(
        self, key: str, token_key: str
    ) -> tuple[SessionItem | None, TokenItem | None]:
        """A session and one of its access tokens, in one call."""
        found = self._call.read_all([key, token_key])
        return session_item(key, found.get(key)), token_item(token_key, found.get(token_key))

    def touch_session(self, key: str, *, seen_at: int, expires_at: int) -> bool:
        """Note activity at `seen_at`. False where the session has been ended meanwhile."""
        try:
            self._call(
                "update_item",
                Key=ItemKey(key).attributes,
                UpdateExpression="SET seen_at = :seen_at, expires_at = :expires_at",
                ConditionExpression=STILL_THERE,
                ExpressionAttributeValues={
                    ":seen_at": {"N": str(seen_at)},
                    ":expires_at": {"N": str(expires_at)},
                },
            )
        except ConditionFailed:
            return False
        return True

    def delete_session(self, key: str) -> SessionItem | None:
        """Delete the session and return what it was; None where it was not there."""
        answer = self._call("delete_item", Key=ItemKey(key).attributes, ReturnValues="ALL_OLD")
        return session_item(key, answer.get("Attributes"))

    def delete_listings(self, listings: Iterable[Listing]) -> None:
        """Delete the listings of a session that has been deleted, all of them."""
        self._call.delete_all(listing_keys(listings))


def is_there(call: TableClient, key: str) -> bool:
    """Whether an item of this key is there, strongly consistent."""
    answer = call(
        "get_item",
        Key=ItemKey(key).attributes,
        ProjectionExpression="pk",
        ConsistentRead=True,
    )
    return "Item" in answer


def session_item(key: str, row: dict[str, Any] | None) -> SessionItem | None:
    """The session that a row holds; None for no row and for one that is not of a session."""
    if row is None:
        return None
    try:
        return SessionItem(
            key=key,
            sealed=binary(row),
            expires_at=int(row["expires_at"]["N"]),
            seen_at=int(row["seen_at"]["N"]),
            began_at=int(row["began_at"]["N"]),
            organizations=frozenset(row.get("organizations", {}).get("SS", ())),
            client_ip=row.get("client_ip", {}).get("S"),
            client_agent=row.get("client_agent", {}).get("S"),
            lease=_lease(row),
        )
    except (KeyError, ValueError):
        return None  # a row that is not one of ours opens nothing


def token_item(key: str, row: dict[str, Any] | None) -> TokenItem | None:
    """The access token that a row holds, or None."""
    if row is None:
        return None
    try:
        return TokenItem(key=key, sealed=binary(row), expires_at=int(row["expires_at"]["N"]))
    except (KeyError, ValueError):
        return None


def binary(row: dict[str, Any]) -> bytes:
    """What is sealed in a row."""
    return bytes(row["sealed"]["B"])


def _lease(row: dict[str, Any]) -> Lease | None:
    if "lease_until" not in row:
        return None
    owner = row.get("lease_owner", {}).get("S")
    return Lease(owner=owner, until=float(row["lease_until"]["N"]))


def _session_row(item: SessionItem) -> dict[str, Any]:
    row: dict[str, Any] = {
        **ItemKey(item.key).attributes,
        "v": {"N": str(VERSION)},
        "sealed": {"B": item.sealed},
        "seen_at": {"N": str(item.seen_at)},
        "began_at": {"N": str(item.began_at)},
        "expires_at": {"N": str(item.expires_at)},
    }
    if item.organizations:
        row["organizations"] = {"SS": sorted(item.organizations)}
    for name, value in (("client_ip", item.client_ip), ("client_agent", item.client_agent)):
        if value is not None:
            row[name] = {"S": value}
    return row


def _listing_row(listing: Listing) -> dict[str, Any]:
    row: dict[str, Any] = {
        **ItemKey(listing.owner, listing.session).attributes,
        "v": {"N": str(VERSION)},
        "began_at": {"N": str(listing.began_at)},
        "expires_at": {"N": str(listing.expires_at)},
    }
    if listing.other_owner is not None:
        row["other_owner"] = {"S": listing.other_owner}
    return row


def _marker_checks(guards: CommitGuards) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = [
        {
            "ConditionCheck": {
                "Key": ItemKey(guards.subject_marker).attributes,
                "ConditionExpression": SUBJECT_NOT_ENDED,
                "ExpressionAttributeValues": {
                    ":authenticated": {"N": f"{guards.authenticated_from:.3f}"},
                    ":in_flight_since": {"N": str(guards.in_flight_since)},
                },
            }
        }
    ]
    if guards.op_session_marker is not None:
        checks.append(
            {
                "ConditionCheck": {
                    "Key": ItemKey(guards.op_session_marker).attributes,
                    "ConditionExpression": OP_SESSION_NOT_ENDED,
                    "ExpressionAttributeValues": {":subject": {"S": guards.subject}},
                }
            }
        )
    return checks
