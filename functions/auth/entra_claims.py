"""Read Entra ID's claims about a user from Logto's userinfo (scope `identities`).

Only mapped groups are kept, under their short names, so items do not grow with the directory. If
Entra omitted the groups because there are too many, its overage claim is reported.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.settings import Settings

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OVERAGE = ("_claim_names", "_claimNames", "claimNames", "claim_names")
"""Entra's distributed claims, under Entra's name and Logto's spellings of it."""
_MANY_GROUPS = ("hasgroups", "hasGroups")


@dataclass(frozen=True, kw_only=True, slots=True)
class EntraUser:
    """Claims of a user. `tenant_id`: None if unknown or ambiguous. `groups`: short names."""

    tenant_id: str | None = None
    groups: tuple[str, ...] = ()
    overage: bool = False
    """Whether Entra omitted groups."""


def entra_user(userinfo: Mapping[str, Any], settings: Settings) -> EntraUser:
    """Read `sso_identities[].detail`; values of unexpected types are ignored."""
    details = list(_details(userinfo))
    tenants = {tenant for detail in details if (tenant := _tenant(detail)) is not None}
    names: dict[str, None] = {}
    for detail in details:
        for group in _texts(detail.get("groups")):
            if group.lower() in settings.entra_groups:
                names[settings.entra_groups[group.lower()]] = None
        for role in _texts(detail.get("roles")):
            if role in settings.entra_roles:
                names[settings.entra_roles[role]] = None
    # A user with identities in two tenants has not proven which one this sign-in came from.
    certain = len(tenants) == 1 and all(_tenant(detail) is not None for detail in details)
    return EntraUser(
        tenant_id=tenants.pop() if certain else None,
        groups=tuple(sorted(names)),
        overage=any(_omits_groups(detail) for detail in details),
    )


def _details(userinfo: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    identities = userinfo.get("sso_identities")
    found = identities if isinstance(identities, list) else []
    details = [entry.get("detail") for entry in found if isinstance(entry, dict)]
    return [detail for detail in details if isinstance(detail, dict)]


def _tenant(detail: Mapping[str, Any]) -> str | None:
    tenant = detail.get("tid")
    if not isinstance(tenant, str) or not _UUID.fullmatch(tenant.lower()):
        return None
    return tenant.lower()


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _omits_groups(detail: Mapping[str, Any]) -> bool:
    for name in _OVERAGE:
        sources = detail.get(name)
        if isinstance(sources, dict) and "groups" in sources:
            return True
    return any(str(detail.get(name)).lower() == "true" for name in _MANY_GROUPS)
