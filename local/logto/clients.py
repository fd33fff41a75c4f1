"""Client authentication at the OAuth endpoints: by HTTP Basic or in the form."""

import secrets

from starlette.requests import Request

from local.logto.tenant import Application, Machine, Tenant
from local.oauth.errors import Refusal
from local.oauth.parameters import Parameters, basic_credentials


def authenticate(request: Request, parameters: Parameters, tenant: Tenant) -> Application:
    """Authenticate the application that sent this request. Raises Refusal."""
    client = authenticate_client(request, parameters, tenant)
    if isinstance(client, Machine):
        raise Refusal("unauthorized_client", "requested grant type is not allowed for this client")
    return client


def authenticate_client(
    request: Request, parameters: Parameters, tenant: Tenant
) -> Application | Machine:
    """Authenticate the application or machine that sent this request. Raises Refusal."""
    basic = basic_credentials(request)
    if basic is not None and "client_secret" in parameters:
        raise Refusal("invalid_request", "client authentication must only be provided in one way")
    identifier, secret = basic or (parameters.get("client_id"), parameters.get("client_secret"))
    if identifier is None:
        raise Refusal("invalid_client", "no client authentication mechanism provided", status=401)
    client = tenant.applications.get(identifier) or tenant.machines.get(identifier)
    if client is None:
        raise Refusal("invalid_client", "client is unavailable")
    given = (secret or "").encode()
    if not any(secrets.compare_digest(given, one.encode()) for one in client.secrets):
        raise Refusal("invalid_client", "client authentication failed", status=401)
    return client
