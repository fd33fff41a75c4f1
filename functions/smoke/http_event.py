"""API Gateway HTTP API events, payload 2.0, as AWS documents them."""

import base64
from collections.abc import Mapping
from typing import Any


def http_event(
    method: str,
    path: str,
    query: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    cookies: list[str] | None = None,
    body: str | None = None,
    domain: str = "signin.example.test",
    stage: str = "$default",
) -> dict[str, Any]:
    """One event; `path` is the raw path, with the stage's prefix where there is one."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path or "/",
        "rawQueryString": query,
        "headers": {"host": domain, "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "http": {
                "method": method,
                "path": path or "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "01/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1793491200000,
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if body is not None:
        event["body"] = base64.b64encode(body.encode()).decode()
        event["isBase64Encoded"] = True
    return event
