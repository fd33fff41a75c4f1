"""Ending sessions from outside of their browser: all of a subject, or those of one at Logto.

A marker is written first, then the listings are read, then sessions are deleted, and their listings
after them. A sign-in in flight either committed before the marker, and is listed, or its commit
meets the marker and fails. What is left undone is an error, never a success, and everything may be
repeated: as long as a session is there, it is listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched

from shared.services import Services
from shared.settings import LONGEST_SESSION_SECONDS
from shared.store.keys import (
    Listing,
    listing_keys,
    op_session_marker,
    op_session_owner,
    subject_digest,
    subject_marker,
    subject_owner,
)
from shared.store.records import SessionEntry

MARKER_SECONDS = 3600
"""A marker outlasts every sign-in that can have redeemed its code before it."""

ENDED_AT_ONCE = 100
"""Sessions that are read at once, and deleted before others are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Count of sessions that were there, and of listings, also of sessions that were gone."""

    sessions: int
    listings: int


def end_subject(subject: str, *, until: int, services: Services, spared: str | None = None) -> int:
    """End the sessions of a subject that began up to `until`, and count them.

    Unix seconds by Logto's clock, which sets when a session began. Raises TableUnavailable, and
    then some may not have ended. `spared` is the key of one that is left to the caller.
    """
    return end_listed(subject, until=until, services=services, spared=spared).sessions


def end_listed(subject: str, *, until: int, services: Services, spared: str | None = None) -> Ended:
    """End sessions as `end_subject` does, and count what was deleted."""
    revocations, settings = services.revocations(), services.settings
    now = services.clock()
    revocations.mark_subject(
        subject_marker(settings.issuer, subject),
        ended_before=until,
        arrived_at=int(now * 1000),
        expires_at=int(now) + MARKER_SECONDS,
    )
    listed = revocations.listed(subject_owner(settings.issuer, subject))
    return _end([i for i in listed if i.began_at <= until and i.session != spared], services)


def end_op_session(op_session: str, *, subject: str | None, services: Services) -> int:
    """End the sessions here of a session at Logto (`sid`), of this subject where one is named.

    Raises TableUnavailable.
    """
    revocations, issuer = services.revocations(), services.settings.issuer
    now = services.clock()
    revocations.mark_op_session(
        op_session_marker(issuer, op_session),
        subject=subject_digest(issuer, subject) if subject is not None else None,
        expires_at=int(now) + LONGEST_SESSION_SECONDS,
    )
    listed = revocations.listed(op_session_owner(issuer, op_session))
    if subject is not None:
        owner = subject_owner(issuer, subject)
        listed = tuple(listing for listing in listed if listing.other_owner == owner)
    return _end(listed, services).sessions


def sessions_of(subject: str, services: Services) -> tuple[SessionEntry, ...]:
    """The sessions of a subject that have rows, ended by a timeout or not, the latest first."""
    revocations = services.revocations()
    listed = revocations.listed(subject_owner(services.settings.issuer, subject))
    sessions = revocations.sessions([listing.session for listing in listed])
    return tuple(sorted(sessions, key=latest_first))


def latest_first(session: SessionEntry) -> tuple[int, str]:
    """Return what sessions are sorted by: the latest first, those of one second by their keys."""
    return (-session.began_at, session.key)


def _end(listed: Iterable[Listing], services: Services) -> Ended:
    """Delete sessions, and only then their listings, by which a repetition would find them.

    Part by part, so that each repetition has less left to do. A session that is listed and seems
    not to be there is deleted all the same: its sign-in may have been committed so shortly before
    that only its listing was seen.
    """
    revocations, there, deleted = services.revocations(), 0, 0
    for part in batched(listed, ENDED_AT_ONCE, strict=False):
        keys = [listing.session for listing in part]
        there += len(revocations.sessions(keys))
        revocations.delete_sessions(keys)
        revocations.delete_listings(part)
        deleted += len(listing_keys(part))
    return Ended(sessions=there, listings=deleted)
