"""`functions.smoke.app.handler`: CodeDeploy calls it, and takes the version back where it fails.

It needs no layer and no setting of the product: what it asks goes through the functions' aliases,
as API Gateway's calls do, and leaves no more than one transaction that lapses within the hour.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3

DOMAIN = "smoke.invalid"
"""What stands for API Gateway's domain where no base URL is set."""

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


def http_event(method: str, path: str) -> dict[str, Any]:
    """A request as API Gateway sends it, payload 2.0, without cookies."""
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "application/json"},
        "requestContext": {
            "domainName": DOMAIN,
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "routeKey": f"{method} {path}",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def check(invoke: Invoke, environment: Mapping[str, str]) -> list[str]:
    """What is wrong with the functions; nothing where all is well."""
    faults = []
    auth = environment["AUTH_FUNCTION"]
    if invoke(auth, http_event("GET", "/me")).get("statusCode") != 401:
        faults.append("GET /me without a session is not 401")
    begun = invoke(auth, http_event("GET", "/sign-in"))
    # Settings, the table, and Logto's discovery have all done their part in this answer.
    led_to = _origin(str(begun.get("headers", {}).get("location", "")))
    if begun.get("statusCode") != 302 or led_to != _origin(environment["LOGTO_ENDPOINT"]):
        faults.append("GET /sign-in does not lead to Logto")
    denied = invoke(environment["AUTHORIZER_FUNCTION"], http_event("GET", "/"))
    if denied != {"isAuthorized": False}:
        faults.append("the authorizer does not deny who has no session")
    logout = http_event("POST", "/backchannel-logout")
    if invoke(environment["NOTIFICATIONS_FUNCTION"], logout).get("statusCode") != 400:
        faults.append("POST /backchannel-logout without a token is not 400")
    return faults


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check, and tell CodeDeploy. Called without a deployment, the answer alone says it."""
    client = boto3.client("lambda")

    def invoke(name: str, sent: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(sent).encode())
        read = json.loads(answer["Payload"].read())
        # A crash is an object too, but holds nothing that is asked for here.
        return read if isinstance(read, dict) else {}

    try:
        faults = check(invoke, os.environ)
    except Exception as failure:  # noqa: BLE001 - told nothing, CodeDeploy waits for an hour
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
