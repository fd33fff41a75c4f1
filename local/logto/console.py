"""The stand-in's console: its users, sign-ins from there, and how it treats refresh tokens."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto import parameters
from local.logto import user_admin as directory
from local.logto.errors import Refusal
from local.logto.pages import page
from local.logto.state import Memory


async def _show(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    response = page(
        "console.html",
        users=[(user, memory.tenant.email_of(user)) for user in memory.tenant.known_users()],
        rotates=any(a.rotate_refresh_token_always for a in memory.tenant.applications.values()),
        revokes=memory.tenant.reuse_revokes_grant,
        hooks=memory.tenant.webhooks,
        applications=[a for a in memory.tenant.applications.values() if a.initiation_uri],
        connectors=list(memory.tenant.connectors.values()),
    )
    # Without a referrer a browser would send `Origin: null` with the forms.
    response.headers["referrer-policy"] = "same-origin"
    return response


async def _user(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    given = await _own_form(request, memory)
    actions: dict[str, Callable[[str], Awaitable[None]]] = {
        "suspend": lambda user: directory.suspend(memory, user),
        "reinstate": lambda user: directory.suspend(memory, user, suspended=False),
        "delete": lambda user: directory.delete(memory, user),
    }
    act, user = actions.get(given.need("action")), given.need("user")
    if act is None or memory.tenant.known_user(user) is None:
        raise Refusal("invalid_request", "no such action or user")
    await act(user)
    return _back(memory)


async def _switch(request: Request) -> Response:
    memory: Memory = request.app.state.memory
    given = await _own_form(request, memory)
    on = given.get("on") == "true"
    if given.need("switch") == "rotate":
        for application in memory.tenant.applications.values():
            application.rotate_refresh_token_always = on
    elif given["switch"] == "revoke":
        memory.tenant.reuse_revokes_grant = on
    else:
        raise Refusal("invalid_request", "no such switch")
    return _back(memory)


async def _launch(request: Request) -> Response:
    """A sign-in that begins at the identity provider: the application is told the connector, and
    begins a sign-in of its own. At Logto, its URL for that is set at the connector."""
    memory: Memory = request.app.state.memory
    given = parameters.query(request)
    application = memory.tenant.applications.get(given.need("application"))
    connector = memory.tenant.connectors.get(given.need("connector"))
    url = application.initiation_uri if application else None
    if url is None or connector is None:
        raise Refusal("invalid_request", "no such application or connector")
    return RedirectResponse(f"{url}?{urlencode({'ssoConnectorId': connector.id})}", 303)


async def _own_form(request: Request, memory: Memory) -> parameters.Parameters:
    """A form of this page's own: no other site suspends anybody."""
    if request.headers.get("origin", memory.url) != memory.url:
        raise Refusal("invalid_request", "the form comes from another site", status=403)
    return await parameters.form(request)


def _back(memory: Memory) -> Response:
    return RedirectResponse(f"{memory.url}/console", 303)


routes = [
    Route("/console", _show),
    Route("/console/user", _user, methods=["POST"]),
    Route("/console/launch", _launch),
    Route("/console/switch", _switch, methods=["POST"]),
]
