"""Between API Gateway and Mangum: an event of any shape becomes one that is complete and valid.

What Mangum and Starlette get is made of what has been read already, so nothing that a client can
put into an event becomes an exception in them.
"""

import base64
import json
from typing import Any

from functions.auth.problems import problem_of
from functions.auth.request import SCOPE_KEY, BrowserRequest
from functions.auth.responses import secure_headers
from shared.errors import SignInError


def mangum_event(browser: BrowserRequest) -> dict[str, Any]:
    """Return a payload 2.0 event with every field that Mangum reads, of its right type."""
    http = browser.http
    return {
        "version": "2.0",
        "headers": dict(http.headers),
        "rawQueryString": http.query.decode(),
        "requestContext": {
            "http": {
                "method": http.method,
                "path": http.path,
                "sourceIp": http.source_ip or "",
            }
        },
        "body": base64.b64encode(http.body or b"").decode(),
        "isBase64Encoded": True,
        SCOPE_KEY: browser,
    }


def answer_without_page(failure: SignInError, correlation_id: str) -> dict[str, Any]:
    """Return a problem+json answer for a request that the application cannot be given."""
    problem = problem_of(failure)
    content = {
        "title": problem.title,
        "status": problem.status,
        "error": failure.error,
        "correlation_id": correlation_id,
    }
    return {
        "statusCode": problem.status,
        "headers": {
            **secure_headers(correlation_id=correlation_id),
            "content-type": "application/problem+json",
        },
        "body": json.dumps(content),
    }
