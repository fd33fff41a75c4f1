"""Fixtures of all tests: a clean environment, loopback only, one DynamoDB server for the run."""

import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import settings
from moto.server import ThreadedMotoServer

from provision.own_machine import bypass_proxies
from tests.support import dynamodb_local

REGION = "eu-central-1"
# The same examples in every run, however slow the machine is.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
_connect = socket.socket.connect


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--dynamodb",
        choices=("moto", "local"),
        default="moto",
        help="the DynamoDB that tests run on: moto, or AWS's own DynamoDB Local",
    )


def pytest_configure() -> None:
    bypass_proxies(os.environ)


def pytest_report_header(config: pytest.Config) -> str:
    return f"DynamoDB: {config.getoption('dynamodb')}"


def _loopback_only(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else "127.0.0.1"
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"a test connected to {host}: tests must stay on this machine")
    _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _loopback_only)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Let programs be interrupted, though a run in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def service_models() -> Iterator[None]:
    """Let botocore read its service models once a run, not once a client."""
    loader = create_loader()
    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.session, "create_loader", lambda *_: loader)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set test credentials, and restore the environment after each test."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("AWS_", "LOGTO_", "SESSION_", "BRAND_", "TABLE_", "BASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    yield
    monkeypatch.undo()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Serve the AWS services that tests need, with moto, on a free port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def dynamodb_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the DynamoDB that `--dynamodb` names, once for the run."""
    if request.config.getoption("dynamodb") == "moto":
        yield request.getfixturevalue("moto_url")
        return
    try:
        with dynamodb_local.running() as url:
            yield url
    except dynamodb_local.Unavailable as reason:
        pytest.exit(str(reason), returncode=2)
