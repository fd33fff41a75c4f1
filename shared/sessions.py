"""Load a session in one read, check its timeouts, and record activity at intervals."""

from dataclasses import dataclass

from shared.errors import RevalidationRequired, SessionRequired, TableUnavailable
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.settings import Settings
from shared.store.records import AccessToken, Session, SessionItem, TokenItem


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSession:
    """A session that has not ended. Times are Unix seconds."""

    handle: SessionHandle
    session: Session
    expires_at: int
    """When it ends even if the user is active."""
    idle_expires_at: int
    """When it ends if the user is inactive from now on."""
    revalidation_due: bool
    """Whether the user must re-authenticate at Entra before the session is accepted again."""


def load_session(
    handle: SessionHandle | None, services: Services, *, touch: bool = True
) -> LiveSession | None:
    """Return the live session of a cookie, by the clock: the TTL deletes rows days late."""
    if handle is None:
        return None
    return _alive(handle, services.sessions.read_session(handle.key), services, touch=touch)


def load_session_with_token(
    handle: SessionHandle | None, target: str, services: Services
) -> tuple[LiveSession | None, AccessToken | None]:
    """Return the live session and its access token for `target`. Raises TableUnavailable."""
    if handle is None:
        return None, None
    item, token = services.sessions.read_session_and_token(handle.key, handle.token_key(target))
    live = _alive(handle, item, services, touch=True)
    return live, (open_token(token, handle, live.session, target) if live else None)


def require_session(
    handle: SessionHandle | None, services: Services, *, touch: bool = True
) -> LiveSession:
    """Return the live session. Raises SessionRequired, and RevalidationRequired if that is due."""
    return required(load_session(handle, services, touch=touch))


def required(live: LiveSession | None) -> LiveSession:
    """Return `live` if it may serve. Raises SessionRequired and RevalidationRequired."""
    if live is None:
        raise SessionRequired("no live session")
    if live.revalidation_due:
        raise RevalidationRequired(live.session.connector)
    return live


def open_token(
    item: TokenItem | None, handle: SessionHandle, session: Session, target: str
) -> AccessToken | None:
    """Return the access token that an item holds, if it is this session's."""
    if item is None:
        return None
    return AccessToken.unseal(item, handle.token_seal(target, session.token_key))


def ends_at(session: Session, settings: Settings) -> int:
    """Return when a session ends even if the user is active, in Unix seconds."""
    latest = min(session.ends_at, session.signed_in_at + settings.session_absolute_seconds)
    if settings.revalidate_seconds == 0:
        return latest
    proven_until = (session.authenticated_at or 0) + settings.revalidate_seconds
    return min(latest, proven_until + settings.revalidate_grace_seconds)


def is_due(session: Session, settings: Settings, *, now: int) -> bool:
    """Return whether the user must authenticate again, by the proof that the session holds."""
    return 0 < settings.revalidate_seconds <= now - (session.authenticated_at or 0)


def _alive(
    handle: SessionHandle, item: SessionItem | None, services: Services, *, touch: bool
) -> LiveSession | None:
    settings = services.settings
    session = Session.unseal(item, handle.seal) if item is not None else None
    if item is None or session is None:
        return None
    now = int(services.clock())
    end = ends_at(session, settings)
    seen_at = min(item.seen_at, now)
    if now >= min(end, seen_at + settings.session_idle_seconds):
        return None
    due = is_due(session, settings, now=now)
    interval = min(services.limits.touch_seconds, settings.session_idle_seconds // 4)
    if touch and not due and now - seen_at >= interval:
        if not _touched(handle.key, services, now=now, end=end):
            return None
        seen_at = now
    return LiveSession(
        handle=handle,
        session=session,
        expires_at=end,
        idle_expires_at=min(end, seen_at + settings.session_idle_seconds),
        revalidation_due=due,
    )


def _touched(key: str, services: Services, *, now: int, end: int) -> bool:
    """Record activity, unless DynamoDB fails. Return False if the session has been deleted."""
    expires_at = min(end, now + services.settings.session_idle_seconds)
    try:
        return services.sessions.touch_session(key, seen_at=now, expires_at=expires_at)
    except TableUnavailable as failure:
        services.observer.problem("activity not recorded", reason=failure.error)
        return True
