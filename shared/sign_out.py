"""Sign-out: here first, then the grant at Logto, then the browser to Logto's end-session page."""

import asyncio
from typing import TYPE_CHECKING

from shared.errors import Misconfigured, ProviderMisbehaved, SignInError, Unavailable
from shared.observability import SIGNED_OUT
from shared.records import Session, session_seal
from shared.services import Services
from shared.site import Site

if TYPE_CHECKING:
    from shared.logto_client import Logto

PROVIDER_SECONDS = 4.0
"""Time that Logto gets for the part of a sign-out that is not essential."""


async def sign_out(secret: str | None, *, site: Site, services: Services) -> str | None:
    """End the session of `secret`, and return the URL that ends it at Logto as well.

    None where Logto cannot be reached: the session here is gone all the same. Raises
    TableUnavailable, and then nothing has been promised.
    """
    session: Session | None = None
    if secret is not None:
        seal = session_seal(secret)
        item = services.table.delete_session(seal.key)
        session = Session.unseal(item, seal) if item is not None else None
        services.observer.count(SIGNED_OUT)
    storage = session.storage if session is not None else {}
    logto = services.logto()
    await _revoke(logto, storage, services)
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            return await logto.end_session(storage, return_uri=site.home_uri)
    except (TimeoutError, Unavailable, ProviderMisbehaved) as failure:
        services.observer.problem("end session not reached", reason=_reason(failure))
        return None


async def _revoke(logto: "Logto", storage: dict[str, str], services: Services) -> None:
    """Revoke the grant: it would outlive the end of Logto's session (`offline_access`)."""
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            await logto.revoke(storage)
    except (TimeoutError, Unavailable, ProviderMisbehaved, Misconfigured) as failure:
        services.observer.problem("grant not revoked", reason=_reason(failure))


def _reason(failure: Exception) -> str:
    return failure.error if isinstance(failure, SignInError) else "timeout"
