"""An Entra-like identity provider: an account picker, and the way back through the connector."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto import parameters
from local.logto.errors import Refusal
from local.logto.memory import Memory, new_token
from local.logto.pages import page
from local.logto.screens import finish, to_sign_in
from local.logto.tenant import Connector


async def _pick(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    connector = _connector(request, memory)
    given = parameters.query(request)
    expected = f"{memory.url}/callback/{connector.id}"
    if given.get("client_id") != connector.client_id or given.get("redirect_uri") != expected:
        raise Refusal("invalid_request", "the application is not registered in this directory")
    accounts = [u for u in memory.tenant.users.values() if u.connector == connector.id]
    return page(
        "pick_account.html",
        accounts=accounts,
        action=f"/entra/{connector.tenant_id}/oauth2/v2.0/sign-in",
        state=given.need("state"),
    )


async def _picked(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    connector = _connector(request, memory)
    given = await parameters.form(request)
    account, state = given.get("account"), given.need("state")
    if account is None:
        answer = {"error": "access_denied", "error_subcode": "cancel", "state": state}
    else:
        user = memory.tenant.users.get(account)
        if user is None or user.connector != connector.id:
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
    connector, account = memory.entra_codes.pop(given["code"], ("", ""))
    user = memory.tenant.users.get(account)
    if connector != request.path_params["connector"] or user is None:
        raise Refusal("invalid_request", "the connector's sign-in failed")
    return finish(user, interaction, memory)


def _connector(request: Request, memory: Memory) -> Connector:
    wanted = request.path_params["tenant"]
    for connector in memory.tenant.connectors.values():
        if connector.tenant_id == wanted:
            return connector
    raise Refusal("invalid_request", "no such directory")


routes = [
    Route("/entra/{tenant}/oauth2/v2.0/authorize", _pick),
    Route("/entra/{tenant}/oauth2/v2.0/sign-in", _picked, methods=["POST"]),
    Route("/callback/{connector}", _callback),
]
