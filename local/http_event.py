"""API Gateway HTTP API events, payload format 2.0, as AWS documents them.

The local gateway, the tests and the bench build their events here.
"""

import base64
from collections.abc import Mapping, Sequence
from time import gmtime, strftime
from typing import Any, Final
from urllib.parse import parse_qsl

DOMAIN: Final = "signin.example.test"
"""The API's domain, if the caller names none."""
TEXT: Final = ("text/", "application/json", "application/javascript", "application/xml")
"""Content types whose bodies reach the function as text; all others arrive as base64."""
_NOW: Final = 1_793_491_200.0


def http_event(
    method: str,
    path: str,
    query: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[str] | None = None,
    body: str | bytes | None = None,
    route_key: str = "$default",
    path_parameters: Mapping[str, str] | None = None,
    domain: str = DOMAIN,
    stage: str = "$default",
    api_id: str = "abcdefghij",
    protocol: str = "HTTP/1.1",
    source_ip: str = "192.0.2.1",
    request_id: str = "JKJaXmPLvHcESHA=",
    now: float = _NOW,
) -> dict[str, Any]:
    """Build the event of a request.

    `path` is the raw path, with the stage's prefix if there is one; header names are lower case;
    `now` is in seconds since 1970.
    """
    path = path or "/"
    sent = {"host": domain, **(headers or {})}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": sent,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": api_id,
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": protocol,
                "sourceIp": source_ip,
                "userAgent": sent.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": stage,
            "time": strftime("%d/%b/%Y:%H:%M:%S +0000", gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = list(cookies)
    if query:
        event["queryStringParameters"] = _joined(query)
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if body is not None:
        event |= _encoded(body, sent.get("content-type", ""))
    return event


def as_authorizer_event(
    event: Mapping[str, Any], identity_source: Sequence[str], *, region: str = "eu-central-1"
) -> dict[str, Any]:
    """Build the event of a Lambda authorizer for a request: the request's, without its body.

    `identity_source` holds the values of the headers that the authorizer is configured with.
    """
    context = event["requestContext"]
    http = context["http"]
    arn = f"arn:aws:execute-api:{region}:{context['accountId']}:{context['apiId']}"
    return {
        **{name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")},
        "type": "REQUEST",
        "routeArn": f"{arn}/{context['stage']}/{http['method']}{http['path']}",
        "identitySource": list(identity_source),
    }


def _joined(query: str) -> dict[str, str]:
    """Return the parameters of a query; API Gateway joins repeated ones with commas."""
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _encoded(body: str | bytes, content_type: str) -> dict[str, Any]:
    content = body.encode() if isinstance(body, str) else body
    if content_type.lower().startswith(TEXT):
        return {"body": content.decode("utf-8", "replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
