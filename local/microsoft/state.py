"""What the stand-in for Microsoft remembers, and what it needs of the program that it runs in."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from local.microsoft.entra_tenants import EntraTenant, Registration


class Account(Protocol):
    """A person who has an account in an Entra tenant."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def suspended(self) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """An application that sends people to Entra to sign in, and the accounts that they may use.

    If `is_checked`, it has to be registered in the tenant with its redirect URI.
    """

    id: str
    tenant_id: str
    client_id: str
    redirect_uri: str
    is_checked: bool
    accounts: Sequence[Account]


class Host(Protocol):
    """The program that the stand-in runs in. All of it may change while it runs."""

    @property
    def url(self) -> str:
        """The endpoint that browsers see."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since 1970."""

    @property
    def entra_tenants(self) -> Mapping[str, EntraTenant]:
        """The tenants by id."""

    def entra_clients(self) -> Iterable[Client]:
        """The applications that send people here."""


@dataclass(kw_only=True, slots=True)
class MicrosoftState:
    """Codes and tokens that have been issued."""

    host: Host
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Client and account of each authorization code."""
    graph_tokens: dict[str, str] = field(default_factory=dict)
    """Entra tenants, by the token for Microsoft Graph in them."""

    def registration(self, tenant_id: str, client_id: str) -> Registration | None:
        """Find a registered application."""
        tenant = self.host.entra_tenants.get(tenant_id)
        return tenant.by_client(client_id) if tenant else None

    def issue_code(self, client: Client, account: str) -> str:
        """Issue an authorization code for an account that has signed in."""
        code = secrets.token_urlsafe(32)
        self.codes[code] = (client.id, account)
        return code

    def redeem_code(self, code: str) -> tuple[str, str]:
        """Redeem an authorization code, once: the client and the account, empty if unknown."""
        return self.codes.pop(code, ("", ""))

    def accepts_secret(self, tenant_id: str, client_id: str, secret: str) -> bool:
        """Whether a client secret is one of the application's, and is valid now."""
        registration = self.registration(tenant_id, client_id)
        return registration is not None and registration.accepts(secret, now=self.host.clock())

    def issue_graph_token(self, tenant_id: str) -> str:
        """Issue an access token for Microsoft Graph in a tenant."""
        token = secrets.token_urlsafe(32)
        self.graph_tokens[token] = tenant_id
        return token
