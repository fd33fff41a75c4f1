"""The settings: one frozen object, validated once, every error with its variable and its fix."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.environment import (
    Reader,
    https_url,
    indicator,
    matching,
    printable,
    scope,
    short_text,
)
from shared.parsing.urls import check_base

ORGANIZATIONS = "urn:logto:scope:organizations"
EMAIL, ROLES = "email", "roles"
DEFAULT_SCOPES = (
    EMAIL,
    ROLES,
    ORGANIZATIONS,
    "urn:logto:scope:organization_roles",
)
"""What is asked for beyond `openid`, `offline_access` and `profile`, which the SDK always adds."""
IDENTITIES = "identities"
"""The scope with which userinfo tells what Entra says of a user."""
ORGANIZATION_URN = "urn:logto:organization:"
"""Followed by an organization's id: the audience of its tokens."""
LONGEST_SESSION_SECONDS = 30 * 86_400

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SHORT_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ROLE = re.compile(r"[\x21-\x7e]{1,128}")
_ROUTE = re.compile(r"/[A-Za-z0-9_.~/{}+-]{0,200}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}|arn:[A-Za-z0-9:/_.-]{1,1000}")
_SECRET_ARN = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|ssm:[a-z0-9-]+:\d{12}:parameter/\S+)"
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a deployment is told. Lifetimes are whole seconds."""

    logto_endpoint: str
    logto_app_id: str
    logto_app_secret: str | None = field(default=None, repr=False)
    logto_app_secret_arn: str | None = None
    logto_webhook_signing_key: str | None = field(default=None, repr=False)
    logto_webhook_signing_key_arn: str | None = None
    table_name: str
    base_url: str | None = None
    session_idle_seconds: int = 3600
    session_absolute_seconds: int = 43_200
    revalidate_seconds: int = 0
    """Age at which a session has to be proven anew at Entra; 0 for never."""
    revalidate_grace_seconds: int = 900
    """Time for that, before the session ends."""
    logto_scopes: tuple[str, ...] = DEFAULT_SCOPES
    logto_resources: tuple[str, ...] = ()
    logto_organizations: tuple[str, ...] = ()
    logto_default_connector: str | None = None
    access_token_routes: Mapping[str, str] = field(default_factory=dict)
    """Routes whose authorization comes with an access token, and for which resource each."""
    allowed_tenants: tuple[str, ...] = ()
    allowed_organizations: tuple[str, ...] = ()
    allowed_roles: tuple[str, ...] = ()
    allowed_email_domains: tuple[str, ...] = ()
    entra_groups: Mapping[str, str] = field(default_factory=dict)
    """Short names of Entra groups, by object id."""
    entra_roles: Mapping[str, str] = field(default_factory=dict)
    """Short names of Entra app roles, by value."""
    record_client: bool = False
    brand_name: str = "Sign-in"
    brand_logo_url: str | None = None
    brand_accent_colour: str | None = None

    @property
    def issuer(self) -> str:
        """The issuer of the Logto endpoint."""
        return f"{self.logto_endpoint}/oidc"

    @property
    def reads_entra(self) -> bool:
        """Whether a sign-in needs what only userinfo tells."""
        return bool(self.allowed_tenants or self.entra_groups or self.entra_roles)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, needs_app_secret: bool = True
    ) -> "Settings":
        """Read and check every variable; an empty one counts as absent.

        Raises SettingsInvalid that lists every fault at once, and never a value of one.
        """
        reader = Reader(_as_deployed(environment))
        settings = _read(reader)
        _check_together(settings, reader, needs_app_secret=needs_app_secret)
        reader.finish()
        return settings


def _read(reader: Reader) -> Settings:
    secret_arn = matching(
        _SECRET_ARN, "is not the ARN of a Secrets Manager secret or an SSM parameter"
    )
    identifier = matching(_NAME, "is not an id")
    short_name = matching(_SHORT_NAME, "holds a short name with a character that none has")
    return Settings(
        logto_endpoint=reader.required(
            "LOGTO_ENDPOINT",
            check_base,
            "set it to your Logto endpoint, such as https://tenant.logto.app",
        ),
        logto_app_id=reader.required(
            "LOGTO_APP_ID",
            matching(_NAME, "is not an application id"),
            "copy it from the application's page in the Logto Console",
        ),
        logto_app_secret=reader.optional("LOGTO_APP_SECRET", printable),
        logto_app_secret_arn=reader.optional("LOGTO_APP_SECRET_ARN", secret_arn),
        logto_webhook_signing_key=reader.optional("LOGTO_WEBHOOK_SIGNING_KEY", printable),
        logto_webhook_signing_key_arn=reader.optional("LOGTO_WEBHOOK_SIGNING_KEY_ARN", secret_arn),
        table_name=reader.required(
            "TABLE_NAME",
            matching(_TABLE, "is not the name of a DynamoDB table"),
            "set it to the name of the DynamoDB table",
        ),
        base_url=reader.optional("BASE_URL", check_base),
        session_idle_seconds=reader.seconds(
            "SESSION_IDLE_SECONDS", 3600, 60, LONGEST_SESSION_SECONDS
        ),
        session_absolute_seconds=reader.seconds(
            "SESSION_ABSOLUTE_SECONDS", 43_200, 120, LONGEST_SESSION_SECONDS
        ),
        revalidate_seconds=reader.seconds("REVALIDATE_SECONDS", 0, 0, LONGEST_SESSION_SECONDS),
        revalidate_grace_seconds=reader.seconds("REVALIDATE_GRACE_SECONDS", 900, 60, 86_400),
        logto_scopes=reader.words("LOGTO_SCOPES", DEFAULT_SCOPES, scope),
        logto_resources=reader.words("LOGTO_RESOURCES", (), indicator),
        logto_organizations=reader.words("LOGTO_ORGANIZATIONS", (), identifier),
        logto_default_connector=reader.optional(
            "LOGTO_DEFAULT_CONNECTOR", matching(_NAME, "is not a connector id")
        ),
        access_token_routes=reader.mapping(
            "ACCESS_TOKEN_ROUTES",
            matching(_ROUTE, "must name routes by their path, such as /api/{proxy+}"),
            indicator,
        ),
        allowed_tenants=reader.words(
            "ALLOWED_TENANTS", (), matching(_UUID, "must hold tenant ids in lower case")
        ),
        allowed_organizations=reader.words("ALLOWED_ORGANIZATIONS", (), identifier),
        allowed_roles=reader.words(
            "ALLOWED_ROLES", (), matching(_ROLE, "holds a word that is no role")
        ),
        allowed_email_domains=reader.words(
            "ALLOWED_EMAIL_DOMAINS",
            (),
            matching(_EMAIL_DOMAIN, "must hold domains in lower case, such as contoso.com"),
        ),
        entra_groups=reader.mapping(
            "ENTRA_GROUPS", matching(_UUID, "must name groups by object id"), short_name
        ),
        entra_roles=reader.mapping(
            "ENTRA_ROLES", matching(_ROLE, "must name app roles by value"), short_name
        ),
        record_client=reader.switch("RECORD_CLIENT"),
        brand_name=reader.optional("BRAND_NAME", short_text) or "Sign-in",
        brand_logo_url=reader.optional("BRAND_LOGO_URL", https_url),
        brand_accent_colour=reader.optional(
            "BRAND_ACCENT_COLOUR", matching(_COLOUR, "is not a colour such as #0b57d0")
        ),
    )


def _check_together(settings: Settings, reader: Reader, *, needs_app_secret: bool) -> None:
    for name, value in (
        ("LOGTO_APP_SECRET", settings.logto_app_secret),
        ("LOGTO_WEBHOOK_SIGNING_KEY", settings.logto_webhook_signing_key),
    ):
        if value and reader.given(f"{name}_ARN"):
            reader.fault(f"{name} and {name}_ARN are both set: keep one of them")
    has_secret = reader.given("LOGTO_APP_SECRET") or reader.given("LOGTO_APP_SECRET_ARN")
    if needs_app_secret and not has_secret:
        reader.fault(
            "LOGTO_APP_SECRET_ARN is missing: set it to the ARN of the secret that holds the "
            "application's secret (or set LOGTO_APP_SECRET on a laptop)"
        )
    if settings.session_idle_seconds >= settings.session_absolute_seconds:
        reader.fault("SESSION_IDLE_SECONDS must be shorter than SESSION_ABSOLUTE_SECONDS")
    if 0 < settings.revalidate_seconds < 60:
        reader.fault("REVALIDATE_SECONDS must be 0 or at least 60")
    if settings.reads_entra and IDENTITIES not in settings.logto_scopes:
        reader.fault(
            "LOGTO_SCOPES must hold `identities` for ALLOWED_TENANTS, ENTRA_GROUPS or ENTRA_ROLES"
        )
    for name, words, scopes in (
        ("LOGTO_ORGANIZATIONS", settings.logto_organizations, {ORGANIZATIONS}),
        # Without the claim that a rule looks at, nobody would meet it.
        ("ALLOWED_ORGANIZATIONS", settings.allowed_organizations, {ORGANIZATIONS}),
        ("ALLOWED_ROLES", settings.allowed_roles, {ROLES, IDENTITIES}),
        ("ALLOWED_EMAIL_DOMAINS", settings.allowed_email_domains, {EMAIL}),
    ):
        if words and not scopes & set(settings.logto_scopes):
            needed = " or ".join(f"`{scope}`" for scope in sorted(scopes))
            reader.fault(f"LOGTO_SCOPES must hold {needed} for {name}")
    organizations = {ORGANIZATION_URN + name for name in settings.logto_organizations}
    if set(settings.access_token_routes.values()) - organizations - set(settings.logto_resources):
        reader.fault(
            "ACCESS_TOKEN_ROUTES names a resource that is neither in LOGTO_RESOURCES nor "
            "urn:logto:organization: followed by one of LOGTO_ORGANIZATIONS"
        )


def _as_deployed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Without what only the SAM CLI's emulator sets: the logical id of a secret as its ARN."""
    if environment.get("AWS_SAM_LOCAL") != "true":
        return environment
    names = ("LOGTO_APP_SECRET_ARN", "LOGTO_WEBHOOK_SIGNING_KEY_ARN")
    emulated = {n: "" for n in names if not environment.get(n, "").startswith("arn:")}
    return {**environment, **emulated}
