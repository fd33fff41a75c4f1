"""Finish a sign-in: turn an authorization response into a session.

The order protects the user. First come the checks that consume nothing: parameters, provider,
secret, issuer. Then the transaction is deleted from the table, which only one request can do. Only
then are `error` and `code` used, for one token request. The session is created last, and only if no
logout arrived in the meantime.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from functions.auth.access_rules import check_rules
from functions.auth.entra_claims import EntraUser, entra_user
from functions.auth.sign_out import revoke_grant
from shared.errors import (
    PROVIDER_ERRORS,
    IssuerMismatch,
    MalformedRequest,
    NotAllowed,
    OtherBrowser,
    ProviderDenied,
    ProviderMisbehaved,
    SignInRefused,
    TableUnavailable,
    TransactionUnknown,
    Unavailable,
)
from shared.observability import GROUPS_OVERAGE, SIGN_IN_SUCCEEDED
from shared.scopes import IDENTITIES
from shared.sealing import is_secret, new_secret
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import (
    ItemKey,
    listing_keys,
    listings_of,
    op_session_marker,
    organization_digest,
    subject_digest,
    subject_marker,
)
from shared.store.records import (
    Session,
    SessionItem,
    Transaction,
    binding_of,
    transaction_key,
)
from shared.store.session_table import CommitGuards
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie

if TYPE_CHECKING:
    from shared.oidc.logto import Redeemed
    from shared.oidc.provider import ProviderMetadata

CODE_SECONDS = 60
"""Lifetime of Logto's codes: the user authenticated at most this long before the redemption."""
_CODE = re.compile(r"[\x21-\x7e]{1,2048}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationResponse:
    """The parameters of a callback (RFC 6749 section 4.1.2, RFC 9207): a code or an error."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientInfo:
    """Address and user agent of the browser; stored only if `RECORD_CLIENT` is set."""

    ip: str | None = field(repr=False)
    agent: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedSignIn:
    """The new session's handle, for its cookie, and the page to return to."""

    handle: SessionHandle
    return_to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _InFlight:
    """The window in which the user may have authenticated, by this deployment's clock.

    A logout that arrives in it may concern this authentication, so it cancels the sign-in.
    """

    since: float
    seconds: float

    @classmethod
    def of(cls, transaction: Transaction, *, redeemed_at: float) -> "_InFlight":
        seconds = max(0.0, min(redeemed_at - transaction.started_at, CODE_SECONDS))
        return cls(since=redeemed_at - seconds, seconds=seconds)


def parse_callback(query: Mapping[str, str]) -> AuthorizationResponse:
    """Parse a callback's query. Raises MalformedRequest, before anything is consumed."""
    state, code, error = query.get("state", ""), query.get("code"), query.get("error")
    if not is_secret(state):
        raise MalformedRequest("`state` is missing or was not issued here")
    if (code is None) == (error is None):
        raise MalformedRequest("a callback must have either a code or an error")
    if code is not None and not _CODE.fullmatch(code):
        raise MalformedRequest("`code` is not an authorization code")
    return AuthorizationResponse(state=state, code=code, error=error, issuer=query.get("iss"))


def finish_sign_in(
    response: AuthorizationResponse,
    *,
    site: Site,
    browser_cookies: tuple[BrowserCookie, ...],
    previous: SessionHandle | None,
    client: ClientInfo,
    services: Services,
) -> FinishedSignIn:
    """Redeem the code, create the session and delete the browser's previous one.

    Raises SignInRefused, Unavailable and ProviderMisbehaved of every kind, and NotAllowed if the
    access rules exclude the user.
    """
    if not browser_cookies:
        raise OtherBrowser("the browser has no sign-in cookie")
    logto = services.logto()
    _check_issuer(response, logto.ready())
    # From here on the attempt is used up: a repeated callback finds no transaction, so no code and
    # no `state` can be used twice, whatever fails below.
    transaction = _claim(response.state, browser_cookies, services)
    if response.code is None:
        # Only a known code reaches logs and pages: anybody can write the query.
        code = response.error if response.error in PROVIDER_ERRORS else "server_error"
        raise ProviderDenied(code or "server_error")
    # Taken before the redemption, which may be slow: a logout may arrive while it waits.
    in_flight = _InFlight.of(transaction, redeemed_at=services.clock())
    # Pass on parsed values only, so the SDK cannot interpret the query differently.
    query = urlencode({"code": response.code, "state": response.state})
    redeemed = logto.redeem(
        callback_uri=f"{site.redirect_uri}?{query}",
        sdk_session=transaction.sdk_session,
        nonce=transaction.nonce,
        issued_after=transaction.started_at,
    )
    try:
        entra = _entra_user(redeemed, services)
        check_rules(redeemed.claims, entra, services.settings)
        session = _session(redeemed, entra, transaction, services)
        handle = _commit(session, redeemed.claims, previous, client, in_flight, services)
    except (NotAllowed, SignInRefused):
        # No session uses this grant, so no sign-out would ever revoke it.
        revoke_grant(redeemed.storage, services)
        raise
    services.observer.count(SIGN_IN_SUCCEEDED)
    return FinishedSignIn(handle=handle, return_to=transaction.return_to)


def _entra_user(redeemed: "Redeemed", services: Services) -> EntraUser:
    """Return Entra's claims about the user, if the scope for them is requested.

    If userinfo fails, the sign-in fails only if settings depend on it.
    """
    settings = services.settings
    if IDENTITIES not in settings.logto_scopes:
        return EntraUser()
    try:
        userinfo = services.logto().userinfo(redeemed.access_token, subject=redeemed.claims["sub"])
    except (Unavailable, ProviderMisbehaved) as failure:
        if settings.reads_entra:
            raise
        services.observer.problem("userinfo not read", reason=failure.error)
        return EntraUser()
    entra = entra_user(userinfo, settings)
    if entra.overage:
        services.observer.problem("Entra omitted groups from the token", reason="groups_overage")
        services.observer.count(GROUPS_OVERAGE)
    return entra


def _session(
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
        connector=transaction.connector,
        tenant_id=entra.tenant_id,
        groups=entra.groups,
        scopes=redeemed.scopes,
        token_key=new_secret(services.random),
        storage=redeemed.storage,
    )


def _check_issuer(response: AuthorizationResponse, metadata: "ProviderMetadata") -> None:
    """Refuse another issuer, and a missing one if discovery announces it (RFC 9207 section 2.4)."""
    if response.issuer is None and not metadata.names_issuer_in_callback:
        return
    if response.issuer != metadata.issuer:
        raise IssuerMismatch("`iss` of the callback is not the provider's issuer")


def _claim(
    state: str, browser_cookies: tuple[BrowserCookie, ...], services: Services
) -> Transaction:
    """Delete the transaction from the table, and decrypt it with its browser's cookie."""
    # A browser may hold several sign-in cookies; the item says which of them it belongs to.
    cookies = {binding_of(cookie.value): cookie.value for cookie in browser_cookies}
    item = services.sessions.claim_transaction(transaction_key(state), list(cookies))
    if item is None:
        raise TransactionUnknown("`state` is not that of a pending sign-in")
    transaction = Transaction.unseal(item, state=state, cookie=cookies[item.binding])
    if transaction is None:
        raise TransactionUnknown("the transaction cannot be decrypted")
    # The TTL may delete an item days late.
    if services.clock() >= transaction.started_at + services.limits.transaction_seconds:
        raise TransactionUnknown("the transaction has expired")
    return transaction


def _commit(
    session: Session,
    claims: Mapping[str, Any],
    previous: SessionHandle | None,
    client: ClientInfo,
    in_flight: _InFlight,
    services: Services,
) -> SessionHandle:
    settings = services.settings
    handle = SessionHandle.new(services.random)
    organizations = claims.get("organizations")
    item = SessionItem(
        key=handle.key,
        sealed=session.sealed(handle.seal, services.random),
        expires_at=session.signed_in_at + settings.session_idle_seconds,
        seen_at=session.signed_in_at,
        began_at=session.began_at,
        organizations=frozenset(
            organization_digest(session.issuer, name)
            for name in (organizations if isinstance(organizations, list) else ())
            if isinstance(name, str)
        ),
        client_ip=client.ip if settings.record_client else None,
        client_agent=client.agent if settings.record_client else None,
    )
    sid = session.op_session
    guards = CommitGuards(
        subject=subject_digest(session.issuer, session.subject),
        subject_marker=subject_marker(session.issuer, session.subject),
        op_session_marker=op_session_marker(session.issuer, sid) if sid is not None else None,
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
    """Return the keys of the browser's previous session and its listings; none if it is gone.

    If the session cannot be read, it is deleted all the same, and its listings expire by the TTL.
    """
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
