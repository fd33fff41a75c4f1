"""Lambda freezes a process between events, for minutes; its peers close connections meanwhile.

The first event after that is answered, whatever it is: a connection that has been closed causes no
error.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from harness.browser import FETCH, NAVIGATION, Browser
from harness.environment import function_variables
from harness.functions import authorizer_event
from harness.kept_table import kept_table
from harness.ports import free_ports
from harness.product import DOMAIN
from harness.rie import Function, runtime_pid
from harness.sign_in_robot import Robot
from harness.tables import new_table
from local.logto.contoso import default_tenant
from local.logto.server import running
from tests.built.artifacts import emulated_function
from tests.support.relay import Relay, relaying

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True)
class Warm:
    """Functions with open connections to the table and to Logto, and a signed-in browser."""

    auth: Function
    authorizer: Function
    table: Relay
    logto: Relay
    browser: Browser

    def freeze(self) -> None:
        """Stop both processes, close their connections, and continue them."""
        pids = [runtime_pid(function) for function in (self.auth, self.authorizer)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            assert self.table.cut() > 0
            assert self.logto.cut() > 0
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def callback_url(self, browser: Browser) -> str:
        started = browser.get("/sign-in")
        assert started.status == 302, started.body
        with Robot(self.logto.url) as robot:
            return robot.sign_in(started.location)

    def authorize(self) -> dict[str, object]:
        return self.authorizer(authorizer_event(cookies=self.browser.cookies))


@pytest.fixture
def warm(finished: Path, runtime_client: Path) -> Iterator[Warm]:
    with ExitStack() as parts:
        table, logto = (parts.enter_context(relaying()) for _ in range(2))
        endpoint = parts.enter_context(kept_table())
        table.towards(endpoint)
        (port,) = free_ports(1)
        tenant = default_tenant(f"https://{DOMAIN}")
        parts.enter_context(running(tenant, port=port, public_url=logto.url))
        logto.towards(f"http://127.0.0.1:{port}")
        client = boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1")
        parts.callback(client.close)
        variables = function_variables(logto.url, new_table(client), dynamodb=table.url)
        auth, authorizer = (
            parts.enter_context(emulated_function(name, finished, runtime_client, variables))
            for name in ("AuthFunction", "AuthorizerFunction")
        )
        started = Warm(auth, authorizer, table, logto, Browser(auth, domain=DOMAIN))
        assert started.browser.get(started.callback_url(started.browser)).status == 302
        assert started.authorize()["isAuthorized"] is True
        yield started


def test_connections_are_kept_open(warm: Warm) -> None:
    """Without this, the other tests would close nothing."""
    kept = warm.table.taken
    for _ in range(5):
        assert warm.browser.get("/").status == 200
        assert warm.authorize()["isAuthorized"] is True
    assert warm.table.taken == kept


def test_pages_after_a_freeze_are_answered(warm: Warm) -> None:
    for _ in range(3):
        warm.freeze()
        assert warm.browser.get("/").status == 200
        assert warm.authorize()["isAuthorized"] is True
        assert warm.browser.get("/me", FETCH).status == 200
        with Robot(warm.logto.url) as robot:
            robot.open(f"{warm.logto.url}/oidc/jwks")  # opens a connection that can be closed again


def test_sign_in_that_is_frozen_at_every_step_succeeds(warm: Warm) -> None:
    other = Browser(warm.auth, domain=DOMAIN)
    warm.freeze()
    url = warm.callback_url(other)
    warm.freeze()
    assert other.get(url).status == 302
    out = other.get("/sign-out", HERE)
    assert out.status == 303
    assert "Traceback" not in warm.auth.log


def test_sign_out_after_a_freeze_revokes_the_grant_too(warm: Warm) -> None:
    warm.freeze()
    out = warm.browser.get("/sign-out", HERE)
    assert out.status == 303
    assert "grant not revoked" not in warm.auth.log
    assert warm.browser.get("/me", FETCH).status == 401
