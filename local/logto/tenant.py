"""What an administrator sets up in Logto: applications, connectors, users, organizations."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.microsoft.entra_tenants import EntraTenant

ORGANIZATION_RESOURCE: Final = "urn:logto:resource:organizations"
"""The SDK requests it along with organization scopes. It needs no registration."""

REFRESH_TOKEN_SECONDS: Final = 14 * 86_400
"""The lifetime of refresh tokens, unless the application has another one."""

MANAGEMENT_RESOURCE: Final = "https://default.logto.app/api"
"""The resource of the Management API at a self-hosted Logto."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FurtherSecret:
    """A secret beside the application's first one. `created_at` is milliseconds since 1970."""

    name: str
    value: str = field(repr=False)
    created_at: int


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
    rotate_refresh_token: bool = True
    """Whether a refresh token is rotated after 70 % of its life."""
    rotate_refresh_token_always: bool = False
    refresh_token_seconds: int = REFRESH_TOKEN_SECONDS
    max_allowed_grants: int | None = None
    """How many grants a user can have; a further one revokes the oldest."""
    further_metadata: dict[str, Any] = field(default_factory=dict)
    """Members of `oidcClientMetadata` that the stand-in stores and does not use."""
    further_custom_metadata: dict[str, Any] = field(default_factory=dict)
    """Members of `customClientMetadata` that the stand-in stores and does not use."""
    secret_name: str = "Default secret"  # noqa: S105 - the name of one
    secret_created_at: int = 0
    """Milliseconds since 1970."""
    further_secrets: list[FurtherSecret] = field(default_factory=list)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that is valid."""
        return (self.secret, *(one.value for one in self.further_secrets))

    @property
    def initiation_uri(self) -> str | None:
        """The application's own sign-in URL, which is beside its callback."""
        for uri in self.redirect_uris:
            return f"{uri.rpartition('/')[0]}/sign-in"
        return None


@dataclass(kw_only=True, slots=True)
class Machine:
    """A machine-to-machine application; `manages` is the role for the Management API."""

    id: str
    secret: str = field(repr=False)
    name: str = "Management"
    manages: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connector:
    """An enterprise SSO connector to a Microsoft Entra ID tenant.

    Without `client_secret` and `authorization_endpoint` it leads to the stand-in for Microsoft,
    which then checks nothing.
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
        """The issuer of the Entra tenant."""
        own = f"https://login.microsoftonline.com/{self.tenant_id}/v2.0"
        return str(self.config.get("issuer", own))


@dataclass(frozen=True, kw_only=True, slots=True)
class SsoIdentity:
    """What Logto stores of a user's last sign-in through a connector.

    `detail` has the claims of Entra's ID token, spelled in camel case.
    """

    issuer: str
    identity_id: str
    detail: Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class User:
    """A user of this Logto, or an account in an Entra tenant whose owner has not signed in yet."""

    id: str
    name: str
    email: str | None
    username: str | None = None
    picture: str | None = None
    connector: str | None = None
    """The connector that the user last signed in through, if any."""
    entra_tenant: str | None = None
    """The id of the Entra tenant in which this account is."""
    accounts: tuple[str, ...] = ()
    """The ids of further Entra accounts, whose owners sign in as this user, who is older."""
    sso_identities: dict[str, SsoIdentity] = field(default_factory=dict)
    """The stored identities, by the id of their connector."""
    password: str | None = field(default=None, repr=False)
    """Without one, this user signs in with no password."""
    created_at: int = field(default_factory=lambda: int(time.time() * 1000))
    updated_at: int = field(default_factory=lambda: int(time.time() * 1000))
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()
    """App roles at Entra."""
    suspended: bool = False

    @property
    def known(self) -> bool:
        """Whether this is a user of Logto: an account in Entra becomes one at its first sign-in, or
        if it is suspended."""
        return self.entra_tenant is None or self.connector is not None or self.suspended


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """An API resource; `scopes` maps each scope to the roles that grant it."""

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
    jit_connectors: list[str] = field(default_factory=list)
    """Connectors whose new users become members."""
    jit_domains: list[str] = field(default_factory=list)
    """Mail domains whose new users become members."""
    jit_roles: list[str] = field(default_factory=list)
    """Names of the roles that such members get."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A URL that Logto posts events about users to."""

    id: str
    url: str
    signing_key: str = field(repr=False)
    events: tuple[str, ...] = ("User.SuspensionStatus.Updated", "User.Deleted")
    name: str = "Local webhook"
    enabled: bool = True


@dataclass(kw_only=True, slots=True)
class Presets:
    """Ids and secrets of the first objects that the Management API creates, instead of random ones.

    The product can so be configured with them before they exist.
    """

    application: tuple[str, str] | None = None
    connector: str | None = None
    webhook: tuple[str, str] | None = None

    def take_application(self) -> tuple[str, str]:
        """Take the id and the secret of a new application."""
        taken, self.application = self.application, None
        return taken or (secrets.token_hex(10), secrets.token_urlsafe(24))

    def take_connector(self) -> str:
        """Take the id of a new connector."""
        taken, self.connector = self.connector, None
        return taken or secrets.token_hex(6)

    def take_webhook(self) -> tuple[str, str]:
        """Take the id and the signing key of a new webhook."""
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
    entra_tenants: dict[str, EntraTenant] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    """Names of the roles that the Management API has created, by id."""
    organization_roles: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=Presets)
    sign_in_experience: dict[str, Any] = field(default_factory=dict)
    """Members of the sign-in experience other than the switch of enterprise SSO."""
    account_center: dict[str, Any] = field(default_factory=dict)
    """Members of the account center's settings that have been changed."""
    single_sign_on_enabled: bool = True
    code_seconds: int = 60
    token_seconds: int = 3600
    refresh_grace_seconds: float = 3.0
    """How long a rotated refresh token still works."""
    reuse_revokes_grant: bool = True
    """Whether using it later than that revokes the whole grant."""

    def connectors_of(self, email: str) -> list[Connector]:
        """List the connectors for the domain of an address, if enterprise SSO is on."""
        domain = email.rpartition("@")[2].lower()
        found = [c for c in self.connectors.values() if domain in c.domains]
        return found if self.single_sign_on_enabled else []

    def accounts_of(self, connector: Connector) -> list[User]:
        """List the accounts that can sign in through a connector."""
        return [
            user
            for user in self.users.values()
            if user.entra_tenant == connector.tenant_id
            or (user.entra_tenant is None and not user.accounts and user.connector == connector.id)
        ]

    def known_users(self) -> list[User]:
        """List the users of Logto."""
        return [user for user in self.users.values() if user.known]

    def known_user(self, user_id: str) -> User | None:
        """Find the user of Logto with this id."""
        user = self.users.get(user_id)
        return user if user is not None and user.known else None

    def linked(self, account: User) -> User | None:
        """Find the older user who is linked with an Entra account."""
        return next((user for user in self.users.values() if account.id in user.accounts), None)

    def email_of(self, user: User) -> str | None:
        """The address that Logto stores: Entra verifies none, so the connector has to trust it."""
        if user.accounts:
            return user.email
        connector = self.connectors.get(user.connector or "")
        trusted = connector is None or connector.trust_unverified_email
        return user.email if trusted else None

    def user_by_name(self, name: str) -> User | None:
        """Find the user with this user name, or else with this address."""
        found = (user for user in self.known_users() if user.username == name)
        return next(found, None) or self.user_by_email(name)

    def user_by_email(self, email: str) -> User | None:
        """Find the user with this address, ignoring case."""
        wanted = email.strip().lower()
        found = (u for u in self.known_users() if (self.email_of(u) or "").lower() == wanted)
        return next(found, None) if wanted else None
