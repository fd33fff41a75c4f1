"""`python -m local` from outside: it starts, serves a sign-in, reloads, and leaves no process."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import httpx
import pytest
from packaging.requirements import Requirement

from functions.notifications.revocation_request import RevocationRequest
from harness.artifacts import link_distributions
from harness.sign_in_robot import Robot
from local.queue import queue_url
from local.table import REGION
from tests.support.up import PORTS, ROOT, up


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signal_after_a_sign_in_stops_everything(how: signal.Signals) -> None:
    with up() as program:
        program.wait_for("Ctrl-C stops everything")
        assert program.url in program.output
        assert "alice@contoso.com" in program.output
        logto = f"http://localhost:{program.ports['LOGTO_PORT']}"
        with httpx.Client(base_url=program.url, trust_env=False) as browser, Robot(logto) as robot:
            started = browser.get("/sign-in")
            callback = robot.sign_in(started.headers["location"])
            assert browser.get(callback).headers["location"] == f"{program.url}/"
            assert "Alice Example" in browser.get("/").text
            out = browser.get("/sign-out")
            landed = browser.get(robot.end_session(out.headers["location"]))
            assert landed.url == f"{program.url}/signed-out"
            assert landed.headers["location"] == f"{program.url}/"
        assert program.end(how) == 0
    assert re.search(r"web +GET /callback -> 302\n", program.output)
    assert re.search(r"logto +POST /oidc/token -> 200\n", program.output)
    assert "code=" not in program.output
    assert "Traceback" not in program.output


def test_sign_in_needs_only_what_make_up_installs(tmp_path: Path) -> None:
    """Nothing can be imported here but what `requirements-local.txt` pins."""
    lines = re.findall(r"(?m)^([a-z0-9].*?) \\$", (ROOT / "requirements-local.txt").read_text())
    pinned = [Requirement(line) for line in lines]
    link_distributions(
        tmp_path, [one.name for one in pinned if one.marker is None or one.marker.evaluate()]
    )
    assert not (tmp_path / "pytest").exists()
    variables = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    with up(variables, python=("-S",)) as program:
        program.wait_for("Ctrl-C stops everything")
        logto = f"http://localhost:{program.ports['LOGTO_PORT']}"
        with httpx.Client(base_url=program.url, trust_env=False) as browser, Robot(logto) as robot:
            browser.get(robot.sign_in(browser.get("/sign-in").headers["location"]))
            assert "Alice Example" in browser.get("/").text
            assert browser.get("/api/orders").json()["claims"]["sub"] == "alice0000001"
        assert program.end(signal.SIGINT) == 0
    assert "Traceback" not in program.output
    commands = [sys.executable, "-S", "-m", "provision", "--help"]
    done = subprocess.run(
        commands, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_queued_revocation_ends_a_session() -> None:
    with up() as program:
        program.wait_for("Ctrl-C stops everything")
        logto = f"http://localhost:{program.ports['LOGTO_PORT']}"
        with httpx.Client(base_url=program.url, trust_env=False) as browser, Robot(logto) as robot:
            browser.get(robot.sign_in(browser.get("/sign-in").headers["location"]))
            assert browser.get("/me").status_code == 200
            endpoint = f"http://127.0.0.1:{program.ports['TABLE_PORT']}"
            sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=REGION)
            now = int(time.time())
            request = RevocationRequest(
                kind="webhook",
                subject="alice0000001",
                op_session=None,
                until=now + 30,
                arrived_at=now * 1000,
                token_id=None,
            )
            sqs.send_message(QueueUrl=queue_url(endpoint), MessageBody=request.text)
            sqs.close()
            for _ in range(300):
                if browser.get("/me").status_code == 401:
                    break
                time.sleep(0.1)
            assert browser.get("/me").status_code == 401
        assert program.end(signal.SIGINT) == 0
    assert "Traceback" not in program.output


def test_signal_while_starting_stops_everything() -> None:
    with up() as program:
        program.wait_for("Starting")
        assert program.end(signal.SIGINT) == 0
    assert "Traceback" not in program.output


@pytest.mark.parametrize("name", PORTS)
def test_taken_port_is_named_with_its_holder(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with up({name: str(port)}) as program:
            assert program.finish() == 2
    assert f"Port {port} is taken" in program.output
    assert f"{name}=" in program.output
    assert f"(pid {os.getpid()})" in program.output
    assert "Traceback" not in program.output


def test_incomplete_settings_of_a_real_logto_are_refused() -> None:
    with up({"LOGTO_ENDPOINT": "https://tenant.logto.app"}) as program:
        assert program.finish() == 2
    assert "LOGTO_APP_ID and LOGTO_APP_SECRET missing" in program.output


def test_wrong_setting_names_the_variable_and_the_fix() -> None:
    with up({"SESSION_IDLE_SECONDS": "7200", "SESSION_ABSOLUTE_SECONDS": "3600"}) as program:
        assert program.finish() == 2
    assert "SESSION_IDLE_SECONDS must be shorter than SESSION_ABSOLUTE_SECONDS" in program.output
    assert "Traceback" not in program.output


def test_own_logto_replaces_the_stand_in() -> None:
    own = {
        "LOGTO_ENDPOINT": "http://localhost:9",
        "LOGTO_APP_ID": "own-app",
        "LOGTO_APP_SECRET": "own-secret",
    }
    with up(own) as program:
        program.wait_for("Ctrl-C stops everything")
        assert "http://localhost:9" in program.output
        assert f"{program.url}/callback" in program.output
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", program.ports["LOGTO_PORT"])) != 0
        assert program.end(signal.SIGINT) == 0
    assert "own-secret" not in program.output


def test_changed_code_is_reloaded(tmp_path: Path) -> None:
    for name in ("functions", "shared", "local", "provision"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "template.yaml", tmp_path)
    page = tmp_path / "functions/auth/pages/templates/home.html"
    code = tmp_path / "functions/auth/routes/home.py"
    with up(root=tmp_path) as program:
        program.wait_for("Ctrl-C stops everything")
        page.write_text(page.read_text().replace("Sign in to continue.", "Changed."))
        program.wait_for("Reloaded.")
        assert "Changed." in httpx.get(program.url, trust_env=False).text
        good = code.read_text()
        code.write_text("not valid Python")
        program.wait_for("waiting for a change")
        assert httpx.get(program.url, trust_env=False).status_code == 502
        code.write_text(good)
        program.wait_for("Reloaded.", times=2)
        assert httpx.get(program.url, trust_env=False).status_code == 200
        assert program.end(signal.SIGINT) == 0
