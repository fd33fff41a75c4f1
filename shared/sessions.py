"""Reading a session: one read, timeouts checked here, activity noted now and then."""

from dataclasses import dataclass

from shared.errors import RevalidationRequired, SessionRequired, TableUnavailable
from shared.services import Services
from shared.settings import Settings
from shared.store.records import (
    AccessToken,
    Session,
    SessionItem,
    TokenItem,
    session_seal,
    token_item_key,
    token_seal,
)

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
    revalidation_due: bool
    """Whether Entra has to be asked before the session serves again."""


def load_session(
    secret: str | None, services: Services, *, touch: bool = True
) -> LiveSession | None:
    """The live session that the cookie's `secret` opens, or None.

    The TTL deletes rows days late, so every timeout is checked against the clock, the absolute
    one by the sealed time of the sign-in. Raises TableUnavailable where the row cannot be read.
    """
    if secret is None:
        return None
    item = services.sessions.read_session(session_seal(secret).key)
    return _alive(secret, item, services, touch=touch)


def load_session_with_token(
    secret: str | None, target: str, services: Services
) -> tuple[LiveSession | None, AccessToken | None]:
    """The same, and its access token for `target` as it was kept, in the one read."""
    if secret is None:
        return None, None
    key, token_key = session_seal(secret).key, token_item_key(secret, target)
    item, token = services.sessions.read_session_and_token(key, token_key)
    live = _alive(secret, item, services, touch=True)
    return live, (open_token(token, secret, live.session, target) if live else None)


def require_session(secret: str | None, services: Services, *, touch: bool = True) -> LiveSession:
    """The live session. Raises SessionRequired, and RevalidationRequired where that is due."""
    live = load_session(secret, services, touch=touch)
    return required(live)


def required(live: LiveSession | None) -> LiveSession:
    """`live`, if it may serve. Raises as `require_session`."""
    if live is None:
        raise SessionRequired("no live session")
    if live.revalidation_due:
        raise RevalidationRequired(live.session.connector)
    return live


def open_token(
    item: TokenItem | None, secret: str, session: Session, target: str
) -> AccessToken | None:
    """The access token that an item holds, if it is this session's."""
    return AccessToken.unseal(item, token_seal(secret, session, target)) if item else None


def ends_at(session: Session, settings: Settings) -> int:
    """When a session ends however active the user is, in Unix seconds."""
    latest = min(session.ends_at, session.signed_in_at + settings.session_absolute_seconds)
    if settings.revalidate_seconds == 0:
        return latest
    proven_until = session.signed_in_at + settings.revalidate_seconds
    return min(latest, proven_until + settings.revalidate_grace_seconds)


def _alive(
    secret: str, item: SessionItem | None, services: Services, *, touch: bool
) -> LiveSession | None:
    settings = services.settings
    seal = session_seal(secret)
    session = Session.unseal(item, seal) if item is not None else None
    if item is None or session is None:
        return None
    now = int(services.clock())
    end = ends_at(session, settings)
    seen_at = min(item.seen_at, now)
    if now >= min(end, seen_at + settings.session_idle_seconds):
        return None
    due = 0 < settings.revalidate_seconds <= now - session.signed_in_at
    noted = min(TOUCH_SECONDS, settings.session_idle_seconds // 4)
    if touch and not due and now - seen_at >= noted:
        if not _touched(seal.key, services, now=now, end=end):
            return None
        seen_at = now
    return LiveSession(
        session=session,
        expires_at=end,
        idle_expires_at=min(end, seen_at + settings.session_idle_seconds),
        revalidation_due=due,
    )


def _touched(key: str, services: Services, *, now: int, end: int) -> bool:
    """Note activity; False where the session was ended meanwhile.

    Being unable to note it is no reason to refuse a session that has just been read.
    """
    expires_at = min(end, now + services.settings.session_idle_seconds)
    try:
        return services.sessions.touch_session(key, seen_at=now, expires_at=expires_at)
    except TableUnavailable as failure:
        services.observer.problem("activity not noted", reason=failure.error)
        return True
