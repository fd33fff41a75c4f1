"""What the stand-in remembers between requests: sessions, interactions, grants and tokens.

One thread runs everything, and nothing is awaited between a read and a write: it needs no lock.
Times are seconds since 1970.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from local.logto.identities import client_of
from local.logto.keys import KeyRing
from local.logto.tenant import REFRESH_TOKEN_SECONDS, Connector, Tenant, User
from local.microsoft.entra_tenants import EntraTenant
from local.microsoft.state import Client, MicrosoftState

SESSION_SECONDS: Final = 14 * 86_400
"""How long a session at Logto lasts at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationRequest:
    """A checked authorization request."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str
    prompts: frozenset[str]
    resources: tuple[str, ...]
    max_age: int | None
    login_hint: str | None


@dataclass(kw_only=True, slots=True)
class Session:
    """A browser's session at Logto, by application: its `sid`, and its latest grant's id."""

    user_id: str
    signed_in_at: int
    uid: str = field(default_factory=lambda: new_token())
    sids: dict[str, str] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)

    @property
    def expires_at(self) -> int:
        return self.signed_in_at + SESSION_SECONDS


@dataclass(kw_only=True, slots=True)
class Grant:
    """What one sign-in granted one application. Revoking it ends all its tokens."""

    id: str = field(default_factory=lambda: new_token())
    issued_at: int
    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    nonce: str | None
    sid: str
    auth_time: int | None
    refreshable: bool
    revoked: bool = False


@dataclass(kw_only=True, slots=True)
class Code:
    """An authorization code."""

    grant: Grant
    request: AuthorizationRequest
    expires_at: float
    consumed: bool = False


@dataclass(kw_only=True, slots=True)
class RefreshToken:
    """A refresh token. `rotated_at` is the time at which another one replaced it."""

    grant: Grant
    issued_at: float
    expires_at: float
    rotated_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """An opaque access token."""

    grant: Grant
    scopes: tuple[str, ...]
    expires_at: float


@dataclass(kw_only=True, slots=True)
class EndSession:
    """A sign-out that the browser has not confirmed yet."""

    client_id: str | None
    redirect_uri: str | None
    state: str | None


@dataclass(kw_only=True, slots=True)
class StandInState:
    """The whole state, by the random values that browsers and applications hold.

    `url` is the endpoint that browsers see.
    """

    tenant: Tenant
    url: str
    clock: Callable[[], float]
    keys: KeyRing = field(default_factory=KeyRing)
    sessions: dict[str, Session] = field(default_factory=dict)
    interactions: dict[str, AuthorizationRequest] = field(default_factory=dict)
    pushed: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Pushed authorization requests, and when they expire."""
    signed_in: dict[str, str] = field(default_factory=dict)
    end_sessions: dict[str, EndSession] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    microsoft: MicrosoftState = field(init=False)

    def __post_init__(self) -> None:
        self.microsoft = MicrosoftState(host=self)

    @property
    def issuer(self) -> str:
        return f"{self.url}/oidc"

    @property
    def entra_tenants(self) -> dict[str, EntraTenant]:
        return self.tenant.entra_tenants

    def entra_clients(self) -> list[Client]:
        """The connectors, as Entra's clients."""
        return [
            client_of(
                connector, self.callback_of(connector), tuple(self.tenant.accounts_of(connector))
            )
            for connector in self.tenant.connectors.values()
        ]

    def callback_of(self, connector: Connector) -> str:
        """The redirect URI of a connector."""
        return f"{self.url}/callback/{connector.id}"

    def active_session(self, key: str) -> Session | None:
        """Find the session of a browser's cookie, unless it has expired."""
        session = self.sessions.get(key)
        return session if session is not None and self.clock() < session.expires_at else None

    def active_grants(self, user_id: str) -> list[Grant]:
        """List a user's grants that are neither revoked nor expired, the oldest one first."""
        return [
            grant
            for grant in self.grants.values()
            if grant.user_id == user_id and not grant.revoked and self.clock() < self.end_of(grant)
        ]

    def end_of(self, grant: Grant) -> int:
        """When a grant expires; seconds."""
        application = self.tenant.applications.get(grant.client_id)
        lifetime = application.refresh_token_seconds if application else REFRESH_TOKEN_SECONDS
        return grant.issued_at + lifetime

    def active_user(self, user_id: str) -> User | None:
        """Find a user who is neither deleted nor suspended."""
        user = self.tenant.users.get(user_id)
        return user if user is not None and not user.suspended else None


def new_token() -> str:
    """Generate a random value of 43 characters."""
    return secrets.token_urlsafe(32)
