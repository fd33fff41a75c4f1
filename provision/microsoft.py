"""Signing in to Microsoft: tokens for Graph by azure-identity, and the issuer of a tenant."""

import enum
import logging
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from provision.errors import NoAnswer, ProvisionFailed, Unreachable
from provision.graph_api import Token
from provision.http import Http
from shared.parsing.urls import check_base

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AUTHORITY: Final = "https://login.microsoftonline.com"
_SCOPE: Final = "https://graph.microsoft.com/.default"
_TENANT: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_SHARED: Final = ("common", "organizations", "consumers")


class Login(enum.StrEnum):
    """How to sign in to Microsoft."""

    DEFAULT = "default"
    CLI = "cli"
    BROWSER = "browser"
    DEVICE_CODE = "device-code"


Credentials = Callable[[str, Login], Token]
"""Gives the source of Graph tokens for a tenant."""


def credentials(tenant: str, login: Login) -> Token:
    """Tokens by azure-identity. `default` tries the environment, managed identity and the CLIs.

    Raises ProvisionFailed.
    """
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    unusable = ProvisionFailed(
        "the environment holds a Microsoft sign-in that cannot be used: check "
        "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_TOKEN_CREDENTIALS, or pass another --entra-login"
    )
    try:
        credential = _credential(tenant, login)
    except (OSError, ValueError):
        raise unusable from None

    def token() -> str:
        try:
            return credential.get_token(_SCOPE, tenant_id=tenant).token
        except ClientAuthenticationError:
            raise ProvisionFailed(
                f"no Microsoft sign-in works for the tenant {tenant}: run `az login --tenant "
                f"{tenant}`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or "
                "pass --entra-login device-code, or do without: --manual-entra (doctor: "
                "--no-check-entra)"
            ) from None
        except AzureError as failure:
            raise Unreachable(
                f"Microsoft's sign-in cannot be reached ({type(failure).__name__}): check the "
                "network, and run it again"
            ) from None
        except (OSError, ValueError):
            raise unusable from None

    return token


def _credential(tenant: str, login: Login) -> "TokenCredential":
    from azure import identity

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it writes what failed, at length
    match login:
        case Login.CLI:
            return identity.AzureCliCredential(tenant_id=tenant)
        case Login.BROWSER:
            return identity.InteractiveBrowserCredential(tenant_id=tenant)
        case Login.DEVICE_CODE:
            return identity.DeviceCodeCredential(tenant_id=tenant, prompt_callback=_tell_code)
        case Login.DEFAULT:
            return identity.DefaultAzureCredential(additionally_allowed_tenants=[tenant])


def _tell_code(address: str, code: str, expires_at: datetime) -> None:
    print(f"Open {address} and enter {code}.", file=sys.stderr)


def issuer_of(tenant: str, *, authority: str = AUTHORITY) -> str:
    """The issuer of a tenant, by id or domain, as its own discovery document says.

    Raises ProvisionFailed where there is no such tenant.
    """
    if tenant.lower() in _SHARED or not _TENANT.fullmatch(tenant):
        raise ProvisionFailed(
            f"{tenant[:60]} names no single Entra tenant: give --entra-tenant the directory "
            "(tenant) id, or a domain such as contoso.onmicrosoft.com"
        )
    named = f"{authority}/{tenant}/v2.0"
    issuer = published_issuer(named)
    if issuer != named:  # it was named by a domain: the tenant's id is in what it publishes
        check_issuer(issuer)
    return issuer


def check_issuer(issuer: str) -> str:
    """An issuer whose own discovery document names it. Raises ProvisionFailed."""
    try:
        checked = check_base(issuer)
    except ValueError as fault:
        raise ProvisionFailed(f"the issuer {fault}") from None
    if issuer.endswith("/"):
        raise ProvisionFailed(f"the issuer ends with a slash: give it as {checked}")
    published = published_issuer(issuer)
    if published != issuer:
        raise ProvisionFailed(
            f"the discovery document of {issuer} names another issuer, {published[:120]}: use that"
        )
    return issuer


def published_issuer(issuer: str) -> str:
    """What the discovery document of an issuer says. Raises ProvisionFailed."""
    with Http(issuer, name="The Entra issuer") as http:
        answer = http.send("GET", "/.well-known/openid-configuration")
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.status >= 429:
        raise NoAnswer(f"{issuer} answered {answer.status}: wait a moment, and run it again")
    if answer.status != 200 or not isinstance(body.get("issuer"), str):
        raise Unreachable(
            f"{issuer} has no discovery document: check the tenant, and that the issuer ends "
            "in /v2.0"
        )
    return str(body["issuer"])
