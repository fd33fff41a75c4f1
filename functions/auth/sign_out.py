"""Sign-out: here first, then the grant at Logto, then the browser to Logto's end-session page."""

import asyncio

from shared.errors import Misconfigured, ProviderMisbehaved, SignInError, Unavailable
from shared.observability import SIGNED_OUT
from shared.revocation import end_subject
from shared.sealing import Seal
from shared.services import Services
from shared.store.records import Session, SessionItem, session_seal
from shared.web.base_url import Site

SKEW_SECONDS = 30
"""How far Logto's clock may be ahead."""
PROVIDER_SECONDS = 3.0
"""Time that Logto gets for either part of a sign-out that is not essential."""


async def sign_out(
    secrets: tuple[str, ...], *, everywhere: bool = False, site: Site, services: Services
) -> str | None:
    """End the sessions of these secrets, and return the URL that ends the session at Logto.

    A browser has one, unless somebody has planted another. `everywhere` ends all sessions of its
    user first. None where Logto cannot be reached: the session here is gone all the same. Raises
    TableUnavailable, and then nothing has been promised.
    """
    storage: dict[str, str] = {}
    for secret in secrets:
        session = _ended(secret, everywhere=everywhere, services=services)
        services.observer.count(SIGNED_OUT)
        if session is not None:
            storage = session.storage
            await revoke_grant(storage, services)
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            return await services.logto().end_session(storage, return_uri=site.home_uri)
    except (TimeoutError, Unavailable, ProviderMisbehaved) as failure:
        services.observer.problem("end session not reached", reason=_reason(failure))
        return None


async def revoke_grant(storage: dict[str, str], services: Services) -> None:
    """Revoke the grant: it would outlive the end of Logto's session (`offline_access`).

    A failure is logged and ends nothing.
    """
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            await services.logto().revoke(storage)
    except (TimeoutError, Unavailable, ProviderMisbehaved, Misconfigured) as failure:
        services.observer.problem("grant not revoked", reason=_reason(failure))


def _ended(secret: str, *, everywhere: bool, services: Services) -> Session | None:
    """Delete the session and return what it was.

    The others go first: while one of them is left, this one can ask again. It need not be alive:
    that its time has run out is no reason to leave the others.
    """
    seal = session_seal(secret)
    if (
        everywhere
        and (asking := _opened(services.sessions.read_session(seal.key), seal)) is not None
    ):
        # What is listed by now has begun by now, whatever Logto's clock says.
        until = max(int(services.clock()) + SKEW_SECONDS, asking.began_at)
        count = end_subject(asking.subject, until=until, services=services, spared=seal.key)
        services.observer.event("signed out everywhere", sessions=count + 1)
    return _opened(services.sessions.delete_session(seal.key), seal)


def _opened(item: SessionItem | None, seal: Seal) -> Session | None:
    return Session.unseal(item, seal) if item is not None else None


def _reason(failure: Exception) -> str:
    return failure.error if isinstance(failure, SignInError) else "timeout"
