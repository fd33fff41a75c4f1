"""Authorization, errors and JSON bodies of the Management API."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.logto.state import StandInState
from local.logto.tenant import MANAGEMENT_RESOURCE

Body = dict[str, Any]
Endpoint = Callable[[Request, StandInState], Awaitable[Response]]


class ApiRefusal(Exception):
    """A call that is refused, with Logto's `code` and `message`."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.body = {"message": message, "code": code, **({"data": data} if data else {})}


async def answer_api_refusal(request: Request, refusal: Exception) -> Response:
    """Answer with JSON and the refusal's status."""
    if not isinstance(refusal, ApiRefusal):
        raise refusal
    return JSONResponse(refusal.body, refusal.status)


def api_route(path: str, method: str, endpoint: Endpoint) -> Route:
    """Make a route below `/api`, for callers with a token for the Management API."""

    async def checked(request: Request) -> Response:
        state: StandInState = request.app.state.stand_in
        _check_token(request, state)
        return await endpoint(request, state)

    return Route(f"/api{path}", checked, methods=[method])


def _check_token(request: Request, state: StandInState) -> None:
    given = request.headers.get("authorization")
    if given is None:
        raise ApiRefusal(401, "auth.authorization_header_missing", "Authorization is missing.")
    scheme, _, token = given.partition(" ")
    claims = state.keys.read(token) if scheme.lower() == "bearer" else None
    if (
        claims is None
        or claims.get("aud") != MANAGEMENT_RESOURCE
        or claims.get("exp", 0) <= state.clock()
    ):
        raise ApiRefusal(401, "auth.unauthorized", "Unauthorized. Check the credentials.")
    if "all" not in str(claims.get("scope", "")).split():
        raise ApiRefusal(403, "auth.forbidden", "Forbidden. Check the roles and permissions.")


async def body_of(request: Request, **kinds: type | tuple[type, ...]) -> Body:
    """Parse a JSON body: an object whose members have these types.

    Members may be missing. Raises ApiRefusal, also for a member that is not listed.
    """
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiRefusal(400, "guard.invalid_input", "The body is not a JSON object.")
    for name, value in body.items():
        if name not in kinds or not isinstance(value, kinds[name]):
            raise ApiRefusal(400, "guard.invalid_input", f"The member `{name}` is not valid.")
    return body


def need(body: Body, *names: str) -> None:
    """Check that these members are present and not empty. Raises ApiRefusal."""
    for name in names:
        if not body.get(name):
            raise ApiRefusal(400, "guard.invalid_input", f"The member `{name}` is required.")


def not_found(what: str) -> ApiRefusal:
    """Make the refusal for an object that does not exist."""
    return ApiRefusal(404, "entity.not_exists_with_id", f"The {what} does not exist.")
