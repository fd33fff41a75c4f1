"""Looking at the product from outside: pages, and how it takes Logto's messages."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from provision.desired import Product
from provision.doctor.collect_logto import page
from provision.doctor.observed import Json, Page, Unseen
from provision.http import Http

_BROWSER = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "none"}
_PROGRAM = {"accept": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class AtSite:
    """What the product answered."""

    home: Page | Unseen
    sign_in: Page | Unseen
    me: Page | Unseen
    backchannel: Page | Unseen
    webhook: Page | Unseen


def look_at_site(product: Product, hook: Json | Unseen | None, *, now: float) -> AtSite:
    """Ask each route once. The sign-in that is begun is nobody's, and lapses."""
    with Http(product.base_url, name="The product") as http:
        bad = {"logout_token": "this.is.none"}
        return AtSite(
            home=page(http, "GET", "/", headers=_BROWSER),
            sign_in=page(http, "GET", "/sign-in", headers=_BROWSER),
            me=page(http, "GET", "/me", headers=_PROGRAM),
            backchannel=page(http, "POST", "/backchannel-logout", data=bad),
            webhook=_webhook(http, hook, now),
        )


def _webhook(http: Http, hook: Json | Unseen | None, now: float) -> Page | Unseen:
    """An event of a kind that ends nothing, signed as Logto signs it."""
    if isinstance(hook, Unseen):
        return hook
    key = hook.get("signingKey") if hook else None
    if not key:
        return Unseen("there is no webhook whose key could sign an event")
    created = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    event = {"event": "Doctor.Check", "createdAt": created.replace("+00:00", "Z")}
    body = json.dumps(event).encode()
    signature = hmac.new(str(key).encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "logto-signature-sha-256": signature}
    return page(http, "POST", "/webhooks/logto", content=body, headers=headers)
