"""Access tokens of a session: stored sealed, refreshed shortly before they expire, by one process.

One request redeems the refresh token, with a lease on the session's row; others wait a moment and
read what it wrote. A redemption whose outcome is unknown is never repeated blindly: Logto ends the
whole grant when a rotated refresh token is used again, so the token is introspected first.

A refresh takes a lease, redeems, and writes down the result. Each begins only while enough of the
request's time is left (`Limits.lease_needs_seconds` and following), and a lease lasts longer than
all three. A process that was frozen for longer stores nothing and does not revoke the grant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, repeat
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
from shared.session_handle import SessionHandle
from shared.sessions import LiveSession, open_token
from shared.store.keys import listings_of
from shared.store.records import AccessToken, Lease, Session
from shared.store.refresh_lease import Leased

if TYPE_CHECKING:
    from shared.oidc.logto import Refreshed

MARGIN_SECONDS = 60
"""A token is refreshed so long before it expires, or in the last quarter of a shorter life."""
STILL_GOOD_SECONDS = 10
"""A token that lives so long still is used while another request refreshes it."""


def access_token(
    live: LiveSession, target: str, *, cached: AccessToken | None, services: Services
) -> str:
    """Return an access token for a resource's indicator or an organization's URN.

    `cached` is what was read with the session. Raises SessionRequired, TokenRefused when Logto
    gives this user none, Misconfigured, and Unavailable.
    """
    if "refreshToken" not in live.session.storage:
        raise TokenRefused("the session has no refresh token")
    try:
        return _Refresh(live.handle, target, services).token(cached)
    except (Unavailable, ProviderMisbehaved, Misconfigured) as failure:
        if cached is None or services.clock() >= cached.expires_at:
            raise
        services.observer.problem("token not refreshed", reason=failure.error)
        return cached.value


class _LeaseLost(Exception):
    """The session has ended, or another request has taken the lapsed lease."""


@dataclass(frozen=True, slots=True)
class _Refresh:
    """One request's part in a refresh."""

    handle: SessionHandle
    target: str
    services: Services

    def token(self, cached: AccessToken | None) -> str:
        """Return a fresh token, by this request's refresh or another one's."""
        clock, limits = self.services.clock, self.services.limits
        waiting = self.services.deadline.within(limits.refresh_wait_seconds)
        pauses = chain(limits.refresh_pauses, repeat(limits.refresh_pauses[-1]))
        contended = False
        while True:
            late = self.services.deadline.left() < limits.lease_needs_seconds
            taken = None if late else self._take_lease()
            if taken is not None:
                return self._redeem(taken)
            if not contended:
                contended = True
                self.services.observer.count(REFRESH_CONTENDED)
            _, token, lease = self._read()
            if token is not None and clock() < token.fresh_until:
                return token.value
            if cached is not None and clock() < cached.expires_at - STILL_GOOD_SECONDS:
                return cached.value
            if lease is not None and lease.owner is None:
                raise ProviderUnavailable("a refresh has just failed")
            if waiting.left() <= 0:
                raise ProviderUnavailable("another request's refresh took too long")
            if lease is not None:
                waiting.pause(next(pauses))
            elif late:
                raise ProviderUnavailable("too little time was left for a refresh")

    def _take_lease(self) -> Leased | None:
        """Take the lease, or None when another request holds it."""
        now = self.services.clock()
        owner = base64url.encode(self.services.random(12))
        lease = Lease(owner=owner, until=now + self.services.limits.lease_seconds)
        return self.services.leases().take_lease(self.handle.key, lease, now=now)

    def _read(self) -> tuple[Session, AccessToken | None, Lease | None]:
        """Return session and token as they are now, and the lease on them while it holds."""
        token_key = self.handle.token_key(self.target)
        item, token = self.services.sessions.read_session_and_token(self.handle.key, token_key)
        session = Session.unseal(item, self.handle.seal) if item else None
        if item is None or session is None:
            raise SessionRequired("the session has been ended")
        lease = item.lease if item.lease and item.lease.until > self.services.clock() else None
        return session, open_token(token, self.handle, session, self.target), lease

    def _redeem(self, leased: Leased) -> str:
        """Redeem with the lease held, unless another request has just stored a fresh token."""
        owner = leased.owner
        session, token, _ = self._read()
        if token is not None and self.services.clock() < token.fresh_until:
            self._give_back(owner)
            return token.value
        redemption = _Redemption(self, session, owner)
        # If an earlier holder did not record how its redemption ended, the token may be used up.
        outcome_known = not leased.outcome_unknown
        try:
            # Before any part of the redemption: a failure here leaves its outcome known.
            self.services.logto().ready()
            if self.services.deadline.left() < self.services.limits.redeem_needs_seconds:
                raise ProviderUnavailable("too little time was left for a redemption")
            if not outcome_known:
                redemption.check_active()
                outcome_known = True
            refreshed = redemption.redeem()
        except (GrantRefused, IdentityChanged) as failure:
            return self._ended(failure, session, owner, token)
        except _LeaseLost:
            return self.token(token)
        except TokenRefused:
            # Logto refused this target only. The grant is intact, and others can be refreshed.
            self._give_back(owner)
            raise
        except (ProviderSilent, ProviderMisbehaved):
            # Logto may have rotated the token: the next holder must ask before it redeems.
            self._back_off(owner, outcome_known=False)
            raise ProviderSilent("the refresh got no usable answer") from None
        except (Unavailable, Misconfigured):
            self._back_off(owner, outcome_known=outcome_known)
            raise
        self._finish(session, refreshed, owner, persisted=redemption.persisted)
        return refreshed.token

    def _ended(
        self, failure: SignInError, session: Session, owner: str, token: AccessToken | None
    ) -> str:
        """End the session, unless another request has taken the lease: then use its token."""
        key = self.handle.key
        if self.services.leases().end(key, owner, listings_of(session, key)):
            self.services.observer.event("session ended", reason=failure.error)
            raise SessionRequired("the grant has ended")
        return self.token(token)

    def _finish(
        self, session: Session, refreshed: "Refreshed", owner: str, *, persisted: bool
    ) -> None:
        """Store the token response. The token serves even if that fails.

        Without `persisted` the row holds the old refresh token: nothing may be written as if all
        were well, so that another request finds a lease whose outcome is unknown.
        """
        services = self.services
        token = _access_token(refreshed, int(services.clock()))
        renewed = replace(session, storage=refreshed.storage)
        sealed = renewed.sealed(self.handle.seal, services.random)
        token_seal = self.handle.token_seal(self.target, session.token_key)
        item = token.seal(token_seal, services.random)
        try:
            if persisted and not services.leases().finish(self.handle.key, owner, sealed, item):
                self._check_taken_over(refreshed.storage)
        except TableUnavailable as failure:
            services.observer.problem("refreshed token not stored", reason=failure.error)

    def _check_taken_over(self, storage: dict[str, str]) -> None:
        """Revoke the grant and raise SessionRequired if the session is gone, not just the lease."""
        try:
            self._read()
        except SessionRequired:
            self._revoke(storage)
            raise
        self.services.observer.count(REFRESH_CONTENDED)

    def _revoke(self, storage: dict[str, str]) -> None:
        """Revoke a grant that was refreshed after its session had ended."""
        try:
            self.services.within(self.services.limits.redeem_seconds / 2).logto().revoke(storage)
        except SignInError:
            self.services.observer.problem("grant not revoked", reason="session_required")

    def _give_back(self, owner: str) -> None:
        self._best_effort(lambda: self.services.leases().give_back(self.handle.key, owner))

    def _back_off(self, owner: str, *, outcome_known: bool) -> None:
        until = self.services.clock() + self.services.limits.refresh_backoff_seconds
        self._best_effort(
            lambda: self.services.leases().back_off(
                self.handle.key, owner, until=until, outcome_known=outcome_known
            )
        )

    def _best_effort(self, act: Callable[[], object]) -> None:
        """Log TableUnavailable and continue: the lease expires by itself."""
        try:
            act()
        except TableUnavailable as failure:
            self.services.observer.problem("lease not given back", reason=failure.error)


@dataclass(slots=True)
class _Redemption:
    """The one request to the token endpoint. `persisted`: no rotated refresh token was lost."""

    refresh: _Refresh
    session: Session
    owner: str
    persisted: bool = True

    @property
    def _services(self) -> Services:
        """Services for the part that waits for Logto."""
        services = self.refresh.services
        reserve = services.deadline.before(services.limits.refresh_reserve_seconds)
        return replace(services, deadline=reserve).within(services.limits.redeem_seconds)

    def check_active(self) -> None:
        """Raise GrantRefused unless the refresh token is active, ProviderSilent without an answer.

        Without a verdict, end the session; redeeming again could revoke the grant.
        """
        try:
            redeemable = self._services.logto().is_redeemable(self.session.storage)
        except Unavailable:
            raise ProviderSilent("introspection gave no answer") from None
        if not redeemable:
            raise GrantRefused("the refresh token was redeemed, and its answer is lost")

    def redeem(self) -> "Refreshed":
        logto = self._services.logto()
        return logto.refresh(self.session.storage, self.refresh.target, persist=self._persist)

    def _persist(self, storage: dict[str, str]) -> None:
        """Store a rotated refresh token, in time of its own: it must not be lost."""
        services = self.refresh.services.begin(self.refresh.services.limits.persist_seconds)
        renewed = replace(self.session, storage=storage)
        sealed = renewed.sealed(self.refresh.handle.seal, services.random)
        try:
            stored = services.leases().keep_refreshed(self.refresh.handle.key, self.owner, sealed)
        except TableUnavailable as failure:
            self.persisted = False
            services.observer.problem("rotated token not stored", reason=failure.error)
            return
        if not stored:
            raise _LeaseLost


def _access_token(refreshed: "Refreshed", now: int) -> AccessToken:
    end, margin = now + refreshed.expires_in, min(MARGIN_SECONDS, refreshed.expires_in // 4)
    return AccessToken(value=refreshed.token, fresh_until=end - margin, expires_at=end)
