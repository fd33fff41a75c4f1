"""A bearer token: a JWT that Logto issued for one of the configured API resources."""

from typing import Any

from functions.authorizer.request import AuthorizerRequest
from shared.identity import Identity
from shared.services import Services


def bearer_context(request: AuthorizerRequest, services: Services) -> dict[str, Any]:
    """Return the context for the integration. Raises BearerRefused and Unavailable.

    If the route gets an access token, it gets this one, which must be for the route's resource.
    """
    # Imported only here: most requests have a cookie and need no JWT library.
    from functions.authorizer.bearer_token import check_bearer

    target = request.target(services.settings.access_token_routes)
    resources = services.settings.logto_resources if target is None else (target,)
    token, claims = check_bearer(request.authorization or "", resources, services)
    organization = claims.get("organization_id")
    client = claims.get("client_id")
    identity = Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        organizations=(organization,) if isinstance(organization, str) else (),
    )
    context = {
        **identity.context(),
        "scopes": str(claims.get("scope") or "").split(),
        "session_id_hash": "",
        "client_id": client if isinstance(client, str) else "",
    }
    if target is not None:
        context["access_token"] = token
    return context
