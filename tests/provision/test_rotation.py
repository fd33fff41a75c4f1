"""`setup rotate-secret`: at each moment, the secret of every process is valid."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto.contoso import fresh_tenant
from local.logto.server import running
from local.logto.tenant import Application, FurtherSecret
from provision.http import JsonClient
from tests.provision.faults import Faults, faulty_proxy
from tests.provision.operators import CommandResult, Operator, refused, state, with_fabrikam
from tests.provision.stacks import deploy, stored

REQUESTS = 8
"""How many requests a rotation makes, those of its plan included, as a test below checks."""


def application(operator: Operator) -> Application:
    (found,) = operator.tenant.applications.values()
    return found


def rotate(operator: Operator, *more: str) -> CommandResult:
    return operator.run("setup", "rotate-secret", *operator.where(), "--yes", *more)


def in_env(operator: Operator) -> str:
    (line,) = [one for one in operator.env().splitlines() if one.startswith("LOGTO_APP_SECRET=")]
    return line.partition("=")[2].strip("'")


def accepts(operator: Operator, secret: str) -> bool:
    """Tell whether Logto accepts the application with this secret."""
    form = {
        "grant_type": "authorization_code",
        "code": "never-issued",
        "redirect_uri": f"{operator.base_url}/callback",
        "code_verifier": "v" * 43,
        "client_id": application(operator).id,
        "client_secret": secret,
    }
    with JsonClient(operator.logto, name="Logto") as http:
        return bool(http.send("POST", "/oidc/token", data=form).body["error"] == "invalid_grant")


def test_rotation_replaces_the_secret_after_every_process_has_it(operator: Operator) -> None:
    operator.setup()
    old = in_env(operator)
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        assert in_env(operator) != old
        assert accepts(operator, old)
        assert accepts(operator, in_env(operator))

    operator.pause = pause
    result = rotate(operator, "--json")
    assert result.code == 0, result.err
    assert [(one["what"], one["action"]) for one in result.json["changed"]] == [
        ("application secret at Logto", "add"),
        (str(operator.root / ".env"), "write"),
        ("application secret at Logto", "remove"),
    ]
    assert len(paused) == 1
    assert not accepts(operator, old)
    assert application(operator).secrets == (in_env(operator),)
    assert operator.setup("--json").json["changed"] == []


def test_rotation_of_a_stack_waits_until_the_stored_secret_is_read_again(
    operator: Operator, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    stack = deploy("https://app.example.test")
    operator.session = stack.session
    assert operator.setup_stack(stack.name).code == 0
    stack.parameters |= {"LogtoAppId": application(operator).id}
    old = application(operator).secret
    paused: list[float] = []
    operator.pause = paused.append
    where = ("--stack-name", stack.name, "--logto-endpoint", operator.logto, "--yes")
    result = operator.run("setup", "rotate-secret", *where)
    assert result.code == 0, result.err
    assert [round(seconds) for seconds in paused] == [3660]
    assert application(operator).secrets == (stored(stack.id("AppSecret")),)
    assert stored(stack.id("AppSecret")) != old


def test_plan_of_a_rotation_changes_nothing_and_lists_all(operator: Operator) -> None:
    operator.setup()
    before, env = state(operator.tenant), operator.env()
    planned = rotate(operator, "--dry-run", "--json").json["would_change"]
    assert (state(operator.tenant), operator.env()) == (before, env)
    done = rotate(operator, "--json").json["changed"]
    assert [(one["what"], one["action"], one["id"]) for one in planned] == [
        (one["what"], one["action"], one["id"]) for one in done
    ]


def test_rotation_without_waiting_is_finished_by_the_next_run(operator: Operator) -> None:
    operator.setup()
    old = in_env(operator)
    first = rotate(operator, "--no-wait")
    assert "Run `setup rotate-secret` again in an hour or later" in first.out
    assert len(application(operator).secrets) == 2
    assert accepts(operator, old)
    again = rotate(operator, "--no-wait", "--json")
    assert again.json["changed"] == []
    now = operator.clock()
    paused: list[float] = []
    operator.clock, operator.pause = lambda: now + 3700, paused.append
    assert rotate(operator).code == 0
    assert paused == []
    assert application(operator).secrets == (in_env(operator),)


def test_rotation_that_ctrl_c_ends_while_it_waits_is_finished_by_the_next_run(
    operator: Operator,
) -> None:
    operator.setup()
    old = in_env(operator)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    operator.pause = interrupt
    assert rotate(operator).code == 130
    assert accepts(operator, old)
    operator.pause = lambda seconds: None
    assert rotate(operator).code == 0
    assert application(operator).secrets == (in_env(operator),)


def test_rotation_keeps_secrets_of_others(operator: Operator) -> None:
    operator.setup()
    theirs = FurtherSecret(name="theirs", value="their-secret-value", created_at=1)
    application(operator).further_secrets.append(theirs)
    assert rotate(operator).code == 0
    assert set(application(operator).secrets) == {"their-secret-value", in_env(operator)}


def test_rotation_before_setup_changes_nothing(operator: Operator) -> None:
    before = state(operator.tenant)
    refused(rotate(operator), "Logto has no application with the id (none)", "Run setup first")
    assert state(operator.tenant) == before


def test_rotation_refuses_a_stored_secret_that_logto_does_not_have(operator: Operator) -> None:
    operator.setup()
    env = operator.root / ".env"
    env.write_text(env.read_text().replace(in_env(operator), "another"))
    refused(rotate(operator), "not a valid secret of the application", "Run setup again")
    assert len(application(operator).secrets) == 1


def test_setup_keeps_the_stored_one_of_two_secrets_and_names_the_command(
    operator: Operator,
) -> None:
    operator.setup()
    before = in_env(operator)
    second = FurtherSecret(name="second", value="second-secret-value", created_at=2**45)
    application(operator).further_secrets.append(second)
    result = operator.setup()
    assert in_env(operator) == before
    assert 'uses the one named "Default secret": do not delete it' in result.out
    assert "setup rotate-secret" in result.out


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
        proxy.target = f"http://127.0.0.1:{stand_in.port}"
        yield Operator(root=tmp_path, stand_in=stand_in, capsys=capsys)


@pytest.mark.parametrize("kind", ["lost", "answer lost"])
@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_rotation_finishes_after_a_request_failed(
    proxied: Operator, proxy: Faults, kind: str, number: int
) -> None:
    proxied.setup()
    proxy.arm(kind, number)
    assert rotate(proxied).code == 1
    proxy.disarm()
    assert accepts(proxied, in_env(proxied))
    assert rotate(proxied).code == 0
    assert application(proxied).secrets == (in_env(proxied),)


def test_rotation_makes_a_known_number_of_requests(proxied: Operator, proxy: Faults) -> None:
    proxied.setup()
    proxy.arm("", 0)
    assert rotate(proxied).code == 0
    assert proxy.count == REQUESTS
