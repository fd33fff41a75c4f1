"""Where the sessions of a subject are listed, and what says that they have been ended.

Every key is a digest, so a dump of the table names nobody.
"""

from shared.sealing import digest
from shared.settings import LONGEST_SESSION_SECONDS
from shared.store.records import Session

_DAY = 86_400


def index_keys(session: Session) -> tuple[str, ...]:
    """Keys of the index items that list this session, for ending all sessions of a subject.

    An index item covers the sessions that end on one day, so it lapses with the last of them and
    never has to be cleaned up: a user's live sessions are found under the days still to come.
    """
    day = session.ends_at // _DAY
    keys = [_subject_key(session.issuer, session.subject, day)]
    if session.op_session is not None:
        keys.append(_op_session_key(session.issuer, session.op_session, day))
    return tuple(keys)


def index_expires_at(session: Session) -> int:
    """When an index item may lapse: after the end of the day that it covers, in Unix seconds."""
    return (session.ends_at // _DAY + 1) * _DAY


def subject_index(issuer: str, subject: str, *, now: float) -> tuple[str, ...]:
    """Every index item that may list a live session of a subject.

    All days that a session may last, whatever the lifetime is set to at present: it may have been
    another when a session began.
    """
    return tuple(_subject_key(issuer, subject, day) for day in _days(now))


def op_session_index(issuer: str, op_session: str, *, now: float) -> tuple[str, ...]:
    """The same for a session at Logto (`sid`)."""
    return tuple(_op_session_key(issuer, op_session, day) for day in _days(now))


def subject_digest(issuer: str, subject: str) -> str:
    """What names a subject in the table and in logs."""
    return digest("subject", issuer, subject)


def organization_digest(issuer: str, organization: str) -> str:
    """What names an organization in the table."""
    return digest("organization", issuer, organization)


def subject_marker(issuer: str, subject: str) -> str:
    """The key of the item that says when all sessions of a subject were ended."""
    return f"ended#{subject_digest(issuer, subject)}"


def op_session_marker(issuer: str, op_session: str) -> str:
    """The key of the item that says that a session at Logto was ended."""
    return f"ended#{digest('op session', issuer, op_session)}"


def replay_key(issuer: str, token_id: str) -> str:
    """The key of the item that says that a logout token has been used."""
    return f"replay#{digest('jti', issuer, token_id)}"


def _days(now: float) -> range:
    return range(int(now) // _DAY, (int(now) + LONGEST_SESSION_SECONDS) // _DAY + 1)


def _subject_key(issuer: str, subject: str, day: int) -> str:
    return f"subject#{digest('subject', issuer, subject, str(day))}"


def _op_session_key(issuer: str, op_session: str, day: int) -> str:
    return f"subject#{digest('op session', issuer, op_session, str(day))}"
