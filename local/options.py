"""Options of the local stack: ports, `.env`, and which Logto is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provision.errors import ProvisionFailed
from provision.files import read_env
from shared.environment import declarations
from shared.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TABLE_NAME = "sign-in"
RESOURCE = "https://api.example.test/orders"
"""The API resource of the stand-in, and of the demo API."""
RELAY_ROUTE = "/api/{proxy+}"
_PASSED_ON = frozenset(declarations(Settings))
"""What a developer may set for the functions, besides the variables of Powertools."""
_FOR_THE_STAND_IN = {
    "LOGTO_SCOPES": "email roles identities urn:logto:scope:organizations "
    "urn:logto:scope:organization_roles read:orders write:orders",
    "LOGTO_RESOURCES": RESOURCE,
    "LOGTO_ORGANIZATIONS": "contosoorg01",
    "LOGTO_WEBHOOK_SIGNING_KEY": "local-webhook-signing-key",
}
"""Default settings for the stand-in's tenant."""
LOGTO = ("LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET")


class OptionsInvalid(Exception):
    """The stack cannot start with these options; the text says what to change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Ports, and the variables of the environment and `.env`; the environment takes precedence."""

    port: int
    logto_port: int
    api_port: int
    table_port: int
    variables: Mapping[str, str]

    @property
    def own_logto(self) -> bool:
        """Whether a real Logto is used instead of the stand-in."""
        return all(self.variables.get(name) for name in LOGTO)

    @property
    def base_url(self) -> str:
        return self.variables.get("BASE_URL") or f"http://localhost:{self.port}"

    @property
    def resources(self) -> tuple[str, ...]:
        """The API resources that access tokens can be requested for."""
        own = "" if self.own_logto else RESOURCE
        return tuple(self.variables.get("LOGTO_RESOURCES", own).replace(",", " ").split())

    @property
    def table_endpoint(self) -> str:
        """The table's endpoint, by address: `localhost` may resolve to ::1, on which it does not
        listen."""
        return f"http://127.0.0.1:{self.table_port}"

    @property
    def upstream(self) -> str | None:
        """The server behind `/api/`: `UPSTREAM_URL`, else the demo API if there is a resource."""
        given = self.variables.get("UPSTREAM_URL")
        return given or (f"http://127.0.0.1:{self.api_port}" if self.has_demo_api else None)

    @property
    def has_demo_api(self) -> bool:
        return not self.variables.get("UPSTREAM_URL") and bool(self.resources)

    def functions(self, host: str) -> dict[str, str]:
        """The functions' variables, if they reach this machine by the name `host`."""
        given = {
            name: value
            for name, value in self.variables.items()
            if name in _PASSED_ON or name.startswith("POWERTOOLS_")
        }
        logto = (
            {name: self.variables[name] for name in LOGTO}
            if self.own_logto
            else {
                "LOGTO_ENDPOINT": f"http://{host}:{self.logto_port}",
                "LOGTO_APP_ID": "local-app",
                "LOGTO_APP_SECRET": "local-app-secret",
            }
        )
        relayed = (
            {"ACCESS_TOKEN_ROUTES": f"{RELAY_ROUTE}={self.resources[0]}"} if self.resources else {}
        )
        return {
            **relayed,
            **({} if self.own_logto else _FOR_THE_STAND_IN),
            **given,
            **logto,
            "LOGTO_APP_SECRET_ARN": "",
            "LOGTO_WEBHOOK_SIGNING_KEY_ARN": "",
            "TABLE_NAME": TABLE_NAME,
            "REVOCATION_QUEUE_URL": "",
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{host}:{self.table_port}",
            "BASE_URL": self.base_url,
        }

    @property
    def ports(self) -> dict[str, int]:
        """The ports to listen on, by the variables that choose them."""
        stand_in = {} if self.own_logto else {"LOGTO_PORT": self.logto_port}
        demo = {"API_PORT": self.api_port} if self.has_demo_api else {}
        return {"PORT": self.port, **stand_in, **demo, "TABLE_PORT": self.table_port}


def read_options(environment: Mapping[str, str], dotenv: Path) -> Options:
    """Read the environment and `.env`. Raises OptionsInvalid."""
    try:
        variables = {**read_env(dotenv), **environment}
    except ProvisionFailed as failure:
        raise OptionsInvalid(str(failure)) from None
    missing = [name for name in LOGTO if not variables.get(name)]
    if 0 < len(missing) < len(LOGTO):
        raise OptionsInvalid(
            f"{' and '.join(missing)} missing: to use your own Logto, set {', '.join(LOGTO)}, all "
            "three, in the environment or in .env; set none of them to use the stand-in."
        )
    return Options(
        port=_port(variables, "PORT", 3000),
        logto_port=_port(variables, "LOGTO_PORT", 3100),
        api_port=_port(variables, "API_PORT", 3200),
        table_port=_port(variables, "TABLE_PORT", 3300),
        variables=variables,
    )


def _port(variables: Mapping[str, str], name: str, default: int) -> int:
    value = variables.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:6]) <= 65_535:
        raise OptionsInvalid(f"{name} must be a port from 1 to 65535")
    return int(value)
