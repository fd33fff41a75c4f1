"""Keys of items: how sessions are listed under their owners, and what marks revocations.

Every key is a digest, so a dump of the table names nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared.sealing import digest
from shared.store.records import Session

NOT_LISTED: Final = "-"
"""The sort key of every item but listings: such an item is alone under its partition key."""


class ItemKey(NamedTuple):
    """The primary key of an item: partition key and sort key."""

    pk: str
    sk: str = NOT_LISTED

    @property
    def attributes(self) -> dict[str, Any]:
        """The key in DynamoDB's JSON."""
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """An item that lists one session under an owner: its subject, or its session at Logto."""

    owner: str
    """The partition key, from `listing_owner`."""
    session: str
    """The session's key, which is the listing's sort key."""
    began_at: int
    """When the session began, in Unix seconds by Logto's clock."""
    expires_at: int
    """The TTL, in Unix seconds: the session's absolute end."""
    other_owner: str | None = None
    """The owner of the session's other listing, so that one of them is enough to delete both."""


def listings_of(session: Session, key: str) -> tuple[Listing, ...]:
    """Return the listings of a session whose item has this `key`."""
    owners = [listing_owner(subject_digest(session.issuer, session.subject))]
    if session.op_session is not None:
        owners.append(listing_owner(op_session_digest(session.issuer, session.op_session)))
    return tuple(
        Listing(
            owner=owner,
            session=key,
            began_at=session.began_at,
            expires_at=session.ends_at,
            other_owner=next((other for other in owners if other != owner), None),
        )
        for owner in owners
    )


def listing_keys(listings: Iterable[Listing]) -> list[ItemKey]:
    """Return the keys of these listings and of their sessions' other ones, each once.

    The other ones come first: until they are deleted, these still lead to them.
    """
    given = list(listings)
    others = [ItemKey(i.other_owner, i.session) for i in given if i.other_owner is not None]
    return list(dict.fromkeys([*others, *(ItemKey(i.owner, i.session) for i in given)]))


def listing_owner(owner: str) -> str:
    """Return the partition key of the listings of a subject or a session at Logto (its digest)."""
    return f"subject#{owner}"


def marker_key(owner: str) -> str:
    """Return the key of the marker that a subject or a session at Logto (its digest) has ended."""
    return f"ended#{owner}"


def replay_key(issuer: str, token_id: str) -> str:
    """Return the key of the item that records a used logout token."""
    return f"replay#{digest('jti', issuer, token_id)}"


def subject_digest(issuer: str, subject: str) -> str:
    """Return the digest that identifies a subject in the table and in logs."""
    return digest("subject", issuer, subject)


def op_session_digest(issuer: str, op_session: str) -> str:
    """Return the digest that identifies a session at Logto in the table."""
    return digest("op session", issuer, op_session)


def organization_digest(issuer: str, organization: str) -> str:
    """Return the digest that identifies an organization in the table."""
    return digest("organization", issuer, organization)
