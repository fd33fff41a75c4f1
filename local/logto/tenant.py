"""What an administrator sets up in Logto: applications, connectors, users, organizations."""

import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from local.microsoft.entra_tenants import Directory

ORGANIZATION_RESOURCE: Final = "urn:logto:resource:organizations"
"""The resource that the SDK asks for along with organization scopes; it needs no registration."""


MANAGEMENT_RESOURCE: Final = "https://default.logto.app/api"
"""The Management API's own resource, at a self-hosted Logto."""


@dataclass(kw_only=True, slots=True)
class Application:
    """A Traditional web application. Lifetimes are seconds."""

    id: str
    secret: str = field(repr=False)
    name: str = "Local application"
    description: str | None = None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    always_issue_refresh_token: bool = False
    rotate_refresh_token_always: bool = False
    refresh_token_seconds: int = 14 * 86_400
    further_metadata: dict[str, Any] = field(default_factory=dict)
    """Members of `oidcClientMetadata` that the stand-in keeps and does nothing with."""

    @property
    def initiation_uri(self) -> str | None:
        """Where a sign-in of the application begins: beside its callback."""
        for uri in self.redirect_uris:
            return f"{uri.rpartition('/')[0]}/sign-in"
        return None


@dataclass(kw_only=True, slots=True)
class Machine:
    """A machine-to-machine application; `manages` is the role that opens the Management API."""

    id: str
    secret: str = field(repr=False)
    name: str = "Management"
    manages: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Connector:
    """An enterprise SSO connector to a Microsoft Entra ID tenant.

    Without `client_secret` and `authorization_endpoint`, it is to the stand-in's own directory and
    nothing is checked there.
    """

    id: str
    display_name: str
    domains: tuple[str, ...]
    tenant_id: str
    client_id: str
    name: str = "contoso"
    client_secret: str | None = field(default=None, repr=False)
    authorization_endpoint: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    branding: Mapping[str, Any] = field(default_factory=dict)
    sync_profile: bool = True
    trust_unverified_email: bool = True

    @property
    def issuer(self) -> str:
        """The issuer of the directory."""
        own = f"https://login.microsoftonline.com/{self.tenant_id}/v2.0"
        return str(self.config.get("issuer", own))


@dataclass(kw_only=True, slots=True)
class User:
    """A user of this Logto; `connector` is None for one who registered here, or who has an account
    in `directory`, an Entra tenant, and has yet to sign in. `account` is the id of the account that
    somebody who was here before it is linked with."""

    id: str
    name: str
    email: str | None
    username: str | None = None
    picture: str | None = None
    connector: str | None = None
    directory: str | None = None
    account: str | None = None
    created_at: int = field(default_factory=lambda: int(time.time() * 1000))
    updated_at: int = field(default_factory=lambda: int(time.time() * 1000))
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    suspended: bool = False

    @property
    def known(self) -> bool:
        """Whether Logto knows them: who has an account in a directory, from the first sign-in on,
        or since somebody has suspended them."""
        return self.directory is None or self.connector is not None or self.suspended


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
    name: str = "Local webhook"
    enabled: bool = True


@dataclass(kw_only=True, slots=True)
class Presets:
    """Ids and secrets for what is made first through the Management API, instead of random ones.

    Whoever starts the stand-in can thus tell the product of them before they are made.
    """

    application: tuple[str, str] | None = None
    connector: str | None = None
    webhook: tuple[str, str] | None = None

    def take_application(self) -> tuple[str, str]:
        """Id and secret of a new application."""
        taken, self.application = self.application, None
        return taken or (secrets.token_hex(10), secrets.token_urlsafe(24))

    def take_connector(self) -> str:
        """The id of a new connector."""
        taken, self.connector = self.connector, None
        return taken or secrets.token_hex(6)

    def take_webhook(self) -> tuple[str, str]:
        """Id and signing key of a new webhook."""
        taken, self.webhook = self.webhook, None
        return taken or (secrets.token_hex(10), secrets.token_hex(16))


@dataclass(kw_only=True, slots=True)
class Tenant:
    """Everything that is set up. Lifetimes are seconds."""

    applications: dict[str, Application]
    connectors: dict[str, Connector]
    users: dict[str, User]
    resources: dict[str, Resource] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] = ()
    machines: dict[str, Machine] = field(default_factory=dict)
    directories: dict[str, Directory] = field(default_factory=dict)
    """Entra tenants, by id."""
    roles: dict[str, str] = field(default_factory=dict)
    """Names of roles that were made through the Management API, by id."""
    organization_roles: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=Presets)
    sign_in_experience: dict[str, Any] = field(default_factory=dict)
    """What the sign-in experience holds beside the switch of enterprise SSO."""
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

    def accounts_of(self, connector: Connector) -> list[User]:
        """Who can sign in through a connector."""
        return [
            user
            for user in self.users.values()
            if user.account is None
            and (user.connector == connector.id or user.directory == connector.tenant_id)
        ]

    def known_users(self) -> list[User]:
        """Everybody whom Logto knows."""
        return [user for user in self.users.values() if user.known]

    def known_user(self, user_id: str) -> User | None:
        """The user with this id, where Logto knows them."""
        user = self.users.get(user_id)
        return user if user is not None and user.known else None

    def linked(self, account: User) -> User | None:
        """Who signs in by an account of a directory and was here before it."""
        return next((user for user in self.users.values() if user.account == account.id), None)

    def email_of(self, user: User) -> str | None:
        """The address that Logto keeps: Entra verifies none, so the connector has to trust it."""
        if user.account is not None:
            return user.email
        connector = self.connectors.get(user.connector or "")
        trusted = connector is None or connector.trust_unverified_email
        return user.email if trusted else None

    def user_by_email(self, email: str) -> User | None:
        """The user with this address, in any case of letters."""
        wanted = email.strip().lower()
        found = (u for u in self.known_users() if (self.email_of(u) or "").lower() == wanted)
        return next(found, None) if wanted else None


CONTOSO: Final = Connector(
    id="contoso00001",
    display_name="Contoso (Microsoft Entra ID)",
    domains=("contoso.com",),
    tenant_id="7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de",
    client_id="3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a",
)
LOCAL_APPLICATION: Final = ("local-app", "local-app-secret")
"""Id and secret of the product's application. Everybody may know them: the tenant is pretended."""
LOCAL_MACHINE: Final = ("local-management", "local-management-secret")
"""Id and secret of the machine-to-machine application that may use the Management API."""


def default_tenant(product_url: str = "http://localhost:3000") -> Tenant:
    """A tenant with one application for the product at this URL, and Contoso's people."""
    application = Application(
        id=LOCAL_APPLICATION[0],
        secret=LOCAL_APPLICATION[1],
        redirect_uris=(f"{product_url}/callback",),
        post_logout_redirect_uris=(f"{product_url}/",),
    )
    people = _people(connector=CONTOSO.id)
    return replace(
        _tenant(people),
        applications={application.id: application},
        connectors={CONTOSO.id: CONTOSO},
        single_sign_on_enabled=True,
    )


def fresh_tenant(*, webhook_key: str | None = None) -> Tenant:
    """A tenant that nobody has set up yet: Contoso's people are in their directory, and a machine
    may use the Management API. What is made there first gets the ids of `default_tenant`."""
    webhook = ("local-webhook", webhook_key) if webhook_key is not None else None
    presets = Presets(application=LOCAL_APPLICATION, connector=CONTOSO.id, webhook=webhook)
    return replace(_tenant(_people(directory=CONTOSO.tenant_id)), presets=presets)


def _tenant(people: tuple[User, ...]) -> Tenant:
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
    machine = Machine(id=LOCAL_MACHINE[0], secret=LOCAL_MACHINE[1])
    directory = Directory(id=CONTOSO.tenant_id, domain="contoso.onmicrosoft.com")
    return Tenant(
        applications={},
        connectors={},
        users={person.id: person for person in people},
        resources={orders.indicator: orders},
        organizations={contoso.id: contoso},
        machines={machine.id: machine},
        directories={directory.id: directory},
        single_sign_on_enabled=False,
    )


def _people(*, connector: str | None = None, directory: str | None = None) -> tuple[User, ...]:
    where: dict[str, Any] = {"connector": connector, "directory": directory}
    return (
        User(
            id="alice0000001",
            name="Alice Example",
            email="alice@contoso.com",
            picture="https://graph.microsoft.com/v1.0/me/photo/$value",
            **where,
            roles=("buyer",),
            groups=_groups("alice", 3),
        ),
        User(
            id="bob000000001",
            name="Bob Example",
            email="bob@contoso.com",
            picture="https://pictures.contoso.example/bob.png",  # nobody can load it
            **where,
            groups=_groups("bob", 1),
        ),
        User(
            id="grace0000001",
            name="Grace Many-Groups",
            email="grace@contoso.com",
            **where,
            groups=_groups("grace", 250),
        ),
        User(id="nomail000001", name="Noor No-Mail", email=None, **where),
        User(
            id="sam000000001",
            name="Sam Suspended",
            email="sam@contoso.com",
            **where,
            suspended=True,
        ),
    )


def _groups(name: str, count: int) -> tuple[str, ...]:
    return tuple(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}-{n}")) for n in range(count))
