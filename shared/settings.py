"""The settings: one frozen object. Each is declared here once.

A new one also needs its parameter and variable in `template.yaml`; `make settings` then writes the
README's table. Every error names the variable and the fix.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.environment import (
    Reader,
    declares_settings,
    https_url,
    indicator,
    mapping,
    matching,
    printable,
    required,
    scope,
    seconds,
    setting,
    short_text,
    switch,
    words,
)
from shared.parsing.urls import check_base, check_origin
from shared.scopes import DEFAULT_SCOPES, IDENTITIES
from shared.settings_rules import check_together

LONGEST_SESSION_SECONDS = 30 * 86_400

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_SECRET_ARN = matching(
    r"arn:aws[a-z-]*:"
    r"(secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|ssm:[a-z0-9-]+:\d{12}:parameter/\S+)",
    "is not the ARN of a Secrets Manager secret or an SSM parameter",
)
_NAME = r"[A-Za-z0-9_-]{1,128}"
_ROLE = r"[\x21-\x7e]{1,128}"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ORGANIZATION = matching(_NAME, "must contain ids of organizations")
_SHORT_NAME = matching(
    r"[A-Za-z0-9_.:-]{1,64}", "must contain short names of letters, digits and . _ : -, at most 64"
)


@declares_settings
class Settings:
    """What a deployment is configured with. Lifetimes are whole seconds."""

    logto_endpoint: str = required(
        check_origin,
        "the Logto endpoint, such as `https://tenant.logto.app`",
        fix="set it to your Logto endpoint, such as https://tenant.logto.app",
    )
    logto_app_id: str = required(
        matching(_NAME, "is not an application id"),
        "the id of the Traditional web application",
        fix="copy it from the application's page in the Logto Console",
    )
    logto_app_secret_arn: str | None = setting(
        _SECRET_ARN,
        "Secrets Manager secret or SSM SecureString: plain text, or JSON with `app_secret`",
        default=None,
        default_text="a secret of the stack",
    )
    logto_app_secret: str | None = setting(
        printable, "the secret itself, on a laptop", default=None, secret=True
    )
    logto_scopes: tuple[str, ...] = setting(
        words(scope),
        "scopes beyond `openid offline_access profile`; an empty value: no others",
        default=DEFAULT_SCOPES,
    )
    logto_resources: tuple[str, ...] = setting(
        words(indicator), "API resources that sign-ins ask access for", default=()
    )
    logto_organizations: tuple[str, ...] = setting(
        words(_ORGANIZATION), "organizations whose tokens routes may get", default=()
    )
    logto_webhook_signing_key_arn: str | None = setting(
        _SECRET_ARN,
        "where the signing key of Logto's webhook is, as plain text",
        default=None,
        default_text="a secret of the stack",
    )
    logto_webhook_signing_key: str | None = setting(
        printable, "the key itself, on a laptop", default=None, secret=True
    )
    logto_default_connector: str | None = setting(
        matching(_NAME, "is not a connector id"),
        "the SSO connector that sign-ins go straight to, "
        "unless they name another or a `first_screen`",
        default=None,
    )
    table_name: str = required(
        matching(
            r"[A-Za-z0-9_.-]{3,255}|arn:[A-Za-z0-9:/_.-]{1,1000}",
            "is not the name of a DynamoDB table",
        ),
        "the DynamoDB table",
        fix="set it to the name of the DynamoDB table",
        default_text="the stack's table",
        has_parameter=False,
    )
    revocation_queue_url: str | None = setting(
        check_base,
        "the SQS queue of revocations that could not be carried out at once; "
        "without one, Logto's message is answered with 503 and lost",
        default=None,
        default_text="the stack's queue",
        has_parameter=False,
    )
    base_url: str | None = setting(
        check_base,
        "the URL that browsers use, for a custom domain or a path",
        default=None,
        default_text="API Gateway's own domain",
    )
    session_idle_seconds: int = setting(
        seconds(60, LONGEST_SESSION_SECONDS),
        "a session that is unused for this long ends",
        default=3600,
    )
    session_absolute_seconds: int = setting(
        seconds(120, LONGEST_SESSION_SECONDS),
        "a session ends after this long in any case",
        default=43_200,
    )
    revalidate_seconds: int = setting(
        seconds(0, LONGEST_SESSION_SECONDS),
        "age of Entra's proof of the user at which they must re-authenticate there; `0`: never; "
        "needs the scope `identities`",
        default=0,
    )
    revalidate_grace_seconds: int = setting(
        seconds(60, 86_400), "time to re-authenticate before the session ends", default=900
    )
    sign_out_upstream: bool = setting(
        switch,
        "a sign-out ends the session at Microsoft too, for people on shared machines; needs the "
        "scope `identities`",
        default=False,
    )
    record_client: bool = setting(
        switch, "keep address and browser with each session, for operators", default=False
    )
    allowed_tenants: tuple[str, ...] = setting(
        words(matching(_UUID, "must contain tenant ids in lower case")),
        "Entra tenants whose users may sign in; needs the scope `identities`",
        default=(),
        default_text="all",
    )
    allowed_organizations: tuple[str, ...] = setting(
        words(_ORGANIZATION),
        "organizations whose members may sign in",
        default=(),
        default_text="all",
    )
    allowed_roles: tuple[str, ...] = setting(
        words(matching(_ROLE, "must contain roles of at most 128 printable ASCII characters")),
        "roles, or short names of Entra groups and roles, whose holders may sign in",
        default=(),
        default_text="all",
    )
    allowed_email_domains: tuple[str, ...] = setting(
        words(
            matching(
                r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}",
                "must contain domains in lower case, such as contoso.com",
            )
        ),
        "domains of verified addresses whose owners may sign in; no proof of the directory that a "
        "user is in: a connector that trusts unverified addresses accepts any",
        default=(),
        default_text="all",
    )
    entra_groups: Mapping[str, str] = setting(
        mapping(
            matching(f"({_UUID}/)?{_UUID}", "must name groups as <tenant id>/<object id>"),
            _SHORT_NAME,
        ),
        "short names of Entra groups in sessions, as `<tenant id>/<object id>=<short name>`"
        "; needs the scope `identities`",
        default=_NONE,
    )
    entra_roles: Mapping[str, str] = setting(
        mapping(
            matching(f"({_UUID}/)?{_ROLE}", "must name app roles as <tenant id>/<value>"),
            _SHORT_NAME,
        ),
        "short names of Entra app roles in sessions, as `<tenant id>/<value>=<short name>`"
        "; needs the scope `identities`",
        default=_NONE,
    )
    access_token_routes: Mapping[str, str] = setting(
        mapping(
            matching(
                r"/[A-Za-z0-9_.~/{}+-]{0,200}",
                "must name routes by their path, such as /api/{proxy+}",
            ),
            indicator,
        ),
        "routes that get an access token, as `<path of the route>=<resource>`",
        default=_NONE,
    )
    brand_name: str = setting(short_text, "the product's name on the pages", default="Sign-in")
    brand_logo_url: str | None = setting(https_url, "an https URL of a logo", default=None)
    brand_accent_colour: str | None = setting(
        matching(r"#[0-9a-fA-F]{6}", "is not a colour such as #0b57d0"),
        "the colour of buttons, such as `#0b57d0`",
        default=None,
    )

    @property
    def issuer(self) -> str:
        """The issuer of the Logto endpoint."""
        return f"{self.logto_endpoint}/oidc"

    @property
    def needs_entra(self) -> bool:
        """Whether a sign-in needs what only userinfo tells about Entra."""
        return any(
            (
                self.allowed_tenants,
                self.entra_groups,
                self.entra_roles,
                self.revalidate_seconds,
                self.sign_out_upstream,
            )
        )

    @property
    def uses_entra(self) -> bool:
        """Whether userinfo is read for what Entra says, needed or not."""
        return IDENTITIES in self.logto_scopes

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, needs_app_secret: bool = True
    ) -> "Settings":
        """Read and check every variable.

        An empty variable counts as absent, except for a list of words: `LOGTO_SCOPES=""` means no
        scopes, not the default ones. Raises SettingsInvalid, which lists every fault at once and
        holds no value.
        """
        reader = Reader(_as_deployed(environment))
        settings = reader.read(cls)
        check_together(settings, reader, needs_app_secret=needs_app_secret)
        reader.finish()
        return settings


def _as_deployed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Remove what only the SAM CLI's emulator sets: logical ids as ARNs and as a queue's URL."""
    if environment.get("AWS_SAM_LOCAL") != "true":
        return environment
    names = ("LOGTO_APP_SECRET_ARN", "LOGTO_WEBHOOK_SIGNING_KEY_ARN", "REVOCATION_QUEUE_URL")
    emulated = {n: "" for n in names if not environment.get(n, "").startswith(("arn:", "http"))}
    return {**environment, **emulated}
