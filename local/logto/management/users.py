"""Users: find, create, suspend and delete them."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto import user_admin
from local.logto.management.access import ApiRefusal, Body, api_route, body_of, not_found
from local.logto.state import StandInState
from local.logto.tenant import User


async def _list(request: Request, state: StandInState) -> Response:
    """List all users, or those whose fields equal `search.<field>`."""
    email = request.query_params.get("search.primaryEmail")
    username = request.query_params.get("search.username")
    return JSONResponse(
        [
            _shown(user, state)
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
    )
    state.tenant.users[user.id] = user
    return JSONResponse(_shown(user, state))


async def _suspend(request: Request, state: StandInState) -> Response:
    body = await body_of(request, isSuspended=bool)
    user = _named(request, state)
    await user_admin.suspend(state, user.id, suspended=body.get("isSuspended", True))
    return JSONResponse(_shown(user, state))


async def _delete(request: Request, state: StandInState) -> Response:
    await user_admin.delete(state, _named(request, state).id)
    return Response(status_code=204)


def _named(request: Request, state: StandInState) -> User:
    found = state.tenant.known_user(request.path_params["id"])
    if found is None:
        raise not_found("user")
    return found


def _shown(user: User, state: StandInState) -> Body:
    return {
        "id": user.id,
        "username": user.username,
        "primaryEmail": state.tenant.email_of(user),
        "name": user.name,
        "avatar": user.picture,
        "isSuspended": user.suspended,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
    }


routes = [
    api_route("/users", "GET", _list),
    api_route("/users", "POST", _create),
    api_route("/users/{id}/is-suspended", "PATCH", _suspend),
    api_route("/users/{id}", "DELETE", _delete),
]
