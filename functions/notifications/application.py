"""The messages' handler over given services: routes, a time limit, and answers for a program."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from functions.notifications.backchannel_logout import log_out
from functions.notifications.message import Message, read_message
from functions.notifications.webhooks import receive
from shared.errors import MessageRefused, Misconfigured, SignInError, Unavailable
from shared.observability import MESSAGE_ACCEPTED, MESSAGE_REFUSED
from shared.oidc.client_secret import StoredSecret
from shared.services import Services
from shared.web.base_url import transport_security

ANSWER_SECONDS = 8.0
"""Time for what waits for Logto's keys; DynamoDB's own limits come on top."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def make_handler(
    services: Services,
    webhook_key: StoredSecret,
    loop: asyncio.AbstractEventLoop | None = None,
) -> Handler:
    """A Lambda handler. A message that was not carried out whole is never answered as a success."""
    turn = threading.Lock()
    transport = transport_security(services.settings.base_url)
    running = loop or asyncio.new_event_loop()
    routes: dict[str, Callable[[Message], Awaitable[None]]] = {
        "/backchannel-logout": lambda message: log_out(message, services),
        "/webhooks/logto": lambda message: receive(message, webhook_key, services),
    }

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            reply = running.run_until_complete(_answer(event, context, routes, services))
            return {**reply, "headers": {**reply["headers"], **transport}}

    return handler


async def _answer(
    event: dict[str, Any],
    context: Any,
    routes: dict[str, Callable[[Message], Awaitable[None]]],
    services: Services,
) -> dict[str, Any]:
    observer = services.observer
    message = read_message(event, services.settings.base_url)
    observer.begin(
        correlation_id=message.correlation_id,
        request_id=str(getattr(context, "aws_request_id", ""))[:64],
    )
    try:
        act = routes.get(message.path)
        if act is None:
            return _reply(404, message, "not_found")
        if message.method != "POST":
            raise MessageRefused("a message is posted")
        async with asyncio.timeout(ANSWER_SECONDS):
            await act(message)
    except MessageRefused as failure:
        observer.event("message refused", reason=failure.error, detail=str(failure))
        observer.count(MESSAGE_REFUSED)
        return _reply(400, message, "invalid_request")
    except Misconfigured as failure:
        observer.problem("message not read", reason=failure.error, detail=str(failure))
        return _reply(500, message, failure.error)
    except (SignInError, TimeoutError) as failure:
        reason = failure.error if isinstance(failure, SignInError) else "timeout"
        observer.problem("message not carried out", reason=reason)
        return _reply(
            503 if isinstance(failure, Unavailable | TimeoutError) else 502, message, reason
        )
    except Exception as failure:  # noqa: BLE001 - the last resort, logged by type and place
        observer.fault(failure)
        return _reply(500, message, "error")
    observer.count(MESSAGE_ACCEPTED)
    return _reply(200, message, None)


def _reply(status: int, message: Message, error: str | None) -> dict[str, Any]:
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
