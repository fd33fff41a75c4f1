"""View models of the pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from functions.auth.pages.text import initials
from shared.identity import Identity

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-f:.]+")
# Entra's photo URLs require a bearer token, so a browser cannot load them.
_UNLOADABLE = ("graph.microsoft.com", "graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """The button of a page; `href` is a path here, with the deployment's prefix.

    It is a link, or with `fields` a form that is posted.
    """

    label: str
    href: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """The signed-in user and session. Times are aware datetimes."""

    identity: Identity
    signed_in_at: datetime
    expires_at: datetime
    idle_expires_at: datetime
    origin: str = ""
    """This deployment's own origin, from which no picture is shown."""

    @property
    def title(self) -> str | None:
        """The user's name, else the e-mail address."""
        return self.identity.name or self.identity.email

    @property
    def initials(self) -> str | None:
        return initials(self.title) if self.title else None

    @property
    def picture_url(self) -> str | None:
        """The picture's URL, if a browser can load it. One of this host could act for the user."""
        host = _https_host(self.identity.picture or "")
        if host is None or host == _https_host(self.origin.replace("http://", "https://")):
            return None
        unloadable = any(host == name or host.endswith(f"-{name}") for name in _UNLOADABLE)
        return None if unloadable else self.identity.picture

    @property
    def memberships(self) -> dict[str, list[str]]:
        """The user's roles by organization; Logto encodes them as `<organization>:<role>`."""
        found: dict[str, list[str]] = {name: [] for name in self.identity.organizations}
        for entry in self.identity.organization_roles:
            organization, _, role = entry.partition(":")
            found.setdefault(organization, []).extend([role] if role else [])
        return found


def _https_host(url: str) -> str | None:
    """Return the host of an https URL as a browser looks it up; None if browsers may differ."""
    try:
        parts = urlsplit(url)
        # Punycode, with letters of other widths as plain ones, and every kind of full stop as one.
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if parts.scheme != "https" or not _HOST.fullmatch(host) or "@" in parts.netloc:
        return None
    return host.lower().rstrip(".")
