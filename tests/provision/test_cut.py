"""Runs that are cut: by the network at any request, and by Ctrl-C. A second run finishes them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto.contoso import CONTOSO, LOCAL_MACHINE, fresh_tenant
from local.logto.server import running
from tests.provision.conftest import BASE_URL, FABRIKAM, Desk, state, with_fabrikam
from tests.provision.faults import Faults, faulty_way
from tests.support.up import ROOT

REQUESTS = 30
"""How many requests a first `setup` makes at least; the last test counts them."""


@pytest.fixture
def way() -> Iterator[Faults]:
    with faulty_way() as faults:
        yield faults


@pytest.fixture
def cut_desk(way: Faults, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A desk that reaches the stand-in by the faulty way."""
    with running(with_fabrikam(fresh_tenant()), public_url=way.url) as stand_in:
        made = Desk(root=tmp_path, stand_in=stand_in, capsys=capsys)
        way.target = f"http://127.0.0.1:{stand_in.port}"
        yield made


def one_of_each(desk: Desk) -> None:
    """Everything is there once, and fits together."""
    (application,) = desk.tenant.applications.values()
    (connector,) = desk.tenant.connectors.values()
    (registered,) = desk.entra.registrations.values()
    assert len(desk.tenant.webhooks) == 1
    assert application.backchannel_logout_uri == f"{BASE_URL}/backchannel-logout"
    assert connector.client_id == registered.client_id
    assert [p.text for p in registered.passwords] == [connector.client_secret]
    assert registered.redirect_uris == [f"{desk.logto}/callback/{connector.id}"]
    assert list(desk.entra.service_principals.values()) == [registered.client_id]
    assert desk.tenant.single_sign_on_enabled


def nothing_left(desk: Desk) -> None:
    """What was made is gone."""
    assert desk.tenant.applications == {}
    assert desk.tenant.connectors == {}
    assert desk.tenant.webhooks == ()
    assert desk.entra.registrations == {}
    assert not desk.tenant.single_sign_on_enabled


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *((kind, n) for kind in ("lost", "answer lost") for n in range(1, REQUESTS + 1)),
        *(("busy", n) for n in range(1, REQUESTS + 1, 4)),
    ],
)
def test_network(cut_desk: Desk, way: Faults, kind: str, number: int) -> None:
    way.arm(kind, number)
    cut = cut_desk.setup()
    assert way.count >= number
    assert cut.code == 1
    assert cut.err.strip().splitlines()[-1].endswith(".")
    assert "Traceback" not in cut.err
    way.disarm()
    finished = cut_desk.setup()
    assert finished.code == 0, finished.err
    one_of_each(cut_desk)
    assert "Nothing to change." in cut_desk.setup().out
    # And all that was made is known to be so.
    assert cut_desk.teardown().code == 0
    nothing_left(cut_desk)


@pytest.mark.parametrize("number", range(1, 14))
def test_network_while_tearing_down(cut_desk: Desk, way: Faults, number: int) -> None:
    cut_desk.setup()
    way.arm("answer lost", number)
    assert cut_desk.teardown().code == 1
    way.disarm()
    assert cut_desk.teardown().code == 0
    nothing_left(cut_desk)


def test_number_of_requests(cut_desk: Desk, way: Faults) -> None:
    way.arm("", 0)
    assert cut_desk.setup().code == 0
    assert way.count == REQUESTS


@pytest.mark.parametrize("number", [1, 8, 12, 15])
def test_interrupted(cut_desk: Desk, way: Faults, number: int) -> None:
    """Ctrl-C in a program of its own, while a request is under way."""
    way.arm("held", number)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "provision", "setup", "--base-url", BASE_URL, "--yes"),
            *("--logto-endpoint", way.url, "--entra-authority", f"{way.url}/entra"),
            *("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", "--manual-entra"),
            *("--entra-client-id", "theirs"),
        ],
        cwd=cut_desk.root,
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
    assert way.held.wait(timeout=60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: run the same command again to finish." in err
    assert "Traceback" not in out + err
    way.go_on.set()
    way.disarm()
    cut_desk.environment = {"ENTRA_CLIENT_SECRET": "secret-of-theirs"}
    finished = cut_desk.run(
        *("setup", *cut_desk.where(), *cut_desk.entra_options(), "--yes", "--manual-entra"),
        *("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", "--entra-client-id", "theirs"),
    )
    assert finished.code == 0, finished.err
    assert len(cut_desk.tenant.applications) == len(cut_desk.tenant.connectors) == 1
    assert len(cut_desk.tenant.webhooks) == 1
    assert cut_desk.tenant.connectors["contoso00001"].client_secret == "secret-of-theirs"


def test_interrupted_while_asked(desk: Desk) -> None:
    def interrupt(question: str) -> str:
        raise KeyboardInterrupt

    before = state(desk.tenant)
    desk.answers = []
    desk.interrupt = interrupt
    ran = desk.run("setup", *desk.where(), "--entra-tenant", CONTOSO.tenant_id)
    assert ran.code == 130
    assert state(desk.tenant) == before
