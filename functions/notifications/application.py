"""Handle Logto's messages: routes, the queue, a time limit, and responses for a program.

Only a valid message is carried out, or else put into the queue, whose events come here too.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from functions.notifications.backchannel_logout import judge_logout_token
from functions.notifications.queue_worker import is_queue_event, work_off
from functions.notifications.revocation_request import RevocationRequest, carry_out_or_queue
from functions.notifications.webhooks import judge_webhook
from shared.errors import MessageRefused, Misconfigured, SecretUnavailable, SignInError, Unavailable
from shared.observability import MESSAGE_ACCEPTED, MESSAGE_NOT_JUDGED, MESSAGE_REFUSED, Observer
from shared.oidc.client_secret import StoredSecret
from shared.services import Services
from shared.web.base_url import transport_security
from shared.web.http_api import HttpApiRequest

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Judge = Callable[[HttpApiRequest, Services], RevocationRequest | None]
"""Check a message; what it requests, None if nothing. Raises MessageRefused if it is not valid."""


def make_handler(services: Services, webhook_key: StoredSecret) -> Handler:
    """Return a Lambda handler. A message that was processed in part is never a success."""
    turn = threading.Lock()
    transport = transport_security(services.settings.base_url)
    judges: dict[str, Judge] = {
        "/backchannel-logout": judge_logout_token,
        "/webhooks/logto": lambda message, bound: judge_webhook(message, webhook_key, bound),
    }

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            bound = services.begin(services.limits.message_seconds)
            if is_queue_event(event):
                return work_off(event, context, bound)
            reply = _answer(event, context, judges, bound)
            return {**reply, "headers": {**reply["headers"], **transport}}

    return handler


def _answer(
    event: object, context: object, judges: dict[str, Judge], services: Services
) -> dict[str, Any]:
    observer = services.observer
    message = HttpApiRequest.of(event, base_url=services.settings.base_url)
    if not message.is_request:
        return _reply(200, message, None)
    observer.begin(context, correlation_id=message.correlation_id)
    judge = judges.get(message.path)
    if judge is None:
        return _reply(404, message, "not_found")
    try:
        if message.method != "POST":
            raise MessageRefused("the method is not POST")
        request = judge(message, services)
    except Exception as failure:  # noqa: BLE001 - each kind has its answer
        return _not_judged(failure, message, observer)
    try:
        done = request is None or carry_out_or_queue(request, services)
    except MessageRefused as failure:
        return _refused(failure, message, observer)
    except Exception as failure:  # noqa: BLE001 - logged without its text
        observer.failure("message not carried out", failure)
        return _reply(503 if isinstance(failure, Unavailable) else 500, message, _slug(failure))
    if not done:
        return _reply(202, message, None)
    observer.count(MESSAGE_ACCEPTED)
    return _reply(200, message, None)


def _not_judged(failure: Exception, message: HttpApiRequest, observer: Observer) -> dict[str, Any]:
    """Answer a message that was refused, or that could not be checked."""
    if isinstance(failure, MessageRefused):
        return _refused(failure, message, observer)
    if isinstance(failure, Misconfigured) or not isinstance(failure, SignInError):
        observer.failure("message not judged", failure)
        return _reply(500, message, _slug(failure))
    if isinstance(failure, SecretUnavailable):
        observer.problem("message not judged", reason=failure.error)
    else:
        # Anybody can spend the refetches of Logto's keys, so this is not one of the problems whose
        # alarm takes back a deployment: its metric has an alarm of its own.
        observer.event("message not judged", reason=failure.error)
    observer.count(MESSAGE_NOT_JUDGED, reason=failure.error)
    return _reply(503, message, failure.error)


def _refused(
    failure: MessageRefused, message: HttpApiRequest, observer: Observer
) -> dict[str, Any]:
    observer.event("message refused", reason=failure.error, detail=str(failure))
    observer.count(MESSAGE_REFUSED)
    return _reply(400, message, "invalid_request")


def _slug(failure: Exception) -> str:
    return failure.error if isinstance(failure, SignInError) else "error"


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
