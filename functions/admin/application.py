"""Handle operators' invocations. Each action is logged with the caller's ARN."""

from collections.abc import Callable
from typing import Any

from functions.admin import actions
from shared.errors import MalformedRequest, SignInError
from shared.observability import SESSIONS_ENDED
from shared.services import Services

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
IdentifyCaller = Callable[[object, Services], str]
"""Return the caller's ARN from a proof of identity. Raises NotAllowed and Unavailable."""

ACTIONS: dict[str, Callable[[dict[str, Any], Services], dict[str, Any]]] = {
    "list_user": actions.list_user,
    "list_organization": actions.list_organization,
    "end_session": actions.end_session,
    "end_user": actions.end_user,
    "end_organization": actions.end_organization,
    "erase_user": actions.erase_user,
}


def make_handler(services: Services, identify: IdentifyCaller) -> Handler:
    """Return a Lambda handler: from `{"action", "caller", ...}` to `{"ok": true, ...}`."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        services.observer.begin(context)
        try:
            bound = services.begin(services.limits.admin_seconds)
            return {"ok": True, **_act(event, bound, identify)}
        except SignInError as failure:
            services.observer.problem("action refused", reason=failure.error, detail=str(failure))
            return {"ok": False, "error": failure.error, "message": str(failure)}
        except Exception as failure:  # noqa: BLE001 - logged without its text
            services.observer.fault(failure)
            return {"ok": False, "error": "error", "message": "see the function's log"}

    return handler


def _act(event: object, services: Services, identify: IdentifyCaller) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise MalformedRequest("an action must be a JSON object")
    name = event.get("action")
    act = ACTIONS.get(name) if isinstance(name, str) else None
    if act is None or not isinstance(name, str):
        raise MalformedRequest(f"`action` must be one of {', '.join(ACTIONS)}")
    caller = identify(event.get("caller"), services)
    # Log before and after, so a request is on record even if it fails half-way.
    fields = {"action": name, "caller": caller, **actions.log_fields(event, services)}
    services.observer.event("action requested", **fields)
    answer = act(event, services)
    counts = {key: value for key, value in answer.items() if isinstance(value, int)}
    services.observer.event("action done", **fields, **counts)
    if "ended" in counts:
        services.observer.count(SESSIONS_ENDED, value=counts["ended"])
    return answer
