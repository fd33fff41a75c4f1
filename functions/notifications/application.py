"""Handle Logto's messages: routes, a time limit, and responses for a program."""

import json
import threading
from collections.abc import Callable
from typing import Any

from functions.notifications.backchannel_logout import log_out
from functions.notifications.webhooks import receive
from shared.errors import MessageRefused, Misconfigured, SignInError, Unavailable
from shared.observability import MESSAGE_ACCEPTED, MESSAGE_REFUSED
from shared.oidc.client_secret import StoredSecret
from shared.services import Services
from shared.web.base_url import transport_security
from shared.web.http_api import HttpApiRequest

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Act = Callable[[HttpApiRequest, Services], None]


def make_handler(services: Services, webhook_key: StoredSecret) -> Handler:
    """Return a Lambda handler. A message that was processed in part is never a success."""
    turn = threading.Lock()
    transport = transport_security(services.settings.base_url)
    routes: dict[str, Act] = {
        "/backchannel-logout": log_out,
        "/webhooks/logto": lambda message, bound: receive(message, webhook_key, bound),
    }

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            reply = _answer(event, context, routes, services.begin(services.limits.message_seconds))
            return {**reply, "headers": {**reply["headers"], **transport}}

    return handler


def _answer(
    event: object, context: Any, routes: dict[str, Act], services: Services
) -> dict[str, Any]:
    observer = services.observer
    message = HttpApiRequest.of(event, base_url=services.settings.base_url)
    if not message.is_request:
        return _reply(200, message, None)
    observer.begin(
        correlation_id=message.correlation_id,
        request_id=str(getattr(context, "aws_request_id", ""))[:64],
    )
    try:
        act = routes.get(message.path)
        if act is None:
            return _reply(404, message, "not_found")
        if message.method != "POST":
            raise MessageRefused("the method is not POST")
        act(message, services)
    except MessageRefused as failure:
        observer.event("message refused", reason=failure.error, detail=str(failure))
        observer.count(MESSAGE_REFUSED)
        return _reply(400, message, "invalid_request")
    except Misconfigured as failure:
        observer.problem("message not read", reason=failure.error, detail=str(failure))
        return _reply(500, message, failure.error)
    except SignInError as failure:
        observer.problem("message not processed", reason=failure.error)
        return _reply(503 if isinstance(failure, Unavailable) else 502, message, failure.error)
    except Exception as failure:  # noqa: BLE001 - logged without its text
        observer.fault(failure)
        return _reply(500, message, "error")
    observer.count(MESSAGE_ACCEPTED)
    return _reply(200, message, None)


def _reply(status: int, message: HttpApiRequest, error: str | None) -> dict[str, Any]:
    headers = {
        "cache-control": "no-store",
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
        "x-correlation-id": message.correlation_id,
    }
    if status == 503:
        headers["retry-after"] = "5"
    body = {} if error is None else {"error": error, "correlation_id": message.correlation_id}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
