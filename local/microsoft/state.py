"""What the stand-in for Microsoft remembers, and what it needs of the program that it runs in."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from local.microsoft.entra_tenants import EntraTenant, Registration

_TOKEN_SECONDS: Final = 3600


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
    def app_roles(self) -> Sequence[str]: ...
    @property
    def suspended(self) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """An application that sends people to Entra to sign in, and the accounts that they may use.

    `issuer` is the one that the application expects in its ID tokens. If `is_checked`, it has to be
    registered in the tenant with its redirect URI.
    """

    id: str
    issuer: str
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


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """A finished sign-in at Entra: the client, the account, and the claims of its ID token."""

    client: str
    account: str
    claims: Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class MicrosoftState:
    """Sessions, codes and tokens that have been issued."""

    host: Host
    sessions: dict[str, list[str]] = field(default_factory=dict)
    """The accounts that are signed in, the latest one first, by the browser's cookie."""
    codes: dict[str, SignIn] = field(default_factory=dict)
    graph_tokens: dict[str, str] = field(default_factory=dict)
    """Entra tenants, by the token for Microsoft Graph in them."""

    def registration(self, tenant_id: str, client_id: str) -> Registration | None:
        """Find a registered application."""
        tenant = self.host.entra_tenants.get(tenant_id)
        return tenant.by_client(client_id) if tenant else None

    def signed_in(self, session: str, client: Client) -> Account | None:
        """Find the account of a browser's session that can use this client without a question."""
        usable = {account.id: account for account in client.accounts}
        found = (usable[name] for name in self.sessions.get(session, ()) if name in usable)
        return next(found, None)

    def start_session(self, session: str, account: Account) -> str:
        """Add an account to a browser's session; the value of its cookie, which is always new."""
        others = [name for name in self.sessions.pop(session, ()) if name != account.id]
        value = secrets.token_urlsafe(32)
        self.sessions[value] = [account.id, *others]
        return value

    def end_session(self, session: str) -> None:
        """End a browser's session, with all accounts in it."""
        self.sessions.pop(session, None)

    def issue_code(self, client: Client, account: Account, nonce: str | None) -> str:
        """Issue an authorization code for an account that has signed in."""
        code = secrets.token_urlsafe(32)
        claims = id_token_claims(client, account, nonce, now=int(self.host.clock()))
        self.codes[code] = SignIn(client=client.id, account=account.id, claims=claims)
        return code

    def redeem_code(self, code: str) -> SignIn | None:
        """Redeem an authorization code, once; None if it is unknown."""
        return self.codes.pop(code, None)

    def accepts_secret(self, tenant_id: str, client_id: str, secret: str) -> bool:
        """Whether a client secret is one of the application's, and is valid now."""
        registration = self.registration(tenant_id, client_id)
        return registration is not None and registration.accepts(secret, now=self.host.clock())

    def issue_graph_token(self, tenant_id: str) -> str:
        """Issue an access token for Microsoft Graph in a tenant."""
        token = secrets.token_urlsafe(32)
        self.graph_tokens[token] = tenant_id
        return token


def id_token_claims(
    client: Client, account: Account, nonce: str | None, *, now: int
) -> dict[str, Any]:
    """Make the claims of an ID token. `iat` is when Entra vouches for the account; seconds."""
    tenant, (given, _, family) = client.issuer, account.name.partition(" ")
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": tenant,
        "sub": uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/{client.client_id}/{account.id}").hex,
        "aud": client.client_id,
        "exp": now + _TOKEN_SECONDS,
        "iat": now,
        "nbf": now,
        "name": account.name,
        "preferred_username": account.email or f"{given.lower()}@contoso.onmicrosoft.com",
        "given_name": given,
        "family_name": family,
        "oid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/{account.id}")),
        "email": account.email,
        "tid": client.tenant_id,
        "groups": list(account.groups),
        "roles": list(account.app_roles),
        "nonce": nonce,
    }
    return {name: value for name, value in claims.items() if value is not None}
