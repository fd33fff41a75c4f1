"""A Lambda authorizer of an HTTP API: the event it gets, and what its answer means.

Source: the AWS documentation of Lambda authorizers for HTTP APIs, payload format 2.0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from local.environments import InvocationFailed

SECONDS: Final = 10.0
"""How long API Gateway waits for an authorizer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorizer:
    """`handler` as Lambda names it; `identity_headers` must be there, or nobody is asked."""

    handler: str
    identity_headers: tuple[str, ...] = ()


class Refused(Exception):
    """What the client is answered instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response: Response = JSONResponse({"message": message}, status)


Invoke = Callable[[str, dict[str, Any], float], Any]
"""Runs a handler on an event for so many seconds at most. Raises InvocationFailed."""


def authorize(authorizer: Authorizer, event: dict[str, Any], invoke: Invoke) -> dict[str, Any]:
    """The authorizer's context for a request's event. Raises Refused."""
    sources = [_identity(event, name) for name in authorizer.identity_headers]
    if not all(sources):
        raise Refused(401, "Unauthorized")
    try:
        answer = invoke(authorizer.handler, _event(event, sources), SECONDS)
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


def _event(event: dict[str, Any], sources: list[str]) -> dict[str, Any]:
    context = event["requestContext"]
    http = context["http"]
    arn = f"arn:aws:execute-api:us-east-1:{context['accountId']}:{context['apiId']}"
    return {
        **{name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")},
        "type": "REQUEST",
        "routeArn": f"{arn}/{context['stage']}/{http['method']}{http['path']}",
        "identitySource": sources,
    }
