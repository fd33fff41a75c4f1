"""Collect what the product answers from outside: its pages, and its endpoints for Logto."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

from provision.desired import Product
from provision.doctor.collect_logto import response_to
from provision.doctor.observed import Json, NotObserved, ObservedResponse, ObservedSite
from provision.http import JsonClient

_BROWSER = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "none"}
_PROGRAM = {"accept": "application/json"}


def collect_site(product: Product, hook: Json | NotObserved | None, *, now: float) -> ObservedSite:
    """Call each route once. The sign-in that this starts is never finished, and expires."""
    with JsonClient(product.base_url, name="The product") as http:
        bad = {"logout_token": "this.is.none"}
        return ObservedSite(
            home=response_to(http, "GET", "/", headers=_BROWSER),
            sign_in=response_to(http, "GET", "/sign-in", headers=_BROWSER),
            me=response_to(http, "GET", "/me", headers=_PROGRAM),
            backchannel=response_to(http, "POST", "/backchannel-logout", data=bad),
            webhook=_webhook(http, hook, now),
        )


def _webhook(
    http: JsonClient, hook: Json | NotObserved | None, now: float
) -> ObservedResponse | NotObserved:
    """Send an event of a kind that ends no session, signed as Logto signs it."""
    if isinstance(hook, NotObserved):
        return hook
    key = hook.get("signingKey") if hook else None
    if not key:
        return NotObserved("There is no webhook with a key to sign an event with.")
    created = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    event = {"event": "Doctor.Check", "createdAt": created.replace("+00:00", "Z")}
    body = json.dumps(event).encode()
    signature = hmac.new(str(key).encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "logto-signature-sha-256": signature}
    return response_to(http, "POST", "/webhooks/logto", content=body, headers=headers)
