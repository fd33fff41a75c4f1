"""Erase a user's data from the table."""

from dataclasses import dataclass

from shared.clock import CLOCK_SKEW_SECONDS
from shared.revocation import end_subject, sessions_of
from shared.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """Numbers of what was deleted, and of the sessions that a check afterwards still found."""

    sessions: int
    listings: int
    remaining: int


def erase_subject(subject: str, services: Services) -> Erased:
    """Delete all sessions and listings of a subject. Raises TableUnavailable.

    Listings of sessions that had already ended are deleted too. A session that begins during the
    erasure stays, and counts as remaining.
    """
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    revoked = end_subject(subject, until=until, services=services)
    return Erased(
        sessions=revoked.sessions,
        listings=revoked.listings,
        remaining=len(sessions_of(subject, services)),
    )
