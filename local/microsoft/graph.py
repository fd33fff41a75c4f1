"""Microsoft Graph, as far as `setup` uses it: applications and service principals of a tenant.

Source: Microsoft's published reference of the v1.0 endpoint (application, servicePrincipal,
addPassword, removePassword, and the form of errors).
"""

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.microsoft.entra_tenants import EntraTenant, Registration, iso, new_password
from local.microsoft.state import MicrosoftState

Body = dict[str, Any]
Endpoint = Callable[[Request, EntraTenant, float], Awaitable[Response]]
"""Answers a request about a tenant, at a time in seconds since 1970."""
_WRITABLE: Final = frozenset(
    {
        "displayName",
        "description",
        "signInAudience",
        "tags",
        "notes",
        "web",
        "optionalClaims",
        "groupMembershipClaims",
        "requiredResourceAccess",
    }
)
_FILTER: Final = re.compile(
    r"(?:(?P<name>displayName|appId) eq|tags/any\((?P<any>\w+):(?P=any) eq)"
    r" '(?P<value>(?:[^']|'')*)'\)?"
)
_TWO_YEARS: Final = 2 * 365 * 86_400


class GraphRefusal(Exception):
    """A call that is refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


async def answer_graph_refusal(request: Request, refusal: Exception) -> Response:
    """Answer with JSON and the refusal's status."""
    if not isinstance(refusal, GraphRefusal):
        raise refusal
    identifier = str(uuid.uuid4())
    inner = {"date": iso(time.time()), "request-id": identifier, "client-request-id": identifier}
    error = {"code": refusal.code, "message": refusal.message, "innerError": inner}
    return JSONResponse({"error": error}, refusal.status)


async def _list(request: Request, tenant: EntraTenant, now: float) -> Response:
    found = list(tenant.registrations.values())
    filter_ = request.query_params.get("$filter")
    if filter_ is not None:
        condition = _filter(filter_)
        found = [one for one in found if _fits(one, condition)]
    return JSONResponse({"@odata.context": "$metadata#applications", "value": _all(found)})


async def _create(request: Request, tenant: EntraTenant, now: float) -> Response:
    body = await _body(request)
    if not body.get("displayName"):
        raise GraphRefusal(400, "Request_BadRequest", "Property displayName is required.")
    registration = Registration(members=with_defaults(body), created_at=now)
    tenant.registrations[registration.id] = registration
    return JSONResponse(registration.shown(), 201)


async def _read(request: Request, tenant: EntraTenant, now: float) -> Response:
    return JSONResponse(_named(request, tenant).shown())


async def _patch(request: Request, tenant: EntraTenant, now: float) -> Response:
    registration = _named(request, tenant)
    body = await _body(request)
    web = {**registration.members["web"], **body.pop("web", {})}
    registration.members |= {**body, "web": web}
    return Response(status_code=204)


async def _delete(request: Request, tenant: EntraTenant, now: float) -> Response:
    registration = _named(request, tenant)
    del tenant.registrations[registration.id]
    tenant.service_principals = {
        principal: client_id
        for principal, client_id in tenant.service_principals.items()
        if client_id != registration.client_id
    }
    return Response(status_code=204)


async def _add_password(request: Request, tenant: EntraTenant, now: float) -> Response:
    registration = _named(request, tenant)
    credential = (await _json(request)).get("passwordCredential") or {}
    ends_at = _seconds(credential.get("endDateTime")) or now + _TWO_YEARS
    password = new_password(credential.get("displayName"), now=now, ends_at=ends_at)
    registration.passwords.append(password)
    return JSONResponse(password.shown(text=True))


async def _remove_password(request: Request, tenant: EntraTenant, now: float) -> Response:
    registration = _named(request, tenant)
    key_id = (await _json(request)).get("keyId")
    kept = [p for p in registration.passwords if p.key_id != key_id]
    if len(kept) == len(registration.passwords):
        raise GraphRefusal(400, "Request_BadRequest", "No credential has that keyId.")
    registration.passwords = kept
    return Response(status_code=204)


async def _principals(request: Request, tenant: EntraTenant, now: float) -> Response:
    condition = _filter(request.query_params.get("$filter", ""))
    if condition["name"] != "appId":
        raise GraphRefusal(400, "Request_UnsupportedQuery", "The filter is not supported.")
    value = [
        {"id": principal, "appId": client_id}
        for principal, client_id in tenant.service_principals.items()
        if client_id == condition["value"]
    ]
    return JSONResponse({"@odata.context": "$metadata#servicePrincipals", "value": value})


async def _create_principal(request: Request, tenant: EntraTenant, now: float) -> Response:
    client_id = (await _json(request)).get("appId", "")
    if tenant.by_client(client_id) is None:
        raise GraphRefusal(400, "Request_BadRequest", "The appId is not that of an application.")
    if client_id in tenant.service_principals.values():
        raise GraphRefusal(409, "Request_MultipleObjectsWithSameKeyValue", "It exists already.")
    principal = str(uuid.uuid4())
    tenant.service_principals[principal] = client_id
    return JSONResponse({"id": principal, "appId": client_id}, 201)


def _filter(text: str) -> re.Match[str]:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise GraphRefusal(400, "Request_UnsupportedQuery", "The filter is not supported.")
    return found


def _fits(registration: Registration, condition: re.Match[str]) -> bool:
    value = condition["value"].replace("''", "'")
    if condition["any"]:
        return value in registration.members["tags"]
    return bool(registration.shown()[condition["name"]] == value)


def with_defaults(body: Body) -> Body:
    """Complete the members of an application that is being registered."""
    members: Body = {
        "description": None,
        "notes": None,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "optionalClaims": None,
        "groupMembershipClaims": None,
        "requiredResourceAccess": [],
        **body,
    }
    web = {"homePageUrl": None, "logoutUrl": None, "redirectUris": [], **body.get("web", {})}
    return {**members, "web": web}


async def _body(request: Request) -> Body:
    body = await _json(request)
    for name in body:
        if name not in _WRITABLE:
            raise GraphRefusal(400, "Request_BadRequest", f"Invalid property '{name}'.")
    return body


async def _json(request: Request) -> Body:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GraphRefusal(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def _seconds(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _all(registrations: list[Registration]) -> list[Body]:
    return [registration.shown() for registration in registrations]


def _named(request: Request, tenant: EntraTenant) -> Registration:
    found = tenant.registrations.get(request.path_params["id"])
    if found is None:
        raise GraphRefusal(404, "Request_ResourceNotFound", "The resource does not exist.")
    return found


def _route(path: str, method: str, endpoint: Endpoint) -> Route:
    """A route for callers with a token that may manage the applications of a tenant."""

    async def checked(request: Request) -> Response:
        state: MicrosoftState = request.app.state.microsoft
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        tenant_id = state.graph_tokens.get(token) if scheme.lower() == "bearer" else None
        if tenant_id is None:
            raise GraphRefusal(401, "InvalidAuthenticationToken", "Access token is empty or bad.")
        tenant = state.host.entra_tenants[tenant_id]
        if not tenant.may_register:
            raise GraphRefusal(
                403, "Authorization_RequestDenied", "Insufficient privileges to do this."
            )
        return await endpoint(request, tenant, state.host.clock())

    return Route(f"/graph/v1.0{path}", checked, methods=[method])


routes = [
    _route("/applications", "GET", _list),
    _route("/applications", "POST", _create),
    _route("/applications/{id}", "GET", _read),
    _route("/applications/{id}", "PATCH", _patch),
    _route("/applications/{id}", "DELETE", _delete),
    _route("/applications/{id}/addPassword", "POST", _add_password),
    _route("/applications/{id}/removePassword", "POST", _remove_password),
    _route("/servicePrincipals", "GET", _principals),
    _route("/servicePrincipals", "POST", _create_principal),
]
