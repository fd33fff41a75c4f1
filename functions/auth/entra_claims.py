"""Read Entra ID's claims about a user from Logto's userinfo (scope `identities`).

`sso_identities` lists what Logto has *stored* of a user, whatever this sign-in came from: a user of
a connector who signs in by password has it too. So an identity counts only if it is Microsoft's
by its issuer, and only if it is current: Entra vouched for the user as part of this sign-in. Only
mapped groups are kept, under their short names, so items do not grow with the directory.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.parsing.strict_json import texts
from shared.parsing.urls import is_plain_http_host
from shared.settings import Settings

LOGIN_HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
    }
)
"""Hosts of Microsoft's clouds: the public one, US Government, and China under both its names."""
CURRENT_SECONDS = 600
"""How long before Logto's `auth_time` Entra may have issued its token for the same sign-in."""
CLOCKS_SECONDS = 120
"""How long after it: two clocks that are a minute off, and Logto's own handling."""

_ISSUER = re.compile(r"(?P<base>.+/(?P<tenant>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))/v2\.0")
_OVERAGE = ("_claim_names", "_claimNames", "claimNames", "claim_names")
"""Entra's distributed claims, under Entra's name and Logto's spellings of it."""
_MANY_GROUPS = ("hasgroups", "hasGroups")


@dataclass(frozen=True, kw_only=True, slots=True)
class EntraUser:
    """What Entra says of a user. Times are Unix seconds."""

    tenant_id: str | None = None
    """The tenant that this sign-in came from; None if it came from none."""
    login_url: str | None = None
    """Where that tenant signs users in and out: the issuer without its version."""
    groups: tuple[str, ...] = ()
    """Short names of its mapped groups and app roles."""
    overage: bool = False
    """Whether Entra omitted groups, because there are too many."""
    vouched_at: int | None = None
    """When Entra last issued a token for the user, in this sign-in or an earlier one."""


@dataclass(frozen=True, slots=True)
class _Identity:
    """A stored identity that is Microsoft's."""

    login_url: str
    tenant: str
    issued_at: int
    detail: Mapping[str, Any]


def entra_user(
    userinfo: Mapping[str, Any], *, auth_time: int | None, settings: Settings
) -> EntraUser:
    """Read `sso_identities`; without `auth_time` (at Logto) no identity is known to be current."""
    identities = list(_microsoft_identities(userinfo, settings))
    vouched_at = max((identity.issued_at for identity in identities), default=None)
    current = _current(identities, auth_time)
    if current is None:
        return EntraUser(vouched_at=vouched_at)
    return EntraUser(
        tenant_id=current.tenant,
        login_url=current.login_url,
        groups=_mapped(current, settings),
        overage=_omits_groups(current.detail),
        vouched_at=vouched_at,
    )


def authenticated_at(entra: EntraUser, *, auth_time: int | None, now: int) -> int | None:
    """Return the earliest of Entra's word, `auth_time` and now; None without either proof."""
    proofs = [proof for proof in (entra.vouched_at, auth_time) if proof is not None]
    return min((*proofs, now)) if proofs else None


def is_login_url(url: str, settings: Settings) -> bool:
    """Return whether a URL is one that `EntraUser.login_url` may hold."""
    return _issuer_parts(f"{url}/v2.0", settings) is not None


def _microsoft_identities(userinfo: Mapping[str, Any], settings: Settings) -> Iterator[_Identity]:
    identities = userinfo.get("sso_identities")
    for entry in identities if isinstance(identities, list) else []:
        detail = entry.get("detail") if isinstance(entry, dict) else None
        if not isinstance(detail, dict):
            continue
        parts = _issuer_parts(entry.get("issuer"), settings)
        issued_at = detail.get("iat")
        if (
            parts is None
            # An issuer can write any `tid` into its tokens; the issuer itself is checked by Logto.
            or str(detail.get("tid")).lower() != parts[1]
            or detail.get("iss", entry["issuer"]) != entry["issuer"]
            or isinstance(issued_at, bool)
            or not isinstance(issued_at, int)
        ):
            continue
        yield _Identity(*parts, issued_at, detail)


def _issuer_parts(issuer: object, settings: Settings) -> tuple[str, str] | None:
    """Return login URL and tenant of an issuer; None if it is not Microsoft's.

    The stand-in's Entra counts as Microsoft's only beside a Logto that is on this machine, too.
    """
    matched = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    if matched is None:
        return None
    parts = urlsplit(matched["base"])
    microsoft = parts.scheme == "https" and parts.netloc in LOGIN_HOSTS
    microsoft = microsoft and parts.path == f"/{matched['tenant']}"
    local = parts.scheme == "http" and is_plain_http_host(parts.hostname)
    if not microsoft and not (local and settings.logto_endpoint.startswith("http://")):
        return None
    return matched["base"], matched["tenant"]


def _current(identities: list[_Identity], auth_time: int | None) -> _Identity | None:
    """Return the identity that this sign-in came from: of several, the one written last."""
    if auth_time is None:
        return None
    current = [
        identity
        for identity in identities
        if -CURRENT_SECONDS <= identity.issued_at - auth_time <= CLOCKS_SECONDS
    ]
    current.sort(key=lambda identity: identity.issued_at)
    if len(current) > 1 and current[-1].issued_at == current[-2].issued_at:
        return None  # it cannot be told which one it was
    return current[-1] if current else None


def _mapped(identity: _Identity, settings: Settings) -> tuple[str, ...]:
    """Return the short names that are mapped for this tenant; without one, for the only tenant."""
    names = set()
    for mapping, values in (
        (settings.entra_groups, [v.lower() for v in texts(identity.detail.get("groups"))]),
        (settings.entra_roles, texts(identity.detail.get("roles"))),
    ):
        for value in values:
            name = mapping.get(f"{identity.tenant}/{value}")
            if name is None and settings.allowed_tenants == (identity.tenant,):
                name = mapping.get(value)
            names |= {name} if name is not None else set()
    return tuple(sorted(names))


def _omits_groups(detail: Mapping[str, Any]) -> bool:
    sources = [detail.get(name) for name in _OVERAGE]
    if any(isinstance(source, dict) and "groups" in source for source in sources):
        return True
    return any(str(detail.get(name)).lower() == "true" for name in _MANY_GROUPS)
