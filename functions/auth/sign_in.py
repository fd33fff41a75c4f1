"""Start a sign-in: store a transaction, and build the authorization request to Logto."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.auth.return_to import from_target_link_uri, safe_return_to
from shared.errors import IssuerMismatch, MalformedRequest
from shared.observability import SIGN_IN_STARTED
from shared.sealing import new_secret
from shared.services import Services
from shared.settings import Settings
from shared.store.records import Transaction
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie

TARGETS = frozenset({"return_to", "target_link_uri"})
"""Parameters that accept any text: a value that is not a page here means the start page."""
MAX_AGE_SECONDS = 1_209_600
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_FIRST_SCREEN = re.compile(r"[a-z_]{1,32}(?::[a-z_]{1,32})?")
_LOCALES = re.compile(r"[A-Za-z0-9-]{1,35}(?: [A-Za-z0-9-]{1,35}){0,9}")
_PROMPTS = frozenset({"login", "consent", "select_account"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInRequest:
    """The parameters of /sign-in; None if one is absent."""

    return_to: str
    issuer: str | None
    connector: str | None
    extra: dict[str, str]
    """Optional parameters of the authorization request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedSignIn:
    """The URL to redirect to, and the cookie that ties the attempt to the browser."""

    url: str
    cookie: BrowserCookie


def parse_sign_in(
    query: Mapping[str, str], *, site: Site, default_connector: str | None
) -> SignInRequest:
    """Parse the query or form of /sign-in; unknown parameters are ignored.

    Raises MalformedRequest for a value that Logto does not accept.
    """
    target = from_target_link_uri(query.get("target_link_uri"), base_url=site.base_url)
    first_screen = _matching(query, "first_screen", _FIRST_SCREEN)
    # A direct sign-in would skip the screen that was requested.
    connector = _connector(query) or (default_connector if first_screen is None else None)
    extra = {
        "first_screen": first_screen,
        "login_hint": _text(query, "login_hint", at_most=320),
        "organization_id": _matching(query, "organization_id", _ID),
        "ui_locales": _matching(query, "ui_locales", _LOCALES),
        "prompt": _prompt(_text(query, "prompt")),
        "direct_sign_in": f"sso:{connector}" if connector else None,
    }
    return SignInRequest(
        return_to=safe_return_to(query.get("return_to") or target, root=site.root),
        issuer=_text(query, "iss"),
        connector=connector,
        extra={name: value for name, value in extra.items() if value},
    )


def start_sign_in(
    request: SignInRequest,
    *,
    site: Site,
    browser_cookies: tuple[BrowserCookie, ...],
    services: Services,
) -> StartedSignIn:
    """Start a transaction. The browser's session, if any, stays until the callback.

    Raises IssuerMismatch if a third party names another provider (OIDC Core section 4),
    ProviderUnavailable and TableUnavailable.
    """
    logto = services.logto()
    if request.issuer is not None and request.issuer != logto.metadata().issuer:
        raise IssuerMismatch("`iss` is not the provider of this application")
    # One browser cookie serves every tab: a new one per attempt would overwrite the others.
    cookie = (
        browser_cookies[0] if browser_cookies else site.cookies.new_browser_cookie(services.random)
    )
    nonce = new_secret(services.random)
    url, state, sdk_session = logto.authorization_request(
        redirect_uri=site.redirect_uri,
        extra={"nonce": nonce, **_max_age(services.settings), **request.extra},
    )
    now = services.clock()
    transaction = Transaction(
        sdk_session=sdk_session,
        nonce=nonce,
        return_to=request.return_to,
        connector=request.connector,
        reauthenticates="login" in request.extra.get("prompt", "").split(),
        started_at=int(now * 1000) / 1000,
    )
    services.sessions.put_transaction(
        transaction.seal(
            state=state,
            cookie=cookie.value,
            expires_at=int(now) + services.limits.transaction_seconds,
            random=services.random,
        )
    )
    services.observer.count(SIGN_IN_STARTED)
    return StartedSignIn(url=url, cookie=cookie)


def _max_age(settings: Settings) -> dict[str, str]:
    """Return `max_age` if a rule needs `auth_time`, which Logto states only then.

    It is Logto's longest session, so no user is asked again because of it.
    """
    return {"max_age": str(MAX_AGE_SECONDS)} if settings.uses_entra else {}


def _connector(query: Mapping[str, str]) -> str | None:
    """Return `connector`, or the `ssoConnectorId` of Logto's IdP-initiated flow."""
    named = {_matching(query, name, _ID) for name in ("connector", "ssoConnectorId")} - {None}
    if len(named) > 1:
        raise MalformedRequest("`connector` and `ssoConnectorId` name different connectors")
    return named.pop() if named else None


def _prompt(value: str | None) -> str | None:
    """Return `prompt` for Logto, which issues a refresh token only if it contains `consent`."""
    if value is None or value == "none":
        return value
    prompts = value.split(" ")
    if not set(prompts) <= _PROMPTS:
        raise MalformedRequest("`prompt` is not defined by OIDC Core 3.1.2.1")
    return " ".join(dict.fromkeys([*prompts, "consent"]))


def _text(query: Mapping[str, str], name: str, *, at_most: int = 2048) -> str | None:
    value = query.get(name) or None
    if value is not None and len(value) > at_most:
        raise MalformedRequest(f"`{name}` is too long")
    return value


def _matching(query: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str | None:
    value = _text(query, name)
    if value is not None and not pattern.fullmatch(value):
        raise MalformedRequest(f"`{name}` is not valid")
    return value
