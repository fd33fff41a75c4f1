"""Applications: web applications, and the machines that can use this API."""

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import ApiRefusal, Body, api_route, body_of, need, not_found
from local.logto.state import StandInState
from local.logto.tenant import REFRESH_TOKEN_SECONDS, Application, FurtherSecret, Machine

_MACHINE_ROLE = {
    "id": "admin-access",
    "name": "Logto Management API access",
    "description": "May use the Management API",
    "type": "MachineToMachine",
}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": (str, type(None)),
    "oidcClientMetadata": dict,
    "customClientMetadata": dict,
}
_METADATA = frozenset(
    {
        "redirectUris",
        "postLogoutRedirectUris",
        "backchannelLogoutUri",
        "backchannelLogoutSessionRequired",
    }
)
_FURTHER_METADATA = frozenset({"logoUri"})
_CUSTOM: dict[str, type] = {
    "alwaysIssueRefreshToken": bool,
    "rotateRefreshToken": bool,
    "refreshTokenTtl": int,
    "refreshTokenTtlInDays": int,
    "maxAllowedGrants": int,
    "corsAllowedOrigins": list,
    "idTokenTtl": int,
    "allowTokenExchange": bool,
    "tenantId": str,
}
_HONOURED = frozenset(
    {"alwaysIssueRefreshToken", "rotateRefreshToken", "refreshTokenTtl", "maxAllowedGrants"}
)


async def _list(request: Request, state: StandInState) -> Response:
    kinds = request.query_params.getlist("types") or ["Traditional", "MachineToMachine"]
    found: list[Body] = []
    if "Traditional" in kinds:
        found += [_shown(application) for application in state.tenant.applications.values()]
    if "MachineToMachine" in kinds:
        found += [_machine_shown(machine) for machine in state.tenant.machines.values()]
    return JSONResponse(found)


async def _create(request: Request, state: StandInState) -> Response:
    body = await body_of(request, type=str, **_KINDS)
    need(body, "name", "type", "oidcClientMetadata")
    if body["type"] != "Traditional":
        raise ApiRefusal(400, "guard.invalid_input", "The member `type` is not valid.")
    identifier, secret = state.tenant.presets.take_application()
    application = Application(
        id=identifier,
        secret=secret,
        secret_created_at=int(state.clock() * 1000),
        redirect_uris=(),
    )
    _update(application, body)
    state.tenant.applications[identifier] = application
    return JSONResponse(_shown(application))


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown(_named(request, state)))


async def _patch(request: Request, state: StandInState) -> Response:
    application = _named(request, state)
    _update(application, await body_of(request, **_KINDS))
    return JSONResponse(_shown(application))


async def _delete(request: Request, state: StandInState) -> Response:
    del state.tenant.applications[_named(request, state).id]
    return Response(status_code=204)


async def _secrets(request: Request, state: StandInState) -> Response:
    application = _named(request, state)
    first = FurtherSecret(
        name=application.secret_name,
        value=application.secret,
        created_at=application.secret_created_at,
    )
    shown = (first, *application.further_secrets)
    return JSONResponse([_secret_shown(application, one) for one in shown])


async def _add_secret(request: Request, state: StandInState) -> Response:
    application = _named(request, state)
    body = await body_of(request, name=str)
    need(body, "name")
    names = [application.secret_name, *(one.name for one in application.further_secrets)]
    if body["name"] in names:
        raise ApiRefusal(422, "application.secret_name_exists", "The name is taken.")
    made = FurtherSecret(
        name=body["name"], value=secrets.token_urlsafe(24), created_at=int(state.clock() * 1000)
    )
    application.further_secrets.append(made)
    return JSONResponse(_secret_shown(application, made), 201)


async def _delete_secret(request: Request, state: StandInState) -> Response:
    """Delete a secret. The last one stays: the stand-in has no application without a secret."""
    application, name = _named(request, state), request.path_params["name"]
    further = [one for one in application.further_secrets if one.name != name]
    if name == application.secret_name and further:
        first = further.pop(0)
        application.secret, application.secret_name = first.value, first.name
        application.secret_created_at = first.created_at
    elif len(further) == len(application.further_secrets):
        raise not_found("secret")
    application.further_secrets = further
    return Response(status_code=204)


def _secret_shown(application: Application, secret: FurtherSecret) -> Body:
    return {
        "tenantId": "default",
        "applicationId": application.id,
        "name": secret.name,
        "value": secret.value,
        "createdAt": secret.created_at,
        "expiresAt": None,
    }


async def _roles(request: Request, state: StandInState) -> Response:
    wanted = request.query_params.get("type", "MachineToMachine")
    return JSONResponse([_MACHINE_ROLE] if wanted == "MachineToMachine" else [])


async def _give_roles(request: Request, state: StandInState) -> Response:
    body = await body_of(request, roleIds=list)
    machine = state.tenant.machines.get(request.path_params["id"])
    if machine is None:
        raise not_found("application")
    machine.manages = machine.manages or _MACHINE_ROLE["id"] in body["roleIds"]
    return Response(status_code=201)


def _named(request: Request, state: StandInState) -> Application:
    found = state.tenant.applications.get(request.path_params["id"])
    if found is None:
        raise not_found("application")
    return found


def _update(application: Application, body: Body) -> None:
    """Change the members that the body contains. Both kinds of metadata are replaced as a whole."""
    metadata = body.get("oidcClientMetadata")
    if metadata is not None:
        _check_metadata(metadata)
        application.redirect_uris = tuple(metadata["redirectUris"])
        application.post_logout_redirect_uris = tuple(metadata["postLogoutRedirectUris"])
        application.backchannel_logout_uri = metadata.get("backchannelLogoutUri")
        application.backchannel_logout_session_required = metadata.get(
            "backchannelLogoutSessionRequired", False
        )
        application.further_metadata = {
            name: value for name, value in metadata.items() if name in _FURTHER_METADATA
        }
    application.name = body.get("name", application.name)
    application.description = body.get("description", application.description)
    if "customClientMetadata" in body:
        _customize(application, body["customClientMetadata"])


def _customize(application: Application, custom: Body) -> None:
    """Replace the `customClientMetadata`. Raises ApiRefusal."""
    for name, value in custom.items():
        kind = _CUSTOM.get(name)
        if kind is None or not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise ApiRefusal(400, "guard.invalid_input", "`customClientMetadata` is not valid.")
    in_days = custom.get("refreshTokenTtlInDays", 0) * 86_400
    application.always_issue_refresh_token = custom.get("alwaysIssueRefreshToken", False)
    application.rotate_refresh_token = custom.get("rotateRefreshToken", True)
    application.refresh_token_seconds = (
        in_days or custom.get("refreshTokenTtl") or REFRESH_TOKEN_SECONDS
    )
    application.max_allowed_grants = custom.get("maxAllowedGrants")
    application.further_custom_metadata = {
        name: value for name, value in custom.items() if name not in _HONOURED
    }


def _check_metadata(metadata: Body) -> None:
    lists = (metadata.get("redirectUris"), metadata.get("postLogoutRedirectUris"))
    texts = all(isinstance(uris, list) and all(map(_is_url, uris)) for uris in lists)
    backchannel = metadata.get("backchannelLogoutUri")
    if not texts or (backchannel is not None and not _is_url(backchannel)):
        raise ApiRefusal(400, "guard.invalid_input", "`oidcClientMetadata` is not valid.")
    if not isinstance(metadata.get("backchannelLogoutSessionRequired", False), bool):
        raise ApiRefusal(400, "guard.invalid_input", "`oidcClientMetadata` is not valid.")
    if set(metadata) - _METADATA - _FURTHER_METADATA:
        raise ApiRefusal(400, "guard.invalid_input", "`oidcClientMetadata` is not valid.")


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _shown(application: Application) -> Body:
    metadata: Body = {
        "redirectUris": list(application.redirect_uris),
        "postLogoutRedirectUris": list(application.post_logout_redirect_uris),
        **application.further_metadata,
    }
    if application.backchannel_logout_uri is not None:
        metadata["backchannelLogoutUri"] = application.backchannel_logout_uri
    if application.backchannel_logout_session_required:
        metadata["backchannelLogoutSessionRequired"] = True
    return {
        **_common(application.id, application.name, application.description),
        "type": "Traditional",
        "oidcClientMetadata": metadata,
        "customClientMetadata": _custom_shown(application),
    }


def _custom_shown(application: Application) -> Body:
    shown: Body = {
        **application.further_custom_metadata,
        "alwaysIssueRefreshToken": application.always_issue_refresh_token,
        "rotateRefreshToken": application.rotate_refresh_token,
    }
    if "refreshTokenTtlInDays" not in shown:
        shown["refreshTokenTtl"] = application.refresh_token_seconds
    if application.max_allowed_grants is not None:
        shown["maxAllowedGrants"] = application.max_allowed_grants
    return shown


def _machine_shown(machine: Machine) -> Body:
    return {
        **_common(machine.id, machine.name, None),
        "type": "MachineToMachine",
        "oidcClientMetadata": {"redirectUris": [], "postLogoutRedirectUris": []},
        "customClientMetadata": {},
    }


def _common(identifier: str, name: str, description: str | None) -> Body:
    return {
        "tenantId": "default",
        "id": identifier,
        "name": name,
        "description": description,
        "protectedAppMetadata": None,
        "customData": {},
        "isThirdParty": False,
    }


routes = [
    api_route("/applications", "GET", _list),
    api_route("/applications", "POST", _create),
    api_route("/applications/{id}", "GET", _read),
    api_route("/applications/{id}", "PATCH", _patch),
    api_route("/applications/{id}", "DELETE", _delete),
    api_route("/applications/{id}/secrets", "GET", _secrets),
    api_route("/applications/{id}/secrets", "POST", _add_secret),
    api_route("/applications/{id}/secrets/{name}", "DELETE", _delete_secret),
    api_route("/applications/{id}/roles", "POST", _give_roles),
    api_route("/roles", "GET", _roles),
]
