"""What the pages show, as values."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from functions.auth.pages.text import initials
from shared.identity import Identity

# Entra's photo URLs want a bearer token, so a browser never gets a picture from them.
_UNLOADABLE = ("graph.microsoft.com", "graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """The one thing to do next: `href` is a URL of ours, with the deployment's root."""

    label: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """An organization and what the user is there."""

    organization: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """Who is signed in. Times are aware datetimes."""

    identity: Identity
    signed_in_at: datetime
    expires_at: datetime
    idle_expires_at: datetime

    @property
    def title(self) -> str | None:
        """What the user is called: by name, else by e-mail address."""
        return self.identity.name or self.identity.email

    @property
    def initials(self) -> str | None:
        return initials(self.title) if self.title else None

    @property
    def picture_url(self) -> str | None:
        """The picture, if a browser can be expected to load it."""
        try:
            parts = urlsplit(self.identity.picture or "")
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme != "https" or not host or "@" in parts.netloc:
            return None
        unloadable = any(host == known or host.endswith(f"-{known}") for known in _UNLOADABLE)
        return None if unloadable else self.identity.picture

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """Organizations with the roles in them, which Logto writes as `<organization>:<role>`."""
        found: dict[str, list[str]] = {
            organization: [] for organization in self.identity.organizations
        }
        for entry in self.identity.organization_roles:
            organization, _, role = entry.partition(":")
            found.setdefault(organization, []).extend([role] if role else [])
        return tuple(
            Membership(organization=organization, roles=tuple(roles))
            for organization, roles in found.items()
        )
