"""Users: find, make, suspend and delete them."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto import user_admin as directory
from local.logto.management.access import ApiRefusal, Body, api_route, body_of, not_found
from local.logto.state import Memory
from local.logto.tenant import User


async def _list(request: Request, memory: Memory) -> Response:
    """All users, or those whose fields are what `search.<field>` says, exactly."""
    email = request.query_params.get("search.primaryEmail")
    username = request.query_params.get("search.username")
    return JSONResponse(
        [
            _shown(user, memory)
            for user in memory.tenant.known_users()
            if email in (None, memory.tenant.email_of(user)) and username in (None, user.username)
        ]
    )


async def _create(request: Request, memory: Memory) -> Response:
    body = await body_of(request, name=str, primaryEmail=str, username=str, password=str)
    if memory.tenant.user_by_email(body.get("primaryEmail", "")) is not None:
        raise ApiRefusal(422, "user.email_already_in_use", "The address is that of another user.")
    name = body.get("name") or body.get("username") or ""
    user = User(
        id=secrets.token_hex(6),
        name=name,
        email=body.get("primaryEmail"),
        username=body.get("username"),
    )
    memory.tenant.users[user.id] = user
    return JSONResponse(_shown(user, memory))


async def _suspend(request: Request, memory: Memory) -> Response:
    body = await body_of(request, isSuspended=bool)
    user = _named(request, memory)
    await directory.suspend(memory, user.id, suspended=body.get("isSuspended", True))
    return JSONResponse(_shown(user, memory))


async def _delete(request: Request, memory: Memory) -> Response:
    await directory.delete(memory, _named(request, memory).id)
    return Response(status_code=204)


def _named(request: Request, memory: Memory) -> User:
    found = memory.tenant.known_user(request.path_params["id"])
    if found is None:
        raise not_found("user")
    return found


def _shown(user: User, memory: Memory) -> Body:
    return {
        "id": user.id,
        "username": user.username,
        "primaryEmail": memory.tenant.email_of(user),
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
