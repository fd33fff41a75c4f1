"""The stand-in's console: users, IdP-initiated sign-ins, and switches for refresh tokens."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto import user_admin
from local.logto.pages import page
from local.logto.state import StandInState
from local.oauth import parameters
from local.oauth.errors import Refusal


async def _show(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    response = page(
        "console.html",
        users=[(user, state.tenant.email_of(user)) for user in state.tenant.known_users()],
        rotates=any(a.rotate_refresh_token_always for a in state.tenant.applications.values()),
        revokes=state.tenant.reuse_revokes_grant,
        hooks=state.tenant.webhooks,
        applications=[a for a in state.tenant.applications.values() if a.initiation_uri],
        connectors=list(state.tenant.connectors.values()),
        entra_tenants=list(state.tenant.entra_tenants.values()),
    )
    # With no referrer at all, browsers send `Origin: null` with the forms.
    response.headers["referrer-policy"] = "same-origin"
    return response


async def _user(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = await _own_form(request, state)
    actions: dict[str, Callable[[str], Awaitable[None]]] = {
        "suspend": lambda user: user_admin.suspend(state, user),
        "reinstate": lambda user: user_admin.suspend(state, user, suspended=False),
        "delete": lambda user: user_admin.delete(state, user),
    }
    act, user = actions.get(given.need("action")), given.need("user")
    if act is None or state.tenant.known_user(user) is None:
        raise Refusal("invalid_request", "no such action or user")
    await act(user)
    return _back(state)


async def _switch(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = await _own_form(request, state)
    on = given.get("on") == "true"
    if given.need("switch") == "rotate":
        for application in state.tenant.applications.values():
            application.rotate_refresh_token_always = on
    elif given["switch"] == "revoke":
        state.tenant.reuse_revokes_grant = on
    else:
        raise Refusal("invalid_request", "no such switch")
    return _back(state)


async def _launch(request: Request) -> Response:
    """Begin an IdP-initiated sign-in: send the browser to the application with the connector.

    At a real Logto server, the application's URL is a setting of the connector, which has to be one
    for SAML.
    """
    state: StandInState = request.app.state.stand_in
    given = parameters.query(request)
    application = state.tenant.applications.get(given.need("application"))
    connector = state.tenant.connectors.get(given.need("connector"))
    url = application.initiation_uri if application else None
    if url is None or connector is None:
        raise Refusal("invalid_request", "no such application or connector")
    return RedirectResponse(f"{url}?{urlencode({'ssoConnectorId': connector.id})}", 303)


async def _own_form(request: Request, state: StandInState) -> parameters.Parameters:
    """Parse a form of this page, and refuse those of other sites."""
    if request.headers.get("origin", state.url) != state.url:
        raise Refusal("invalid_request", "the form comes from another site", status=403)
    return await parameters.form(request)


def _back(state: StandInState) -> Response:
    return RedirectResponse(f"{state.url}/console", 303)


routes = [
    Route("/console", _show),
    Route("/console/user", _user, methods=["POST"]),
    Route("/console/launch", _launch),
    Route("/console/switch", _switch, methods=["POST"]),
]
