"""Entra tenants and the applications that are registered in them, with their secrets."""

import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Password:
    """A client secret. Times are seconds since 1970."""

    key_id: str
    display_name: str | None
    text: str = field(repr=False)
    starts_at: float
    ends_at: float

    def shown(self, *, text: bool = False) -> dict[str, Any]:
        """The `passwordCredential` resource. Its text is shown only when it is created."""
        return {
            "customKeyIdentifier": None,
            "displayName": self.display_name,
            "endDateTime": iso(self.ends_at),
            "hint": self.text[:3],
            "keyId": self.key_id,
            "secretText": self.text if text else None,
            "startDateTime": iso(self.starts_at),
        }


@dataclass(kw_only=True, slots=True)
class Registration:
    """An application that is registered in a tenant. `members` are those of `application`."""

    members: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: float = field(default_factory=time.time)
    passwords: list[Password] = field(default_factory=list)

    @property
    def redirect_uris(self) -> list[str]:
        found: list[str] = self.members.get("web", {}).get("redirectUris", [])
        return found

    def accepts(self, secret: str | None, *, now: float) -> bool:
        """Whether a client secret is one of this application's, and is valid now."""
        return any(p.text == secret and p.starts_at <= now < p.ends_at for p in self.passwords)

    def shown(self) -> dict[str, Any]:
        """The `application` resource."""
        return {
            "id": self.id,
            "appId": self.client_id,
            "createdDateTime": iso(self.created_at),
            **self.members,
            "passwordCredentials": [password.shown() for password in self.passwords],
        }


@dataclass(kw_only=True, slots=True)
class EntraTenant:
    """An Entra tenant with its registered applications, by object id."""

    id: str
    domain: str
    registrations: dict[str, Registration] = field(default_factory=dict)
    service_principals: dict[str, str] = field(default_factory=dict)
    """Client ids of the applications that have a service principal, by the principal's id."""
    may_register: bool = True
    """Whether a token for Microsoft Graph allows its holder to manage applications."""

    def has_redirect_uri(self, uri: str) -> bool:
        """Whether this is a redirect URI of one of the registered applications."""
        return any(
            uri in registration.redirect_uris for registration in self.registrations.values()
        )

    def by_client(self, client_id: str) -> Registration | None:
        """Find the application with this client id."""
        found = (r for r in self.registrations.values() if r.client_id == client_id)
        return next(found, None)


def new_password(name: str | None, *, now: float, ends_at: float) -> Password:
    """Generate a client secret."""
    return Password(
        key_id=str(uuid.uuid4()),
        display_name=name,
        text=secrets.token_urlsafe(30),
        starts_at=now,
        ends_at=ends_at,
    )


def iso(seconds: float) -> str:
    """Write a time as Microsoft Graph does."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
