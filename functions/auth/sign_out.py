"""Sign out: the sessions here first, then the grants at Logto, then Logto's end-session page."""

from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import Misconfigured, ProviderMisbehaved, TableUnavailable, Unavailable
from shared.observability import SIGNED_OUT
from shared.revocation import end_subject
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import listings_of
from shared.store.records import Session, SessionItem
from shared.web.base_url import Site


def sign_out(
    handles: tuple[SessionHandle, ...],
    *,
    everywhere: bool = False,
    return_to: str | None = None,
    site: Site,
    services: Services,
) -> str | None:
    """End these sessions, and return the URL that ends the session at Logto.

    A browser has one session, unless another cookie was planted. `everywhere` ends all sessions of
    its user first. `return_to` is the local path to go on to afterwards. Return None if Logto
    cannot be reached: the sessions here have ended.
    Raises TableUnavailable, and then nothing has been promised.
    """
    storages: list[dict[str, str]] = []
    try:
        for handle in handles:
            session = _ended(handle, everywhere=everywhere, services=services)
            services.observer.count(SIGNED_OUT)
            storages += [session.storage] if session is not None else []
    finally:
        # Logto comes after every session: a slow one must not keep any of them alive.
        for storage in storages:
            revoke_grant(storage, services)
    try:
        logto = services.within(services.limits.sign_out_provider_seconds).logto()
        return logto.end_session(
            storages[-1] if storages else {}, return_uri=site.signed_out_uri, state=return_to
        )
    except (Unavailable, ProviderMisbehaved) as failure:
        services.observer.problem("end session not reached", reason=failure.error)
        return None


def revoke_grant(storage: dict[str, str], services: Services) -> None:
    """Revoke the grant, which would outlive the end of Logto's session (`offline_access`).

    A failure is logged and ends nothing.
    """
    try:
        services.within(services.limits.sign_out_provider_seconds).logto().revoke(storage)
    except (Unavailable, ProviderMisbehaved, Misconfigured) as failure:
        services.observer.problem("grant not revoked", reason=failure.error)


def _ended(handle: SessionHandle, *, everywhere: bool, services: Services) -> Session | None:
    """Delete the session and return what it was.

    With `everywhere` the user's other sessions go first: if that fails half-way, this session is
    left to repeat it. An expired session ends the others too.
    """
    if everywhere:
        own = _opened(services.sessions.read_session(handle.key), handle)
        if own is not None:
            # Every session that is listed now has begun, even if Logto's clock is ahead.
            until = max(int(services.clock()) + CLOCK_SKEW_SECONDS, own.began_at)
            others = end_subject(own.subject, until=until, services=services, spared=handle.key)
            services.observer.event("signed out everywhere", sessions=others.sessions + 1)
    session = _opened(services.sessions.delete_session(handle.key), handle)
    if session is not None:
        _unlist(session, handle.key, services)
    return session


def _unlist(session: Session, key: str, services: Services) -> None:
    """Delete the session's listings. Best effort: without its session a listing ends nothing."""
    try:
        services.sessions.delete_listings(listings_of(session, key))
    except TableUnavailable as failure:
        services.observer.problem("listings not deleted", reason=failure.error)


def _opened(item: SessionItem | None, handle: SessionHandle) -> Session | None:
    return Session.unseal(item, handle.seal) if item is not None else None
