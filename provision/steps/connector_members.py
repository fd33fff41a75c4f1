"""The members of a connector at Logto: what it has to be, and what an update changes."""

from typing import Any, Final

from provision.desired import CONNECTOR_SCOPE, Customer
from provision.json_api import Json

WHAT: Final = "connector at Logto"


def members_of(
    found: Json, customer: Customer, *, client_id: str, secret: str | None
) -> dict[str, Any]:
    """Return the members that the connector needs, including everything that others added."""
    before = found.get("config", {})
    scopes = str(before.get("scope") or "").split()
    branding = dict(found.get("branding") or {})
    if customer.display_name is not None or not branding.get("displayName"):
        branding["displayName"] = customer.name
    if customer.logo_url is not None:
        branding["logo"] = customer.logo_url
    trusts, syncs = customer.trust_unverified_email, customer.sync_profile
    domains = found.get("domains") or []
    return {
        "config": {
            **before,
            "clientId": client_id,
            "clientSecret": secret,
            "issuer": customer.issuer,
            "scope": " ".join([*scopes, *(s for s in CONNECTOR_SCOPE if s not in scopes)]),
            "trustUnverifiedEmail": _chosen(trusts, before.get("trustUnverifiedEmail"), False),
        },
        "domains": [*domains, *(name for name in customer.domains if name not in domains)],
        "branding": branding,
        "syncProfile": _chosen(syncs, found.get("syncProfile"), True),
    }


def _chosen(given: bool | None, current: Any, default: bool) -> bool:
    """Return the option if it was given, else the current value, else the default."""
    if given is not None:
        return given
    return current if isinstance(current, bool) else default


def changed_names(found: Json, body: Json) -> list[str]:
    """Name what an update changes. Of trust, which matters most, the direction is named too."""
    names = [name for name in body if name != "config"]
    config = body.get("config", {})
    for name in (name for name in config if config[name] != found["config"].get(name)):
        trust = name == "trustUnverifiedEmail"
        names.append(f"{name} {'on' if config[name] else 'off'}" if trust else name)
    return names
