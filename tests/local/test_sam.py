"""`make invoke-home` and `make sam-local`, as far as they go without Docker."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.patience import PATIENT
from harness.ports import free_ports
from harness.processes import started
from harness.product import Clock, Process
from harness.sign_in_robot import Robot
from harness.wire import Wire
from local import sam
from local.artifacts import finish
from local.containers import check_containers
from local.lambda_process import Child
from local.options import OptionsInvalid, read_options
from local.own_name import HOST, localhost_names
from provision.own_machine import bypass_proxies
from shared.store.dynamodb import connect
from tests.support.http_server import Handler, serving_http
from tests.support.proxy import recording_proxy
from tests.support.up import ROOT

WITHOUT_CONTAINERS = """
import sys
from samcli.local.docker.container_client_factory import ContainerClientFactory
from local import sam
ContainerClientFactory._try_create_finch_client = lambda *_: None
sam._sam = lambda *arguments, **_: print("the SAM CLI was called")
sys.exit(sam.main(sys.argv[1:]))
"""
PROXY = "http://proxy.example.test:3128"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The calls of the SAM CLI, which are noted and not made."""
    made: list[tuple[str, ...]] = []

    def note(*arguments: str, quiet: bool = False) -> int:
        made.append(arguments)
        return 1

    monkeypatch.setattr(sam, "_sam", note)
    return made


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A Docker daemon that answers, without any container."""

    class Daemon(Handler):
        def do_GET(self) -> None:
            version = json.dumps({"ApiVersion": "1.50"}).encode()
            body = b"OK" if self.path.endswith("/_ping") else version
            self.answer(200, body, {"content-type": "application/json"})

    with serving_http(Daemon) as url:
        monkeypatch.setenv("DOCKER_HOST", url.replace("http:", "tcp:"))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield


@pytest.mark.parametrize("command", [("invoke", "home"), ("start-api",)])
def test_without_docker_nothing_is_built(command: tuple[str, ...], tmp_path: Path) -> None:
    ports = zip(("PORT", "LOGTO_PORT", "TABLE_PORT"), free_ports(3), strict=True)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CONTAINERS, *command],
        cwd=ROOT,
        env={
            **os.environ,
            "DOCKER_HOST": f"unix://{tmp_path / 'docker.sock'}",
            **{name: str(port) for name, port in ports},
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "neither Docker nor Finch answers" in line


@pytest.mark.usefixtures("docker")
def test_with_docker_it_is_built_first(calls: list[tuple[str, ...]]) -> None:
    assert sam.main(["invoke", "home"]) == 2
    ((command, *_),) = calls
    assert command == "build"


def test_unknown_event_is_named_before_anything_is_built(
    calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sam.main(["invoke", "hme"]) == 2
    error = capsys.readouterr().err
    assert "no event hme" in error
    assert "home" in error
    assert calls == []


@pytest.mark.parametrize("name", ["PORT", "LOGTO_PORT", "TABLE_PORT"])
def test_taken_port_is_named_before_anything_is_built(
    name: str,
    calls: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ports = dict(zip(("PORT", "LOGTO_PORT", "TABLE_PORT"), free_ports(3), strict=True))
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports[name] = other.getsockname()[1]
        for variable, port in ports.items():
            monkeypatch.setenv(variable, str(port))
        assert sam.main(["start-api"]) == 2
    assert f"Port {ports[name]} is taken" in capsys.readouterr().err
    assert calls == []


@pytest.mark.usefixtures("docker")
def test_daemon_on_this_machine_is_not_looked_for_at_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with recording_proxy() as proxy:
        for name, value in proxy.variables.items():
            monkeypatch.setenv(name, value)
        bypass_proxies(os.environ)
        check_containers(os.environ)
    assert proxy.requests == []


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize(
    ("settings", "accepted"),
    [
        ({"httpProxy": PROXY}, False),
        ({"httpProxy": PROXY, "noProxy": "intranet.example.test, 127.0.0.1"}, False),
        ({"httpProxy": PROXY, "noProxy": "*.localhost"}, False),
        ({"httpProxy": PROXY, "noProxy": f"intranet.example.test, {HOST}"}, True),
        ({"httpProxy": PROXY, "noProxy": ".localhost"}, True),
        ({"httpProxy": PROXY, "noProxy": "localhost,127.0.0.1"}, True),
        ({"httpProxy": PROXY, "noProxy": "*"}, True),
        ({"httpsProxy": PROXY}, True),
        ({}, True),
    ],
)
def test_proxy_that_docker_gives_containers_must_leave_this_machine_out(
    settings: Any, accepted: bool, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {}, "proxies": {"default": settings}}))
    if accepted:
        check_containers(os.environ)
        return
    with pytest.raises(OptionsInvalid, match=f'add {HOST} to "noProxy"'):
        check_containers(os.environ)


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize("text", ["", "{", "\xff"])
def test_settings_of_docker_that_cannot_be_read_do_not_matter(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    check_containers(os.environ)


def test_artifacts_built_under_any_umask_can_be_read_by_everybody(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        for name in ("AuthFunction/functions/auth/app.py", "SharedLayer/python/shared/clock.py"):
            file = tmp_path / name
            file.parent.mkdir(parents=True)
            file.write_text("")
        program = tmp_path / "SharedLayer/python/program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
        finish(tmp_path)
    finally:
        os.umask(before)
    for folder in ("AuthFunction", "SharedLayer"):
        found = [tmp_path / folder, *(tmp_path / folder).rglob("*")]
        assert any(path.suffix == ".pyc" for path in found)
        for path in found:
            runnable = path.is_dir() or path == program
            assert path.stat().st_mode & 0o777 == (0o755 if runnable else 0o644), path


@contextmanager
def backends(ports: dict[str, int]) -> Iterator[Child]:
    """Run the table and the stand-in as `make sam-local` does, but on loopback addresses."""
    public_url = f"http://{HOST}:{ports['LOGTO_PORT']}"
    command = [sys.executable, "-m", "local", "--only-backends", "--host", "127.0.0.1"]
    environment = {**os.environ, **{name: str(port) for name, port in ports.items()}}
    child = Child([*command, "--public-url", public_url], cwd=ROOT, env=environment)
    try:
        child.wait_until(lambda: "are up" in child.log, seconds=90)
        yield child
    finally:
        child.kill()


def test_browser_and_function_reach_the_stand_in_by_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function's variables are those that a container gets."""
    ports = dict(zip(("PORT", "LOGTO_PORT", "TABLE_PORT"), free_ports(3), strict=True))
    variables = {name: str(port) for name, port in ports.items()}
    environment = read_options(variables, tmp_path / ".env").functions(HOST)
    with backends(ports) as child:
        for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, environment.get(name, "us-east-1"))
        with localhost_names():
            client, clock = connect(PATIENT), Clock()
            with (
                started(environment, "auth", client=client, clock=clock) as (handler, services),
                Robot(environment["LOGTO_ENDPOINT"]) as robot,
            ):
                process = Process(
                    handler=handler,
                    services=services,
                    client=client,
                    table_name=environment["TABLE_NAME"],
                    wire=Wire(client),
                    clock=clock,
                    environment=environment,
                )
                browser = process.browser()
                redirect = browser.get("/sign-in").location
                assert redirect.startswith(f"http://{HOST}:{ports['LOGTO_PORT']}/")
                assert browser.get(robot.sign_in(redirect)).status == 302
                assert "Alice Example" in browser.get("/").body
            client.close()
        child.signal(signal.SIGTERM)
        assert child.wait() == 0
    assert "Traceback" not in child.log
