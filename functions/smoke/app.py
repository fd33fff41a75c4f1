"""`functions.smoke.app.handler`: called by CodeDeploy, which rolls back if the check fails.

It invokes the functions by their aliases, as API Gateway does, without the layer and the settings,
and leaves at most one sign-in transaction, which expires within the hour.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3

DOMAIN = "smoke.invalid"
"""Stands for API Gateway's domain, if no base URL is set."""
ROUTE_ARN = "arn:aws:execute-api:eu-central-1:123456789012:smoke/$default/GET/"
"""Stands for the route that the authorizer protects."""

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


def check(invoke: Invoke, environment: Mapping[str, str]) -> list[str]:
    """Check the functions of a deployment; the faults, none if all is well."""
    faults = []
    auth = environment["AUTH_FUNCTION"]
    if invoke(auth, _request("GET", "/me")).get("statusCode") != 401:
        faults.append("GET /me without a session is not 401")
    sign_in = invoke(auth, _request("GET", "/sign-in"))
    # This answer needs the settings, the table and Logto's discovery document.
    target = _origin(str(sign_in.get("headers", {}).get("location", "")))
    if sign_in.get("statusCode") != 302 or target != _origin(environment["LOGTO_ENDPOINT"]):
        faults.append("GET /sign-in does not lead to Logto")
    authorization = {"type": "REQUEST", "routeArn": ROUTE_ARN, "identitySource": []}
    decision = invoke(environment["AUTHORIZER_FUNCTION"], {**_request("GET", "/"), **authorization})
    if decision != {"isAuthorized": False}:
        faults.append("the authorizer does not deny a request without a session")
    logout = _request("POST", "/backchannel-logout")
    if invoke(environment["NOTIFICATIONS_FUNCTION"], logout).get("statusCode") != 400:
        faults.append("POST /backchannel-logout without a token is not 400")
    return faults


def _request(method: str, path: str) -> dict[str, Any]:
    """Return the event of a request without query, cookies and body (payload format 2.0)."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": DOMAIN, "accept": "application/json"},
        "requestContext": {
            "domainName": DOMAIN,
            "http": {**http, "userAgent": ""},
            "requestId": "smoke",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the functions, and report to CodeDeploy if it called; the answer lists the faults."""
    client = boto3.client("lambda")

    def invoke(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        read = json.loads(answer["Payload"].read())
        # A crash is reported as an object too, but with none of the members that are checked.
        return read if isinstance(read, dict) else {}

    try:
        faults = check(invoke, os.environ)
    except Exception as failure:  # noqa: BLE001 - without a report, CodeDeploy waits for an hour
        faults = [f"the check could not be made: {type(failure).__name__}"]
    for fault in faults:
        print(json.dumps({"level": "ERROR", "message": fault}))
    if "DeploymentId" in event:
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Failed" if faults else "Succeeded",
        )
    return {"faults": faults}
