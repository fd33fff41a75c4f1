"""Between API Gateway and the application: an event of any shape in, a valid answer out.

What Mangum and Starlette are given is made complete and of the right types first, so nothing that
a client can put into an event becomes an exception.
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from shared.errors import Misconfigured
from shared.services import Services
from shared.web.base_url import Site, site_of

CORRELATION_HEADER = "x-correlation-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,64}")
_METHOD = re.compile(r"[A-Z]{1,16}")
_NEVER_READ = frozenset(
    {
        "host",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
    }
)
"""Whom the client says it speaks to, and through what: no URL is built from it. Mangum would read
it, and fails where it is no host and port."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")

Adapter = Callable[[dict[str, Any], Any], dict[str, Any]]


def answer(
    event: Mapping[str, Any], context: Any, *, adapter: Adapter, services: Services
) -> dict[str, Any]:
    """The answer of `adapter` to a completed event; problem+json where there can be no page."""
    request_context = _mapping(event.get("requestContext"))
    correlation_id = _correlation_id(request_context)
    services.observer.begin(
        correlation_id=correlation_id, request_id=str(getattr(context, "aws_request_id", ""))[:64]
    )
    try:
        site = site_of(services.settings.base_url, request_context)
        completed = complete(event, site=site, correlation_id=correlation_id)
    except Misconfigured as failure:
        services.observer.problem("no base URL", reason=failure.error)
        return _problem(500, "This sign-in is not set up correctly", failure.error, correlation_id)
    except Unreadable:
        return _problem(400, "That request could not be read", "malformed_request", correlation_id)
    return adapter(completed, context)


def complete(event: Mapping[str, Any], *, site: Site, correlation_id: str) -> dict[str, Any]:
    """A payload 2.0 event with every field that is relied on, of its right type.

    `cookies` wins over a `cookie` header, as API Gateway sends it; the deployment's root path is
    taken off. Raises Unreadable for a body that is not base64 although it is said to be.
    """
    context = _mapping(event.get("requestContext"))
    http = _mapping(context.get("http"))
    method = _text(http.get("method")).upper()
    headers = {
        name.lower(): _header_value(value)
        for name, value in _mapping(event.get("headers")).items()
        if isinstance(name, str) and _HEADER_NAME.fullmatch(name) and isinstance(value, str)
    }
    for name in _NEVER_READ & headers.keys():
        del headers[name]
    cookies = event.get("cookies")
    if isinstance(cookies, list) and cookies:
        headers["cookie"] = "; ".join(_header_value(c) for c in cookies if isinstance(c, str))
    path = _text(event.get("rawPath")) or _text(http.get("path")) or "/"
    body = _body(event)
    return {
        "version": "2.0",
        "headers": headers,
        "rawQueryString": quote(_text(event.get("rawQueryString")), safe="%&=+!$'()*,-./:;?@_~"),
        "requestContext": {
            "http": {
                "method": method if _METHOD.fullmatch(method) else "UNKNOWN",
                "path": _local_path(path, site, _text(context.get("stage"))),
                "sourceIp": _text(http.get("sourceIp")),
            }
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "correlationId": correlation_id,
        "site": site,
    }


class Unreadable(Exception):
    """An event that no request can be made of."""


def _local_path(path: str, site: Site, stage: str) -> str:
    path = path if path.startswith("/") else f"/{path}"
    for root in {urlsplit(site.base_url).path, f"/{stage}" if stage != "$default" else ""}:
        if root and (path == root or path.startswith(f"{root}/")):
            return path.removeprefix(root) or "/"
    return path


def _body(event: Mapping[str, Any]) -> bytes:
    text = _text(event.get("body"))
    if event.get("isBase64Encoded") is not True:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable from None


def _correlation_id(request_context: Mapping[str, Any]) -> str:
    """API Gateway's request id, which its access log has too; else one of our own."""
    given = request_context.get("requestId")
    if isinstance(given, str) and _REQUEST_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex


def _header_value(value: str) -> str:
    """A value that is one header line. What cannot have come in a header spoils the value."""
    return "".join(c if c == "\t" or " " <= c != "\x7f" else "?" for c in _text(value))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """A string that has a UTF-8 form: JSON can name halves of characters, which have none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _problem(status: int, title: str, error: str, correlation_id: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/problem+json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            CORRELATION_HEADER: correlation_id,
        },
        "body": json.dumps(
            {"title": title, "status": status, "error": error, "correlation_id": correlation_id}
        ),
    }
