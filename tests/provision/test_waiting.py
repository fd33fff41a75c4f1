"""What a command waits for: shown on a terminal, and nowhere else."""

import json
import os
import pty
import subprocess
import sys
import time
from io import StringIO

import pytest
from rich.console import Console

from provision.waiting import shown_on, step, waiting_for
from tests.provision.operators import Operator, contoso
from tests.provision.stacks import deploy
from tests.support.up import ROOT

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"


def test_each_step_shows_the_service_that_it_waits_for(operator: Operator) -> None:
    operator.terminal = True
    result = operator.setup()
    assert result.code == 0, result.err
    for text in (
        "Waiting for Logto",
        "Waiting for the Entra issuer",
        "Waiting for Microsoft Graph",
        "application at Logto: create (waiting for Logto)",
        "application at Entra: create (waiting for Microsoft Graph)",
    ):
        assert text in result.err
    assert "aiting for" not in result.out
    assert "changed." in result.out


def test_a_stack_shows_that_it_waits_for_aws(
    operator: Operator, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    stack = deploy(URL)
    operator.session, operator.terminal = stack.session, True
    err = operator.setup_stack(stack.name).err
    assert "Waiting for CloudFormation" in err
    assert "(waiting for Secrets Manager)" in err
    where = ("--stack-name", stack.name, "--logto-endpoint", operator.logto)
    err = operator.run("doctor", *where).err
    for service in ("Logto", "the product", "DynamoDB", "CloudWatch"):
        assert f"Checking (waiting for {service})" in err


@pytest.mark.parametrize("terminal", [False, True], ids=["a file", "a terminal with --json"])
def test_nothing_is_shown_in_a_file_or_beside_json(operator: Operator, terminal: bool) -> None:
    operator.terminal = terminal
    contoso_of_entra = (*contoso(), *operator.entra_options())
    for command in (
        ("setup", "--json", *contoso_of_entra),
        ("setup", "connector", "list", "--json"),
        ("doctor", "--json"),
    ):
        result = operator.run(*command, *operator.where())
        assert json.loads(result.out)
        assert result.err == ""
    if not terminal:
        assert "aiting for" not in operator.run("doctor", *operator.where()).err


def test_an_error_comes_after_the_line_is_gone(operator: Operator) -> None:
    operator.terminal = True
    operator.environment = {"MANAGEMENT_APP_SECRET": "wrong"}
    result = operator.setup()
    assert result.code == 1
    shown, _, error = result.err.rpartition("\x1b[2K")  # the line is erased
    assert "Waiting for Logto" in shown
    assert "refuses the id or the secret" in error


def test_the_innermost_service_is_shown_and_the_outer_one_again() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=200)
    with shown_on(console), step("Step"):
        with waiting_for("one"):
            with waiting_for("two"):
                pass
            before = console.file.getvalue()  # type: ignore[attr-defined]
        after = console.file.getvalue()  # type: ignore[attr-defined]
    assert before.rindex("Step (waiting for one)") > before.rindex("Step (waiting for two)")
    assert after.rindex("Step ") > after.rindex("Step (waiting for one)")
    with waiting_for("nobody"):
        pass
    assert "nobody" not in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("seen", [True, False], ids=["a terminal", "a pipe and FORCE_COLOR"])
def test_the_program_shows_it_on_a_real_terminal_only(operator: Operator, seen: bool) -> None:
    arguments = [sys.executable, "-m", "provision", "doctor", *operator.where(), "--env-file", "x"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environment if seen else {**environment, "FORCE_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs if seen else subprocess.PIPE,
    ) as process:
        os.close(theirs)
        shown = _everything(ours) if seen else b""
        out, err = process.communicate(timeout=120)
    os.close(ours)
    assert b"discovery" in out
    assert b"aiting for" not in out
    assert (b"Checking (waiting for Logto)" in shown) == seen
    assert b"aiting for" not in (err or b"")


def _everything(terminal: int) -> bytes:
    read, ends = b"", time.monotonic() + 120
    while time.monotonic() < ends:
        try:
            more = os.read(terminal, 65_536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not more:
            break
        read += more
    return read
