"""Finish a sign-in: from an authorization response to a session.

The order is the protection. What can fail without consuming anything comes first: parameters,
provider, secret, issuer. Then the transaction is taken out of the table, which only one request can
do. Only then are `error` and `code` read, and one token request is made.
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
"""How long a code of Logto's can be redeemed: the user authenticated no longer ago than that."""
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
    """The browser as API Gateway saw it; stored only if `RECORD_CLIENT` is set."""

    ip: str | None = field(repr=False)
    agent: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedSignIn:
    """The new session's handle, for its cookie, and the page to go on to."""

    handle: SessionHandle
    return_to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _InFlight:
    """The window in which the user may have authenticated, by this deployment's clock.

    A logout that arrives in it concerns this sign-in, and cancels it.
    """

    since: float
    seconds: float

    @classmethod
    def of(cls, transaction: Transaction, *, redeemed_at: float) -> "_InFlight":
        seconds = max(0.0, min(redeemed_at - transaction.started_at, CODE_SECONDS))
        return cls(since=redeemed_at - seconds, seconds=seconds)


def parse_callback(query: Mapping[str, str]) -> AuthorizationResponse:
    """Read a callback's query. Raises MalformedRequest; nothing has been consumed then."""
    state, code, error = query.get("state", ""), query.get("code"), query.get("error")
    if not is_secret(state):
        raise MalformedRequest("`state` is missing or was not issued here")
    if (code is None) == (error is None):
        raise MalformedRequest("a callback carries either a code or an error")
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
    """Redeem the code and create the session; the browser's previous session ends with it.

    Raises every SignInRefused, Unavailable and ProviderMisbehaved of `shared.errors`, and
    NotAllowed when the rules of this deployment keep the user out.
    """
    if not browser_cookies:
        raise OtherBrowser("the browser holds no sign-in cookie")
    logto = services.logto()
    _check_issuer(response, logto.ready())
    transaction = _claim(response.state, browser_cookies, services)
    if response.code is None:
        code = response.error if response.error in PROVIDER_ERRORS else "server_error"
        raise ProviderDenied(code or "server_error")
    in_flight = _InFlight.of(transaction, redeemed_at=services.clock())
    # Only what was read is passed on, so the SDK cannot read the query another way.
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
        # No session will use this grant, and no sign-out would end it.
        revoke_grant(redeemed.storage, services)
        raise
    services.observer.count(SIGN_IN_SUCCEEDED)
    return FinishedSignIn(handle=handle, return_to=transaction.return_to)


def _entra_user(redeemed: "Redeemed", services: Services) -> EntraUser:
    """Return what Entra says of the user, if the scope for it is requested.

    Without userinfo there is no sign-in when rules or names depend on it.
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
        services.observer.problem("Entra left groups out of the token", reason="groups_overage")
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


def _check_issuer(response: AuthorizationResponse, known: "ProviderMetadata") -> None:
    """Refuse another issuer, and a missing one if it was announced (RFC 9207 section 2.4)."""
    if response.issuer is None and not known.names_issuer_in_callback:
        return
    if response.issuer != known.issuer:
        raise IssuerMismatch("`iss` of the callback is not the provider's issuer")


def _claim(
    state: str, browser_cookies: tuple[BrowserCookie, ...], services: Services
) -> Transaction:
    """Take the transaction, which only one request can, and open it for its own browser."""
    cookies = {binding_of(cookie.value): cookie.value for cookie in browser_cookies}
    item = services.sessions.claim_transaction(transaction_key(state), list(cookies))
    if item is None:
        raise TransactionUnknown("`state` is not that of a pending sign-in")
    transaction = Transaction.unseal(item, state=state, cookie=cookies[item.binding])
    if transaction is None:
        raise TransactionUnknown("the transaction does not open")
    # The TTL deletes rows days late.
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
        # Logto's times are whole seconds: a logout may be a second later than it says.
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

    The session ends even if it cannot be read. Its listings lapse by themselves then.
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
