"""SnapStart: the snapshot contains metadata, and no secret that two processes would share."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from harness.browser import FETCH, Browser, read_answer
from harness.environment import function_variables
from harness.functions import authorizer_event
from harness.product import DOMAIN
from harness.sign_in_robot import Robot
from harness.tables import new_table
from local.http_event import http_event
from local.logto.contoso import default_tenant
from local.logto.server import StandIn, running
from tests.snapshot.runtime import ROOT, Runtime, snap_started
from tests.support.needs import lacking

METADATA = [("GET", "/oidc/.well-known/openid-configuration"), ("GET", "/oidc/jwks")]


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running(default_tenant(f"https://{DOMAIN}")) as started:
        yield started


@pytest.fixture
def variables(stand_in: StandIn, dynamodb_url: str) -> Iterator[Mapping[str, str]]:
    client = boto3.client("dynamodb", endpoint_url=dynamodb_url, region_name="eu-central-1")
    yield function_variables(stand_in.url, new_table(client), dynamodb=dynamodb_url)
    client.close()


def established(runtime: Runtime, url: str) -> int:
    """Count the process's connections to a server of this machine."""
    if not Path("/proc/self/fd").exists():
        lacking("there is no /proc to see a process's connections in")
    descriptors = Path(f"/proc/{runtime.process.pid}/fd")
    sockets = {os.readlink(entry) for entry in descriptors.iterdir()}
    port = f":{urlsplit(url).port or 0:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        line[2].endswith(port) and line[3] == "01" and f"socket:[{line[9]}]" in sockets
        for line in lines
    )


def test_snapshot_contains_metadata_and_no_connection(
    variables: Mapping[str, str], stand_in: StandIn, dynamodb_url: str
) -> None:
    with snap_started("functions.auth.app.handler", variables) as function:
        function.wait_for_snapshot()
        assert stand_in.requests == METADATA
        assert established(function, stand_in.url) == established(function, dynamodb_url) == 0
        stand_in.requests.clear()
        function.restore()
        browser = Browser(function, domain=DOMAIN)
        with Robot(stand_in.url) as robot:
            started = browser.get("/sign-in?connector=contoso00001")
            assert stand_in.requests == []  # everything was in the snapshot
            assert browser.get(robot.sign_in(started.location)).status == 302
        assert json.loads(browser.get("/me", FETCH).body)["name"] == "Alice Example"
        assert ("POST", "/oidc/token") in stand_in.requests
        assert not set(METADATA) & set(stand_in.requests)
        assert function.faults == []
    assert function.log.count('"ColdStart":[1.0]') == 1


def test_restored_authorizer_denies_without_fetching_metadata(
    variables: Mapping[str, str], stand_in: StandIn
) -> None:
    with snap_started("functions.authorizer.app.handler", variables) as function:
        function.wait_for_snapshot()
        assert stand_in.requests == METADATA
        function.restore()
        assert function(authorizer_event()) == {"isAuthorized": False}
        assert function.faults == []


def test_snapshot_without_logto_fetches_metadata_at_the_first_request(
    variables: Mapping[str, str], stand_in: StandIn
) -> None:
    """If metadata cannot be fetched before the snapshot, the first request fetches it."""
    unreachable = {**variables, "LOGTO_ENDPOINT": "http://127.0.0.1:9"}
    with snap_started("functions.auth.app.handler", unreachable) as function:
        function.wait_for_snapshot()
        function.restore()
        assert read_answer(function(http_event("GET", "/"))).status == 200
        assert read_answer(function(http_event("GET", "/sign-in"))).status == 503
        assert function.faults == []
    assert "snapshot without metadata" in function.log


def test_wrong_settings_prevent_the_snapshot(variables: Mapping[str, str]) -> None:
    wrong = {**variables, "LOGTO_ENDPOINT": "http://tenant.logto.app"}
    with snap_started("functions.auth.app.handler", wrong) as function:
        assert function.process.wait() == 1
        (fault,) = function.faults
        assert fault["errorType"] == "SettingsInvalid"
        assert not function.exchange.snapshot.is_set()


_RESTORED = """
import json, os
import functions.auth.app as app
from awslambdaric import lambda_runtime_hooks_runner as hooks

hooks.run_before_snapshot()
event = json.loads(os.environ["EVENT"])
app._services.provider()._fetched_at -= float(os.environ["AGE"])
for _ in range(3):
    child = os.fork()
    if child == 0:
        hooks.run_after_restore()
        answer = app.handler(event, None)
        print(json.dumps([answer["headers"]["location"], answer["cookies"]]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def restored_thrice(variables: Mapping[str, str], *, age: int = 0) -> list[tuple[str, str]]:
    """Sign in in three processes of one snapshot, `age` seconds old: location and cookie each."""
    done = subprocess.run(
        [sys.executable, "-c", _RESTORED],
        cwd=ROOT,
        env={
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "POWERTOOLS_METRICS_DISABLED": "true",
            "EVENT": json.dumps(http_event("GET", "/sign-in")),
            "AGE": str(age),
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return [(location, cookies[0].partition(";")[0]) for location, cookies in lines]


def test_processes_of_one_snapshot_share_no_secret(variables: Mapping[str, str]) -> None:
    answers = restored_thrice(variables)
    queries = [parse_qs(urlsplit(location).query) for location, _ in answers]
    assert len(queries) == 3
    for name in ("state", "nonce", "code_challenge"):
        assert len({query[name][0] for query in queries}) == 3, name
    assert len({cookie for _, cookie in answers}) == 3


def test_metadata_of_an_old_snapshot_is_fetched_again(
    variables: Mapping[str, str], stand_in: StandIn
) -> None:
    restored_thrice(variables, age=2 * 3600)
    assert stand_in.requests == METADATA * 4  # before the snapshot, and in each of the three


def test_without_snap_start_nothing_is_fetched_or_loaded_early(
    variables: Mapping[str, str], stand_in: StandIn
) -> None:
    program = (
        "import sys\n"
        "import functions.auth.app\n"
        "assert 'logto' not in sys.modules and 'snapshot_restore_py' not in sys.modules\n"
    )
    for kind in ({}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}):
        environment = {"AWS_DEFAULT_REGION": "eu-central-1", **kind, **variables}
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    assert stand_in.requests == []
