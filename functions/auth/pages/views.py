"""View models of the pages."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from functions.auth.pages.text import initials
from shared.identity import Identity

# Entra's photo URLs require a bearer token, so a browser cannot load them.
_UNLOADABLE = ("graph.microsoft.com", "graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """The button of a page; `href` is a path here, with the deployment's prefix."""

    label: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """An organization and the user's roles in it."""

    organization: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """The signed-in user and session. Times are aware datetimes."""

    identity: Identity
    signed_in_at: datetime
    expires_at: datetime
    idle_expires_at: datetime

    @property
    def title(self) -> str | None:
        """The user's name, else the e-mail address."""
        return self.identity.name or self.identity.email

    @property
    def initials(self) -> str | None:
        return initials(self.title) if self.title else None

    @property
    def picture_url(self) -> str | None:
        """The URL of the picture, if a browser can load it."""
        try:
            parts = urlsplit(self.identity.picture or "")
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme != "https" or not host or "@" in parts.netloc:
            return None
        unloadable = any(host == name or host.endswith(f"-{name}") for name in _UNLOADABLE)
        return None if unloadable else self.identity.picture

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """Organizations with the user's roles, which Logto encodes as `<organization>:<role>`."""
        found: dict[str, list[str]] = {name: [] for name in self.identity.organizations}
        for entry in self.identity.organization_roles:
            organization, _, role = entry.partition(":")
            found.setdefault(organization, []).extend([role] if role else [])
        return tuple(
            Membership(organization=organization, roles=tuple(roles))
            for organization, roles in found.items()
        )
