"""Collect what Logto answers to anybody, and to the application itself."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from provision.desired import Product
from provision.doctor.observed import NotObserved, ObservedLogto, ObservedResponse
from provision.errors import ProvisionFailed
from provision.http import JsonClient

_DISCOVERY = "/oidc/.well-known/openid-configuration"


def collect_logto(
    endpoint: str,
    product: Product,
    *,
    app_id: str | None,
    app_secret: str | NotObserved,
    clock: Callable[[], float],
) -> ObservedLogto:
    """Call each public endpoint once. Nothing changes: no user and no code are involved."""
    with JsonClient(endpoint, name="Logto") as http:
        asked_at = clock()
        discovery = response_to(http, "GET", _DISCOVERY, headers={"cache-control": "no-cache"})
        answered_at = clock()
        no_id = NotObserved("LOGTO_APP_ID is not known.")
        return ObservedLogto(
            discovery=discovery,
            ahead_seconds=_ahead(discovery, asked_at, answered_at),
            keys=response_to(http, "GET", "/oidc/jwks"),
            token=_redeem(http, product, app_id, app_secret) if app_id else no_id,
            redirect=_authorize(http, product, app_id) if app_id else no_id,
            sign_out=_end_session(http, product, app_id) if app_id else no_id,
        )


def response_to(
    http: JsonClient, method: str, path: str, **options: Any
) -> ObservedResponse | NotObserved:
    """Send one request; `options` are httpx's. Return the response, or why there is none."""
    try:
        response = http.send(method, path, **options)
    except ProvisionFailed as failure:
        return NotObserved(str(failure))
    return ObservedResponse(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        set_cookies=tuple(response.headers.get_list("set-cookie")),
        body=response.body,
    )


def _ahead(
    discovery: ObservedResponse | NotObserved, asked_at: float, answered_at: float
) -> float | NotObserved:
    """Return by how many seconds this clock is ahead of the one that wrote the `Date`.

    It was written between request and response, and has no fractions of a second. A response out
    of a cache has the time at which it was stored, and its `Age` since (RFC 9111 section 5.1).
    """
    if isinstance(discovery, NotObserved):
        return discovery
    try:
        moment: datetime = parsedate_to_datetime(discovery.headers.get("date", ""))
        written = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return NotObserved("Logto's response has no valid date.")
    age = discovery.headers.get("age", "").strip()
    if age.isascii() and age.isdecimal() and len(age) < 10:
        written += int(age)
    least, most = asked_at - (written + 1), answered_at - written
    return 0.0 if least <= 0 <= most else min(least, most, key=abs)


def _redeem(
    http: JsonClient, product: Product, app_id: str, app_secret: str | NotObserved
) -> ObservedResponse | NotObserved:
    """Redeem a code that was never issued.

    Logto checks the client before it checks the code, so `invalid_grant` means that it accepts
    the application's id and secret.
    """
    if isinstance(app_secret, NotObserved):
        return app_secret
    form = {
        "grant_type": "authorization_code",
        "code": secrets.token_urlsafe(32),
        "redirect_uri": product.redirect_uri,
        "code_verifier": secrets.token_urlsafe(32),
        "client_id": app_id,
        "client_secret": app_secret,
    }
    return response_to(http, "POST", "/oidc/token", data=form)


def _authorize(http: JsonClient, product: Product, app_id: str) -> ObservedResponse | NotObserved:
    """Send an authorization request that must not interact.

    Logto redirects its error to the redirect URI if that is registered, and shows a page if not.
    """
    query = {
        "client_id": app_id,
        "redirect_uri": product.redirect_uri,
        "response_type": "code",
        "scope": "openid",
        "prompt": "none",
        "state": "doctor",
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
    }
    return response_to(http, "GET", "/oidc/auth", params=query)


def _end_session(http: JsonClient, product: Product, app_id: str) -> ObservedResponse | NotObserved:
    query = {"client_id": app_id, "post_logout_redirect_uri": product.signed_out_uri}
    return response_to(http, "GET", "/oidc/session/end", params=query)
