"""Check the settings that depend on what Entra says of a user: their scope, and their tenants."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import NotObserved, Observed, is_draft
from provision.microsoft import tenant_of
from provision.steps.connector import PROVIDER
from shared.scopes import IDENTITIES

_MAPPINGS: Final = {"ENTRA_GROUPS": "<object id>", "ENTRA_ROLES": "<role value>"}
"""The settings that map groups and roles to short names, and what their entries name."""
_NEEDING_IDENTITIES: Final = (
    "ALLOWED_TENANTS",
    *_MAPPINGS,
    "REVALIDATE_SECONDS",
    "SIGN_OUT_UPSTREAM",
)
_OFF: Final = ("", "0", "false")
_ENTRY: Final = re.compile(r"(?:(?P<tenant>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/)?[^=]+=.+")


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingEntry:
    """An entry of a mapping. `tenant` is None if the entry names none."""

    setting: str
    tenant: str | None


def identities_scope(observed: Observed) -> Finding:
    """Check that sign-ins ask for what Entra says of a user, if a setting needs it."""
    check, variables = "scope for Entra", observed.variables
    if isinstance(variables, NotObserved):
        return unknown(check, variables.reason)
    needing = [n for n in _NEEDING_IDENTITIES if variables.get(n, "").strip() not in _OFF]
    if not needing:
        return passed(check, "no setting needs it")
    query = observed.sign_in_query()
    if isinstance(query, NotObserved):
        return unknown(check, query.reason)
    if IDENTITIES in " ".join(query.get("scope", [])).split():
        return passed(check, IDENTITIES)
    return failed(
        check,
        f"Sign-ins do not ask for the scope {IDENTITIES}, but it is needed for "
        f"{', '.join(needing)}.",
        f"Add {IDENTITIES} to LOGTO_SCOPES, and deploy again (sam deploy).",
    )


def mappings(observed: Observed) -> Finding:
    """Check that it is clear to which tenant each mapped group and role belongs."""
    check, variables = "groups and roles of Entra", observed.variables
    if isinstance(variables, NotObserved):
        return unknown(check, variables.reason)
    entries = list(_entries(variables))
    if not entries:
        return passed(check, "none are mapped")
    allowed = _words(variables.get("ALLOWED_TENANTS", ""))
    connected = _connected_tenants(observed)
    unclear = [one.setting for one in entries if one.tenant is None]
    if unclear and len(allowed) != 1:
        return _without_tenant(check, unclear, allowed, connected)
    tenants = dict.fromkeys(one.tenant or allowed[0] for one in entries)
    settings = " and ".join(dict.fromkeys(one.setting for one in entries))
    for tenant in tenants:
        if allowed and tenant not in allowed:
            return warned(
                check,
                f"Entries of {settings} name the tenant {tenant}, whose users may not sign in.",
                "Add the tenant to ALLOWED_TENANTS, or correct the tenant id in the entries.",
            )
        if connected is not None and tenant not in connected:
            return warned(
                check,
                f"No connector leads to the tenant {tenant} of entries of {settings}.",
                "Correct the tenant id in the entries, or connect the tenant: run setup connector "
                "add.",
            )
    return passed(check, f"of {', '.join(tenants)}")


def _without_tenant(
    check: str, unclear: list[str], allowed: list[str], connected: list[str] | None
) -> Finding:
    settings = list(dict.fromkeys(unclear))
    tenant = connected[0] if connected and len(connected) == 1 else "<tenant id>"
    forms = " and ".join(f"{tenant}/{_MAPPINGS[name]}=<short name>" for name in settings)
    named = f"names {len(allowed)} tenants" if allowed else "names no tenant"
    return failed(
        check,
        f"Entries of {' and '.join(settings)} are without a tenant, but ALLOWED_TENANTS {named}, "
        "so they belong to none.",
        f"Write the entries as {forms}, or name their tenant alone in ALLOWED_TENANTS.",
    )


def _entries(variables: Mapping[str, str]) -> Iterator[MappingEntry]:
    """Yield the entries of both mappings. Malformed ones are left to the check of the settings."""
    for setting in _MAPPINGS:
        for word in _words(variables.get(setting, "")):
            if found := _ENTRY.fullmatch(word):
                yield MappingEntry(setting=setting, tenant=found["tenant"])


def _connected_tenants(observed: Observed) -> list[str] | None:
    """Return the tenants that connectors lead to; None if the connectors are not known."""
    found = observed.management.connectors
    if isinstance(found, NotObserved):
        return None
    entra = [one for one in found if one.get("providerName") == PROVIDER and not is_draft(one)]
    return [tenant_of(str(one["config"]["issuer"])) for one in entra]


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


CHECKS = (identities_scope, mappings)
