"""Webhooks: events that Logto posts to an application, signed with the hook's key.

Each is sent once: Logto's HTTP client repeats no POST, whatever the hook's `retries` says.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from starlette.requests import Request

from local.logto.state import StandInState
from local.logto.tenant import Tenant, User, Webhook

SUSPENSION: Final = "User.SuspensionStatus.Updated"
DELETION: Final = "User.Deleted"
CREATION: Final = "User.Created"
DATA: Final = "User.Data.Updated"
MEMBERSHIP: Final = "Organization.Membership.Updated"
GRANT_LIMIT: Final = "Grant.LimitExceeded"
SIGN_IN: Final = "PostSignIn"
REGISTRATION: Final = "PostRegister"
EVENTS: Final = frozenset(
    {
        *(REGISTRATION, SIGN_IN, "PostSignInAdaptiveMfaTriggered", "PostResetPassword"),
        *(CREATION, DELETION, DATA, SUSPENSION),
        *(f"{kind}.{change}" for kind in ("Role", "Scope") for change in ("Created", "Deleted")),
        *("Role.Data.Updated", "Role.Scopes.Updated", "Scope.Data.Updated"),
        *("Organization.Created", "Organization.Deleted", "Organization.Data.Updated", MEMBERSHIP),
        *("OrganizationRole.Created", "OrganizationRole.Deleted", "OrganizationRole.Data.Updated"),
        *("OrganizationRole.Scopes.Updated", "OrganizationScope.Created"),
        *("OrganizationScope.Deleted", "OrganizationScope.Data.Updated"),
        *("TrustedDevice.Created", "TrustedDevice.Deleted"),
        *("Identifier.Lockout", "Message.RateLimited", GRANT_LIMIT),
    }
)
"""The events that a webhook can subscribe to."""
_ADMINISTRATOR: Final = {"userAgent": "the stand-in's console", "ip": "127.0.0.1"}
_LOGGER = logging.getLogger(__name__)


def caller_of(request: Request) -> dict[str, str]:
    """Describe the sender of a request, as events do."""
    return {
        "userAgent": request.headers.get("user-agent", ""),
        "ip": request.client.host if request.client else "",
    }


def api_call(
    method: str,
    route: str,
    params: Mapping[str, str],
    *,
    status: int,
    caller: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Describe the call of the Management API that causes an event.

    Without a caller it is the console, which uses the Management API too.
    """
    path = route
    for name, value in params.items():
        path = path.replace(f":{name}", value)
    return {
        **(caller or _ADMINISTRATOR),
        "path": path,
        "method": method,
        "status": status,
        "params": dict(params),
        "matchedRoute": route,
    }


def user_data(user: User, tenant: Tenant) -> dict[str, Any]:
    """Make the user object of events, which is that of the Management API too."""
    return {
        "id": user.id,
        "username": user.username,
        "primaryEmail": tenant.email_of(user),
        "primaryPhone": None,
        "name": user.name,
        "avatar": user.picture,
        "customData": {},
        "identities": {},
        "lastSignInAt": None,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
        "profile": {},
        "applicationId": None,
        "isSuspended": user.suspended,
    }


def body_of(
    state: StandInState, hook: Webhook, event: str, cause: Mapping[str, Any], details: Any
) -> bytes:
    """Write the body of an event as Logto does."""
    moment = datetime.fromtimestamp(state.clock(), UTC)
    created = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {"event": event, "createdAt": created, **cause, **details, "hookId": hook.id}
    return json.dumps(message, separators=(",", ":")).encode()


def signature(body: bytes, key: str) -> str:
    """Compute the header `logto-signature-sha-256` of a body."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


async def send(
    state: StandInState, event: str, cause: Mapping[str, Any], details: Mapping[str, Any]
) -> None:
    """Post the event to every webhook that is subscribed to it. Failures are logged."""
    hooks = [hook for hook in state.tenant.webhooks if hook.enabled and event in hook.events]
    await asyncio.gather(
        *(_post(hook, body_of(state, hook, event, cause, details)) for hook in hooks)
    )


async def _post(hook: Webhook, body: bytes) -> None:
    headers = {
        "content-type": "application/json",
        "user-agent": "Logto (https://logto.io/)",
        "logto-signature-sha-256": signature(body, hook.signing_key),
    }
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        try:
            answer = await client.post(hook.url, content=body, headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as failure:
            _LOGGER.warning("webhook %s failed: %s", hook.id, type(failure).__name__)
