"""The webhook that tells the product of suspended and deleted users."""

from functools import partial

from provision.desired import EVENTS, Product
from provision.errors import ProvisionFailed
from provision.logto_api import Json, LogtoApi
from provision.run import Change, Run

WHAT = "webhook at Logto"


def ensure_hook(run: Run, api: LogtoApi, product: Product) -> str | None:
    """The signing key of the webhook as it has to be; None where a dry run would make it.

    Raises ProvisionFailed.
    """
    found = find_hook(api, product)
    if found is None:
        body = {
            "name": f"{product.name} {product.marker}",
            "events": list(EVENTS),
            "config": {"url": product.webhook_url},
        }
        change = Change(what=WHAT, action="create", detail=product.webhook_url)
        found = run.change(change, lambda: api.create_hook(body))
        if found is None:
            return None
    elif missing := _missing(found):
        change = Change(what=WHAT, action="update", detail=", ".join(missing))
        run.change(change, partial(api.update_hook, found["id"], missing))
    if run.record.hook != found["id"] and is_made(found, product):
        run.record.hook = str(found["id"])
        run.remember()
    key = found.get("signingKey")
    if not isinstance(key, str) or not key:
        raise ProvisionFailed("Logto does not tell the webhook's signing key: is it up to date?")
    return key


def find_hook(api: LogtoApi, product: Product) -> Json | None:
    """The webhook to the product's own URL."""
    for hook in api.hooks():
        if hook.get("config", {}).get("url") == product.webhook_url:
            return hook
    return None


def is_made(hook: Json, product: Product) -> bool:
    """Whether `setup` made the webhook for this product."""
    return str(hook.get("name") or "").endswith(product.marker)


def _missing(hook: Json) -> Json:
    changes: Json = {}
    events = hook.get("events", [])
    if not set(EVENTS) <= set(events):
        changes["events"] = [*events, *(name for name in EVENTS if name not in events)]
    if hook.get("enabled") is False:
        changes["enabled"] = True
    return changes
