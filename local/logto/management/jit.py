"""Just-in-time provisioning: which new users become members of an organization, and their roles."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import Body, Endpoint, api_route, body_of, not_found
from local.logto.management.rights import named_role, organization_of
from local.logto.state import StandInState


async def _connectors(request: Request, state: StandInState) -> Response:
    organization = organization_of(request, state.tenant)
    return JSONResponse([{"id": one} for one in organization.jit_connectors])


async def _put_connectors(request: Request, state: StandInState) -> Response:
    organization = organization_of(request, state.tenant)
    wanted = (await body_of(request, ssoConnectorIds=list)).get("ssoConnectorIds", [])
    if not set(wanted) <= set(state.tenant.connectors):
        raise not_found("connector")
    organization.jit_connectors[:] = wanted
    return Response(status_code=204)


async def _domains(request: Request, state: StandInState) -> Response:
    organization = organization_of(request, state.tenant)
    return JSONResponse([_domain(organization.id, one) for one in organization.jit_domains])


async def _put_domains(request: Request, state: StandInState) -> Response:
    organization = organization_of(request, state.tenant)
    wanted = (await body_of(request, emailDomains=list)).get("emailDomains", [])
    organization.jit_domains[:] = [str(one).lower() for one in wanted]
    return Response(status_code=204)


async def _roles(request: Request, state: StandInState) -> Response:
    organization = organization_of(request, state.tenant)
    ids = {name: identifier for identifier, name in state.tenant.organization_roles.items()}
    return JSONResponse([{"id": ids.get(one, one), "name": one} for one in organization.jit_roles])


async def _put_roles(request: Request, state: StandInState) -> Response:
    organization, known = organization_of(request, state.tenant), state.tenant.organization_roles
    wanted = (await body_of(request, organizationRoleIds=list)).get("organizationRoleIds", [])
    names = [named_role(known, one) for one in wanted]
    for name in names:
        organization.role_scopes.setdefault(name, ())
    organization.jit_roles[:] = names
    return Response(status_code=204)


def _domain(organization: str, domain: str) -> Body:
    return {"tenantId": "default", "organizationId": organization, "emailDomain": domain}


_ENDPOINTS: dict[str, tuple[Endpoint, Endpoint]] = {
    "sso-connectors": (_connectors, _put_connectors),
    "email-domains": (_domains, _put_domains),
    "roles": (_roles, _put_roles),
}
routes = [
    api_route(f"/organizations/{{id}}/jit/{name}", method, endpoint)
    for name, endpoints in _ENDPOINTS.items()
    for method, endpoint in zip(("GET", "PUT"), endpoints, strict=True)
]
