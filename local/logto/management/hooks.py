"""Webhooks."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import ApiRefusal, Body, api_route, body_of, need, not_found
from local.logto.state import StandInState
from local.logto.tenant import Webhook
from local.logto.webhooks import EVENTS

_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "events": list,
    "config": dict,
    "enabled": bool,
}


async def _list(request: Request, state: StandInState) -> Response:
    return JSONResponse([_shown(hook) for hook in state.tenant.webhooks])


async def _create(request: Request, state: StandInState) -> Response:
    body = await body_of(request, **_KINDS)
    need(body, "events", "config")
    identifier, key = state.tenant.presets.take_webhook()
    hook = _changed(Webhook(id=identifier, url="", signing_key=key, name=""), body)
    state.tenant.webhooks = (*state.tenant.webhooks, hook)
    return JSONResponse(_shown(hook), 201)


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown(_named(request, state)))


async def _patch(request: Request, state: StandInState) -> Response:
    hook = _named(request, state)
    changed = _changed(hook, await body_of(request, **_KINDS))
    state.tenant.webhooks = tuple(changed if h is hook else h for h in state.tenant.webhooks)
    return JSONResponse(_shown(changed))


async def _delete(request: Request, state: StandInState) -> Response:
    hook = _named(request, state)
    state.tenant.webhooks = tuple(h for h in state.tenant.webhooks if h is not hook)
    return Response(status_code=204)


def _changed(hook: Webhook, body: Body) -> Webhook:
    if not all(event in EVENTS for event in body.get("events", [])):
        raise ApiRefusal(400, "guard.invalid_input", "The member `events` is not valid.")
    url = body.get("config", {"url": hook.url}).get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise ApiRefusal(400, "guard.invalid_input", "The member `config` is not valid.")
    return replace(
        hook,
        url=url,
        name=body.get("name", hook.name),
        events=tuple(body.get("events", hook.events)),
        enabled=body.get("enabled", hook.enabled),
    )


def _named(request: Request, state: StandInState) -> Webhook:
    for hook in state.tenant.webhooks:
        if hook.id == request.path_params["id"]:
            return hook
    raise not_found("webhook")


def _shown(hook: Webhook) -> Body:
    return {
        "tenantId": "default",
        "id": hook.id,
        "name": hook.name,
        "event": None,
        "events": list(hook.events),
        "config": {"url": hook.url},
        "signingKey": hook.signing_key,
        "enabled": hook.enabled,
    }


routes = [
    api_route("/hooks", "GET", _list),
    api_route("/hooks", "POST", _create),
    api_route("/hooks/{id}", "GET", _read),
    api_route("/hooks/{id}", "PATCH", _patch),
    api_route("/hooks/{id}", "DELETE", _delete),
]
