"""A Lambda authorizer of an HTTP API: the event it receives, and what its answer means.

Source: the AWS documentation of Lambda authorizers for HTTP APIs, payload format 2.0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from local.environments import InvocationFailed
from local.http_event import as_authorizer_event
from local.table import REGION

SECONDS: Final = 10.0
"""How long API Gateway waits for an authorizer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorizer:
    """`handler` is Lambda's name of it. Without every one of `identity_headers`, the request is
    refused and the authorizer is not called."""

    handler: str
    identity_headers: tuple[str, ...] = ()


class Refused(Exception):
    """A request that does not reach its integration; `response` is what the client gets."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response: Response = JSONResponse({"message": message}, status)


Invoke = Callable[[str, dict[str, Any], float], Any]
"""Invoke a handler with an event, for so many seconds at most. Raises InvocationFailed."""


def authorize(authorizer: Authorizer, event: dict[str, Any], invoke: Invoke) -> dict[str, Any]:
    """Authorize a request, given as its event: the authorizer's context. Raises Refused."""
    sources = [_identity(event, name) for name in authorizer.identity_headers]
    if not all(sources):
        raise Refused(401, "Unauthorized")
    try:
        asked = as_authorizer_event(event, sources, region=REGION)
        answer = invoke(authorizer.handler, asked, SECONDS)
    except InvocationFailed:
        raise Refused(500, "Internal Server Error") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
        raise Refused(500, "Internal Server Error")
    if not answer["isAuthorized"]:
        raise Refused(403, "Forbidden")
    context = answer.get("context") or {}
    if not isinstance(context, dict):
        raise Refused(500, "Internal Server Error")
    return context


def _identity(event: dict[str, Any], header: str) -> str:
    if header.lower() == "cookie":
        return "; ".join(event.get("cookies", ()))
    found: str = event["headers"].get(header.lower(), "")
    return found
