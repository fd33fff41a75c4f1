"""Behind a company's proxy, requests to this machine never reach it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from harness.sign_in_robot import Robot
from local.table import isolate_from_aws
from provision.own_machine import bypass_proxies
from tests.support.proxy import Proxy, recording_proxy
from tests.support.up import ROOT, Up, up


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with recording_proxy() as running:
        yield running


def test_no_request_of_the_stack_reaches_the_proxy(proxy: Proxy) -> None:
    with up(proxy.variables) as program:
        program.wait_for("Ctrl-C stops everything")
        logto = f"http://localhost:{program.ports['LOGTO_PORT']}"
        with httpx.Client(base_url=program.url, trust_env=False) as browser, Robot(logto) as robot:
            browser.get(robot.sign_in(browser.get("/sign-in").headers["location"]))
            assert "Alice Example" in browser.get("/").text
            assert browser.get("/api/orders").json()["claims"]["sub"] == "alice0000001"
            assert len(sessions_of("alice0000001", program, proxy)) == 1
            suspended = httpx.post(
                f"{logto}/console/user",
                data={"action": "suspend", "user": "alice0000001"},
                trust_env=False,
            )
            assert suspended.status_code == 303
            assert browser.get("/me").status_code == 401  # its webhook arrived
        assert program.end(signal.SIGINT) == 0
    assert "Traceback" not in program.output
    assert proxy.requests == []


def sessions_of(user: str, program: Up, proxy: Proxy) -> list[object]:
    """List a user's sessions with the operators' command, behind the proxy."""
    command = [sys.executable, "-m", "provision", "sessions", "list", "--local", "--json"]
    done = subprocess.run(
        [*command, "--user", user],
        cwd=ROOT,
        env={
            **os.environ,
            **proxy.variables,
            **{name: str(port) for name, port in program.ports.items()},
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)["sessions"]
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, ""),
        ({"NO_PROXY": "intranet.example.test,10.0.0.0/8"}, "intranet.example.test,10.0.0.0/8,"),
        ({"no_proxy": " intranet.example.test , "}, "intranet.example.test,"),
        ({"NO_PROXY": "a.test", "no_proxy": "b.test,localhost"}, "b.test,a.test,"),
    ],
)
def test_exceptions_are_kept_and_this_machine_is_added(given: dict[str, str], kept: str) -> None:
    environment = dict(given)
    bypass_proxies(environment)
    own = "localhost,127.0.0.1,::1,host.docker.internal"
    for name in ("NO_PROXY", "no_proxy"):
        found = environment[name].split(",")
        assert set(found) == set(f"{kept}{own}".split(","))
        assert len(found) == len(set(found))
    again = dict(environment)
    bypass_proxies(again)
    assert again == environment


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_exception_of_everything_is_left_alone(name: str) -> None:
    environment = {name: "*"}
    bypass_proxies(environment)
    assert environment == {"NO_PROXY": "*", "no_proxy": "*"}


def test_isolated_environment_bypasses_proxies() -> None:
    environment = {"AWS_PROFILE": "production", "HTTPS_PROXY": "http://proxy.example.test:3128"}
    isolate_from_aws(environment)
    assert "localhost" in environment["no_proxy"]
    assert environment["HTTPS_PROXY"] == "http://proxy.example.test:3128"
