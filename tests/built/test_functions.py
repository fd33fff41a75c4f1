"""The built functions other than AuthFunction, under the runtime interface emulator."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.notifications.revocation_request import RevocationRequest
from harness.browser import FETCH, Browser, read_answer
from harness.functions import RESOURCE, ROUTE, TOKEN_SETTINGS, authorizer_event
from harness.product import DOMAIN
from harness.rie import Function
from harness.sign_in_robot import Robot
from local.gateway import Gateway
from local.logto.server import StandIn
from local.logto.tenant import Webhook
from local.serving import listen, serving
from local.template import read_template, routes_of
from tests.built.artifacts import ROOT, emulated_function, sample

SIGNING_KEY = "local-webhook-signing-key"
Start = Callable[[str], Function]


@pytest.fixture(scope="module")
def start(artifacts: Path, runtime_client: Path, variables: dict[str, str]) -> Iterator[Start]:
    """Start a built function by its name. All of them share one table."""
    given = {**variables, **TOKEN_SETTINGS, "LOGTO_WEBHOOK_SIGNING_KEY": SIGNING_KEY}
    started: dict[str, Function] = {}
    with ExitStack() as running_functions:

        def of(name: str) -> Function:
            if name not in started:
                function = emulated_function(name, artifacts, runtime_client, given)
                started[name] = running_functions.enter_context(function)
            return started[name]

        yield of


def signed_in(start: Start, stand_in: StandIn, account: str = "alice0000001") -> Browser:
    browser = Browser(start("AuthFunction"), domain=DOMAIN)
    with Robot(stand_in.url) as robot:
        browser.get(robot.sign_in(browser.get("/sign-in").location, account))
    assert browser.get("/me", FETCH).status == 200
    return browser


def authorized(start: Start, browser: Browser, route: str = "/orders") -> dict[str, Any]:
    event = authorizer_event(route=route, cookies=browser.cookies)
    return start("AuthorizerFunction")(event)


@contextmanager
def served(function: Function) -> Iterator[str]:
    """Serve an HTTP API whose routes all lead to this function; its URL."""
    sockets = listen(("127.0.0.1",), 0)
    url = f"http://localhost:{sockets[0].getsockname()[1]}"
    gateway = Gateway(
        routes_of(read_template(ROOT / "template.yaml")),
        lambda handler, event, seconds: function(event),
        base_url=url,
        log=lambda line: None,
    )
    with serving(gateway, sockets, name="gateway"):
        yield url


def test_authorizer_allows_a_session_and_passes_the_token(start: Start, stand_in: StandIn) -> None:
    assert start("AuthorizerFunction")(sample("authorizer")) == {"isAuthorized": False}
    browser = signed_in(start, stand_in)
    answer = authorized(start, browser)
    assert answer["isAuthorized"] is True
    assert answer["context"]["sub"] == "alice0000001"
    relayed = authorized(start, browser, ROUTE)["context"]
    assert relayed["access_token"].count(".") == 2
    assert relayed["scopes"] == ["read:orders", "write:orders"]
    assert relayed["access_token"] not in start("AuthorizerFunction").log
    assert RESOURCE in TOKEN_SETTINGS["ACCESS_TOKEN_ROUTES"]


def test_webhook_about_a_suspension_ends_sessions(start: Start, stand_in: StandIn) -> None:
    browser = signed_in(start, stand_in, "bob000000001")
    assert authorized(start, browser)["isAuthorized"] is True
    notifications = start("NotificationsFunction")
    assert notifications(sample("webhook"))["statusCode"] == 200
    assert notifications(sample("backchannel-logout"))["statusCode"] == 400
    assert authorized(start, browser)["isAuthorized"] is True
    with served(notifications) as url:
        hook = Webhook(id="hook", url=f"{url}/webhooks/logto", signing_key=SIGNING_KEY)
        stand_in.tenant.webhooks = (hook,)
        stand_in.suspend("bob000000001")
    assert authorized(start, browser) == {"isAuthorized": False}
    assert browser.get("/me", FETCH).status == 401
    assert "bob000000001" not in notifications.log
    stand_in.tenant.users["bob000000001"].suspended = False  # for the other packaging


def test_admin_without_a_proof_of_the_caller_is_refused(start: Start) -> None:
    answer = start("AdminFunction")(sample("admin"))
    assert (answer["ok"], answer["error"]) == (False, "not_allowed")


def test_queued_revocation_ends_sessions_and_poison_is_reported(
    start: Start, stand_in: StandIn
) -> None:
    browser = signed_in(start, stand_in)
    notifications = start("NotificationsFunction")
    now = int(time.time())
    request = RevocationRequest(
        kind="webhook",
        subject="alice0000001",
        op_session=None,
        until=now + 30,
        arrived_at=now * 1000,
        token_id=None,
    )
    record = {"messageId": "id", "body": "poison", "eventSource": "aws:sqs"}
    failed = {"batchItemFailures": [{"itemIdentifier": "id"}]}
    assert notifications({"Records": [record]}) == failed
    assert authorized(start, browser)["isAuthorized"] is True
    assert notifications({"Records": [{**record, "body": request.text}]}) == {
        "batchItemFailures": []
    }
    assert authorized(start, browser) == {"isAuthorized": False}
    assert "alice0000001" not in notifications.log


def test_events_that_are_not_requests_are_answered(start: Start) -> None:
    assert start("AuthorizerFunction")({}) == {"isAuthorized": False}
    assert read_answer(start("NotificationsFunction")({})).status == 200
    assert start("AdminFunction")({})["error"] == "malformed_request"
