"""Revoke sessions on behalf of others than their browser: by subject, or by session at Logto.

First a marker is written, then the listings are read, then the sessions are deleted, then their
listings. A concurrent sign-in either committed before the marker, so its session is listed, or its
commit finds the marker and fails. A partial revocation raises and can be repeated: every session
that exists is still listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched

from shared.services import Services
from shared.settings import LONGEST_SESSION_SECONDS
from shared.store.keys import (
    Listing,
    listing_keys,
    listing_owner,
    marker_key,
    op_session_digest,
    subject_digest,
)
from shared.store.records import SessionEntry

MARKER_SECONDS = 3600
"""Lifetime of a marker: longer than any sign-in that redeemed its code before the revocation."""

ENDED_AT_ONCE = 100
"""Sessions that are read at once, and deleted before others are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """Numbers of deleted sessions and listings; a listing may outlive its session."""

    sessions: int
    listings: int


def end_subject(
    subject: str,
    *,
    until: int,
    services: Services,
    arrived_at: int | None = None,
    spared: str | None = None,
) -> Revoked:
    """End the sessions of a subject that began up to `until`, in Unix seconds by Logto's clock.

    `arrived_at` is when the revocation was requested, if not just now, in milliseconds by this
    deployment's clock: it cancels sign-ins in flight then, and no later ones. `spared` is the key
    of a session that the caller deletes. Raises TableUnavailable after a partial revocation.
    """
    revocations, owner = services.revocations(), subject_digest(services.settings.issuer, subject)
    now = services.clock()
    revocations.mark_subject(
        marker_key(owner),
        ended_before=until,
        arrived_at=arrived_at if arrived_at is not None else int(now * 1000),
        expires_at=int(now) + MARKER_SECONDS,
    )
    listings = revocations.read_listings(listing_owner(owner))
    return _end([i for i in listings if i.began_at <= until and i.session != spared], services)


def end_op_session(op_session: str, *, subject: str | None, services: Services) -> int:
    """End the sessions of a session at Logto (`sid`), of one subject if given; their number."""
    revocations, issuer = services.revocations(), services.settings.issuer
    ended = op_session_digest(issuer, op_session)
    only = subject_digest(issuer, subject) if subject is not None else None
    expires_at = int(services.clock()) + LONGEST_SESSION_SECONDS
    revocations.mark_op_session(marker_key(ended), subject=only, expires_at=expires_at)
    listings = revocations.read_listings(listing_owner(ended))
    if only is not None:
        owner = listing_owner(only)
        listings = tuple(listing for listing in listings if listing.other_owner == owner)
    return _end(listings, services).sessions


def sessions_of(subject: str, services: Services) -> tuple[SessionEntry, ...]:
    """Return the stored sessions of a subject, latest first; timeouts are not checked."""
    revocations = services.revocations()
    owner = listing_owner(subject_digest(services.settings.issuer, subject))
    listings = revocations.read_listings(owner)
    sessions = revocations.read_sessions([listing.session for listing in listings])
    return tuple(sorted(sessions, key=latest_first))


def latest_first(session: SessionEntry) -> tuple[int, str]:
    """Return the sort key of a session: latest first, then by key within one second."""
    return (-session.began_at, session.key)


def _end(listings: Iterable[Listing], services: Services) -> Revoked:
    """Delete the listed sessions, then the listings, part by part: a repetition has less to do."""
    revocations, existing, deleted = services.revocations(), 0, 0
    for part in batched(listings, ENDED_AT_ONCE, strict=False):
        keys = [listing.session for listing in part]
        existing += len(revocations.read_sessions(keys))
        # Delete every key, not only the existing ones: a batch read is not one snapshot, and may
        # miss a session that was committed an instant ago although its listing was seen.
        revocations.delete_sessions(keys)
        # Listings go last: if a deletion fails half-way, a repetition still finds the sessions.
        revocations.delete_listings(part)
        deleted += len(listing_keys(part))
    return Revoked(sessions=existing, listings=deleted)
