"""Runs that the network cuts short at any request, or Ctrl-C: a second run finishes them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto.contoso import CONTOSO, LOCAL_MACHINE, fresh_tenant
from local.logto.server import running
from tests.provision.faults import Faults, faulty_proxy
from tests.provision.operators import BASE_URL, FABRIKAM, Operator, state, with_fabrikam
from tests.support.up import ROOT

REQUESTS = 31
"""How many requests a first `setup` makes, as a test below checks."""


@pytest.fixture
def proxy() -> Iterator[Faults]:
    with faulty_proxy() as faults:
        yield faults


@pytest.fixture
def proxied(
    proxy: Faults, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Operator]:
    """An operator who reaches the stand-in through the faulty proxy."""
    with running(with_fabrikam(fresh_tenant()), public_url=proxy.url) as stand_in:
        made = Operator(root=tmp_path, stand_in=stand_in, capsys=capsys)
        proxy.target = f"http://127.0.0.1:{stand_in.port}"
        yield made


def one_of_each(operator: Operator) -> None:
    """Assert that everything exists once, and fits together."""
    (application,) = operator.tenant.applications.values()
    (connector,) = operator.tenant.connectors.values()
    (registered,) = operator.entra.registrations.values()
    assert len(operator.tenant.webhooks) == 1
    assert application.backchannel_logout_uri == f"{BASE_URL}/backchannel-logout"
    assert connector.client_id == registered.client_id
    assert [p.text for p in registered.passwords] == [connector.client_secret]
    assert registered.redirect_uris == [
        f"{operator.logto}/callback/{connector.id}",
        f"{BASE_URL}/signed-out",
    ]
    assert list(operator.entra.service_principals.values()) == [registered.client_id]
    assert operator.tenant.single_sign_on_enabled


def nothing_left(operator: Operator) -> None:
    """Assert that everything that was made is gone."""
    assert operator.tenant.applications == {}
    assert operator.tenant.connectors == {}
    assert operator.tenant.webhooks == ()
    assert operator.entra.registrations == {}
    assert not operator.tenant.single_sign_on_enabled


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *((kind, n) for kind in ("lost", "answer lost") for n in range(1, REQUESTS + 1)),
        *(("busy", n) for n in range(1, REQUESTS + 1, 4)),
    ],
)
def test_setup_finishes_after_a_request_failed(
    proxied: Operator, proxy: Faults, kind: str, number: int
) -> None:
    proxy.arm(kind, number)
    cut = proxied.setup()
    assert proxy.count >= number
    assert cut.code == 1
    assert cut.err.strip().splitlines()[-1].endswith(".")
    assert "Traceback" not in cut.err
    proxy.disarm()
    finished = proxied.setup()
    assert finished.code == 0, finished.err
    one_of_each(proxied)
    assert "Nothing to change." in proxied.setup().out
    # The record lists all that was made.
    assert proxied.teardown().code == 0
    nothing_left(proxied)


@pytest.mark.parametrize("number", range(1, 14))
def test_teardown_finishes_after_a_response_was_lost(
    proxied: Operator, proxy: Faults, number: int
) -> None:
    proxied.setup()
    proxy.arm("answer lost", number)
    assert proxied.teardown().code == 1
    proxy.disarm()
    assert proxied.teardown().code == 0
    nothing_left(proxied)


def test_a_first_setup_makes_a_known_number_of_requests(proxied: Operator, proxy: Faults) -> None:
    proxy.arm("", 0)
    assert proxied.setup().code == 0
    assert proxy.count == REQUESTS


@pytest.mark.parametrize("number", [1, 8, 12, 15])
def test_setup_finishes_after_ctrl_c(proxied: Operator, proxy: Faults, number: int) -> None:
    """The program runs in a process of its own, and is interrupted during a request."""
    proxy.arm("held", number)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "provision", "setup", "--base-url", BASE_URL, "--yes"),
            *("--logto-endpoint", proxy.url, "--entra-authority", f"{proxy.url}/entra"),
            *("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", "--manual-entra"),
            *("--entra-client-id", "theirs"),
        ],
        cwd=proxied.root,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MANAGEMENT_APP_ID": LOCAL_MACHINE[0],
            "MANAGEMENT_APP_SECRET": LOCAL_MACHINE[1],
            "ENTRA_CLIENT_SECRET": "secret-of-theirs",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert proxy.held.wait(timeout=60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. Run the same command again to finish." in err
    assert "Traceback" not in out + err
    proxy.go_on.set()
    proxy.disarm()
    proxied.environment = {"ENTRA_CLIENT_SECRET": "secret-of-theirs"}
    finished = proxied.run(
        *("setup", *proxied.where(), *proxied.entra_options(), "--yes", "--manual-entra"),
        *("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", "--entra-client-id", "theirs"),
    )
    assert finished.code == 0, finished.err
    assert len(proxied.tenant.applications) == len(proxied.tenant.connectors) == 1
    assert len(proxied.tenant.webhooks) == 1
    assert proxied.tenant.connectors["contoso00001"].client_secret == "secret-of-theirs"


def test_ctrl_c_at_a_question_changes_nothing(operator: Operator) -> None:
    def interrupt(question: str) -> str:
        raise KeyboardInterrupt

    before = state(operator.tenant)
    operator.answers = []
    operator.interrupt = interrupt
    result = operator.run("setup", *operator.where(), "--entra-tenant", CONTOSO.tenant_id)
    assert result.code == 130
    assert state(operator.tenant) == before
