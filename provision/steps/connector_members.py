"""The members of a connector at Logto: what it has to be, and what an update changes."""

from typing import Any, Final

from provision.desired import CONNECTOR_SCOPE, Customer
from provision.json_api import Json
from provision.run import Run

WHAT: Final = "connector at Logto"
SECRET: Final = ("clientSecret",)
"""Members that a plan does not show."""


def members_of(found: Json, customer: Customer, *, client_id: str, secret: str) -> dict[str, Any]:
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


def flat(members: Json) -> Json:
    """Return the members with those of `config` beside them, as a plan shows them."""
    config = members.get("config")
    others = {name: value for name, value in members.items() if name != "config"}
    return {**others, **config} if isinstance(config, dict) else others


def warn_of_shared_domains(run: Run, connectors: list[Json], customer: Customer) -> None:
    """Warn of every other connector that has a domain of this customer: Logto accepts both."""
    for one in connectors:
        shared = set(one.get("domains") or []) & set(customer.domains)
        if one.get("connectorName") != customer.connector_name and shared:
            run.warnings.append(
                f"The connector {one.get('connectorName')} ({one['id']}) has the domain "
                f"{', '.join(sorted(shared))} too. Logto lets users with such an address choose "
                "between the connectors."
            )


def changed_names(found: Json, body: Json) -> list[str]:
    """Name what an update changes. Of trust, which matters most, the direction is named too."""
    names = [name for name in body if name != "config"]
    config = body.get("config", {})
    for name in (name for name in config if config[name] != found["config"].get(name)):
        trust = name == "trustUnverifiedEmail"
        names.append(f"{name} {'on' if config[name] else 'off'}" if trust else name)
    return names
