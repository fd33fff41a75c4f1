"""An Entra-like identity provider: discovery, an account picker, and tokens for Microsoft Graph."""

from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.microsoft.state import Client, MicrosoftState
from local.oauth import parameters
from local.oauth.errors import Refusal
from local.oauth.pages import pages_of
from local.oauth.parameters import Parameters

_page: Final = pages_of(Path(__file__).parent / "templates")


async def _configuration(request: Request) -> Response:
    """The discovery document. A tenant can be named by its id or by its domain."""
    host = _state(request).host
    name = request.path_params["tenant"].lower()
    for tenant in host.entra_tenants.values():
        if name in (tenant.id, tenant.domain):
            base = f"{host.url}/entra/{tenant.id}"
            return JSONResponse(
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["pairwise"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "scopes_supported": ["openid", "profile", "email", "offline_access"],
                    "tenant_region_scope": "EU",
                }
            )
    return JSONResponse(
        {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}, 400
    )


async def _pick_account(request: Request) -> Response:
    """The authorization endpoint: a page with the accounts of the tenant."""
    given = parameters.query(request)
    client = _requesting_client(request, given)
    return _page(
        "pick_account.html",
        accounts=client.accounts,
        action=f"/entra/{client.tenant_id}/oauth2/v2.0/sign-in",
        client=client.id,
        state=given.need("state"),
    )


async def _sign_in(request: Request) -> Response:
    """The answer to the account picker: a code for the chosen account, or a cancelled sign-in."""
    state = _state(request)
    given = await parameters.form(request)
    client = next((c for c in state.host.entra_clients() if c.id == given.get("client")), None)
    if client is None or client.tenant_id != request.path_params["tenant"]:
        raise Refusal("invalid_request", "no such directory")
    account, oauth_state = given.get("account"), given.need("state")
    if account is None:
        answer = {"error": "access_denied", "error_subcode": "cancel", "state": oauth_state}
    else:
        if account not in [one.id for one in client.accounts]:
            raise Refusal("invalid_request", "that account is not of this directory")
        answer = {"code": state.issue_code(client, account), "state": oauth_state}
    return RedirectResponse(f"{client.redirect_uri}?{urlencode(answer)}", 303)


async def _graph_token(request: Request) -> Response:
    """A token for Microsoft Graph. Any client gets one: nothing in the tenant is real."""
    state = _state(request)
    tenant = state.host.entra_tenants.get(request.path_params["tenant"])
    if tenant is None:
        return JSONResponse({"error": "invalid_tenant"}, 400)
    token = state.issue_graph_token(tenant.id)
    return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": token})


def _state(request: Request) -> MicrosoftState:
    state: MicrosoftState = request.app.state.microsoft
    return state


def _requesting_client(request: Request, given: Parameters) -> Client:
    """The client of an authorization request. Raises Refusal."""
    state = _state(request)
    for client in state.host.entra_clients():
        if (
            client.tenant_id == request.path_params["tenant"]
            and client.client_id == given.get("client_id")
            and client.redirect_uri == given.get("redirect_uri")
        ):
            if client.is_checked and not _is_registered(client, state):
                raise Refusal("invalid_request", "AADSTS50011: the redirect URI does not match")
            return client
    raise Refusal("invalid_request", "the application is not registered in this directory")


def _is_registered(client: Client, state: MicrosoftState) -> bool:
    registration = state.registration(client.tenant_id, client.client_id)
    return registration is not None and client.redirect_uri in registration.redirect_uris


routes = [
    Route("/entra/{tenant}/v2.0/.well-known/openid-configuration", _configuration),
    Route("/entra/{tenant}/oauth2/v2.0/authorize", _pick_account),
    Route("/entra/{tenant}/oauth2/v2.0/sign-in", _sign_in, methods=["POST"]),
    Route("/entra/{tenant}/oauth2/v2.0/token", _graph_token, methods=["POST"]),
]
