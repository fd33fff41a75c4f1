"""Store transactions and sessions in the DynamoDB table.

The conditions below decide all races: the request whose write is accepted wins. Reads are strongly
consistent: others could return a session that has just been deleted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import EndedMeanwhile, OtherBrowser, TableUnavailable
from shared.store.dynamodb import ConditionFailed, TableClient
from shared.store.keys import ItemKey, Listing, listing_keys, marker_key
from shared.store.records import SessionItem, TokenItem, TransactionItem
from shared.store.rows import encoded, item_of, row_of

ITEM_ABSENT: Final = "attribute_not_exists(pk)"
"""No item has this key: a new item never overwrites another."""
ITEM_EXISTS: Final = "attribute_exists(pk)"
"""The item has not been deleted: DynamoDB's update would create it again."""
SUBJECT_NOT_ENDED: Final = (
    "attribute_not_exists(pk) OR ended_before < :authenticated OR arrived_at <= :in_flight_since"
)
"""No logout of the subject cancels this sign-in.

There is no marker; or it ended sessions from before this authentication only, by Logto's clock, as
a delayed logout token does; or it arrived before the user can have authenticated, by this
deployment's clock, as after a sign-out everywhere, whose `ended_before` is ahead by the tolerance.
"""
OP_SESSION_NOT_ENDED: Final = (
    "attribute_not_exists(pk) OR (attribute_exists(subjects) AND NOT contains(subjects, :subject))"
)
"""The session at Logto has not ended for this subject; without `subjects`, it has for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitGuards:
    """The markers of revocations that would cancel a sign-in, and when the user authenticated."""

    subject: str
    """The digest of the subject."""
    op_session: str | None
    """The digest of the session at Logto, if there is one."""
    in_flight_since: int
    """The earliest time at which the user may have authenticated, by sign-in and lifetime of a
    code. Milliseconds by this deployment's clock."""
    authenticated_from: float
    """The earliest time of authentication, in Unix seconds by Logto's clock."""


class SessionTable:
    """Transactions and sessions. Every method raises TableUnavailable if DynamoDB fails."""

    def __init__(self, calls: TableClient) -> None:
        self._call = calls

    def put_transaction(self, item: TransactionItem) -> None:
        """Store a new transaction. Its key derives from a random `state`, so it overwrites none."""
        self._call("put_item", Item=row_of(item))

    def claim_transaction(self, key: str, bindings: list[str]) -> TransactionItem | None:
        """Delete and return the transaction, if one of these browsers started it; else None.

        Raises OtherBrowser if another one did: the transaction stays for it. Raises
        TableUnavailable also if a response was lost and the retry found nothing.
        """
        # One conditional delete, so of two callbacks with the same `state` only one gets the
        # transaction, and its code is redeemed once.
        operands = {f":b{number}": binding for number, binding in enumerate(bindings)}
        try:
            answer = self._call(
                "delete_item",
                Key=ItemKey(key).attributes,
                ConditionExpression=f"binding IN ({', '.join(operands)})",
                ExpressionAttributeValues=encoded(operands),
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            if failed.found is not None:
                raise OtherBrowser("the transaction was started in another browser") from None
            if failed.retried:
                # The first attempt may have deleted it, and its content is lost with the response.
                raise TableUnavailable("the response to a claim was lost") from None
            return None
        row = answer["Attributes"]
        return item_of(TransactionItem, row)

    def commit_session(
        self,
        item: SessionItem,
        listings: Sequence[Listing],
        guards: CommitGuards,
        *,
        previous: Sequence[ItemKey],
    ) -> None:
        """Create a session and its listings, and delete `previous`. Raises EndedMeanwhile."""
        # The markers are checked in the transaction that creates the session: a check before it
        # would miss a logout that arrives between the two.
        checks = _marker_checks(guards)
        writes = [
            *checks,
            {"Put": {"Item": row_of(item), "ConditionExpression": ITEM_ABSENT}},
            *({"Put": {"Item": row_of(listing)}} for listing in listings),
            *({"Delete": {"Key": key.attributes}} for key in previous),
        ]
        try:
            self._call.transact(writes)
        except (TableUnavailable, ConditionFailed) as failure:
            # The key derives from a new 256-bit secret. If an item has it, this very write was
            # applied and its response was lost.
            if item_exists(self._call, item.key):
                return
            if isinstance(failure, ConditionFailed) and min(failure.positions) < len(checks):
                raise EndedMeanwhile("the user was logged out during the sign-in") from None
            raise TableUnavailable("the session could not be committed") from None

    def read_session(self, key: str) -> SessionItem | None:
        """Return the session of this key, expired or not, or None."""
        return item_of(SessionItem, self._call.get(key))

    def read_session_and_token(
        self, key: str, token_key: str
    ) -> tuple[SessionItem | None, TokenItem | None]:
        """Return a session and one of its access tokens, read in one call."""
        found = self._call.read_all([key, token_key])
        return item_of(SessionItem, found.get(key)), item_of(TokenItem, found.get(token_key))

    def touch_session(self, key: str, *, seen_at: int, expires_at: int) -> bool:
        """Record activity at `seen_at`. Return False if the session has been deleted."""
        values = {":seen_at": seen_at, ":expires_at": expires_at}
        change = "SET seen_at = :seen_at, expires_at = :expires_at"
        return self._call.update(key, change, ITEM_EXISTS, values)

    def delete_session(self, key: str) -> SessionItem | None:
        """Delete the session and return it; None if there was none."""
        answer = self._call("delete_item", Key=ItemKey(key).attributes, ReturnValues="ALL_OLD")
        return item_of(SessionItem, answer.get("Attributes"))

    def delete_listings(self, listings: Iterable[Listing]) -> None:
        """Delete all listings of a deleted session."""
        self._call.delete_all(listing_keys(listings))


def item_exists(call: TableClient, key: str) -> bool:
    """Return whether an item has this key, by a strongly consistent read."""
    return call.get(key, ProjectionExpression="pk") is not None


def _marker_checks(guards: CommitGuards) -> list[dict[str, Any]]:
    times = {
        ":authenticated": float(guards.authenticated_from),
        ":in_flight_since": guards.in_flight_since,
    }
    checks = [_check(marker_key(guards.subject), SUBJECT_NOT_ENDED, times)]
    if guards.op_session is not None:
        subject = {":subject": guards.subject}
        checks.append(_check(marker_key(guards.op_session), OP_SESSION_NOT_ENDED, subject))
    return checks


def _check(key: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
    check = {"Key": ItemKey(key).attributes, "ConditionExpression": condition}
    return {"ConditionCheck": {**check, "ExpressionAttributeValues": encoded(values)}}
