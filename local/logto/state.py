"""What the stand-in remembers between requests: sessions, interactions, grants and tokens.

One thread runs everything and nothing is awaited between a look and a change, so no lock is needed.
Times are seconds since 1970.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from local.logto.keys import KeyRing
from local.logto.tenant import Tenant, User


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
    """A browser that is signed in at Logto; `sids` maps applications to their session ids."""

    user_id: str
    signed_in_at: int
    sids: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Grant:
    """What one sign-in granted one application. Every token of it ends when it is revoked."""

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
    """A refresh token; `rotated_at` is when it was replaced."""

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
    """A sign-out that the browser has yet to confirm."""

    client_id: str | None
    redirect_uri: str | None
    state: str | None


@dataclass(kw_only=True, slots=True)
class Memory:
    """Everything, by the random values that name it. `url` is the endpoint that browsers see."""

    tenant: Tenant
    url: str
    clock: Callable[[], float]
    keys: KeyRing = field(default_factory=KeyRing)
    sessions: dict[str, Session] = field(default_factory=dict)
    interactions: dict[str, AuthorizationRequest] = field(default_factory=dict)
    pushed: dict[str, str] = field(default_factory=dict)
    entra_codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    graph_tokens: dict[str, str] = field(default_factory=dict)
    """Entra tenants, by the token for Microsoft Graph in them."""
    signed_in: dict[str, str] = field(default_factory=dict)
    end_sessions: dict[str, EndSession] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"{self.url}/oidc"

    def active_user(self, user_id: str) -> User | None:
        """The user, unless deleted or suspended."""
        user = self.tenant.users.get(user_id)
        return user if user is not None and not user.suspended else None


def new_token() -> str:
    """A random value of 43 characters."""
    return secrets.token_urlsafe(32)
