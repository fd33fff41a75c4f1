"""Build a complete and valid event for Mangum from parsed values: none can cause an exception."""

import base64
import json
from typing import Any

from functions.auth.problems import problem_of
from functions.auth.request import SCOPE_KEY, BrowserRequest
from functions.auth.responses import secure_headers
from shared.errors import SignInError


def mangum_event(browser: BrowserRequest) -> dict[str, Any]:
    """Return a payload 2.0 event with every field that Mangum reads."""
    http = browser.http
    return {
        "version": "2.0",
        "headers": dict(http.headers),
        "rawQueryString": http.query.decode(),
        "requestContext": {
            "http": {"method": http.method, "path": http.path, "sourceIp": http.source_ip or ""}
        },
        "body": base64.b64encode(http.body or b"").decode(),
        "isBase64Encoded": True,
        SCOPE_KEY: browser,
    }


def problem_without_page(failure: SignInError, correlation_id: str) -> dict[str, Any]:
    """Return a problem+json response for a request that cannot be passed to the application."""
    problem = problem_of(failure)
    content = {
        "title": problem.title,
        "status": problem.status,
        "error": failure.error,
        "correlation_id": correlation_id,
    }
    return _reply(problem.status, "application/problem+json", content, correlation_id)


def nothing_to_do(correlation_id: str) -> dict[str, Any]:
    """Return the response to an event that is not of a request."""
    return _reply(200, "application/json", {}, correlation_id)


def _reply(
    status: int, content_type: str, content: dict[str, Any], correlation_id: str
) -> dict[str, Any]:
    headers = {**secure_headers(correlation_id=correlation_id), "content-type": content_type}
    return {"statusCode": status, "headers": headers, "body": json.dumps(content)}
