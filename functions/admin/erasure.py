"""Erasing what the table holds of a user."""

from dataclasses import dataclass

from shared.clock import CLOCK_SKEW_SECONDS
from shared.revocation import end_listed, sessions_of
from shared.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """How much was deleted, and how many sessions a look afterwards still found."""

    sessions: int
    listings: int
    left: int


def erase_subject(subject: str, services: Services) -> Erased:
    """End every session and delete what is listed of the subject. Raises TableUnavailable.

    Listings of sessions that had ended before are deleted too. A session that begins meanwhile
    stays listed, and is counted as left.
    """
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    ended = end_listed(subject, until=until, services=services)
    return Erased(
        sessions=ended.sessions,
        listings=ended.listings,
        left=len(sessions_of(subject, services)),
    )
