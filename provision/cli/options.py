"""Groups of options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Option

from provision.clouds import Cloud
from provision.desired import AUDIENCE
from provision.microsoft import Login

TRUST = "--trust-unverified-email/--no-trust-unverified-email"
TRUST_HELP = "keep the e-mail addresses that Entra sends, which it does not verify"

TrustDespiteOthers = Annotated[
    bool,
    Option(
        "--trust-despite-other-connectors",
        help="accept that its administrators can sign in as users of other connectors",
    ),
]


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """Which product a command works on, and at which Logto."""

    logto_endpoint: Annotated[
        str | None,
        Option("--logto-endpoint", help="such as https://tenant.logto.app [LOGTO_ENDPOINT]"),
    ] = None
    management_api: Annotated[
        str | None,
        Option("--management-api", help="indicator of the Management API, if it is unusual"),
    ] = None
    management_app_id: Annotated[
        str | None,
        Option("--management-app-id", help="machine-to-machine application [MANAGEMENT_APP_ID]"),
    ] = None
    management_secret_file: Annotated[
        Path | None,
        Option("--management-secret-file", help="file with its secret [MANAGEMENT_APP_SECRET]"),
    ] = None
    base_url: Annotated[
        str | None, Option("--base-url", help="URL that browsers use, instead of a stack")
    ] = None
    stack_name: Annotated[
        str | None, Option("--stack-name", help="deployed stack [from samconfig.toml]")
    ] = None
    region: Annotated[str | None, Option("--region", help="AWS region of the stack")] = None
    profile: Annotated[str | None, Option("--profile", help="AWS profile to use")] = None
    env_file: Annotated[
        Path, Option("--env-file", help="settings file of a product without a stack")
    ] = Path(".env")
    samconfig: Annotated[Path, Option("--samconfig", help="configuration file of the SAM CLI")] = (
        Path("samconfig.toml")
    )
    config_env: Annotated[str, Option("--config-env", help="environment in that file")] = "default"


@dataclass(frozen=True, kw_only=True)
class EntraOptions:
    """How to reach Microsoft."""

    entra_login: Annotated[Login, Option("--entra-login", help="how to sign in to Microsoft")] = (
        Login.DEFAULT
    )
    cloud: Annotated[
        Cloud | None, Option("--cloud", help="Microsoft's cloud of the tenant [that of its issuer]")
    ] = None
    graph_endpoint: Annotated[
        str | None, Option("--graph-endpoint", help="Microsoft Graph, instead of the cloud's own")
    ] = None
    entra_authority: Annotated[
        str | None,
        Option("--entra-authority", help="Microsoft's sign-in, instead of the cloud's own"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CustomerOptions:
    """A customer and its Entra tenant. None: the option was omitted, so the value stays."""

    entra_tenant: Annotated[
        str | None, Option("--entra-tenant", help="directory (tenant) id, or its domain")
    ] = None
    issuer: Annotated[
        str | None, Option("--issuer", help="issuer, instead of deriving it from the tenant")
    ] = None
    domain: Annotated[
        list[str] | None, Option("--domain", help="e-mail domain; repeat for several")
    ] = None
    connector_name: Annotated[
        str | None, Option("--connector-name", help="[entra- and the first domain]")
    ] = None
    display_name: Annotated[
        str | None, Option("--display-name", help="name of the customer on Logto's button")
    ] = None
    logo_url: Annotated[
        str | None, Option("--logo-url", help="logo of the customer on Logto's button")
    ] = None
    trust_unverified_email: Annotated[bool | None, Option(TRUST, help=TRUST_HELP)] = None
    trust_despite_other_connectors: TrustDespiteOthers = False
    sync_profile: Annotated[
        bool | None,
        Option("--sync-profile/--no-sync-profile", help="copy the profile at every sign-in [yes]"),
    ] = None
    manual_entra: Annotated[
        bool, Option("--manual-entra", help="register the application at Entra by hand")
    ] = False
    entra_client_id: Annotated[
        str | None, Option("--entra-client-id", help="client id of that application")
    ] = None
    entra_secret_file: Annotated[
        Path | None,
        Option("--entra-secret-file", help="file with its secret [ENTRA_CLIENT_SECRET]"),
    ] = None
    entra_audience: Annotated[
        str | None,
        Option("--entra-audience", help=f"signInAudience of the application at Entra [{AUDIENCE}]"),
    ] = None
    group_claims: Annotated[
        bool, Option("--group-claims", help="let Entra send the security groups of users")
    ] = False
    secret_days: Annotated[
        int, Option("--secret-days", min=31, max=730, help="lifetime of the client secret in days")
    ] = 180


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a command that changes something runs."""

    as_json: Annotated[bool, Option("--json", help="print JSON")] = False
    yes: Annotated[bool, Option("--yes", help="do not ask for confirmation")] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="show what would change, and change nothing")
    ] = False


LeaveEntra = Annotated[
    bool,
    Option("--manual-entra", help="leave Entra alone, and say what to do there by hand"),
]
AsJson = Annotated[bool, Option("--json", help="print JSON")]
