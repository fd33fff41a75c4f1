"""Microsoft's clouds: each has its own sign-in, its own Graph, and tokens that are for it alone.

Source: Microsoft's pages on national clouds, of the identity platform and of Graph.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from provision.errors import ProvisionFailed
from shared.parsing.urls import origin_of


class Cloud(enum.StrEnum):
    """A cloud of Microsoft's."""

    PUBLIC = "public"
    USGOV = "usgov"
    CHINA = "china"


@dataclass(frozen=True, kw_only=True, slots=True)
class Microsoft:
    """Where one cloud is."""

    cloud: Cloud
    authority: str
    """Where users and programs sign in."""
    graph: str
    """The endpoint of Microsoft Graph, with its version."""
    console: str
    """Where an administrator registers applications."""

    @property
    def scope(self) -> str:
        """The scope of tokens for this Microsoft Graph."""
        return f"{origin_of(self.graph)}/.default"


PUBLIC: Final = Microsoft(
    cloud=Cloud.PUBLIC,
    authority="https://login.microsoftonline.com",
    graph="https://graph.microsoft.com/v1.0",
    console="https://entra.microsoft.com",
)
CLOUDS: Final = {
    Cloud.PUBLIC: PUBLIC,
    Cloud.USGOV: Microsoft(
        cloud=Cloud.USGOV,
        authority="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us/v1.0",
        console="https://portal.azure.us",
    ),
    Cloud.CHINA: Microsoft(
        cloud=Cloud.CHINA,
        authority="https://login.partner.microsoftonline.cn",
        graph="https://microsoftgraph.chinacloudapi.cn/v1.0",
        console="https://portal.azure.cn",
    ),
}
LOGIN_HOSTS: Final = {
    "login.microsoftonline.com": Cloud.PUBLIC,
    "login.microsoftonline.us": Cloud.USGOV,
    "login.partner.microsoftonline.cn": Cloud.CHINA,
    "login.chinacloudapi.cn": Cloud.CHINA,
}
"""Hosts of issuers. China's sign-in has two names."""
_GRAPH_HOSTS: Final = {
    "graph.microsoft.com": Cloud.PUBLIC,
    "graph.microsoft.us": Cloud.USGOV,
    "dod-graph.microsoft.us": Cloud.USGOV,
    "microsoftgraph.chinacloudapi.cn": Cloud.CHINA,
}
"""Hosts of Microsoft Graph. The Department of Defense has one of its own."""


def microsoft_for(
    cloud: Cloud | None,
    *,
    issuer: str | None = None,
    authority: str | None = None,
    graph: str | None = None,
) -> Microsoft:
    """Return the cloud that the arguments name; without any, the public one.

    A given `authority` or `graph` takes the place of the cloud's own. Raises ProvisionFailed if
    the arguments name different clouds: a token of one is worth nothing in another.
    """
    named = {
        "--cloud": cloud,
        "--entra-authority": _cloud_at(authority, LOGIN_HOSTS),
        "--graph-endpoint": _cloud_at(graph, _GRAPH_HOSTS),
        issuer: _cloud_at(issuer, LOGIN_HOSTS),
    }
    given = {name: one for name, one in named.items() if one is not None}
    if len(set(given.values())) > 1:
        told = ", ".join(f"{name} is of the cloud {one}" for name, one in given.items())
        right = next(reversed(given.values()))
        raise ProvisionFailed(
            f"These are of different clouds: {told}.",
            f"Pass --cloud {right} alone, if that is where the tenant is.",
        )
    found = CLOUDS[next(iter(given.values()), Cloud.PUBLIC)]
    return replace(found, authority=authority or found.authority, graph=graph or found.graph)


def _cloud_at(url: str | None, hosts: dict[str, Cloud]) -> Cloud | None:
    try:
        return hosts.get(urlsplit(url or "").hostname or "")
    except ValueError:
        return None
