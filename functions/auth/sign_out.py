"""Sign out: the sessions here first, then the grants at Logto, then Logto's end-session page."""

from dataclasses import dataclass

from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import Misconfigured, ProviderMisbehaved, TableUnavailable, Unavailable
from shared.observability import SIGNED_OUT
from shared.revocation import end_subject
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import listings_of
from shared.store.records import Session, SessionItem
from shared.web.base_url import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOut:
    """The sessions here have ended; what the browser may be sent to."""

    end_session_url: str | None
    """Where Logto ends its session; None if Logto cannot be reached."""
    login_url: str | None
    """Where Microsoft signs the user out, if the session came from there."""


def sign_out(
    handles: tuple[SessionHandle, ...],
    *,
    everywhere: bool = False,
    return_to: str | None = None,
    site: Site,
    services: Services,
) -> SignedOut:
    """End these sessions, and find out where the session at Logto is ended.

    A browser has one session, unless another cookie was planted. `everywhere` ends all sessions of
    its user first. `return_to` is the local path to go on to afterwards. Raises TableUnavailable,
    and then nothing has been promised.
    """
    ended: list[Session] = []
    try:
        for handle in handles:
            session = _ended(handle, everywhere=everywhere, services=services)
            services.observer.count(SIGNED_OUT)
            ended += [session] if session is not None else []
    finally:
        # Logto comes after every session: a slow one must not keep any of them alive.
        for session in ended:
            revoke_grant(session.storage, services)
    login_url = next((session.login_url for session in ended if session.login_url), None)
    storage = ended[-1].storage if ended else {}
    try:
        logto = services.within(services.limits.sign_out_provider_seconds).logto()
        url = logto.end_session(storage, return_uri=site.signed_out_uri, state=return_to)
    except (Unavailable, ProviderMisbehaved) as failure:
        services.observer.problem("end session not reached", reason=failure.error)
        url = None
    return SignedOut(end_session_url=url, login_url=login_url)


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
