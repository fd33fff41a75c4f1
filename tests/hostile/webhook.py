"""Webhooks as Logto sends them, and as others might."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from harness.functions import SIGNING_KEY
from local.http_event import http_event
from tests.hostile.leaving import MALLORY, Leaving

PATH = "/webhooks/logto"
HEADER = "logto-signature-sha-256"
SUSPENDED, DELETED = "User.SuspensionStatus.Updated", "User.Deleted"


def moment(seconds: float) -> str:
    written = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def suspension(stage: Leaving, **changes: Any) -> dict[str, Any]:
    """Return the message of the first person's suspension; None removes a member."""
    message = {
        "event": SUSPENDED,
        "createdAt": moment(stage.scene.process.clock()),
        "hookId": "hook",
        "params": {"userId": MALLORY},
        "data": {"id": MALLORY, "primaryEmail": "m@x.test", "isSuspended": True},
        **changes,
    }
    return {name: value for name, value in message.items() if value is not None}


def signature(body: bytes, key: str = SIGNING_KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def posted(body: bytes, headers: dict[str, str], method: str = "POST") -> dict[str, Any]:
    """Return the event of a webhook, with its body as API Gateway passes JSON on."""
    kind = {"content-type": "application/json", **headers}
    event = http_event(method, PATH, headers=kind)
    return {**event, "body": body.decode("utf-8", "surrogateescape")}


def tell(stage: Leaving, message: dict[str, Any] | str) -> int:
    """Send a message with its valid signature."""
    body = (message if isinstance(message, str) else json.dumps(message)).encode()
    return stage.send(posted(body, {HEADER: signature(body)}))
