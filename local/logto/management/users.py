"""Users: find, create, suspend and delete them."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto import user_admin
from local.logto.management.access import ApiRefusal, api_route, body_of, not_found
from local.logto.state import StandInState
from local.logto.tenant import User
from local.logto.webhooks import caller_of, user_data

_CHANGEABLE = {"name": "name", "primaryEmail": "email", "username": "username", "avatar": "picture"}


async def _list(request: Request, state: StandInState) -> Response:
    """List all users, or those whose fields equal `search.<field>`."""
    email = request.query_params.get("search.primaryEmail")
    username = request.query_params.get("search.username")
    return JSONResponse(
        [
            user_data(user, state.tenant)
            for user in state.tenant.known_users()
            if email in (None, state.tenant.email_of(user)) and username in (None, user.username)
        ]
    )


async def _create(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, primaryEmail=str, username=str, password=str)
    if state.tenant.user_by_email(body.get("primaryEmail", "")) is not None:
        raise ApiRefusal(422, "user.email_already_in_use", "The address is that of another user.")
    name = body.get("name") or body.get("username") or ""
    user = User(
        id=secrets.token_hex(6),
        name=name,
        email=body.get("primaryEmail"),
        username=body.get("username"),
        password=body.get("password"),
    )
    await user_admin.create(state, user, caller_of(request))
    return JSONResponse(user_data(user, state.tenant))


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(user_data(named_user(request, state), state.tenant))


async def _patch(request: Request, state: StandInState) -> Response:
    user = named_user(request, state)
    body = await body_of(request, **dict.fromkeys(_CHANGEABLE, (str, type(None))))
    changes = {_CHANGEABLE[name]: value for name, value in body.items()}
    await user_admin.change(state, user, changes, caller_of(request))
    return JSONResponse(user_data(user, state.tenant))


async def _suspend(request: Request, state: StandInState) -> Response:
    body = await body_of(request, isSuspended=bool)
    user, suspended = named_user(request, state), body.get("isSuspended", True)
    await user_admin.suspend(state, user.id, suspended=suspended, caller=caller_of(request))
    return JSONResponse(user_data(user, state.tenant))


async def _delete(request: Request, state: StandInState) -> Response:
    await user_admin.delete(state, named_user(request, state).id, caller_of(request))
    return Response(status_code=204)


def named_user(request: Request, state: StandInState) -> User:
    """Find the user whose id is in the path. Raises ApiRefusal."""
    found = state.tenant.known_user(request.path_params["id"])
    if found is None:
        raise not_found("user")
    return found


routes = [
    api_route("/users", "GET", _list),
    api_route("/users", "POST", _create),
    api_route("/users/{id}", "GET", _read),
    api_route("/users/{id}", "PATCH", _patch),
    api_route("/users/{id}/is-suspended", "PATCH", _suspend),
    api_route("/users/{id}", "DELETE", _delete),
]
