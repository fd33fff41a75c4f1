"""Looking at Logto as anybody can, and as the application itself."""

import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from provision.desired import Product
from provision.doctor.observed import Page, Unseen
from provision.errors import ProvisionFailed
from provision.http import Answer, Http


@dataclass(frozen=True, kw_only=True, slots=True)
class AtLogto:
    """What Logto's public endpoints answered."""

    discovery: Page | Unseen
    ahead_seconds: float | Unseen
    keys: Page | Unseen
    token_error: str | Unseen
    redirect: Page | Unseen
    sign_out: Page | Unseen


def look_at_logto(
    endpoint: str, product: Product, *, app_id: str | None, app_secret: str | Unseen, now: float
) -> AtLogto:
    """Ask each endpoint once. Nothing is changed: the code and the requests are of nobody."""
    with ExitStack() as opened:
        http = opened.enter_context(Http(endpoint, name="Logto"))
        discovery = page(http, "GET", "/oidc/.well-known/openid-configuration")
        nobody = Unseen("LOGTO_APP_ID is not known")
        return AtLogto(
            discovery=discovery,
            ahead_seconds=_ahead(discovery, now),
            keys=page(http, "GET", "/oidc/jwks"),
            token_error=_token_error(http, product, app_id, app_secret) if app_id else nobody,
            redirect=_authorize(http, product, app_id) if app_id else nobody,
            sign_out=_end_session(http, product, app_id) if app_id else nobody,
        )


def page(http: Http, method: str, path: str, **options: Any) -> Page | Unseen:
    """An answer, or why there is none."""
    try:
        return as_page(http.send(method, path, **options))
    except ProvisionFailed as failure:
        return Unseen(str(failure))


def as_page(answer: Answer) -> Page:
    """An answer as it is judged."""
    return Page(
        status=answer.status,
        headers={name.lower(): value for name, value in answer.headers.items()},
        set_cookies=tuple(answer.headers.get_list("set-cookie")),
        body=answer.body,
    )


def _ahead(discovery: Page | Unseen, now: float) -> float | Unseen:
    if isinstance(discovery, Unseen):
        return discovery
    try:
        moment: datetime = parsedate_to_datetime(discovery.headers.get("date", ""))
    except ValueError:
        return Unseen("Logto's answer has no date")
    return now - moment.timestamp()


def _token_error(
    http: Http, product: Product, app_id: str, app_secret: str | Unseen
) -> str | Unseen:
    """The error of a code that was never issued: who asks is checked before the code is."""
    if isinstance(app_secret, Unseen):
        return app_secret
    form = {
        "grant_type": "authorization_code",
        "code": secrets.token_urlsafe(32),
        "redirect_uri": product.redirect_uri,
        "code_verifier": secrets.token_urlsafe(32),
        "client_id": app_id,
        "client_secret": app_secret,
    }
    answer = page(http, "POST", "/oidc/token", data=form)
    if isinstance(answer, Unseen):
        return answer
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return str(error) if error else f"status {answer.status}"


def _authorize(http: Http, product: Product, app_id: str) -> Page | Unseen:
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
    return page(http, "GET", "/oidc/auth", params=query)


def _end_session(http: Http, product: Product, app_id: str) -> Page | Unseen:
    query = {"client_id": app_id, "post_logout_redirect_uri": product.post_sign_out_uri}
    return page(http, "GET", "/oidc/session/end", params=query)
