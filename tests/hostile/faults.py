"""A service of AWS that fails, at botocore's transport: a bad network, or a bad service."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

URL = "http://dynamodb.test"


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _response(status: int, body: bytes) -> AWSResponse:
    headers = HTTPHeaders()
    headers["content-type"] = "application/x-amz-json-1.0"
    return AWSResponse(URL, status, headers, _Raw(body))


def _refusal(status: int, code: str, **members: Any) -> Callable[[Any, Any], AWSResponse]:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as it happens"}
    return lambda client, request: _response(status, json.dumps({**body, **members}).encode())


def _timeout(client: Any, request: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=URL)


def _reset(client: Any, request: Any) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=URL)


def _applied(client: Any, request: Any) -> AWSResponse:
    """Carry out the request, and lose its answer."""
    client._endpoint.http_session.send(request)
    raise ReadTimeoutError(endpoint_url=URL)


KINDS: dict[str, Callable[[Any, Any], AWSResponse]] = {
    "throttled": _refusal(400, "ThrottlingException"),
    "over capacity": _refusal(400, "ProvisionedThroughputExceededException"),
    "error 500": _refusal(500, "InternalServerError"),
    "error 503": lambda client, request: _response(503, b"<html>busy</html>"),
    "denied": _refusal(400, "AccessDeniedException"),
    "no such table": _refusal(400, "ResourceNotFoundException"),
    "no JSON": lambda client, request: _response(200, b"<html>"),
    "timeout": _timeout,
    "reset": _reset,
    "applied, answer lost": _applied,
}
TRANSIENT = ("throttled", "over capacity", "error 500", "error 503", "timeout", "reset")
"""Failures that a second attempt may not meet again."""


@dataclass(slots=True)
class Faults:
    """Makes chosen calls of a client fail, by their number since `arm`."""

    client: Any
    service: str = "dynamodb"
    sent: int = 0
    _chosen: Callable[[int], bool] = field(default=lambda number: False)
    _kind: str = ""

    def __post_init__(self) -> None:
        self.client.meta.events.register(f"before-send.{self.service}", self._before_send)

    def arm(self, kind: str, chosen: Callable[[int], bool]) -> None:
        """Make each chosen attempt fail in this way from now on; the first has number 1."""
        self.sent, self._kind, self._chosen = 0, kind, chosen

    def disarm(self) -> None:
        self._chosen = lambda number: False

    def _before_send(self, request: Any, **_: Any) -> AWSResponse | None:
        self.sent += 1
        if not self._chosen(self.sent):
            return None
        return KINDS[self._kind](self.client, request)
