"""Callback: from an authorization response to a session.

The order is the protection. What can fail without consuming anything comes first (parameters,
provider, secret, issuer). Then the transaction is taken out of the table, which only one request
can do; only then are `error` and `code` looked at, and one token request made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from shared.cookies import BrowserCookie
from shared.errors import (
    PROVIDER_ERRORS,
    IssuerMismatch,
    MalformedRequest,
    OtherBrowser,
    ProviderDenied,
    TransactionUnknown,
)
from shared.observability import SIGN_IN_SUCCEEDED
from shared.provider import Known
from shared.records import (
    Session,
    Transaction,
    binding_of,
    index_expires_at,
    index_keys,
    session_seal,
    transaction_key,
)
from shared.sealing import is_secret, new_secret
from shared.services import Services
from shared.sign_in import TRANSACTION_SECONDS
from shared.site import Site

_CODE = re.compile(r"[\x21-\x7e]{1,2048}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationResponse:
    """The parameters of a callback (RFC 6749 section 4.1.2, RFC 9207): a code or an error."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedSignIn:
    """The secret for the session cookie, and the page to go on to."""

    secret: str = field(repr=False)
    return_to: str


def parse_callback(query: Mapping[str, str]) -> AuthorizationResponse:
    """Read a callback's query. Raises MalformedRequest; nothing has been consumed then."""
    state, code, error = query.get("state", ""), query.get("code"), query.get("error")
    if not is_secret(state):
        raise MalformedRequest("`state` is missing or was not made here")
    if (code is None) == (error is None):
        raise MalformedRequest("a callback carries either a code or an error")
    if code is not None and not _CODE.fullmatch(code):
        raise MalformedRequest("`code` is no authorization code")
    return AuthorizationResponse(state=state, code=code, error=error, issuer=query.get("iss"))


async def finish_sign_in(
    response: AuthorizationResponse,
    *,
    site: Site,
    browser_cookies: tuple[BrowserCookie, ...],
    previous_secret: str | None,
    services: Services,
) -> FinishedSignIn:
    """Redeem the code and create the session; the browser's previous session ends with it.

    Raises every SignInRefused, Unavailable and ProviderMisbehaved of `shared.errors`.
    """
    if not browser_cookies:
        raise OtherBrowser("the browser holds no sign-in cookie")
    logto = services.logto()
    _check_issuer(response, await logto.ready_for_code())
    transaction = _claim(response.state, browser_cookies, services)
    if response.code is None:
        code = response.error if response.error in PROVIDER_ERRORS else "server_error"
        raise ProviderDenied(code or "server_error")
    # Only what was read is passed on, so the SDK cannot read the query another way.
    query = urlencode({"code": response.code, "state": response.state})
    storage, claims = await logto.redeem(
        callback_uri=f"{site.redirect_uri}?{query}",
        sdk_session=transaction.sdk_session,
        nonce=transaction.nonce,
        issued_after=transaction.started_at,
    )
    op_session = claims.get("sid")
    session = Session(
        issuer=claims["iss"],
        subject=claims["sub"],
        op_session=op_session if isinstance(op_session, str) else None,
        signed_in_at=int(services.clock()),
        connector=transaction.connector,
        tenant_id=None,
        storage=storage,
    )
    secret = _commit(session, previous_secret, services)
    services.observer.count(SIGN_IN_SUCCEEDED)
    return FinishedSignIn(secret=secret, return_to=transaction.return_to)


def _check_issuer(response: AuthorizationResponse, known: Known) -> None:
    """RFC 9207 section 2.4: refuse another issuer, and a missing one where one is announced."""
    if response.issuer is None and not known.names_issuer_in_callback:
        return
    if response.issuer != known.issuer:
        raise IssuerMismatch("`iss` of the callback is not the provider's issuer")


def _claim(
    state: str, browser_cookies: tuple[BrowserCookie, ...], services: Services
) -> Transaction:
    """Take the transaction, which one request alone can, and open it for its own browser."""
    cookies = {binding_of(cookie.value): cookie.value for cookie in browser_cookies}
    item = services.table.claim_transaction(transaction_key(state), list(cookies))
    if item is None:
        raise TransactionUnknown("`state` is not that of a pending sign-in")
    transaction = Transaction.unseal(item, state=state, cookie=cookies[item.binding])
    if transaction is None:
        raise TransactionUnknown("the transaction does not open")
    if services.clock() >= transaction.started_at + TRANSACTION_SECONDS:
        raise TransactionUnknown("the transaction has expired")
    return transaction


def _commit(session: Session, previous_secret: str | None, services: Services) -> str:
    settings = services.settings
    secret = new_secret(services.random)
    lifetime = min(settings.session_idle_seconds, settings.session_absolute_seconds)
    item = session.seal(
        session_seal(secret),
        seen_at=session.signed_in_at,
        expires_at=session.signed_in_at + lifetime,
        random=services.random,
    )
    absolute = settings.session_absolute_seconds
    services.table.commit_session(
        item,
        index=index_keys(session, absolute_seconds=absolute),
        index_expires_at=index_expires_at(session, absolute_seconds=absolute),
        previous=session_seal(previous_secret).key if previous_secret else None,
    )
    return secret
