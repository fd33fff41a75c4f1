"""The program as a process: its help, its exit codes, and signing in to Microsoft."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from provision import microsoft
from provision.admin_function import AdminFunction
from provision.clouds import PUBLIC
from provision.errors import ProvisionFailed, Unreachable
from provision.logto_api import management_resource
from provision.microsoft import Login, credentials
from tests.provision.operators import FABRIKAM, Operator
from tests.support.up import ROOT, up


def program(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "provision", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command() -> None:
    result = program("--help")
    assert result.returncode == 0
    for name in ("setup", "doctor", "teardown", "sessions"):
        assert name in result.stdout
    assert "connector" in program("setup", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "list"],
        ["sessions", "list", "--user", "a", "--organization", "b"],
        ["sessions", "end"],
        ["sessions", "end", "some-session", "--user", "a"],
        ["sessions", "erase"],
        ["sessions", "no-such-command"],
    ],
    ids=" ".join,
)
def test_a_mistake_with_sessions_ends_with_2(arguments: list[str]) -> None:
    result = program(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_sessions_are_read_page_by_page(operator: Operator) -> None:
    """The commands invoke the admin function until there is no cursor."""
    asked: list[dict[str, Any]] = []

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        asked.append(event)
        more = "50" if "cursor" not in event else None
        return {"ok": True, "sessions": [{"session": "s1"}], "ended": 2, "cursor": more}

    function = AdminFunction(invoke=invoke, proof=lambda: "proof")
    operator.local_function = lambda: function
    result = operator.run("sessions", "list", "--user", "alice", "--local", "--json")
    assert result.code == 0
    assert json.loads(result.out) == {"sessions": [{"session": "s1"}, {"session": "s1"}]}
    assert [one["action"] for one in asked] == ["list_user", "list_user"]
    result = operator.run("sessions", "end", "--organization", "contoso", "--local", "--json")
    assert json.loads(result.out) == {"ended": 4}
    assert asked[-1] == {
        "action": "end_organization",
        "caller": "proof",
        "organization": "contoso",
        "cursor": "50",
    }


@pytest.mark.parametrize(
    ("endpoint", "resource"),
    [
        ("https://abc123.logto.app", "https://abc123.logto.app/api"),
        ("https://login.example.com", "https://default.logto.app/api"),
        ("http://localhost:3001", "https://default.logto.app/api"),
        ("https://a.b.logto.app", "https://default.logto.app/api"),
    ],
)
def test_the_management_api_has_the_indicator_of_its_tenant(endpoint: str, resource: str) -> None:
    assert management_resource(endpoint) == resource


class Credential:
    """Stands in for a credential of azure-identity."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[tuple[str, str | None]] = []

    def get_token(self, scope: str, *, tenant_id: str | None = None) -> AccessToken:
        self.asked.append((scope, tenant_id))
        if self.failure is not None:
            raise self.failure
        return AccessToken("a-token", 0)


def test_a_graph_token_is_requested_for_the_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Credential()
    monkeypatch.setattr(microsoft, "_credential", lambda tenant, login, cloud: credential)
    assert credentials("contoso.com", Login.DEFAULT)() == "a-token"
    assert credential.asked == [("https://graph.microsoft.com/.default", "contoso.com")]


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (ClientAuthenticationError("long, with a trace"), ProvisionFailed, "az login --tenant"),
        (ServiceRequestError("no route"), Unreachable, "Check the network"),
    ],
)
def test_a_failed_sign_in_is_translated_without_its_text(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[Exception], words: str
) -> None:
    monkeypatch.setattr(microsoft, "_credential", lambda tenant, login, cloud: Credential(failure))
    with pytest.raises(kind, match=words) as raised:
        credentials("contoso.com", Login.DEFAULT)()
    assert str(failure) not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/certificate.pem"),
        ("AZURE_TOKEN_CREDENTIALS", "no-such-credential"),
    ],
)
def test_a_sign_in_in_the_environment_that_cannot_be_used_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", FABRIKAM)
    monkeypatch.setenv("AZURE_TENANT_ID", FABRIKAM)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ProvisionFailed, match=f"Check .*{variable}"):
        credentials(FABRIKAM, Login.DEFAULT)()


@pytest.mark.parametrize("login", Login)
def test_every_login_gives_a_credential(login: Login) -> None:
    """These are azure-identity's own classes, before any of them uses the network."""
    credential = microsoft._credential(FABRIKAM, login, PUBLIC)
    assert callable(credential.get_token)
    close = getattr(credential, "close", None)
    if close is not None:
        close()


def test_doctor_passes_the_stack_of_make_up(tmp_path: Path) -> None:
    """`setup` has set the local stack up, and nothing else has."""
    with up() as stack:
        stack.wait_for("Ctrl-C stops everything")
        logto = f"http://localhost:{stack.ports['LOGTO_PORT']}"
        env = tmp_path / "local.env"
        env.write_text(
            f"LOGTO_ENDPOINT={logto}\nLOGTO_APP_ID=local-app\nLOGTO_APP_SECRET=local-app-secret\n"
        )
        result = program(
            *("doctor", "--base-url", stack.url, "--env-file", str(env), "--json"),
            MANAGEMENT_APP_ID="local-management",
            MANAGEMENT_APP_SECRET="local-management-secret",
        )
        assert stack.end(signal.SIGINT) == 0
    assert result.returncode == 0, result.stdout + result.stderr
    found = {one["check"]: one["status"] for one in json.loads(result.stdout)["findings"]}
    assert set(found.values()) == {"pass", "unknown"}
    assert found["webhook answers"] == found["contoso: issuer"] == found["enterprise SSO"] == "pass"
    assert "POST /api/sso-connectors -> 200" in stack.output
