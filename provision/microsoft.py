"""Microsoft sign-in: tokens for Graph through azure-identity, and the issuer of a tenant."""

import enum
import logging
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from provision.clouds import PUBLIC, Cloud, Microsoft
from provision.errors import NoAnswer, ProvisionFailed, Unreachable
from provision.graph_api import TokenSource
from provision.http import JsonClient
from provision.machine import check_certificates, proxy_for
from provision.waiting import waiting_for
from shared.parsing.urls import check_base, origin_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AUTHORITY: Final = PUBLIC.authority
_TENANT: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_TENANT_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_SHARED: Final = ("common", "organizations", "consumers")
"""Names that stand for many tenants at once."""


class Login(enum.StrEnum):
    """How to sign in to Microsoft."""

    DEFAULT = "default"
    CLI = "cli"
    BROWSER = "browser"
    DEVICE_CODE = "device-code"


Credentials = Callable[[str, Login, Microsoft], TokenSource]
"""Returns the source of Graph tokens for a tenant of a cloud."""

_AZURE_CLI: Final = {Cloud.USGOV: "AzureUSGovernment", Cloud.CHINA: "AzureChinaCloud"}
"""What the Azure CLI calls the clouds that it does not use by default."""


def credentials(tenant: str, login: Login, microsoft: Microsoft = PUBLIC) -> TokenSource:
    """Return a source of Graph tokens from azure-identity.

    `Login.DEFAULT` tries the environment, managed identity and the command-line tools in turn.
    This function and the source raise ProvisionFailed.
    """
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    if not microsoft.authority.startswith("https://"):
        raise ProvisionFailed(
            f"Nobody can sign in at {microsoft.authority}, which is without TLS.",
            "Do without: --manual-entra (doctor: --no-check-entra).",
        )
    # azure-identity takes any fault of these for a sign-in that does not work.
    proxy_for(microsoft.authority)
    check_certificates("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

    unusable = ProvisionFailed(
        "The Microsoft sign-in in the environment cannot be used.",
        "Check AZURE_CLIENT_CERTIFICATE_PATH and AZURE_TOKEN_CREDENTIALS, or pass another "
        "--entra-login.",
    )
    try:
        credential = _credential(tenant, login, microsoft)
    except (OSError, ValueError):
        raise unusable from None

    def token() -> str:
        try:
            with waiting_for("Microsoft's sign-in"):
                return credential.get_token(microsoft.scope, tenant_id=tenant).token
        except ClientAuthenticationError:
            raise ProvisionFailed(
                f"No Microsoft sign-in works for the tenant {tenant}.",
                f"Run {_az_login(tenant, microsoft)}, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                "AZURE_CLIENT_SECRET, or pass --entra-login device-code, or do without: "
                "--manual-entra (doctor: --no-check-entra).",
            ) from None
        except AzureError as failure:
            raise Unreachable(
                f"Microsoft's sign-in cannot be reached ({type(failure).__name__}).",
                "Check the network, and run the command again.",
            ) from None
        except (OSError, ValueError):
            raise unusable from None

    return token


def _credential(tenant: str, login: Login, microsoft: Microsoft) -> "TokenCredential":
    from azure import identity

    # azure-identity logs every failure at length, and the translated error says what matters.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    authority = microsoft.authority
    match login:
        case Login.CLI:
            return identity.AzureCliCredential(tenant_id=tenant)
        case Login.BROWSER:
            return identity.InteractiveBrowserCredential(tenant_id=tenant, authority=authority)
        case Login.DEVICE_CODE:
            return identity.DeviceCodeCredential(
                tenant_id=tenant, authority=authority, prompt_callback=_print_code
            )
        case Login.DEFAULT:
            return identity.DefaultAzureCredential(
                authority=authority, additionally_allowed_tenants=[tenant]
            )


def _az_login(tenant: str, microsoft: Microsoft) -> str:
    """Return the commands of the Azure CLI that sign in to a tenant."""
    name = _AZURE_CLI.get(microsoft.cloud)
    login = f"`az login --tenant {tenant}`"
    return f"`az cloud set --name {name}` and {login}" if name else login


def _print_code(address: str, code: str, expires_at: datetime) -> None:
    print(f"Open {address} and enter {code}.", file=sys.stderr)


def issuer_of(tenant: str, *, authority: str = AUTHORITY) -> str:
    """Return the issuer of a tenant, named by id or domain, from its discovery document.

    Raises ProvisionFailed if there is no such tenant.
    """
    if tenant.lower() in _SHARED or not _TENANT.fullmatch(tenant):
        raise ProvisionFailed(
            f"{tenant[:60]} does not name a single Entra tenant.",
            "Pass the directory (tenant) id, or a domain such as contoso.onmicrosoft.com, to "
            "--entra-tenant.",
        )
    named = f"{authority}/{tenant}/v2.0"
    issuer = published_issuer(named)
    if issuer != named:  # it was named by a domain: the tenant's id is in what it publishes
        check_issuer(issuer)
    return issuer


def names_one_tenant(issuer: str) -> bool:
    """Tell whether an issuer names one tenant, and not all of them at once or a template."""
    tenant = tenant_of(issuer)
    return _TENANT.fullmatch(tenant) is not None and tenant.lower() not in _SHARED


def better_issuer(issuer: str, published: str | None = None) -> str:
    """Return what to write in place of a wrong issuer; `published` is in its discovery document.

    Microsoft publishes a template for names of many tenants, and another issuer for its endpoints
    of version 1.0: neither is of use to a connector.
    """
    if published and published.endswith("/v2.0") and names_one_tenant(published):
        return published
    try:
        origin, path = origin_of(issuer), urlsplit(issuer).path
    except ValueError:
        origin, path = AUTHORITY, ""
    found = _TENANT_ID.search(f"{path} {published or ''}")
    better = f"{origin}/{found[0].lower() if found else '<tenant id>'}/v2.0"
    return better if better != issuer else f"{origin}/<tenant id>/v2.0"


def tenant_of(issuer: str) -> str:
    """Return the tenant's id, the last part of the issuer's path before `/v2.0`."""
    return issuer.removesuffix("/v2.0").rpartition("/")[2]


def check_issuer(issuer: str) -> str:
    """Return the issuer if its own discovery document names it. Raises ProvisionFailed."""
    try:
        checked = check_base(issuer)
    except ValueError as fault:
        raise ProvisionFailed(f"The issuer {fault}.", "Correct --issuer.") from None
    if issuer.endswith("/"):
        raise ProvisionFailed("The issuer ends with a slash.", f"Pass it as {checked}.")
    if not names_one_tenant(issuer):
        raise ProvisionFailed(
            f"The issuer {issuer[:120]} does not name a single Entra tenant.",
            f"Pass {better_issuer(issuer)} to --issuer, or the tenant to --entra-tenant.",
        )
    published = published_issuer(issuer)
    if published != issuer:
        raise ProvisionFailed(
            f"The discovery document of {issuer} names another issuer, {published[:120]}.",
            f"Pass {better_issuer(issuer, published)} to --issuer.",
        )
    return issuer


def published_issuer(issuer: str) -> str:
    """Return the issuer that the discovery document of an issuer names. Raises ProvisionFailed."""
    with JsonClient(issuer, name="The Entra issuer") as http:
        response = http.send("GET", "/.well-known/openid-configuration")
    body = response.body if isinstance(response.body, dict) else {}
    if response.status >= 429:
        raise NoAnswer(
            f"{issuer} answered {response.status}.", "Wait a moment, and run the command again."
        )
    if response.status != 200 or not isinstance(body.get("issuer"), str):
        raise Unreachable(
            f"{issuer} has no discovery document.",
            "Check the tenant, and that the issuer ends in /v2.0.",
        )
    return str(body["issuer"])
