"""An Entra-like identity provider: discovery, an account picker, the way back to the connector."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.logto import parameters
from local.logto.errors import Refusal
from local.logto.pages import page
from local.logto.parameters import Parameters
from local.logto.screens import finish, to_sign_in
from local.logto.state import Memory, new_token
from local.logto.tenant import Connector, User


async def _configuration(request: Request) -> Response:
    """The discovery document; a tenant may be named by its id or by its domain."""
    memory: Memory = request.app.state.memory
    wanted = request.path_params["tenant"].lower()
    for directory in memory.tenant.directories.values():
        if wanted in (directory.id, directory.domain):
            base = f"{memory.url}/entra/{directory.id}"
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


async def _pick(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    connector = _connector(request, parameters.query(request), memory)
    return page(
        "pick_account.html",
        accounts=memory.tenant.accounts_of(connector),
        action=f"/entra/{connector.tenant_id}/oauth2/v2.0/sign-in",
        connector=connector.id,
        state=parameters.query(request).need("state"),
    )


async def _picked(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    given = await parameters.form(request)
    connector = memory.tenant.connectors.get(given.get("connector", ""))
    if connector is None or connector.tenant_id != request.path_params["tenant"]:
        raise Refusal("invalid_request", "no such directory")
    account, state = given.get("account"), given.need("state")
    if account is None:
        answer = {"error": "access_denied", "error_subcode": "cancel", "state": state}
    else:
        if account not in [user.id for user in memory.tenant.accounts_of(connector)]:
            raise Refusal("invalid_request", "that account is not of this directory")
        code = new_token()
        memory.entra_codes[code] = (connector.id, account)
        answer = {"code": code, "state": state}
    return RedirectResponse(f"{memory.url}/callback/{connector.id}?{urlencode(answer)}", 303)


async def _callback(request: Request) -> Response:
    """The redirect URI that Entra has for the connector. A cancelled sign-in goes back to Logto's
    sign-in page; the application hears nothing of it."""
    memory: Memory = request.app.state.memory
    given = parameters.query(request)
    interaction = given.need("state")
    if interaction not in memory.interactions:
        raise Refusal("invalid_request", "session not found: begin at the application again")
    if "code" not in given:
        return to_sign_in(interaction, memory)
    named, account = memory.entra_codes.pop(given["code"], ("", ""))
    connector = memory.tenant.connectors.get(request.path_params["connector"])
    person = memory.tenant.users.get(account)
    if connector is None or named != connector.id or person is None:
        raise Refusal("invalid_request", "the connector's sign-in failed")
    if not _secret_is_good(connector, memory):
        raise Refusal("invalid_request", "the connector's client secret is refused by Entra")
    return finish(_user_of(person, connector, memory), interaction, memory)


def _user_of(person: User, connector: Connector, memory: Memory) -> User:
    """Whom Logto knows from now on as somebody who comes through this connector.

    At the first sign-in that is the user with the same address, where the connector trusts it; else
    somebody new.
    """
    tenant = memory.tenant
    user = tenant.linked(person)
    if user is None and not person.known and connector.trust_unverified_email and person.email:
        user = tenant.user_by_email(person.email)
    if user is None:
        user = person
    else:
        user.account = person.id
        if connector.sync_profile:
            user.name, user.picture = person.name, person.picture
    user.connector = connector.id
    return user


def _connector(request: Request, given: Parameters, memory: Memory) -> Connector:
    """The connector that an authorization request is of, as far as the directory allows it."""
    for connector in memory.tenant.connectors.values():
        expected = f"{memory.url}/callback/{connector.id}"
        if (
            connector.tenant_id == request.path_params["tenant"]
            and connector.client_id == given.get("client_id")
            and given.get("redirect_uri") == expected
        ):
            if not _is_registered(connector, expected, memory):
                raise Refusal("invalid_request", "AADSTS50011: the redirect URI does not match")
            return connector
    raise Refusal("invalid_request", "the application is not registered in this directory")


def _is_registered(connector: Connector, redirect_uri: str, memory: Memory) -> bool:
    if connector.client_secret is None:
        return True
    directory = memory.tenant.directories.get(connector.tenant_id)
    registration = directory.by_client(connector.client_id) if directory else None
    return registration is not None and redirect_uri in registration.redirect_uris


def _secret_is_good(connector: Connector, memory: Memory) -> bool:
    if connector.client_secret is None:
        return True
    directory = memory.tenant.directories.get(connector.tenant_id)
    registration = directory.by_client(connector.client_id) if directory else None
    return registration is not None and registration.accepts(
        connector.client_secret, now=memory.clock()
    )


async def _graph_token(request: Request) -> Response:
    """A token for Microsoft Graph. Any client gets one: the directory is pretended."""
    memory: Memory = request.app.state.memory
    directory = memory.tenant.directories.get(request.path_params["tenant"])
    if directory is None:
        return JSONResponse({"error": "invalid_tenant"}, 400)
    token = new_token()
    memory.graph_tokens[token] = directory.id
    return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": token})


routes = [
    Route("/entra/{tenant}/v2.0/.well-known/openid-configuration", _configuration),
    Route("/entra/{tenant}/oauth2/v2.0/authorize", _pick),
    Route("/entra/{tenant}/oauth2/v2.0/sign-in", _picked, methods=["POST"]),
    Route("/entra/{tenant}/oauth2/v2.0/token", _graph_token, methods=["POST"]),
    Route("/callback/{connector}", _callback),
]
