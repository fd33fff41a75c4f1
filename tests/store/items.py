"""Items for the tests of the tables."""

from typing import Any

from shared.store.keys import ItemKey, Listing
from shared.store.records import (
    SessionItem,
)
from shared.store.session_table import CommitGuards, SessionTable


def session(key: str = "session#a", sealed: bytes = b"sealed") -> SessionItem:
    return SessionItem(
        key=key,
        sealed=sealed,
        expires_at=2_000_000_000,
        seen_at=1_800_000_000,
        began_at=1_800_000_000,
    )


def listing(key: str = "session#a", owner: str = "subject#1", **changes: Any) -> Listing:
    values: dict[str, Any] = {
        "began_at": 1_800_000_000,
        "expires_at": 2_000_043_200,
        "other_owner": None,
    }
    return Listing(owner=owner, session=key, **{**values, **changes})


def commit(
    table: SessionTable,
    item: SessionItem,
    listings: tuple[Listing, ...] | None = None,
    previous: tuple[ItemKey, ...] = (),
    **changes: Any,
) -> None:
    values: dict[str, Any] = {
        "subject": "alice",
        "op_session": None,
        "in_flight_since": 1_800_000_000_000,
        "authenticated_from": 1_800_000_000,
    }
    guards = CommitGuards(**{**values, **changes})
    listed = (listing(item.key),) if listings is None else listings
    table.commit_session(item, listed, guards, previous=previous)
