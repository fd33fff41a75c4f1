"""An Entra-like identity provider: discovery, sign-in, end of session, and tokens for Graph."""

from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.microsoft.entra_tenants import EntraTenant
from local.microsoft.state import Account, Client, MicrosoftState
from local.oauth import parameters
from local.oauth.errors import Refusal
from local.oauth.pages import pages_of
from local.oauth.parameters import Parameters

SESSION_COOKIE: Final = "ESTSAUTH"
"""Microsoft's own name, which neither Logto nor the product uses."""
_PATH: Final = "/entra/"
_QUESTIONS: Final = frozenset({"login", "select_account"})
_page: Final = pages_of(Path(__file__).parent / "templates")


async def _configuration(request: Request) -> Response:
    """The discovery document. A tenant can be named by its id or by its domain."""
    tenant = _named_tenant(request)
    if tenant is None:
        return JSONResponse(
            {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}, 400
        )
    base = f"{_state(request).host.url}{_PATH}{tenant.id}"
    return JSONResponse(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        }
    )


async def _authorize(request: Request) -> Response:
    """Answer with a code if the account is signed in already, else with the account picker."""
    state, given = _state(request), parameters.query(request)
    client = _requesting_client(request, given)
    account = state.signed_in(_session(request), client)
    if account is not None and given.get("prompt") not in _QUESTIONS:
        return _signed_in(request, client, account, given)
    return _page(
        "pick_account.html",
        accounts=client.accounts,
        action=f"{_PATH}{client.tenant_id}/oauth2/v2.0/sign-in",
        client=client.id,
        state=given.need("state"),
        nonce=given.get("nonce", ""),
    )


async def _sign_in(request: Request) -> Response:
    """Answer the account picker: a code for the chosen account, or a cancelled sign-in."""
    state = _state(request)
    given = await parameters.form(request)
    client = next((c for c in state.host.entra_clients() if c.id == given.get("client")), None)
    if client is None or client.tenant_id != request.path_params["tenant"]:
        raise Refusal("invalid_request", "no such directory")
    if "account" not in given:
        answer = {
            "error": "access_denied",
            "error_subcode": "cancel",
            "state": given.need("state"),
        }
        return RedirectResponse(f"{client.redirect_uri}?{urlencode(answer)}", 303)
    account = next((one for one in client.accounts if one.id == given["account"]), None)
    if account is None:
        raise Refusal("invalid_request", "that account is not of this directory")
    return _signed_in(request, client, account, given)


def _signed_in(request: Request, client: Client, account: Account, given: Parameters) -> Response:
    """Send the browser back with a code, and keep the account signed in at Entra."""
    state = _state(request)
    answer = {
        "code": state.issue_code(client, account, given.get("nonce")),
        "state": given.need("state"),
    }
    response = RedirectResponse(f"{client.redirect_uri}?{urlencode(answer)}", 303)
    value = state.start_session(_session(request), account)
    response.set_cookie(SESSION_COOKIE, value, path=_PATH, httponly=True, samesite="lax")
    return response


async def _end_session(request: Request) -> Response:
    """End the browser's session at Entra.

    It goes on to `post_logout_redirect_uri` only if an application of the tenant has registered it.
    """
    state, tenant = _state(request), _named_tenant(request)
    if tenant is None:
        raise Refusal("invalid_request", "AADSTS90002: Tenant not found.")
    state.end_session(_session(request))
    uri = parameters.query(request).get("post_logout_redirect_uri", "")
    response: Response = _page("signed_out.html")
    if tenant.has_redirect_uri(uri):
        response = RedirectResponse(uri, 303)
    response.delete_cookie(SESSION_COOKIE, path=_PATH, httponly=True, samesite="lax")
    return response


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


def _session(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _named_tenant(request: Request) -> EntraTenant | None:
    """Find the tenant that the path names, by its id or by its domain."""
    name = request.path_params["tenant"].lower()
    tenants = _state(request).host.entra_tenants.values()
    return next((tenant for tenant in tenants if name in (tenant.id, tenant.domain)), None)


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
    Route("/entra/{tenant}/oauth2/v2.0/authorize", _authorize),
    Route("/entra/{tenant}/oauth2/v2.0/logout", _end_session),
    Route("/entra/{tenant}/oauth2/v2.0/sign-in", _sign_in, methods=["POST"]),
    Route("/entra/{tenant}/oauth2/v2.0/token", _graph_token, methods=["POST"]),
]
