"""API resources, roles and organizations."""

import hashlib
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto import user_admin
from local.logto.management.access import ApiRefusal, api_route, body_of, need, not_found
from local.logto.management.users import named_user
from local.logto.state import StandInState
from local.logto.tenant import Organization, Resource, Tenant
from local.logto.webhooks import caller_of


async def _resources(request: Request, state: StandInState) -> Response:
    return JSONResponse([_shown(resource) for resource in state.tenant.resources.values()])


async def _create_resource(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, indicator=str)
    need(body, "name", "indicator")
    indicator = body["indicator"]
    if indicator in state.tenant.resources:
        raise ApiRefusal(422, "resource.resource_identifier_in_use", "The indicator is in use.")
    resource = Resource(indicator=indicator, scopes={})
    state.tenant.resources[indicator] = resource
    return JSONResponse({**_shown(resource), "name": body["name"]}, 201)


async def _create_scope(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, description=str)
    need(body, "name")
    for resource in state.tenant.resources.values():
        if _id(resource.indicator) == request.path_params["id"]:
            if body["name"] in resource.scopes:
                raise ApiRefusal(422, "scope.name_exists", "The scope exists already.")
            resource.scopes[body["name"]] = ()
            identifier = _scope_id(resource, body["name"])
            return JSONResponse({"id": identifier, "name": body["name"]}, 201)
    raise not_found("resource")


async def _create_role(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, description=str, type=str, scopeIds=list)
    need(body, "name", "description")
    name = body["name"]
    if name in state.tenant.roles.values():
        raise ApiRefusal(422, "role.name_in_use", "The role's name is in use.")
    identifier = secrets.token_hex(10)
    state.tenant.roles[identifier] = name
    for resource in state.tenant.resources.values():
        for scope, granting in resource.scopes.items():
            if _scope_id(resource, scope) in body.get("scopeIds", []):
                resource.scopes[scope] = (*granting, name)
    return JSONResponse({"id": identifier, "name": name, "type": body.get("type", "User")})


async def _give_user_roles(request: Request, state: StandInState) -> Response:
    body = await body_of(request, roleIds=list)
    user = named_user(request, state)
    names = [named_role(state.tenant.roles, one) for one in body.get("roleIds", [])]
    user.roles = tuple(dict.fromkeys((*user.roles, *names)))
    return Response(status_code=201)


async def _create_organization(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, description=str)
    need(body, "name")
    organization = Organization(
        id=secrets.token_hex(6),
        name=body["name"],
        description=body.get("description"),
        members={},
        role_scopes={},
    )
    state.tenant.organizations[organization.id] = organization
    return JSONResponse(_shown_organization(organization), 201)


async def _read_organization(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown_organization(organization_of(request, state.tenant)))


async def _create_organization_role(request: Request, state: StandInState) -> Response:
    body = await body_of(request, name=str, description=str)
    need(body, "name")
    identifier = secrets.token_hex(10)
    state.tenant.organization_roles[identifier] = body["name"]
    return JSONResponse({"id": identifier, "name": body["name"]}, 201)


async def _add_members(request: Request, state: StandInState) -> Response:
    body = await body_of(request, userIds=list)
    organization, users = organization_of(request, state.tenant), body.get("userIds", [])
    if any(state.tenant.known_user(user) is None for user in users):
        raise not_found("user")
    await user_admin.add_members(state, organization, users, caller_of(request))
    return Response(status_code=201)


async def _remove_member(request: Request, state: StandInState) -> Response:
    organization, user = organization_of(request, state.tenant), request.path_params["user"]
    if user not in organization.members:
        raise not_found("member")
    await user_admin.remove_member(state, organization, user, caller_of(request))
    return Response(status_code=204)


async def _give_member_roles(request: Request, state: StandInState) -> Response:
    body = await body_of(request, organizationRoleIds=list)
    organization, user = organization_of(request, state.tenant), request.path_params["user"]
    if user not in organization.members:
        raise not_found("member")
    known = state.tenant.organization_roles
    for name in [named_role(known, one) for one in body.get("organizationRoleIds", [])]:
        organization.role_scopes.setdefault(name, ())
        there = organization.members[user]
        organization.members[user] = there if name in there else (*there, name)
    return Response(status_code=201)


def named_role(known: dict[str, str], identifier: Any) -> str:
    """Find the name of the role with this id. Raises ApiRefusal."""
    if identifier not in known:
        raise not_found("role")
    return known[identifier]


def organization_of(request: Request, tenant: Tenant) -> Organization:
    """Find the organization whose id is in the path. Raises ApiRefusal."""
    if (found := tenant.organizations.get(request.path_params["id"])) is None:
        raise not_found("organization")
    return found


def _shown_organization(organization: Organization) -> dict[str, str | None]:
    return {
        "id": organization.id,
        "name": organization.name,
        "description": organization.description,
    }


def _shown(resource: Resource) -> dict[str, str]:
    return {"id": _id(resource.indicator), "indicator": resource.indicator}


def _scope_id(resource: Resource, scope: str) -> str:
    return _id(f"{resource.indicator} {scope}")


def _id(text: str) -> str:
    """Derive the id of a resource or a scope from its name."""
    return hashlib.sha256(text.encode()).hexdigest()[:21]


routes = [
    api_route("/resources", "GET", _resources),
    api_route("/resources", "POST", _create_resource),
    api_route("/resources/{id}/scopes", "POST", _create_scope),
    api_route("/roles", "POST", _create_role),
    api_route("/users/{id}/roles", "POST", _give_user_roles),
    api_route("/organizations", "POST", _create_organization),
    api_route("/organizations/{id}", "GET", _read_organization),
    api_route("/organization-roles", "POST", _create_organization_role),
    api_route("/organizations/{id}/users", "POST", _add_members),
    api_route("/organizations/{id}/users/{user}", "DELETE", _remove_member),
    api_route("/organizations/{id}/users/{user}/roles", "POST", _give_member_roles),
]
