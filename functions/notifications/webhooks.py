"""Judge Logto's webhooks: a suspended or deleted user's sessions end."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.notifications.revocation_request import RevocationRequest
from shared.clock import CLOCK_SKEW_SECONDS, Deadline
from shared.errors import MessageRefused
from shared.observability import GRANT_EVICTED
from shared.oidc.client_secret import StoredSecret
from shared.oidc.id_token import is_identifier
from shared.parsing.strict_json import parse_json_object
from shared.services import Services
from shared.web.http_api import HttpApiRequest

SIGNATURE_HEADER = "logto-signature-sha-256"
MAX_BODY_BYTES = 262_144
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")
SUSPENSION, DELETION = "User.SuspensionStatus.Updated", "User.Deleted"
EVICTION = "Grant.LimitExceeded"
"""Logto revoked a user's oldest grants: the application's `maxAllowedGrants` was exceeded."""


def judge_webhook(
    message: HttpApiRequest, key: StoredSecret, services: Services
) -> RevocationRequest | None:
    """Return what a signed message requests, None if nothing.

    Raises MessageRefused, Misconfigured, and SecretUnavailable if the key cannot be read.
    """
    arrived_at = services.clock()
    body = _signed_body(message, key, services.deadline)
    try:
        event = parse_json_object(body)
    except ValueError as fault:
        raise MessageRefused(f"the body: {fault}") from None
    user = locked_out(event)
    if user is None:
        if event.get("event") == EVICTION:
            # It names grants, and no session here knows the id of its grant: it ends at its next
            # refresh. To end all sessions of the user would sign out the browsers that stay.
            services.observer.count(GRANT_EVICTED)
        services.observer.event("webhook ignored")
        return None
    return RevocationRequest(
        kind="webhook",
        subject=user,
        op_session=None,
        # Sessions are dated by Logto's clock, which may be ahead of this one. The limit keeps a
        # false `createdAt` in the future from ending sessions that do not exist yet.
        until=min(created_at(event), int(arrived_at) + CLOCK_SKEW_SECONDS),
        arrived_at=int(arrived_at * 1000),
        token_id=None,
    )


def _signed_body(message: HttpApiRequest, key: StoredSecret, deadline: Deadline) -> bytes:
    """Return the body if the header has its HMAC-SHA256 under the webhook's signing key."""
    body, given = message.body, message.header(SIGNATURE_HEADER)
    if not body or len(body) > MAX_BODY_BYTES:
        raise MessageRefused("the body is empty, too large or not base64")
    if not _SIGNATURE.fullmatch(given):
        raise MessageRefused("the message is not signed")
    if _signs(key.value(deadline), body, given):
        return body
    # The key may have been rotated since it was cached.
    renewed = key.renewed(key.value(deadline), deadline)
    if renewed is None or not _signs(renewed, body, given):
        raise MessageRefused("the signature does not match the signing key")
    return body


def _signs(key: str, body: bytes, given: str) -> bool:
    expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, given.lower())


def locked_out(event: Mapping[str, Any]) -> str | None:
    """Return the id of the user whom an event suspends or deletes; None for other events."""
    kind, data = event.get("event"), event.get("data")
    if kind not in (SUSPENSION, DELETION):
        return None
    if not isinstance(data, dict):
        raise MessageRefused("`data` is not an object")
    if kind == SUSPENSION:
        if not isinstance(data.get("isSuspended"), bool):
            raise MessageRefused("`data.isSuspended` is not a boolean")
        if not data["isSuspended"]:
            return None
    user = data.get("id")
    if not is_identifier(user):
        raise MessageRefused("`data.id` is not a user's id")
    return user


def created_at(event: Mapping[str, Any]) -> int:
    """Return the time of an event in Unix seconds."""
    created = event.get("createdAt")
    try:
        moment = datetime.fromisoformat(created) if isinstance(created, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise MessageRefused("`createdAt` is not a time")
    return int(moment.timestamp())
