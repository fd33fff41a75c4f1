"""The webhook that notifies the product of suspended and deleted users and of ended grants."""

from functools import partial

from provision.desired import EVENTS, Product
from provision.errors import ProvisionFailed
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.run import Change, Run, differences

WHAT = "webhook at Logto"


def ensure_hook(run: Run, api: LogtoApi, product: Product) -> str | None:
    """Create or complete the webhook. Return its signing key; None if a dry run would make it.

    Raises ProvisionFailed.
    """
    found = find_hook(api, product)
    if found is None:
        body: Json = {
            "name": f"{product.name} {product.marker}",
            "events": list(EVENTS),
            "config": {"url": product.webhook_url},
        }
        change = Change(
            what=WHAT,
            action="create",
            detail=product.webhook_url,
            name=body["name"],
            values=differences({}, {"url": product.webhook_url, "events": list(EVENTS)}),
        )
        found = run.apply(change, lambda: api.create_hook(body))
        if found is None:
            return None
    elif missing := _missing(found):
        if not is_made(found, product):
            run.warnings.append(
                f"The webhook {found.get('name')} ({found['id']}) was not made by `setup`. It "
                f"leads to {product.webhook_url}, so it is used, and it changes."
            )
        change = Change(
            what=WHAT,
            action="update",
            detail=", ".join(missing),
            name=str(found.get("name")),
            id=found["id"],
            values=differences(found, missing),
        )
        run.apply(change, partial(api.update_hook, found["id"], missing))
    if run.record.hook != found["id"] and is_made(found, product):
        run.record.hook = str(found["id"])
        run.save_record()
    key = found.get("signingKey")
    if not isinstance(key, str) or not key:
        raise ProvisionFailed("Logto does not return the webhook's signing key.", "Update Logto.")
    return key


def find_hook(api: LogtoApi, product: Product) -> Json | None:
    """Find the webhook to the product's URL. Raises ProvisionFailed."""
    for hook in api.hooks():
        if hook.get("config", {}).get("url") == product.webhook_url:
            return hook
    return None


def is_made(hook: Json, product: Product) -> bool:
    """Tell whether `setup` made the webhook for this product."""
    return str(hook.get("name") or "").endswith(product.marker)


def _missing(hook: Json) -> Json:
    changes: Json = {}
    events = hook.get("events", [])
    if not set(EVENTS) <= set(events):
        changes["events"] = [*events, *(name for name in EVENTS if name not in events)]
    if hook.get("enabled") is False:
        changes["enabled"] = True
    return changes
