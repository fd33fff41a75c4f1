"""Groups of options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Option

from provision.desired import AUDIENCE
from provision.graph_api import ENDPOINT
from provision.microsoft import AUTHORITY, Login


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which product, and which Logto."""

    logto_endpoint: Annotated[
        str | None,
        Option("--logto-endpoint", help="such as https://tenant.logto.app [LOGTO_ENDPOINT]"),
    ] = None
    management_api: Annotated[
        str | None,
        Option("--management-api", help="the Management API's indicator, where it is unusual"),
    ] = None
    management_app_id: Annotated[
        str | None,
        Option("--management-app-id", help="machine-to-machine application [MANAGEMENT_APP_ID]"),
    ] = None
    management_secret_file: Annotated[
        Path | None,
        Option("--management-secret-file", help="a file with its secret [MANAGEMENT_APP_SECRET]"),
    ] = None
    base_url: Annotated[
        str | None, Option("--base-url", help="the URL that browsers use, without a stack")
    ] = None
    stack_name: Annotated[
        str | None, Option("--stack-name", help="a deployed stack [samconfig.toml's]")
    ] = None
    region: Annotated[str | None, Option("--region")] = None
    profile: Annotated[str | None, Option("--profile")] = None
    env_file: Annotated[
        Path, Option("--env-file", help="settings of a product without a stack")
    ] = Path(".env")
    samconfig: Annotated[Path, Option("--samconfig", help="defaults of the SAM CLI")] = Path(
        "samconfig.toml"
    )
    config_env: Annotated[str, Option("--config-env", help="its environment")] = "default"


@dataclass(frozen=True, kw_only=True)
class Entra:
    """Microsoft's side."""

    entra_login: Annotated[Login, Option("--entra-login", help="how to sign in to Microsoft")] = (
        Login.DEFAULT
    )
    graph_endpoint: Annotated[str, Option("--graph-endpoint", help="Microsoft Graph")] = ENDPOINT
    entra_authority: Annotated[str, Option("--entra-authority", help="Microsoft's sign-in")] = (
        AUTHORITY
    )


@dataclass(frozen=True, kw_only=True)
class CustomerOptions:
    """A customer and its Entra tenant. None was not given: a connector that is there stays so."""

    entra_tenant: Annotated[
        str | None, Option("--entra-tenant", help="the directory (tenant) id, or its domain")
    ] = None
    issuer: Annotated[str | None, Option("--issuer", help="its issuer, instead of deriving it")] = (
        None
    )
    domain: Annotated[
        list[str] | None, Option("--domain", help="an e-mail domain; repeat for several")
    ] = None
    connector_name: Annotated[
        str | None, Option("--connector-name", help="[entra- and the first domain]")
    ] = None
    display_name: Annotated[
        str | None, Option("--display-name", help="the customer's name on Logto's button")
    ] = None
    logo_url: Annotated[str | None, Option("--logo-url", help="the customer's logo there")] = None
    trust_unverified_email: Annotated[
        bool | None,
        Option(
            "--trust-unverified-email/--no-trust-unverified-email",
            help="keep the addresses that Entra sends; it verifies none",
        ),
    ] = None
    sync_profile: Annotated[
        bool | None,
        Option("--sync-profile/--no-sync-profile", help="copy the profile every time [yes]"),
    ] = None
    manual_entra: Annotated[
        bool, Option("--manual-entra", help="the application at Entra is made by hand")
    ] = False
    entra_client_id: Annotated[
        str | None, Option("--entra-client-id", help="of the application made by hand")
    ] = None
    entra_secret_file: Annotated[
        Path | None,
        Option("--entra-secret-file", help="a file with its secret [ENTRA_CLIENT_SECRET]"),
    ] = None
    entra_audience: Annotated[
        str | None,
        Option("--entra-audience", help=f"signInAudience of the application at Entra [{AUDIENCE}]"),
    ] = None
    group_claims: Annotated[
        bool, Option("--group-claims", help="let Entra tell the security groups of users")
    ] = False
    secret_days: Annotated[
        int, Option("--secret-days", min=31, max=730, help="life of the client secret")
    ] = 180


@dataclass(frozen=True, kw_only=True)
class How:
    """How a command that changes things goes about it."""

    as_json: Annotated[bool, Option("--json", help="answer with JSON")] = False
    yes: Annotated[bool, Option("--yes", help="ask nothing")] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="say what would change, and change nothing")
    ] = False


LeaveEntra = Annotated[
    bool,
    Option("--manual-entra", help="what is to be done at Entra is done by hand"),
]
AsJson = Annotated[bool, Option("--json", help="answer with JSON")]
