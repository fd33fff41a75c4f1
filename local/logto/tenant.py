"""What an administrator sets up in Logto: applications, connectors, users, organizations."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Final

ORGANIZATION_RESOURCE: Final = "urn:logto:resource:organizations"
"""The resource that the SDK asks for along with organization scopes; it needs no registration."""


@dataclass(kw_only=True, slots=True)
class Application:
    """A Traditional web application. Lifetimes are seconds."""

    id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    always_issue_refresh_token: bool = False
    rotate_refresh_token_always: bool = False
    refresh_token_seconds: int = 14 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Connector:
    """An enterprise SSO connector to a Microsoft Entra ID tenant."""

    id: str
    display_name: str
    domains: tuple[str, ...]
    tenant_id: str
    client_id: str


@dataclass(kw_only=True, slots=True)
class User:
    """A user of this Logto; `connector` is None for one who registered here."""

    id: str
    name: str
    email: str | None
    picture: str | None = None
    connector: str | None = None
    created_at: int = field(default_factory=lambda: int(time.time() * 1000))
    updated_at: int = field(default_factory=lambda: int(time.time() * 1000))
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    suspended: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """An API resource; `scopes` names the roles that grant each of its scopes."""

    indicator: str
    scopes: dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Organization:
    """An organization; `members` maps a user's id to the names of their roles in it."""

    id: str
    name: str
    description: str | None
    members: dict[str, tuple[str, ...]]
    role_scopes: dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Where Logto tells of what happens to users."""

    id: str
    url: str
    signing_key: str = field(repr=False)
    events: tuple[str, ...] = ("User.SuspensionStatus.Updated", "User.Deleted")


@dataclass(kw_only=True, slots=True)
class Tenant:
    """Everything that is set up. Lifetimes are seconds."""

    applications: dict[str, Application]
    connectors: dict[str, Connector]
    users: dict[str, User]
    resources: dict[str, Resource] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] = ()
    single_sign_on_enabled: bool = True
    code_seconds: int = 60
    token_seconds: int = 3600
    refresh_grace_seconds: float = 3.0
    """How long a refresh token that has been replaced still works."""
    reuse_revokes_grant: bool = True
    """Whether one that comes later ends the whole grant."""

    def connector_of(self, email: str) -> Connector | None:
        """The connector that the domain of an address leads to, while enterprise SSO is on."""
        domain = email.rpartition("@")[2].lower()
        found = (c for c in self.connectors.values() if domain in c.domains)
        return next(found, None) if self.single_sign_on_enabled else None

    def user_by_email(self, email: str) -> User | None:
        """The user with this address, in any case of letters."""
        wanted = email.strip().lower()
        found = (u for u in self.users.values() if u.email and u.email.lower() == wanted)
        return next(found, None)


CONTOSO: Final = Connector(
    id="contoso00001",
    display_name="Contoso (Microsoft Entra ID)",
    domains=("contoso.com",),
    tenant_id="7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de",
    client_id="3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a",
)


def default_tenant(product_url: str = "http://localhost:3000") -> Tenant:
    """A tenant with one application for the product at this URL, and Contoso's people."""
    application = Application(
        id="local-app",
        secret="local-app-secret",  # noqa: S106 - everybody may know it: the tenant is pretended
        redirect_uris=(f"{product_url}/callback",),
        post_logout_redirect_uris=(f"{product_url}/",),
    )
    people = (
        User(
            id="alice0000001",
            name="Alice Example",
            email="alice@contoso.com",
            picture="https://graph.microsoft.com/v1.0/me/photo/$value",
            connector=CONTOSO.id,
            roles=("buyer",),
            groups=_groups("alice", 3),
        ),
        User(
            id="bob000000001",
            name="Bob Example",
            email="bob@contoso.com",
            picture="https://pictures.contoso.example/bob.png",  # nobody can load it
            connector=CONTOSO.id,
            groups=_groups("bob", 1),
        ),
        User(
            id="grace0000001",
            name="Grace Many-Groups",
            email="grace@contoso.com",
            connector=CONTOSO.id,
            groups=_groups("grace", 250),
        ),
        User(id="nomail000001", name="Noor No-Mail", email=None, connector=CONTOSO.id),
        User(
            id="sam000000001",
            name="Sam Suspended",
            email="sam@contoso.com",
            connector=CONTOSO.id,
            suspended=True,
        ),
    )
    contoso = Organization(
        id="contosoorg01",
        name="Contoso",
        description="Everybody at Contoso",
        members={"alice0000001": ("admin",), "grace0000001": ("member",)},
        role_scopes={"admin": ("read:members", "invite:members"), "member": ("read:members",)},
    )
    orders = Resource(
        indicator="https://api.example.test/orders",
        scopes={"read:orders": ("buyer",), "write:orders": ("buyer",), "delete:orders": ()},
    )
    return Tenant(
        applications={application.id: application},
        connectors={CONTOSO.id: CONTOSO},
        users={person.id: person for person in people},
        resources={orders.indicator: orders},
        organizations={contoso.id: contoso},
    )


def _groups(name: str, count: int) -> tuple[str, ...]:
    return tuple(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}-{n}")) for n in range(count))
