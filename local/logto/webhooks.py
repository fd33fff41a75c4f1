"""Webhooks: events about users that Logto posts to an application, signed with the hook's key."""

import asyncio
import hashlib
import hmac
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from local.logto.state import StandInState
from local.logto.tenant import User, Webhook

SUSPENSION: Final = "User.SuspensionStatus.Updated"
DELETION: Final = "User.Deleted"
_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.2
_LOGGER = logging.getLogger(__name__)


def body_of(state: StandInState, hook: Webhook, event: str, user: User) -> bytes:
    """Write the body of an event as Logto does."""
    moment = datetime.fromtimestamp(state.clock(), UTC)
    created = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data: dict[str, Any] = {
        "id": user.id,
        "username": user.username,
        "primaryEmail": state.tenant.email_of(user),
        "name": user.name,
        "isSuspended": user.suspended,
    }
    message = {
        "event": event,
        "createdAt": created,
        "hookId": hook.id,
        "params": {"userId": user.id},
        "data": data,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def signature(body: bytes, key: str) -> str:
    """Compute the header `logto-signature-sha-256` of a body."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


async def send(state: StandInState, event: str, user: User) -> None:
    """Post the event to every webhook that is subscribed to it. Failures are logged."""
    hooks = [hook for hook in state.tenant.webhooks if hook.enabled and event in hook.events]
    await asyncio.gather(*(_post(hook, body_of(state, hook, event, user)) for hook in hooks))


async def _post(hook: Webhook, body: bytes) -> None:
    headers = {
        "content-type": "application/json",
        "logto-signature-sha-256": signature(body, hook.signing_key),
        "logto-message-id": str(uuid.uuid4()),
    }
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for attempt in range(_ATTEMPTS):
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
            try:
                answer = await client.post(hook.url, content=body, headers=headers)
                answer.raise_for_status()
            except httpx.HTTPError as failure:
                _LOGGER.warning("webhook %s failed: %s", hook.id, type(failure).__name__)
            else:
                return
