"""Logto's own screens: sign in, register, single sign-on, and the redirect to a connector."""

import secrets
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto import webhooks
from local.logto.authorization import INTERACTION_COOKIE
from local.logto.pages import page
from local.logto.state import AuthorizationRequest, StandInState, new_token
from local.logto.tenant import Connector, Tenant, User
from local.oauth import parameters
from local.oauth.errors import Refusal, answer_refusal
from local.oauth.parameters import Parameters

_TITLES: Final = {
    "/sign-in": "Sign in",
    "/identifier-sign-in": "Sign in",
    "/single-sign-on": "Single sign-on",
    "/register": "Create an account",
    "/identifier-register": "Create an account",
    "/reset-password": "Reset the password",
}


class UnknownSession(Refusal):
    """A page was opened without a pending authorization request."""

    def __init__(self) -> None:
        super().__init__("invalid_request", "session not found: begin at the application again")


async def answer_unknown_session(request: Request, refusal: Exception) -> Response:
    """Redirect to the URL that the sign-in experience has for this, if any."""
    state: StandInState = request.app.state.stand_in
    url = state.tenant.sign_in_experience.get("unknownSessionRedirectUrl")
    return RedirectResponse(url, 303) if url else await answer_refusal(request, refusal)


async def _show(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    interaction, pending = _interaction(request, parameters.query(request), state)
    return _screen(request.url.path, interaction, pending, state)


async def _submit(request: Request) -> Response:
    """Continue with the connector of the address's domain, or with an account of Logto.

    A password is that of an account of Logto, also for users of a connector.
    """
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    interaction, pending = _interaction(request, given, state)
    path, name = request.url.path, given.get("identifier", "").strip()
    connectors = [] if "password" in given else state.tenant.connectors_of(name)
    if len(connectors) == 1:
        return to_connector(connectors[0], interaction, state)
    if connectors:
        return _choice(interaction, connectors)
    user = state.tenant.user_by_name(name)
    registers = path in ("/register", "/identifier-register")
    if registers:
        if "@" not in name or not given.get("name"):
            return _screen(path, interaction, pending, state, "Enter a name and an e-mail address.")
        if user is not None:
            return _screen(
                path, interaction, pending, state, "That address has an account already."
            )
        user = User(
            id=secrets.token_hex(6),
            name=given["name"],
            email=name,
            password=given.get("password"),
        )
        _join_organizations(user, name, state.tenant)
        state.tenant.users[user.id] = user
    if user is None:
        return _screen(path, interaction, pending, state, "No account has that name or address.")
    if user.password is not None and not _is_right(given.get("password", ""), user.password):
        return _screen(path, interaction, pending, state, "The password is not right.")
    return await finish(request, user, interaction, registered=registers)


def _is_right(given: str, password: str) -> bool:
    return secrets.compare_digest(given.encode(), password.encode())


def _join_organizations(user: User, email: str, tenant: Tenant) -> None:
    """Make a new user a member of the organizations that take addresses of this domain."""
    domain = email.rpartition("@")[2].lower()
    for organization in tenant.organizations.values():
        if domain in organization.jit_domains:
            organization.members.setdefault(user.id, tuple(organization.jit_roles))


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
    """Redirect to the connector's identity provider.

    Nothing of the application's request goes with it: neither `prompt` nor `login_hint`.
    """
    query = {
        "scope": "openid profile email",
        "nonce": new_token(),
        "client_id": connector.client_id,
        "redirect_uri": state.callback_of(connector),
        "response_type": "code",
        "state": interaction,
    }
    own = f"{state.url}/entra/{connector.tenant_id}/oauth2/v2.0/authorize"
    url = connector.authorization_endpoint or own
    return RedirectResponse(f"{url}?{urlencode(query)}", 303)


async def finish(
    request: Request, user: User, interaction: str, *, registered: bool = False
) -> Response:
    """Sign a user in, and continue with the authorization request; refuse suspended users."""
    state: StandInState = request.app.state.stand_in
    if user.suspended:
        return page("suspended.html", status=403, interaction=interaction)
    state.signed_in[interaction] = user.id
    await _send_event(request, user, state.interactions[interaction], state, registered)
    return RedirectResponse(f"{state.issuer}/auth/{interaction}", 303)


async def _send_event(
    request: Request,
    user: User,
    pending: AuthorizationRequest,
    state: StandInState,
    registered: bool,
) -> None:
    application = state.tenant.applications[pending.client_id]
    caller = webhooks.caller_of(request)
    details = {
        "interactionEvent": "Register" if registered else "SignIn",
        "userAgent": caller["userAgent"],
        "userIp": caller["ip"],
        "userId": user.id,
        "user": webhooks.user_data(user, state.tenant),
        "application": {
            "id": application.id,
            "type": "Traditional",
            "name": application.name,
            "description": application.description,
        },
    }
    event = webhooks.REGISTRATION if registered else webhooks.SIGN_IN
    await webhooks.send(state, event, {}, details)


def _interaction(
    request: Request, given: Parameters, state: StandInState
) -> tuple[str, AuthorizationRequest]:
    """Find the pending request by the page's own value or the browser's cookie. Raises Refusal."""
    interaction = given.get("interaction") or request.cookies.get(INTERACTION_COOKIE, "")
    pending = state.interactions.get(interaction)
    if pending is None:
        raise UnknownSession
    return interaction, pending


def _choice(interaction: str, connectors: Iterable[Connector]) -> Response:
    """Let the user choose between connectors that name one domain."""
    return page("choose_connector.html", interaction=interaction, connectors=connectors)


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
