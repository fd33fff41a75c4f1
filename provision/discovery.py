"""The check of Logto's discovery document that the product makes at its first sign-in."""

from typing import Final

from provision.errors import ProvisionFailed, Unreachable
from provision.http import JsonClient
from shared.errors import ProviderMisbehaved
from shared.oidc.provider import check_metadata

PATH: Final = "/oidc/.well-known/openid-configuration"


def check_logto(endpoint: str) -> None:
    """Check that Logto has the endpoint as its own address. Raises ProvisionFailed.

    Every sign-in fails if it calls itself otherwise, as it does behind another name or a proxy.
    """
    with JsonClient(endpoint, name="Logto") as http:
        response = http.send("GET", PATH)
    if response.status >= 429:
        raise Unreachable(
            f"Logto at {endpoint} answered {response.status}.",
            "Wait a moment, and run the command again.",
        )
    document = response.body if isinstance(response.body, dict) else {}
    issuer = document.get("issuer")
    is_logtos = str(document.get("authorization_endpoint")).endswith("/oidc/auth")
    if response.status != 200 or not isinstance(issuer, str) or not is_logtos:
        raise Unreachable(
            f"{endpoint} is not a Logto endpoint: it has no discovery document of Logto's.",
            "Pass the address that the Logto Console shows, such as https://tenant.logto.app, "
            "to --logto-endpoint, without a path.",
        )
    if issuer != f"{endpoint}/oidc":
        raise ProvisionFailed(
            f"Logto at {endpoint} calls itself {issuer[:200]}, so every sign-in would fail.",
            f"Pass {issuer.removesuffix('/oidc')[:200]} to --logto-endpoint, or correct the "
            "ENDPOINT that Logto itself is configured with.",
        )
    try:
        check_metadata(document, endpoint=endpoint)
    except ProviderMisbehaved as fault:
        raise ProvisionFailed(
            f"The discovery document of Logto at {endpoint} is not valid ({fault}).",
            "Correct the ENDPOINT that Logto itself is configured with.",
        ) from None
