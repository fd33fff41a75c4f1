"""The fuzzer's targets: everything that parses bytes from outside, with its properties.

A target raises if a property does not hold; errors that the product raises on purpose are caught.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes

import ada_url

from functions.auth.callback import PARAMETERS as OF_CALLBACK
from functions.auth.callback import parse_callback
from functions.auth.return_to import MAX_CHARACTERS, from_target_link_uri, safe_return_to
from functions.auth.sign_in import FREE, form_as_query, parse_sign_in
from functions.auth.sign_in import PARAMETERS as OF_SIGN_IN
from functions.authorizer.request import AuthorizerRequest
from functions.notifications import webhooks
from functions.notifications.logout_token import check_logout_token
from shared.errors import SignInError
from shared.oidc.http_client import Response
from shared.oidc.id_token import verify_signature
from shared.oidc.provider import ProviderMetadata, check_keys, check_metadata
from shared.oidc.token_response import read_tokens
from shared.parsing.form import parse_query
from shared.sealing import Seal, is_secret
from shared.settings import Settings
from shared.web.base_url import Site
from shared.web.cookies import Cookies
from shared.web.http_api import HttpApiRequest

ORIGIN: Final = "https://signin.example.test"
SITE: Final = Site(base_url=ORIGIN)
SETTINGS: Final = Settings.from_environment(
    {
        "LOGTO_ENDPOINT": "https://tenant.logto.app",
        "LOGTO_APP_ID": "app",
        "LOGTO_APP_SECRET": "secret",
        "TABLE_NAME": "table",
    }
)
SECRET: Final = "A" * 43
FORBIDDEN: Final = ("/sign-in", "/callback", "/sign-out", "/pass")
_KEY: Final = {"kty": "EC", "crv": "P-384", "kid": "k", "x": "AA", "y": "AA"}
KNOWN: Final = ProviderMetadata(
    document={
        "issuer": SETTINGS.issuer,
        "id_token_signing_alg_values_supported": ["ES384", "RS256"],
    },
    keys=(_KEY,),
)


def _secret_of(cookies: Cookies, header: bytes) -> str | None:
    handle = cookies.session(header)
    return handle.cookie_value if handle else None


def cookie(data: bytes) -> None:
    """Read a Cookie header: only a second valid session cookie makes the first one ambiguous."""
    cookies = Cookies(secure=True)
    alone = _secret_of(cookies, data)
    beside = _secret_of(cookies, data + b"; __Host-session=" + SECRET.encode())
    assert alone is None or is_secret(alone)
    if beside is None:
        assert b"__Host-session=" in data
    else:
        assert beside == SECRET
        assert alone in (None, SECRET)
    for found in cookies.browser_cookies(data):
        assert is_secret(found.value)


def query(data: bytes) -> None:
    """Parse a query for /callback and for /sign-in.

    A parameter that is not read changes nothing, and a form redirects to the query that asks for
    what the form asked for.
    """
    with suppress(SignInError):
        read = parse_query(data, reads=OF_CALLBACK)
        parse_callback(read)
        assert read == parse_query(b"x=%ff&x=%00&" + data, reads=OF_CALLBACK)
    with suppress(SignInError):
        form = parse_query(data, reads=OF_SIGN_IN, free=FREE)
        asked = parse_sign_in(form, site=SITE, default_connector=None)
        _stays_here(asked.return_to)
        again = form_as_query(form, asked, site=SITE).removeprefix("?").encode()
        form = parse_query(again, reads=OF_SIGN_IN, free=FREE)
        assert parse_sign_in(form, site=SITE, default_connector=None) == asked


def return_to(data: bytes) -> None:
    """Validate a page to return to: a browser stays on this origin."""
    text = data.decode("utf-8", "replace")
    _stays_here(safe_return_to(text, root=""))
    _is_kept(text)
    target = from_target_link_uri(text, base_url=ORIGIN)
    _stays_here(safe_return_to(target, root=""))


def event(data: bytes) -> None:
    """Parse an event of any shape, as each function does."""
    http = HttpApiRequest.of(_json(data), base_url=None)
    assert http.body is None or isinstance(http.body, bytes)
    http.query.decode("ascii")
    assert http.path.startswith("/")
    with suppress(SignInError):
        request = AuthorizerRequest.of(http)
        assert request.session is None or is_secret(request.session.cookie_value)


def token(data: bytes) -> None:
    """Check a token that has no valid signature: it is refused."""
    text = data.decode("latin-1")
    for check in (
        lambda: verify_signature(text, KNOWN),
        lambda: check_logout_token(text, KNOWN, client_id="app", now=0),
    ):
        try:
            check()
        except SignInError:
            continue
        raise AssertionError("a token without a valid signature was accepted")


def answer(data: bytes) -> None:
    """Parse the provider's documents and token responses."""
    with suppress(SignInError):
        read_tokens(Response(status=200, body=data))
    with suppress(SignInError):
        read_tokens(Response(status=400, body=data))
    value = _json(data)
    if isinstance(value, dict):
        with suppress(SignInError):
            check_metadata(value, endpoint="https://tenant.logto.app")
        with suppress(SignInError):
            check_keys(value)


def webhook(data: bytes) -> None:
    """Read the body of a signed webhook: it names a user, is ignored, or is refused."""
    value = _json(data)
    if isinstance(value, dict):
        with suppress(SignInError):
            if webhooks.locked_out(value) is not None:
                webhooks.created_at(value)


def sealed(data: bytes) -> None:
    """Open bytes that were not sealed by this key: nothing opens."""
    assert Seal.of("session", SECRET).open(data) is None


TARGETS_BY_NAME: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (cookie, query, return_to, event, token, answer, webhook, sealed)
}


def _stays_here(path: str) -> None:
    parsed = ada_url.URL(path, base=f"{ORIGIN}/callback")
    assert parsed.origin == ORIGIN, path
    assert len(path) <= MAX_CHARACTERS
    assert not parsed.pathname.startswith("//"), path
    assert unquote(parsed.pathname).lower().rstrip("/") not in FORBIDDEN, path


def _is_kept(text: str) -> None:
    """Check that a path which a browser resolves to a page of this origin leads to that page."""
    if not text.startswith("/"):
        return
    try:
        asked = ada_url.URL(text, base=f"{ORIGIN}/sign-in")
    except ValueError:
        return
    kept = ada_url.URL(safe_return_to(text, root=""), base=ORIGIN)
    parts = [(url.pathname, url.search, url.hash) for url in (asked, kept)]
    if [unquote_to_bytes("".join(part)) for part in parts[:1]] == [
        unquote_to_bytes("".join(part)) for part in parts[1:]
    ]:
        return
    assert kept.href == f"{ORIGIN}/", text
    named = text
    for _ in range(12):
        named = unquote(named)
    assert (
        asked.origin != ORIGIN
        or asked.pathname.startswith("//")
        or any(page in named.lower() for page in FORBIDDEN)
        or len(quote(text)) > MAX_CHARACTERS
    ), text


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
