"""Logto's own screens: sign in, register, single sign-on, and the redirect to a connector."""

import secrets
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto.authorization import INTERACTION_COOKIE
from local.logto.pages import page
from local.logto.state import AuthorizationRequest, StandInState
from local.logto.tenant import Connector, User
from local.oauth import parameters
from local.oauth.errors import Refusal
from local.oauth.parameters import Parameters

_TITLES: Final = {
    "/sign-in": "Sign in",
    "/identifier-sign-in": "Sign in",
    "/single-sign-on": "Single sign-on",
    "/register": "Create an account",
    "/identifier-register": "Create an account",
    "/reset-password": "Reset the password",
}


async def _show(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    interaction, pending = _interaction(request, parameters.query(request), state)
    return _screen(request.url.path, interaction, pending, state)


async def _submit(request: Request) -> Response:
    """Continue with the connector of the address's domain, or with an account of Logto."""
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    interaction, pending = _interaction(request, given, state)
    path, email = request.url.path, given.get("identifier", "").strip()
    if connector := state.tenant.connector_of(email):
        return to_connector(connector, interaction, state)
    user = state.tenant.user_by_email(email)
    if path in ("/register", "/identifier-register"):
        if "@" not in email or not given.get("name"):
            return _screen(path, interaction, pending, state, "Enter a name and an e-mail address.")
        if user is not None:
            return _screen(
                path, interaction, pending, state, "That address has an account already."
            )
        user = User(id=secrets.token_hex(6), name=given["name"], email=email)
        state.tenant.users[user.id] = user
    if user is None:
        return _screen(path, interaction, pending, state, "No account has that address.")
    return finish(user, interaction, state)


async def _sso(request: Request) -> Response:
    """Continue with the connector whose button was pressed."""
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    interaction, _ = _interaction(request, given, state)
    connector = state.tenant.connectors.get(given.get("connector", ""))
    if connector is None or not state.tenant.single_sign_on_enabled:
        raise Refusal("invalid_request", "unknown connector")
    return to_connector(connector, interaction, state)


async def _direct(request: Request) -> Response:
    """Continue with the connector of `direct_sign_in`, if it exists and enterprise SSO is on."""
    state: StandInState = request.app.state.stand_in
    interaction, _ = _interaction(request, parameters.query(request), state)
    connector = state.tenant.connectors.get(request.path_params["connector"])
    if connector is None or not state.tenant.single_sign_on_enabled:
        return to_sign_in(interaction, state)
    return to_connector(connector, interaction, state)


def to_sign_in(interaction: str, state: StandInState) -> Response:
    """Redirect to Logto's sign-in page."""
    return RedirectResponse(f"{state.url}/sign-in?interaction={interaction}", 303)


def to_connector(connector: Connector, interaction: str, state: StandInState) -> Response:
    """Redirect to the connector's identity provider."""
    query = {
        "client_id": connector.client_id,
        "redirect_uri": state.callback_of(connector),
        "response_type": "code",
        "state": interaction,
    }
    own = f"{state.url}/entra/{connector.tenant_id}/oauth2/v2.0/authorize"
    url = connector.authorization_endpoint or own
    return RedirectResponse(f"{url}?{urlencode(query)}", 303)


def finish(user: User, interaction: str, state: StandInState) -> Response:
    """Sign a user in, and continue with the authorization request; refuse suspended users."""
    if user.suspended:
        return page("suspended.html", status=403, interaction=interaction)
    state.signed_in[interaction] = user.id
    return RedirectResponse(f"{state.issuer}/auth/{interaction}", 303)


def _interaction(
    request: Request, given: Parameters, state: StandInState
) -> tuple[str, AuthorizationRequest]:
    """Find the pending request by the page's own value or the browser's cookie. Raises Refusal."""
    interaction = given.get("interaction") or request.cookies.get(INTERACTION_COOKIE, "")
    pending = state.interactions.get(interaction)
    if pending is None:
        raise Refusal("invalid_request", "session not found: begin at the application again")
    return interaction, pending


def _screen(
    path: str,
    interaction: str,
    pending: AuthorizationRequest,
    state: StandInState,
    fault: str | None = None,
) -> Response:
    connectors = state.tenant.connectors.values() if state.tenant.single_sign_on_enabled else ()
    return page(
        "sign_in.html",
        status=200 if fault is None else 422,
        path=path,
        title=_TITLES[path],
        registers=path in ("/register", "/identifier-register"),
        resets=path == "/reset-password",
        interaction=interaction,
        connectors=connectors,
        hint=(pending.login_hint or "") if path != "/single-sign-on" else "",
        fault=fault,
    )


routes = [
    *(Route(path, _show) for path in _TITLES),
    *(Route(path, _submit, methods=["POST"]) for path in _TITLES),
    Route("/sso", _sso, methods=["POST"]),
    Route("/direct/sso/{connector}", _direct),
]
