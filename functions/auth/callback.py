"""Finish a sign-in: turn an authorization response into a session.

The order protects the user. First come the checks that consume nothing: parameters, provider,
secret, issuer. Then the transaction is deleted from the table, which only one request can do. Only
then are `error` and `code` used, for one token request. The session is created last, and only if no
logout arrived in the meantime.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from functions.auth.access_rules import check_rules
from functions.auth.entra_claims import EntraUser, entra_user
from functions.auth.new_session import ClientInfo, InFlight, auth_time, commit_session, new_session
from functions.auth.sign_in import INTERACTION_ERRORS
from functions.auth.sign_out import revoke_grant
from shared.errors import (
    CONFIGURATION_ERRORS,
    PROVIDER_ERRORS,
    ConfigurationRefused,
    IssuerMismatch,
    MalformedRequest,
    Misconfigured,
    NotAllowed,
    OtherBrowser,
    ProviderDenied,
    ProviderMisbehaved,
    ReauthenticationRequired,
    RevalidationRequired,
    SignInError,
    SignInRefused,
    TransactionUnknown,
    Unavailable,
)
from shared.observability import GROUPS_OVERAGE, SIGN_IN_FAILED, SIGN_IN_SUCCEEDED
from shared.sealing import is_secret
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.sessions import is_due
from shared.store.records import Session, Transaction, binding_of, transaction_key, transaction_seal
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie

if TYPE_CHECKING:
    from shared.oidc.logto import Redeemed
    from shared.oidc.provider import ProviderMetadata

PARAMETERS = frozenset({"state", "code", "error", "iss"})
"""The parameters of a callback that are read."""
_CODE = re.compile(r"[\x20-\x7e]{1,2048}")  # RFC 6749 appendix A.11


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationResponse:
    """The parameters of a callback (RFC 6749 section 4.1.2, RFC 9207): a code or an error."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedSignIn:
    """The new session's handle (None if a silent sign-in failed) and the page to return to."""

    handle: SessionHandle | None
    return_to: str


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

    A silent sign-in whose transaction is found never fails: it makes no session. Others raise
    SignInRefused, Unavailable, Misconfigured and ProviderMisbehaved of every kind, NotAllowed if
    the access rules exclude the user, RevalidationRequired if they must authenticate at Entra
    first, and ReauthenticationRequired if they were sent there and it brought no newer proof.
    """
    if not browser_cookies:
        raise OtherBrowser("the browser has no sign-in cookie")
    _check_issuer(response, services.logto().ready())
    # From here on the attempt is used up: a repeated callback finds no transaction, so no code and
    # no `state` can be used twice, whatever fails below.
    transaction = _claim(response.state, browser_cookies, services)
    try:
        handle = _new_session(response, transaction, site, previous, client, services)
    except SignInError as failure:
        if not transaction.silent:
            raise
        _log_silent(failure, services)
        return FinishedSignIn(handle=None, return_to=transaction.return_to)
    services.observer.count(SIGN_IN_SUCCEEDED)
    return FinishedSignIn(handle=handle, return_to=transaction.return_to)


def _new_session(
    response: AuthorizationResponse,
    transaction: Transaction,
    site: Site,
    previous: SessionHandle | None,
    client: ClientInfo,
    services: Services,
) -> SessionHandle:
    if response.code is None:
        raise _refusal(response.error or "")
    # Taken before the redemption, which may be slow: a logout may arrive while it waits.
    in_flight = InFlight.of(transaction, redeemed_at=services.clock())
    # Pass on parsed values only, so the SDK cannot interpret the query differently.
    query = urlencode({"code": response.code, "state": response.state})
    redeemed = services.logto().redeem(
        callback_uri=f"{site.redirect_uri}?{query}",
        sdk_session=transaction.sdk_session,
        nonce=transaction.nonce,
        issued_after=transaction.started_at,
    )
    try:
        entra = _entra_user(redeemed, services)
        check_rules(redeemed.claims, entra, services.settings)
        session = new_session(redeemed, entra, transaction, services)
        _check_freshness(session, transaction, services)
        return commit_session(session, redeemed.claims, previous, client, in_flight, services)
    except (NotAllowed, SignInRefused, RevalidationRequired, ReauthenticationRequired) as failure:
        # No session uses this grant, so no sign-out would ever revoke it.
        revoke_grant(redeemed.storage, services)
        if isinstance(failure, NotAllowed):
            raise NotAllowed(
                str(failure), login_url=entra.login_url, return_to=transaction.return_to
            ) from None
        raise


def _refusal(error: str) -> SignInError:
    """Return the error of an error response. Only a known code reaches logs and pages."""
    if error in CONFIGURATION_ERRORS:
        return ConfigurationRefused(error)
    return ProviderDenied(error if error in PROVIDER_ERRORS else "server_error")


def _log_silent(failure: SignInError, services: Services) -> None:
    """Log why a silent sign-in made no session, unless Logto would have had to ask the user.

    `prompt=none` asks whether the user is signed in. The answer is no, whatever the reason.
    """
    if isinstance(failure, ProviderDenied) and failure.code in INTERACTION_ERRORS:
        return
    services.observer.count(SIGN_IN_FAILED, reason=failure.error)
    if isinstance(failure, Unavailable | ProviderMisbehaved | Misconfigured):
        services.observer.problem("silent sign-in failed", reason=failure.error)
    else:
        services.observer.event("silent sign-in refused", reason=failure.error)


def _entra_user(redeemed: "Redeemed", services: Services) -> EntraUser:
    """Return Entra's claims about the user, if the scope for them is requested.

    If userinfo fails, the sign-in fails only if settings depend on it.
    """
    settings = services.settings
    if not settings.uses_entra:
        return EntraUser()
    try:
        userinfo = services.logto().userinfo(redeemed.access_token, subject=redeemed.claims["sub"])
    except (Unavailable, ProviderMisbehaved) as failure:
        if settings.needs_entra:
            raise
        services.observer.problem("userinfo not read", reason=failure.error)
        return EntraUser()
    entra = entra_user(userinfo, auth_time=auth_time(redeemed.claims), settings=settings)
    if entra.overage:
        services.observer.problem("Entra omitted groups from the token", reason="groups_overage")
        services.observer.count(GROUPS_OVERAGE)
    return entra


def _check_freshness(session: Session, transaction: Transaction, services: Services) -> None:
    """Refuse a proof of authentication that is older than `REVALIDATE_SECONDS` (invariant 15).

    The first time the user is sent to authenticate: RevalidationRequired. If that brings no newer
    proof there is no second round, but a page: ReauthenticationRequired.
    """
    if not is_due(session, services.settings, now=session.signed_in_at):
        return
    connector = transaction.connector or services.settings.logto_default_connector
    if transaction.reauthenticates:
        raise ReauthenticationRequired(connector)
    raise RevalidationRequired(connector, return_to=transaction.return_to)


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
    transaction = Transaction.unseal(item, transaction_seal(state, cookies[item.binding]))
    if transaction is None:
        raise TransactionUnknown("the transaction cannot be decrypted")
    # The TTL may delete an item days late.
    if services.clock() >= transaction.started_at + services.limits.transaction_seconds:
        raise TransactionUnknown("the transaction has expired")
    return transaction
