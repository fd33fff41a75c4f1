"""A user's sessions at Logto and grants. Ending a session leaves its grants alone."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import ApiRefusal, Body, api_route, not_found
from local.logto.management.users import named_user
from local.logto.state import Grant, Session, StandInState

_TARGETS = ("all", "firstParty")


async def _list(request: Request, state: StandInState) -> Response:
    user = named_user(request, state)
    own = (key for key, one in state.sessions.items() if one.user_id == user.id)
    found = [_shown(session) for key in own if (session := state.active_session(key))]
    return JSONResponse({"sessions": found})


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown(_named(request, state)[1]))


async def _delete(request: Request, state: StandInState) -> Response:
    """End a session, and revoke its grants only if the caller asks for that."""
    key, session = _named(request, state)
    target = request.query_params.get("revokeGrantsTarget")
    if target is not None and target not in _TARGETS:
        raise ApiRefusal(400, "guard.invalid_input", "`revokeGrantsTarget` is not valid.")
    if target is not None:
        for grant in session.grants.values():
            state.grants[grant].revoked = True
    del state.sessions[key]
    return Response(status_code=204)


async def _grants(request: Request, state: StandInState) -> Response:
    user = named_user(request, state)
    found = [_grant_shown(grant, state) for grant in state.active_grants(user.id)]
    return JSONResponse({"grants": found})


async def _revoke(request: Request, state: StandInState) -> Response:
    user = named_user(request, state)
    grant = state.grants.get(request.path_params["grant"])
    if grant is None or grant.revoked or grant.user_id != user.id:
        raise not_found("grant")
    grant.revoked = True
    return Response(status_code=204)


def _named(request: Request, state: StandInState) -> tuple[str, Session]:
    user = named_user(request, state)
    for key, session in state.sessions.items():
        if session.uid == request.path_params["uid"] and session.user_id == user.id:
            return key, session
    raise ApiRefusal(404, "oidc.session_not_found", "The session does not exist.")


def _shown(session: Session) -> Body:
    return {
        "payload": {
            "exp": session.expires_at,
            "iat": session.signed_in_at,
            "jti": session.uid,
            "uid": session.uid,
            "kind": "Session",
            "loginTs": session.signed_in_at,
            "accountId": session.user_id,
            "authorizations": {
                client: {"sid": session.sids[client], "grantId": grant}
                for client, grant in session.grants.items()
            },
        },
        "lastSubmission": None,
        "clientId": next(reversed(session.grants), None),
        "accountId": session.user_id,
        "expiresAt": session.expires_at * 1000,
    }


def _grant_shown(grant: Grant, state: StandInState) -> Body:
    expires_at = state.end_of(grant)
    return {
        "id": grant.id,
        "payload": {
            "exp": expires_at,
            "iat": grant.issued_at,
            "jti": grant.id,
            "kind": "Grant",
            "clientId": grant.client_id,
            "accountId": grant.user_id,
        },
        "expiresAt": expires_at * 1000,
    }


routes = [
    api_route("/users/{id}/sessions", "GET", _list),
    api_route("/users/{id}/sessions/{uid}", "GET", _read),
    api_route("/users/{id}/sessions/{uid}", "DELETE", _delete),
    api_route("/users/{id}/grants", "GET", _grants),
    api_route("/users/{id}/grants/{grant}", "DELETE", _revoke),
]
