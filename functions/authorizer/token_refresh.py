"""Access tokens of a session: kept sealed, renewed shortly before they expire, by one process.

However many requests need a new token at once, one redeems the refresh token. It holds a lease on
the session's row; the others wait a moment and read what it wrote. A redemption whose outcome is
unknown is never repeated blindly: Logto ends the whole grant where a refresh token that it has
replaced comes again, so it is asked first whether the token still counts.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import (
    GrantRefused,
    IdentityChanged,
    Misconfigured,
    ProviderMisbehaved,
    ProviderSilent,
    ProviderUnavailable,
    SessionRequired,
    SignInError,
    TableUnavailable,
    TokenRefused,
    Unavailable,
)
from shared.observability import REFRESH_CONTENDED
from shared.parsing import base64url
from shared.services import Services
from shared.sessions import open_token
from shared.store.records import (
    AccessToken,
    Lease,
    Session,
    session_seal,
    token_item_key,
    token_seal,
)
from shared.store.refresh_lease import Leased

if TYPE_CHECKING:
    from shared.oidc.logto import Refreshed

MARGIN_SECONDS = 60
"""A token is renewed so long before it expires, or in the last quarter of a shorter life."""
LEASE_SECONDS = 9.0
"""A lease outlasts what one request may take, and a dead holder's lapses soon."""
PROVIDER_SECONDS = 4.0
"""Time that Logto gets for a refresh. DynamoDB's own limits come on top."""
WAIT_SECONDS = 6.0
"""How long a request waits for another one's refresh."""
LEASE_WITHIN_SECONDS, REDEEM_WITHIN_SECONDS, REDEEMED_BY_SECONDS = 3.0, 4.5, 6.5
"""How long after a request came in it may still take a lease, begin to redeem, and be at that. A
table that takes seconds for each call leaves no time for more: API Gateway waits ten seconds."""
REST_SECONDS = 2.0
"""How long nobody tries again after a refresh that Logto did not answer well."""
STILL_GOOD_SECONDS = 10
"""A token that lives so long still is used while another request renews it."""
PAUSE_SECONDS = (0.05, 0.1, 0.2, 0.4)
"""Pauses between looks at another one's refresh; the last one repeats."""


async def access_token(
    secret: str,
    session: Session,
    target: str,
    *,
    kept: AccessToken | None,
    services: Services,
    began: float | None = None,
) -> str:
    """An access token for a resource's indicator or an organization's URN.

    `kept` is what was read with the session, `began` when the request came in, by
    `time.monotonic`. Raises SessionRequired where the session has ended, TokenRefused where Logto
    gives this user none, ClientRefused, and Unavailable.
    """
    if kept is not None and services.clock() < kept.fresh_until:
        return kept.value
    if "refreshToken" not in session.storage:
        raise TokenRefused("the sign-in brought no refresh token")
    try:
        began = time.monotonic() if began is None else began
        return await _Refresh(secret, target, services, began).token(kept)
    except (Unavailable, ProviderMisbehaved) as failure:
        if kept is None or services.clock() >= kept.expires_at:
            raise
        services.observer.problem("token not renewed", reason=failure.error)
        return kept.value


@dataclass(slots=True)
class _Refresh:
    """One request's part in a refresh."""

    secret: str
    target: str
    services: Services
    began: float

    @property
    def key(self) -> str:
        return session_seal(self.secret).key

    @property
    def spent(self) -> float:
        """Seconds since the request came in."""
        return time.monotonic() - self.began

    async def token(self, kept: AccessToken | None) -> str:
        """A fresh token, by this request's refresh or another one's."""
        started = self.services.clock()
        pauses, waited = iter(PAUSE_SECONDS), False
        while True:
            late = self.spent > LEASE_WITHIN_SECONDS
            taken = None if late else self._take_lease()
            if taken is not None:
                return await self._redeem(*taken)
            if not waited:
                waited = True
                self.services.observer.count(REFRESH_CONTENDED)
            _, token, lease = self._look()
            if token is not None and self.services.clock() < token.fresh_until:
                return token.value
            if kept is not None and self.services.clock() < kept.expires_at - STILL_GOOD_SECONDS:
                return kept.value
            if lease is not None and lease.owner is None:
                raise ProviderUnavailable("a refresh has just failed")
            if self.services.clock() - started > WAIT_SECONDS:
                raise ProviderUnavailable("another request's refresh took too long")
            if lease is not None:
                await asyncio.sleep(next(pauses, PAUSE_SECONDS[-1]))
            elif late:
                raise ProviderUnavailable("too little time was left for a refresh")

    def _take_lease(self) -> tuple[Leased, str] | None:
        now = self.services.clock()
        owner = base64url.encode(self.services.random(12))
        lease = Lease(owner=owner, until=now + LEASE_SECONDS)
        leased = self.services.leases().take_lease(self.key, lease, now=now)
        return (leased, owner) if leased is not None else None

    def _look(self) -> tuple[Session, AccessToken | None, Lease | None]:
        """Session and token as they are now, and the lease on them while it holds."""
        token_key = token_item_key(self.secret, self.target)
        item, token = self.services.sessions.read_session_and_token(self.key, token_key)
        session = Session.unseal(item, session_seal(self.secret)) if item else None
        if item is None or session is None:
            raise SessionRequired("the session has been ended")
        lease = item.lease if item.lease and item.lease.until > self.services.clock() else None
        return session, open_token(token, self.secret, session, self.target), lease

    async def _redeem(self, leased: Leased, owner: str) -> str:
        """With the lease: what another one may have written meanwhile, else a redemption."""
        session, token, _ = self._look()
        if token is not None and self.services.clock() < token.fresh_until:
            self._give_back(owner)
            return token.value
        redemption, proven = _Redemption(self, session, owner), not leased.outcome_unknown
        try:
            await self.services.logto().ready()
            if self.spent > REDEEM_WITHIN_SECONDS:
                raise ProviderUnavailable("too little time was left for a redemption")
            async with asyncio.timeout(min(PROVIDER_SECONDS, REDEEMED_BY_SECONDS - self.spent)):
                if not proven:
                    await self._prove(session)
                    proven = True
                refreshed = await redemption.of()
        except (GrantRefused, IdentityChanged) as failure:
            return await self._ended(failure, owner, token)
        except TokenRefused:
            self._give_back(owner)
            raise
        except (ProviderSilent, ProviderMisbehaved, TimeoutError):
            # Whether the refresh token was redeemed is unknown.
            self._rest(owner, proven=False)
            raise ProviderSilent("the refresh got no usable answer") from None
        except (Unavailable, Misconfigured):
            self._rest(owner, proven=proven)
            raise
        await self._finish(session, refreshed, owner, persisted=redemption.persisted)
        return refreshed.token

    async def _prove(self, session: Session) -> None:
        """Go on only if the refresh token counts still. Raises GrantRefused, ProviderSilent.

        Where Logto does not say, a clean end is right and a second blind redemption is not.
        """
        try:
            redeemable = await self.services.logto().is_redeemable(session.storage)
        except Unavailable:
            raise ProviderSilent("introspection gave no answer") from None
        if not redeemable:
            raise GrantRefused("the refresh token was redeemed, and its answer is lost")

    async def _ended(self, failure: SignInError, owner: str, token: AccessToken | None) -> str:
        """End the session, unless another request has won meanwhile: then use what it brought."""
        if self.services.leases().end(self.key, owner):
            self.services.observer.event("session ended", reason=failure.error)
            raise SessionRequired("the grant has ended")
        return await self.token(token)

    async def _finish(
        self, session: Session, refreshed: "Refreshed", owner: str, *, persisted: bool
    ) -> None:
        """Keep what the refresh brought. The token serves even where that fails."""
        services = self.services
        token = _access_token(refreshed, int(services.clock()))
        renewed = replace(session, storage=refreshed.storage)
        sealed = renewed.sealed(session_seal(self.secret), services.random)
        item = token.seal(token_seal(self.secret, session, self.target), services.random)
        if self.spent > REDEEMED_BY_SECONDS:
            return  # the next request sees that the grant is good, and asks anew
        try:
            if persisted and not services.leases().finish(self.key, owner, sealed, item):
                await self._drop(refreshed.storage)
                raise SessionRequired("the session was ended during the refresh")
        except TableUnavailable as failure:
            services.observer.problem("refreshed token not kept", reason=failure.error)

    async def _drop(self, storage: dict[str, str]) -> None:
        """Revoke what came after the session had ended."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS / 2):
                await self.services.logto().revoke(storage)
        except (TimeoutError, SignInError):
            self.services.observer.problem("grant not revoked", reason="session_required")

    def _give_back(self, owner: str) -> None:
        self._quietly(lambda: self.services.leases().give_back(self.key, owner))

    def _rest(self, owner: str, *, proven: bool) -> None:
        until = self.services.clock() + REST_SECONDS
        self._quietly(
            lambda: self.services.leases().rest(self.key, owner, until=until, proven=proven)
        )

    def _quietly(self, act: Callable[[], object]) -> None:
        """Do what helps others and is no reason to fail: a lease lapses by itself."""
        try:
            act()
        except TableUnavailable as failure:
            self.services.observer.problem("lease not given back", reason=failure.error)


@dataclass(slots=True)
class _Redemption:
    """The one request to the token endpoint. `persisted`: nothing that it brought was lost."""

    refresh: _Refresh
    session: Session
    owner: str
    persisted: bool = True

    async def of(self) -> "Refreshed":
        logto = self.refresh.services.logto()
        return await logto.refresh(self.session.storage, self.refresh.target, persist=self._persist)

    def _persist(self, storage: dict[str, str]) -> None:
        """Write a rotated refresh token down before anything else can fail."""
        services = self.refresh.services
        renewed = replace(self.session, storage=storage)
        sealed = renewed.sealed(session_seal(self.refresh.secret), services.random)
        try:
            kept = services.leases().keep_refreshed(self.refresh.key, self.owner, sealed)
        except TableUnavailable as failure:
            self.persisted = False
            services.observer.problem("rotated token not kept", reason=failure.error)
            return
        if not kept:
            raise SessionRequired("the session was ended during the refresh")


def _access_token(refreshed: "Refreshed", now: int) -> AccessToken:
    margin = min(MARGIN_SECONDS, refreshed.expires_in // 4)
    expires_at = now + refreshed.expires_in
    return AccessToken(
        value=refreshed.token, fresh_until=expires_at - margin, expires_at=expires_at
    )
