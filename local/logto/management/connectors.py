"""Enterprise SSO connectors. A new issuer's discovery document is fetched at once."""

import re
from dataclasses import replace
from typing import Any, Final

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import ApiRefusal, Body, api_route, body_of, need, not_found
from local.logto.state import StandInState
from local.logto.tenant import Connector
from provision.desired import FORBIDDEN_DOMAINS

PROVIDER: Final = "AzureAdOidc"
_KINDS: dict[str, type | tuple[type, ...]] = {
    "connectorName": str,
    "config": dict,
    "domains": list,
    "branding": dict,
    "syncProfile": bool,
    "enableTokenStorage": bool,
}
_CONFIG = frozenset({"clientId", "clientSecret", "issuer", "scope", "trustUnverifiedEmail"})
_DOMAIN = re.compile(r"([a-z0-9-]+\.)+[a-z0-9-]{2,}")
_TENANT = re.compile(r"/([0-9a-f-]{36})/v2\.0")


async def _list(request: Request, state: StandInState) -> Response:
    return JSONResponse([_shown(connector) for connector in state.tenant.connectors.values()])


async def _create(request: Request, state: StandInState) -> Response:
    body = await body_of(request, providerName=str, **_KINDS)
    need(body, "providerName", "connectorName")
    if body["providerName"] != PROVIDER:
        raise ApiRefusal(400, "connector.not_found", "The provider is not supported.")
    _check_name(body["connectorName"], None, state)
    connector = await _changed(_EMPTY, body)
    connector = replace(connector, id=state.tenant.presets.take_connector())
    state.tenant.connectors[connector.id] = connector
    return JSONResponse(_shown(connector))


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown(_named(request, state)))


async def _patch(request: Request, state: StandInState) -> Response:
    body = await body_of(request, **_KINDS)
    before = _named(request, state)
    _check_name(body.get("connectorName", before.name), before.id, state)
    connector = await _changed(before, body)
    state.tenant.connectors[before.id] = connector
    return JSONResponse(_shown(connector))


async def _delete(request: Request, state: StandInState) -> Response:
    del state.tenant.connectors[_named(request, state).id]
    return Response(status_code=204)


_EMPTY: Final = Connector(
    id="", name="", display_name="", domains=(), tenant_id="", client_id="", client_secret=""
)


async def _changed(before: Connector, body: Body) -> Connector:
    """Apply the members of a body to a connector. Raises ApiRefusal."""
    name = body.get("connectorName", before.name)
    branding = body.get("branding", before.branding)
    domains = body.get("domains", list(before.domains))
    _check_domains(domains)
    connector = replace(
        before,
        name=name,
        display_name=branding.get("displayName") or name,
        branding=branding,
        domains=tuple(domains),
        sync_profile=body.get("syncProfile", before.sync_profile),
    )
    return await _configured(connector, body["config"]) if "config" in body else connector


async def _configured(connector: Connector, config: Body) -> Connector:
    texts = ("clientId", "clientSecret", "issuer")
    complete = all(isinstance(config.get(name), str) and config[name] for name in texts)
    if not complete or set(config) - _CONFIG:
        raise _bad_config("The config is not complete.")
    metadata = await _discovered(config["issuer"])
    tenant = _TENANT.search(config["issuer"])
    return replace(
        connector,
        config=config,
        client_id=config["clientId"],
        client_secret=config["clientSecret"],
        trust_unverified_email=config.get("trustUnverifiedEmail") is True,
        tenant_id=tenant[1] if tenant else "",
        authorization_endpoint=metadata["authorization_endpoint"],
    )


async def _discovered(issuer: str) -> dict[str, Any]:
    if issuer.endswith("/"):
        raise _bad_config("The issuer's discovery document cannot be fetched.")
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.get(f"{issuer}/.well-known/openid-configuration")
            metadata = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise _bad_config("The issuer's discovery document cannot be fetched.") from None
    if not isinstance(metadata, dict) or "authorization_endpoint" not in metadata:
        raise _bad_config("The issuer's discovery document cannot be fetched.")
    return metadata


def _bad_config(message: str) -> ApiRefusal:
    return ApiRefusal(400, "connector.invalid_config", message)


def _check_name(name: str, own: str | None, state: StandInState) -> None:
    if any(c.name == name and c.id != own for c in state.tenant.connectors.values()):
        raise ApiRefusal(
            409, "single_sign_on.duplicate_connector_name", "The connector name is taken."
        )


def _check_domains(domains: list[Any]) -> None:
    if not all(isinstance(name, str) and _DOMAIN.fullmatch(name) for name in domains):
        raise ApiRefusal(422, "single_sign_on.invalid_domain_format", "A domain is not valid.")
    if len(set(domains)) < len(domains):
        raise ApiRefusal(422, "single_sign_on.duplicated_domains", "There are equal domains.")
    if forbidden := sorted(FORBIDDEN_DOMAINS & set(domains)):
        raise ApiRefusal(
            422, "single_sign_on.forbidden_domains", "Public domains are refused.", data=forbidden
        )


def _named(request: Request, state: StandInState) -> Connector:
    found = state.tenant.connectors.get(request.path_params["id"])
    if found is None:
        raise not_found("connector")
    return found


def _shown(connector: Connector) -> Body:
    own = {
        "clientId": connector.client_id,
        "clientSecret": connector.client_secret or "",
        "issuer": connector.issuer,
        "scope": "openid profile email",
        "trustUnverifiedEmail": connector.trust_unverified_email,
    }
    return {
        "tenantId": "default",
        "id": connector.id,
        "providerName": PROVIDER,
        "providerType": "oidc",
        "name": "Microsoft Entra ID (OIDC)",
        "connectorName": connector.name,
        "config": dict(connector.config) or own,
        "domains": list(connector.domains),
        "branding": dict(connector.branding) or {"displayName": connector.display_name},
        "syncProfile": connector.sync_profile,
        "enableTokenStorage": False,
    }


routes = [
    api_route("/sso-connectors", "GET", _list),
    api_route("/sso-connectors", "POST", _create),
    api_route("/sso-connectors/{id}", "GET", _read),
    api_route("/sso-connectors/{id}", "PATCH", _patch),
    api_route("/sso-connectors/{id}", "DELETE", _delete),
]
