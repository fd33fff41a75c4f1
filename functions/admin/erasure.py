"""Erasing what the table holds of a user."""

from dataclasses import dataclass

from shared.clock import CLOCK_SKEW_SECONDS
from shared.revocation import end_subject, sessions_of
from shared.services import Services
from shared.store.keys import subject_index


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """How much was deleted, and how many sessions a look afterwards still found."""

    sessions: int
    index_items: int
    left: int


def erase_subject(subject: str, services: Services) -> Erased:
    """End every session and delete what listed them. Raises TableUnavailable.

    An index item goes only once it lists nothing: a session that begins meanwhile stays listed.
    """
    endings, issuer = services.revocations(), services.settings.issuer
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    sessions = end_subject(subject, until=until, services=services)
    index = endings.listed(subject_index(issuer, subject, now=services.clock()))
    deleted = [key for key in index if endings.delete_if_empty(key)]
    return Erased(
        sessions=sessions,
        index_items=len(deleted),
        left=len(sessions_of(subject, services)),
    )
