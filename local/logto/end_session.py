"""RP-initiated logout: a page that submits itself, then a redirect to the application."""

import asyncio
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.logto import backchannel
from local.logto.authorization import SESSION_COOKIE
from local.logto.pages import page
from local.logto.state import EndSession, StandInState, new_token
from local.oauth import parameters
from local.oauth.errors import Refusal
from local.oauth.parameters import Parameters


async def _end(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = (
        await parameters.form(request) if request.method == "POST" else parameters.query(request)
    )
    client_id = _client(given, state)
    redirect_uri = given.get("post_logout_redirect_uri")
    if client_id is None:
        redirect_uri = None  # ignored: no application is identified
    elif redirect_uri is not None:
        registered = state.tenant.applications[client_id].post_logout_redirect_uris
        if redirect_uri not in registered:
            raise Refusal("invalid_request", "post_logout_redirect_uri not registered")
    ticket = new_token()
    state.end_sessions[ticket] = EndSession(
        client_id=client_id, redirect_uri=redirect_uri, state=given.get("state")
    )
    return page("end_session.html", ticket=ticket)


def _client(given: Parameters, state: StandInState) -> str | None:
    """Identify the application by its hint, which may have expired, or by its id."""
    client_id = given.get("client_id")
    if "id_token_hint" in given:
        claims = state.keys.read(given["id_token_hint"])
        if claims is None or claims.get("iss") != state.issuer:
            raise Refusal("invalid_request", "could not validate id_token_hint")
        if client_id not in (None, claims["aud"]):
            raise Refusal("invalid_request", "client_id does not match the provided id_token_hint")
        client_id = str(claims["aud"])
    if client_id is not None and client_id not in state.tenant.applications:
        raise Refusal("invalid_client", "client is invalid")
    return client_id


async def _confirm(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    pending = state.end_sessions.pop(given.need("xsrf"), None)
    if pending is None:
        raise Refusal("invalid_request", "could not find logout details")
    session = state.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
    if session is not None:
        for code in state.codes.values():
            grant = code.grant
            if grant.sid in session.sids.values() and "offline_access" not in grant.scopes:
                grant.revoked = True
        await asyncio.gather(
            *(
                backchannel.send(state, client_id, session.user_id, sid)
                for client_id, sid in session.sids.items()
            )
        )
    target = f"{state.url}/oidc/session/end/success"
    if pending.redirect_uri is not None:
        query = {"state": pending.state} if pending.state is not None else {}
        target = pending.redirect_uri + (f"?{urlencode(query)}" if query else "")
    response = RedirectResponse(target, 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


async def _success(request: Request) -> Response:
    return page("signed_out.html")


routes = [
    Route("/oidc/session/end", _end, methods=["GET", "POST"]),
    Route("/oidc/session/end/confirm", _confirm, methods=["POST"]),
    Route("/oidc/session/end/success", _success),
]
