"""Reading a session: one read, timeouts checked here, activity noted now and then."""

from dataclasses import dataclass

from shared.errors import TableUnavailable
from shared.records import Session, session_seal
from shared.services import Services

TOUCH_SECONDS = 300
"""Activity is noted at most this often, or four times per idle lifetime where that is short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSession:
    """A session that has not ended. Times are Unix seconds."""

    session: Session
    expires_at: int
    """When it ends however active the user is."""
    idle_expires_at: int
    """When it ends if nothing more happens."""


def load_session(
    secret: str | None, services: Services, *, touch: bool = True
) -> LiveSession | None:
    """The live session that the cookie's `secret` opens, or None.

    The TTL deletes rows days late, so both timeouts are checked against the clock, the absolute
    one by the sealed time of the sign-in. Raises TableUnavailable where the row cannot be read.
    """
    if secret is None:
        return None
    settings = services.settings
    seal = session_seal(secret)
    item = services.table.read_session(seal.key)
    session = Session.unseal(item, seal) if item is not None else None
    if item is None or session is None:
        return None
    now = int(services.clock())
    ends_at = session.signed_in_at + settings.session_absolute_seconds
    seen_at = min(item.seen_at, now)
    if now >= min(ends_at, seen_at + settings.session_idle_seconds):
        return None
    if touch and now - seen_at >= min(TOUCH_SECONDS, settings.session_idle_seconds // 4):
        if not _touched(seal.key, services, now=now, ends_at=ends_at):
            return None
        seen_at = now
    return LiveSession(
        session=session,
        expires_at=ends_at,
        idle_expires_at=min(ends_at, seen_at + settings.session_idle_seconds),
    )


def _touched(key: str, services: Services, *, now: int, ends_at: int) -> bool:
    """Note activity; False where the session was ended meanwhile.

    Being unable to note it is no reason to refuse a session that has just been read.
    """
    expires_at = min(ends_at, now + services.settings.session_idle_seconds)
    try:
        return services.table.touch_session(key, seen_at=now, expires_at=expires_at)
    except TableUnavailable as failure:
        services.observer.problem("activity not noted", reason=failure.error)
        return True
