"""Start a sign-in: store a transaction, and build the authorization request to Logto."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from functions.auth.return_to import from_target_link_uri, safe_return_to
from shared.errors import IssuerMismatch, MalformedRequest
from shared.observability import SIGN_IN_STARTED
from shared.sealing import new_secret
from shared.services import Services
from shared.settings import Settings
from shared.store.records import Transaction
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie

PARAMETERS = frozenset(
    {
        "first_screen",
        "login_hint",
        "connector",
        "ssoConnectorId",
        "organization_id",
        "prompt",
        "iss",
    }
)
"""The parameters of /sign-in that are checked; others than these and `FREE` are not read."""
FREE = frozenset({"return_to", "target_link_uri", "ui_locales"})
"""Parameters that accept any text: a value that is of no use means the default."""
MAX_AGE_SECONDS = 1_209_600
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HINT = re.compile(r".{1,320}")
_FIRST_SCREEN = re.compile(r"[a-z_]{1,32}(?::[a-z_]{1,32})?")
_LANGUAGE_TAG = re.compile(r"(?=.{2,35}$)(?:[A-Za-z]{2,8}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*")
"""A language tag (RFC 5646 section 2.1) of the length that section 4.4.1 asks for."""
_MAX_LOCALES = 10
_PROMPTS = frozenset({"login", "consent", "select_account"})
INTERACTION_ERRORS = frozenset(
    {"login_required", "interaction_required", "account_selection_required", "consent_required"}
)
"""Answers to `prompt=none` if Logto would have to ask the user (OIDC Core 3.1.2.6)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInRequest:
    """The parameters of /sign-in; None if one is absent."""

    return_to: str
    issuer: str | None
    connector: str | None
    extra: dict[str, str]
    """Optional parameters of the authorization request."""

    @property
    def is_silent(self) -> bool:
        """Whether Logto must not ask the user anything: then there is no error page either."""
        return self.extra.get("prompt") == "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedSignIn:
    """The URL to redirect to, and the cookie that ties the attempt to the browser."""

    url: str
    cookie: BrowserCookie


def parse_sign_in(
    query: Mapping[str, str], *, site: Site, default_connector: str | None
) -> SignInRequest:
    """Parse the query or form of /sign-in. Raises MalformedRequest for what Logto refuses."""
    first_screen = _matching(query, "first_screen", _FIRST_SCREEN)
    # A direct sign-in would skip the screen that was requested.
    connector = _connector(query) or (default_connector if first_screen is None else None)
    extra = {
        "first_screen": first_screen,
        "login_hint": _matching(query, "login_hint", _HINT),
        "organization_id": _matching(query, "organization_id", _ID),
        "ui_locales": _locales(query.get("ui_locales", "")),
        "prompt": _prompt(query.get("prompt")),
        "direct_sign_in": f"sso:{connector}" if connector else None,
    }
    return SignInRequest(
        return_to=_return_to(query, site),
        issuer=query.get("iss") or None,
        connector=connector,
        extra={name: value for name, value in extra.items() if value},
    )


def reauthentication(
    *, connector: str | None, return_to: str, site: Site, default_connector: str | None
) -> SignInRequest:
    """Return a request for a sign-in that Logto's own session does not answer."""
    parameters = {"prompt": "login", "return_to": return_to, "connector": connector or ""}
    return parse_sign_in(parameters, site=site, default_connector=default_connector)


def form_as_query(form: Mapping[str, str], request: SignInRequest, *, site: Site) -> str:
    """Return the query that asks for what a form did, with its question mark or empty."""
    used = {name: value for name, value in form.items() if name in PARAMETERS}
    if form.get("return_to"):
        used["return_to"] = request.return_to
    elif form.get("target_link_uri"):
        used["target_link_uri"] = f"{site.origin}{request.return_to}"
    if "ui_locales" in request.extra:
        used["ui_locales"] = request.extra["ui_locales"]
    # Only what a query needs encoded: a long form must not become too long a query.
    query = urlencode(used, quote_via=quote, safe="/:?@!$'()*,;~")
    return f"?{query}" if query else ""


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
        silent=request.is_silent,
        started_at=int(now * 1000) / 1000,
    )
    expires_at = int(now) + services.limits.transaction_seconds
    item = transaction.seal(
        state=state, cookie=cookie.value, expires_at=expires_at, random=services.random
    )
    services.sessions.put_transaction(item)
    services.observer.count(SIGN_IN_STARTED)
    return StartedSignIn(url=url, cookie=cookie)


def _max_age(settings: Settings) -> dict[str, str]:
    """Return `max_age`, Logto's longest, if a rule needs `auth_time`, which comes only then."""
    return {"max_age": str(MAX_AGE_SECONDS)} if settings.uses_entra else {}


def _return_to(query: Mapping[str, str], site: Site) -> str:
    """Return the page to return to: `return_to`, or the `target_link_uri` of a third party."""
    target = query.get("return_to") or query.get("target_link_uri")
    return safe_return_to(from_target_link_uri(target, base_url=site.base_url), root=site.root)


def _connector(query: Mapping[str, str]) -> str | None:
    """Return `connector`, or the `ssoConnectorId` of Logto's IdP-initiated flow."""
    named = {_matching(query, name, _ID) for name in ("connector", "ssoConnectorId")} - {None}
    if len(named) > 1:
        raise MalformedRequest("`connector` and `ssoConnectorId` name different connectors")
    return named.pop() if named else None


def _locales(value: str) -> str | None:
    """Return the language tags of `ui_locales`; others are ignored (OIDC Core 3.1.2.1)."""
    # Operating systems and Java write `de_DE` for `de-DE`.
    words = (word.replace("_", "-") for word in value.split())
    tags = dict.fromkeys(word for word in words if _LANGUAGE_TAG.fullmatch(word))
    return " ".join(list(tags)[:_MAX_LOCALES]) or None


def _prompt(value: str | None) -> str | None:
    """Return `prompt` for Logto, which issues a refresh token only if it contains `consent`."""
    if not value or value == "none":
        return value
    prompts = value.split(" ")
    if not set(prompts) <= _PROMPTS:
        raise MalformedRequest("`prompt` is not defined by OIDC Core 3.1.2.1")
    return " ".join(dict.fromkeys([*prompts, "consent"]))


def _matching(query: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str | None:
    value = query.get(name) or None
    if value is not None and not pattern.fullmatch(value):
        raise MalformedRequest(f"`{name}` is not valid")
    return value
