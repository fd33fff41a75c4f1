"""Ending sessions from outside of their browser: all of a subject, or those of one at Logto.

A marker is written first, then the index is read, then rows are deleted. A sign-in in flight either
committed before the marker, and the index lists it, or its commit meets the marker and fails. What
is left undone is an error, never a success, and everything may be repeated.
"""

from shared.services import Services
from shared.settings import LONGEST_SESSION_SECONDS
from shared.store.keys import (
    op_session_index,
    op_session_marker,
    subject_digest,
    subject_index,
    subject_marker,
)
from shared.store.records import SessionEntry

MARKER_SECONDS = 3600
"""A marker outlasts every sign-in that can have redeemed its code before it."""


def end_subject(subject: str, *, until: int, services: Services, spared: str | None = None) -> int:
    """End the sessions of a subject that began up to `until`, and count them.

    Unix seconds by Logto's clock, which sets when a session began. Raises TableUnavailable, and
    then some may not have ended. `spared` is the key of one that is left to the caller.
    """
    endings, settings = services.revocations(), services.settings
    now = services.clock()
    endings.mark_subject(
        subject_marker(settings.issuer, subject),
        ended_before=until,
        arrived_at=int(now * 1000),
        expires_at=int(now) + MARKER_SECONDS,
    )
    listed = endings.listed(subject_index(settings.issuer, subject, now=now))
    sessions = endings.sessions(_all(listed))
    ended = [i.key for i in sessions if i.began_at <= until and i.key != spared]
    endings.delete(ended)
    _unlist(listed, kept={item.key for item in sessions} - set(ended), services=services)
    return len(ended)


def end_op_session(op_session: str, *, subject: str | None, services: Services) -> int:
    """End the sessions here of a session at Logto (`sid`), of this subject where one is named.

    Raises TableUnavailable.
    """
    endings, issuer = services.revocations(), services.settings.issuer
    now = services.clock()
    endings.mark_op_session(
        op_session_marker(issuer, op_session),
        subject=subject_digest(issuer, subject) if subject is not None else None,
        expires_at=int(now) + LONGEST_SESSION_SECONDS,
    )
    listed = endings.listed(op_session_index(issuer, op_session, now=now))
    ended = set(_all(listed))
    if subject is not None:
        ended &= set(_all(endings.listed(subject_index(issuer, subject, now=now))))
    there = [item.key for item in endings.sessions(sorted(ended))]
    endings.delete(there)
    return len(there)


def sessions_of(subject: str, services: Services) -> tuple[SessionEntry, ...]:
    """The sessions of a subject that have rows, ended by a timeout or not, the latest first."""
    endings = services.revocations()
    index = subject_index(services.settings.issuer, subject, now=services.clock())
    sessions = endings.sessions(_all(endings.listed(index)))
    return tuple(sorted(sessions, key=lambda item: item.began_at, reverse=True))


def _all(listed: dict[str, frozenset[str]]) -> list[str]:
    return sorted(set().union(*listed.values())) if listed else []


def _unlist(listed: dict[str, frozenset[str]], *, kept: set[str], services: Services) -> None:
    """Take out of the index what is gone, so that no later ending has to look for it."""
    for key, sessions in listed.items():
        gone = sorted(sessions - kept)
        if gone:
            services.revocations().unlist(key, gone)
