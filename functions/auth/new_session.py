"""Make a session of a redeemed code, and commit it in place of the browser's previous one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.auth.entra_claims import EntraUser, authenticated_at
from shared.errors import TableUnavailable
from shared.parsing.strict_json import texts
from shared.sealing import new_secret
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import (
    ItemKey,
    listing_keys,
    listings_of,
    op_session_digest,
    organization_digest,
    subject_digest,
)
from shared.store.records import Session, SessionItem, Transaction
from shared.store.session_table import CommitGuards

if TYPE_CHECKING:
    from shared.oidc.logto import Redeemed

CODE_SECONDS = 60
"""Lifetime of Logto's codes: the user authenticated at most this long before the redemption."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientInfo:
    """Address and user agent of the browser; stored only if `RECORD_CLIENT` is set."""

    ip: str | None = field(repr=False)
    agent: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class InFlight:
    """The window in which the user may have authenticated: a logout in it cancels the sign-in."""

    since: float
    seconds: float

    @classmethod
    def of(cls, transaction: Transaction, *, redeemed_at: float) -> "InFlight":
        seconds = max(0.0, min(redeemed_at - transaction.started_at, CODE_SECONDS))
        return cls(since=redeemed_at - seconds, seconds=seconds)


def auth_time(claims: Mapping[str, Any]) -> int | None:
    """Return when the user signed in at Logto, which says so only if `max_age` was sent."""
    value = claims.get("auth_time")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def new_session(
    redeemed: "Redeemed", entra: EntraUser, transaction: Transaction, services: Services
) -> Session:
    claims, now = redeemed.claims, int(services.clock())
    op_session = claims.get("sid")
    return Session(
        issuer=claims["iss"],
        subject=claims["sub"],
        op_session=op_session if isinstance(op_session, str) else None,
        signed_in_at=now,
        began_at=int(claims["iat"]),
        ends_at=now + services.settings.session_absolute_seconds,
        authenticated_at=authenticated_at(entra, auth_time=auth_time(claims), now=now),
        connector=transaction.connector,
        tenant_id=entra.tenant_id,
        login_url=entra.login_url,
        groups=entra.groups,
        scopes=redeemed.scopes,
        token_key=new_secret(services.random),
        storage=redeemed.storage,
    )


def commit_session(
    session: Session,
    claims: Mapping[str, Any],
    previous: SessionHandle | None,
    client: ClientInfo,
    in_flight: InFlight,
    services: Services,
) -> SessionHandle:
    settings = services.settings
    handle = SessionHandle.new(services.random)
    item = SessionItem(
        key=handle.key,
        sealed=session.sealed(handle.seal, services.random),
        expires_at=session.signed_in_at + settings.session_idle_seconds,
        seen_at=session.signed_in_at,
        began_at=session.began_at,
        organizations=frozenset(
            organization_digest(session.issuer, name) for name in texts(claims.get("organizations"))
        ),
        client_ip=client.ip if settings.record_client else None,
        client_agent=client.agent if settings.record_client else None,
    )
    sid = session.op_session
    guards = CommitGuards(
        subject=subject_digest(session.issuer, session.subject),
        op_session=op_session_digest(session.issuer, sid) if sid is not None else None,
        in_flight_since=int(in_flight.since * 1000),
        # The earliest authentication by Logto's clock, counted back from the ID token's `iat`. One
        # second more, because Logto rounds its times down.
        authenticated_from=session.began_at - in_flight.seconds - 1,
    )
    services.sessions.commit_session(
        item,
        listings_of(session, handle.key),
        guards,
        previous=_previous(previous, services) if previous else (),
    )
    return handle


def _previous(handle: SessionHandle, services: Services) -> tuple[ItemKey, ...]:
    """Return the keys of the previous session and, unless it cannot be read, of its listings."""
    try:
        item = services.sessions.read_session(handle.key)
    except TableUnavailable as failure:
        services.observer.problem("previous session not read", reason=failure.error)
        return (ItemKey(handle.key),)
    if item is None:
        return ()
    session = Session.unseal(item, handle.seal)
    listings = listings_of(session, handle.key) if session is not None else ()
    return (ItemKey(handle.key), *listing_keys(listings))
