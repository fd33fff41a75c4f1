"""The built function under AWS's runtime interface emulator: each sample event, and a sign-in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.browser import FETCH, NAVIGATION, Browser, read_answer
from harness.environment import function_variables
from harness.product import DOMAIN
from harness.rie import Function
from harness.sign_in_robot import Robot
from local.logto.server import StandIn
from tests.built.artifacts import emulated_function, sample


@pytest.fixture(scope="module")
def function(
    artifacts: Path, runtime_client: Path, variables: dict[str, str]
) -> Iterator[Function]:
    with emulated_function("AuthFunction", artifacts, runtime_client, variables) as started:
        yield started


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("home", 200, "text/html; charset=utf-8"),
        ("me", 401, "application/problem+json"),
        ("sign-in", 302, None),
        ("callback", 400, "text/html; charset=utf-8"),
        ("sign-out", 200, "text/html; charset=utf-8"),
    ],
)
def test_sample_event_is_answered(
    function: Function, name: str, status: int, kind: str | None
) -> None:
    answer = function(sample(name))
    reply = read_answer(answer)
    assert reply.status == status
    assert answer["isBase64Encoded"] is False
    if kind is not None:
        assert reply.headers["content-type"] == kind
    if name == "sign-in":
        assert "redirect_uri=https%3A%2F%2Fabcdefghij.execute-api." in reply.location


def test_sign_in_and_sign_out_work(function: Function, stand_in: StandIn) -> None:
    browser = Browser(function, domain=DOMAIN)
    with Robot(stand_in.url) as robot:
        started = browser.get("/sign-in?connector=contoso00001")
        landed = browser.get(robot.sign_in(started.location))
        assert (landed.status, landed.location) == (302, f"https://{DOMAIN}/")
        assert json.loads(browser.get("/me", FETCH).body)["name"] == "Alice Example"
        assert "Alice Example" in browser.get("/").body
        out = browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
        assert robot.end_session(out.location) == f"https://{DOMAIN}/signed-out"
    assert browser.get("/me", FETCH).status == 401
    assert "SignInSucceeded" in function.log
    assert "alice@contoso.com" not in function.log


def test_event_that_is_not_a_request_is_200_and_a_request_without_a_domain_500(
    function: Function,
) -> None:
    assert read_answer(function({})).status == 200
    assert read_answer(function({"version": "2.0", "requestContext": 1})).status == 200
    request = {"version": "2.0", "requestContext": {"http": {"method": "GET", "path": "/"}}}
    assert read_answer(function(request)).status == 500


def test_wrong_settings_stop_the_start_with_their_names(
    finished: Path, runtime_client: Path
) -> None:
    wrong = {"LOGTO_ENDPOINT": "http://tenant.logto.app"}
    with emulated_function("AuthFunction", finished, runtime_client, wrong) as function:
        answer = function(sample("home"))
    assert answer["errorType"] == "SettingsInvalid"
    for name in ("LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET_ARN", "TABLE_NAME"):
        assert name in answer["errorMessage"]


def test_tracing_changes_no_answer(
    artifacts: Path, runtime_client: Path, dynamodb_url: str, stand_in: StandIn
) -> None:
    """With a trace and without one, and without a daemon that receives it."""
    variables = {
        **function_variables(stand_in.url, "no-such-table", dynamodb=dynamodb_url),
        "POWERTOOLS_TRACE_DISABLED": "false",
        "LAMBDA_TASK_ROOT": str(artifacts / "AuthFunction"),
    }
    with emulated_function("AuthFunction", artifacts, runtime_client, variables) as function:
        assert read_answer(function(sample("home"))).status == 200
        assert read_answer(function(sample("sign-in"))).status == 503  # there is no such table
        assert "Traceback" not in function.log
