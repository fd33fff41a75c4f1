"""`python -m provision sessions`, over a running local table and for deployments that refuse."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.admin.application import make_handler
from functions.admin.caller import CallerCheck
from harness.patience import PATIENT
from harness.ports import free_ports
from local.options import ROOT, TABLE_NAME
from local.table import REGION, running_table
from provision.__main__ import main
from provision.admin_function import AdminFunction, caller_proof
from provision.context import Context
from provision.output import table
from shared.bootstrap import compose
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.sessions import load_session
from shared.store.dynamodb import connect
from shared.store.keys import subject_digest
from tests.support.rows import put_session
from tests.support.sts import running_sts

ALICE, BOB = "alice0000001", "bob000000001"


@dataclass(frozen=True, slots=True)
class Local:
    """A running table, the services over it, and the command."""

    ports: dict[str, str]
    services: Services

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "provision", "sessions", *arguments, "--local"],
            cwd=ROOT,
            env={**os.environ, **self.ports},
            capture_output=True,
            text=True,
        )

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it prints."""
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == ""
        return finished.stdout

    def put(self, subject: str, **changes: Any) -> str:
        return put_session(self.services, subject, **changes)

    def live(self, secret: str) -> bool:
        return load_session(SessionHandle.of(secret), self.services) is not None


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    logto, port = free_ports(2)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with running_table("127.0.0.1", port) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        environment = {
            "LOGTO_ENDPOINT": f"http://localhost:{logto}",
            "LOGTO_APP_ID": "local-app",
            "TABLE_NAME": TABLE_NAME,
        }
        client = connect(PATIENT)
        services = compose(
            environment, service="admin", needs_app_secret=False, client=client, limits=PATIENT
        )
        yield Local({"LOGTO_PORT": str(logto), "TABLE_PORT": str(port)}, services)
        client.delete_table(TableName=TABLE_NAME)
        client.close()


def id_of(secret: str) -> str:
    return SessionHandle.of(secret).key.removeprefix("session#")


def test_sessions_are_listed_as_a_table_and_as_json(local: Local) -> None:
    """There is more than one page of them, and the latest come first."""
    secrets = [
        local.put(ALICE, seconds_ago=10 * number, client=("192.0.2.7", None))
        for number in range(120)
    ]
    local.put(BOB)
    lines = local.done("list", "--user", ALICE).splitlines()
    assert re.fullmatch(r"session +created +last seen +ends if unused +ip", lines[0])
    assert [line.split()[0] for line in lines[1:]] == [id_of(secret) for secret in secrets]
    assert {line.split()[-1] for line in lines[1:]} == {"192.0.2.7"}
    listed = json.loads(local.done("list", "--user", ALICE, "--json"))["sessions"]
    assert [session["session"] for session in listed] == [id_of(secret) for secret in secrets]
    assert listed[0]["agent"] is None
    assert all(local.live(secret) for secret in secrets)


def test_a_user_without_sessions_has_an_empty_list(local: Local) -> None:
    assert local.done("list", "--user", ALICE) == "No sessions.\n"
    assert json.loads(local.done("list", "--user", ALICE, "--json")) == {"sessions": []}


def test_one_session_or_all_of_a_user_are_ended(local: Local) -> None:
    first, *others = [local.put(ALICE) for _ in range(60)]
    bob = local.put(BOB)
    assert local.done("end", id_of(first)) == "1 ended.\n"
    assert not local.live(first)
    assert all(local.live(secret) for secret in others)
    assert json.loads(local.done("end", "--user", ALICE, "--json")) == {"ended": 59}
    assert not any(local.live(secret) for secret in others)
    assert local.live(bob)
    assert local.done("end", id_of(first)) == "0 ended.\n"


def test_sessions_of_an_organization_are_listed_and_ended(local: Local) -> None:
    inside = [local.put(ALICE, organizations=["contosoorg01"]) for _ in range(2)]
    outside = local.put(BOB)
    listed = json.loads(local.done("list", "--organization", "contosoorg01", "--json"))["sessions"]
    assert {session["session"] for session in listed} == {id_of(secret) for secret in inside}
    assert local.done("end", "--organization", "contosoorg01") == "2 ended.\n"
    assert not any(local.live(secret) for secret in inside)
    assert local.live(outside)


def test_a_user_is_erased_with_a_receipt(local: Local, tmp_path: Path) -> None:
    secret, file = local.put(ALICE), tmp_path / "receipt.json"
    printed = local.done("erase", "--user", ALICE, "--receipt", str(file))
    assert printed == f"Receipt: {file}\n"
    receipt = json.loads(file.read_text())
    assert receipt["subject_digest"] == subject_digest(local.services.settings.issuer, ALICE)
    assert receipt["sessions_deleted"] == 1
    assert ALICE not in file.read_text()
    assert not local.live(secret)
    again = json.loads(local.done("erase", "--user", ALICE))
    assert again["sessions_deleted"] == 0


def test_erase_refuses_a_receipt_that_cannot_be_written_before_it_erases(
    local: Local, tmp_path: Path
) -> None:
    secret = local.put(ALICE)
    for file in (tmp_path / "nowhere" / "receipt.json", tmp_path):
        refused = local.run("erase", "--user", ALICE, "--receipt", str(file))
        assert refused.returncode == 1
        assert refused.stdout == ""
        assert refused.stderr.rstrip().endswith("nothing was erased.")
        assert "Traceback" not in refused.stderr
    assert local.live(secret)


def test_erase_prints_a_receipt_that_was_not_written(local: Local) -> None:
    local.put(ALICE)
    full = local.run("erase", "--user", ALICE, "--receipt", "/dev/full")
    assert full.returncode == 1
    assert json.loads(full.stdout)["sessions_deleted"] == 1
    assert "/dev/full cannot be written" in full.stderr
    assert "Traceback" not in full.stderr


def test_a_refused_erasure_leaves_no_receipt(tmp_path: Path) -> None:
    function = AdminFunction(invoke=lambda event: {"ok": False, "error": "no"}, proof=lambda: "")
    context = Context(local_function=lambda: function)
    file = tmp_path / "receipt.json"
    erase = ["sessions", "erase", "--user", ALICE, "--local", "--receipt", str(file)]
    assert main(erase, context) == 1
    assert not file.exists()
    file.write_text("an earlier one")
    assert main(erase, context) == 1
    assert file.read_text() == "an earlier one"


MISTAKES = {
    "nothing": (),
    "no command": ("sessions",),
    "a list without a user": ("sessions", "list"),
    "a list of both": ("sessions", "list", "--user", "a", "--organization", "b"),
    "an end of both": ("sessions", "end", "--user", "a", "--organization", "b"),
    "an erasure without a user": ("sessions", "erase"),
    "an unknown option": ("sessions", "list", "--user", "a", "--everything"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_command_ends_with_2(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(MISTAKES[name]))
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.strip()
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("arguments", [[], ["x", "--user", "a"], ["x", "--organization", "b"]])
def test_end_needs_exactly_one_of_session_user_and_organization(
    local: Local, arguments: list[str]
) -> None:
    finished = local.run("end", *arguments)
    assert finished.returncode == 2
    assert finished.stderr == "Name a session, or --user, or --organization.\n"


def test_list_without_a_table_says_that_it_is_unavailable(local: Local) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "provision", "sessions", "list", "--user", ALICE, "--local"],
        cwd=ROOT,
        env={**os.environ, "TABLE_PORT": str(free_ports(1)[0])},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("table_unavailable: ")
    assert "Traceback" not in finished.stderr


def test_list_with_invalid_options_of_the_local_stack_names_the_variable() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "provision", "sessions", "list", "--user", ALICE, "--local"],
        cwd=ROOT,
        env={**os.environ, "TABLE_PORT": "none"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    assert "TABLE_PORT" in finished.stderr
    assert finished.stderr.splitlines()[-1].startswith("The admin function of the local stack")
    assert "Traceback" not in finished.stderr


def test_end_by_a_caller_without_proof_is_refused(
    local: Local, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = make_handler(local.services, CallerCheck({"AWS_REGION": REGION}))
    function = AdminFunction(invoke=lambda event: handler(event, None), proof=lambda: "nobody")
    context = Context(local_function=lambda: function)
    secret = local.put(ALICE)
    assert main(["sessions", "end", "--user", ALICE, "--local"], context) == 1
    assert "not_allowed: `caller` is not a signed request" in capsys.readouterr().err
    assert local.live(secret)


@pytest.mark.parametrize(
    "named",
    [
        "sign-in-function",
        "sign-in-function:live",
        "123456789012:function:sign-in-function",
        "arn:aws:lambda:eu-central-1:123456789012:function:sign-in-function",
        "arn:aws:lambda:eu-central-1:123456789012:function:sign-in-function:live",
    ],
)
def test_the_proof_of_the_caller_is_for_the_function_that_is_invoked(
    local: Local, moto_url: str, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    with running_sts(moto_url) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        for invoked, code in (("sign-in-function", 0), ("function", 1)):
            environment = {"AWS_LAMBDA_FUNCTION_NAME": invoked, "AWS_ENDPOINT_URL_STS": sts}
            handler = make_handler(local.services, CallerCheck(environment))
            function = AdminFunction(
                invoke=lambda event, handler=handler: handler(event, None),  # type: ignore[misc]
                proof=lambda: caller_proof(boto3.Session(), named),
            )
            context = Context(local_function=lambda function=function: function)  # type: ignore[misc]
            assert main(["sessions", "list", "--user", ALICE, "--local"], context) == code


def test_an_erasure_that_left_sessions_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    receipt = {"subject_digest": "x", "left": 2}
    function = AdminFunction(
        invoke=lambda event: {"ok": True, "receipt": receipt}, proof=lambda: ""
    )
    context = Context(local_function=lambda: function)
    assert main(["sessions", "erase", "--user", ALICE, "--local"], context) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == receipt
    assert "Run the command again" in printed.err


def test_list_refuses_a_stack_function_or_profile_that_does_not_exist(
    moto_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    arguments = ["sessions", "list", "--user", ALICE, "--region", REGION]
    assert main([*arguments, "--stack-name", "no-such-stack"]) == 1
    assert "no-such-stack" in capsys.readouterr().err
    assert main([*arguments, "--function", "no-such-function"]) == 1
    assert "no-such-function" in capsys.readouterr().err
    assert main([*arguments, "--profile", "no-such-profile"]) == 1
    assert "no-such-profile" in capsys.readouterr().err


def test_a_table_leaves_out_empty_columns() -> None:
    rows = [{"a": "1", "b": None, "c_d": "x"}, {"a": "222", "b": "", "c_d": None}]
    assert table(("a", "b", "c_d"), rows) == "a    c d\n1    x\n222"
