"""The smoke check of the real handlers: it passes, and finds every fault."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from functions.smoke import app
from harness.functions import started_authorizer, started_notifications
from harness.product import DOMAIN, started_product
from local.logto.contoso import default_tenant
from local.logto.server import running

ENVIRONMENT = {
    "AUTH_FUNCTION": "auth:live",
    "AUTHORIZER_FUNCTION": "authorizer:live",
    "NOTIFICATIONS_FUNCTION": "notifications:live",
}
Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def deployed(
    dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Invoke, dict[str, str]]]:
    """The functions by their aliases, and the environment of the check."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with (
        running(default_tenant(f"https://{DOMAIN}")) as stand_in,
        started_product(stand_in) as product,
        started_authorizer(product) as authorizer,
        started_notifications(product) as notifications,
    ):
        handlers = {
            "auth:live": product.handler,
            "authorizer:live": authorizer.handler,
            "notifications:live": notifications.handler,
        }

        def invoke(name: str, event: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = json.loads(json.dumps(handlers[name](event, None)))
            return answer

        yield invoke, {**ENVIRONMENT, "LOGTO_ENDPOINT": stand_in.url}


def test_working_functions_have_no_faults(deployed: tuple[Invoke, dict[str, str]]) -> None:
    invoke, environment = deployed
    assert app.check(invoke, environment) == []


@pytest.mark.parametrize("broken", ["auth:live", "authorizer:live", "notifications:live"])
@pytest.mark.parametrize(
    "answer", [{}, {"errorType": "SettingsInvalid"}, {"statusCode": 500}, {"isAuthorized": True}]
)
def test_failing_function_is_a_fault(
    deployed: tuple[Invoke, dict[str, str]], broken: str, answer: dict[str, Any]
) -> None:
    working, environment = deployed

    def invoke(name: str, event: dict[str, Any]) -> dict[str, Any]:
        return answer if name == broken else working(name, event)

    assert app.check(invoke, environment)


def test_sign_in_that_leads_elsewhere_is_a_fault(
    deployed: tuple[Invoke, dict[str, str]],
) -> None:
    invoke, environment = deployed
    for endpoint in ("https://another.logto.app", environment["LOGTO_ENDPOINT"][:-1]):
        elsewhere = {**environment, "LOGTO_ENDPOINT": endpoint}
        assert app.check(invoke, elsewhere) == ["GET /sign-in does not lead to Logto"]


@pytest.mark.parametrize("endpoint", ["https://Tenant.logto.app/", "https://tenant.logto.app:443"])
def test_spelling_of_the_endpoint_does_not_matter(
    deployed: tuple[Invoke, dict[str, str]], endpoint: str
) -> None:
    working, environment = deployed

    def invoke(name: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = working(name, event)
        if "location" in answer.get("headers", {}):
            answer["headers"]["location"] = "https://tenant.logto.app/oidc/auth?client_id=a"
        return answer

    assert app.check(invoke, {**environment, "LOGTO_ENDPOINT": endpoint}) == []


@pytest.mark.parametrize(
    ("functions", "status"),
    [("answer", "Succeeded"), ("crash", "Failed"), ("cannot be called", "Failed")],
)
def test_result_is_reported_to_codedeploy(
    deployed: tuple[Invoke, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    functions: str,
    status: str,
) -> None:
    working, environment = deployed
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class Lambda:
        def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
            if functions == "cannot be called":
                raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
            crashed = functions == "crash"
            read = {"errorType": "x"} if crashed else working(FunctionName, json.loads(Payload))
            return {"Payload": io.BytesIO(json.dumps(read).encode())}

    codedeploy = boto3.client("codedeploy")
    told = {
        "deploymentId": "d-1",
        "lifecycleEventHookExecutionId": "hook-1",
        "status": status,
    }
    with Stubber(codedeploy) as stub:
        stub.add_response("put_lifecycle_event_hook_execution_status", {}, told)
        clients: dict[str, Any] = {"lambda": Lambda(), "codedeploy": codedeploy}
        monkeypatch.setattr(boto3, "client", lambda name: clients[name])
        event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}
        assert bool(app.handler(event, None)["faults"]) is (status == "Failed")
        stub.assert_no_pending_responses()
    codedeploy.close()
