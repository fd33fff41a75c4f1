"""Bad input: a clear message, no change, no traceback; and the right command then works."""

import dataclasses
from collections.abc import Callable

import pytest

from local.logto.contoso import CONTOSO
from local.logto.management import connectors
from local.logto.management.access import ApiRefusal
from local.logto.tenant import Application
from tests.provision.operators import (
    BASE_URL,
    CommandResult,
    Operator,
    closed_port,
    contoso,
    refused,
    state,
)

Bad = Callable[[Operator], CommandResult]


def setup_at(operator: Operator, endpoint: str) -> CommandResult:
    where = ["--base-url", BASE_URL, "--logto-endpoint", endpoint]
    return operator.run("setup", *where, *operator.entra_options(), *contoso())


CASES: dict[str, tuple[Bad, tuple[str, ...]]] = {
    "nothing listens at the endpoint": (
        lambda operator: setup_at(operator, f"http://127.0.0.1:{closed_port()}"),
        ("cannot be reached", "Check the address"),
    ),
    "endpoint with a path": (
        lambda operator: setup_at(operator, f"{operator.logto}/oidc"),
        ("must be without a path",),
    ),
    "endpoint without TLS": (
        lambda operator: setup_at(operator, "http://logto.example.com"),
        ("must begin with https://",),
    ),
    "endpoint that is not a URL": (
        lambda operator: setup_at(operator, "logto"),
        ("not an absolute URL",),
    ),
    "endpoint with an empty label": (
        lambda operator: setup_at(operator, "https://tenant..logto.app"),
        ("The Logto endpoint does not have a valid host name",),
    ),
    "endpoint with a label that is too long": (
        lambda operator: setup_at(operator, f"https://{'a' * 64}.logto.app"),
        ("The Logto endpoint does not have a valid host name",),
    ),
    "an issuer with an empty label": (
        lambda operator: operator.setup("--issuer", "https://login..example/x/v2.0"),
        ("does not have a valid host name",),
    ),
    "a folder as settings file": (
        lambda operator: operator.setup("--env-file", "."),
        ("cannot be read (Is a directory)",),
    ),
    "a settings file in a folder that does not exist": (
        lambda operator: operator.setup("--env-file", "nowhere/.env"),
        ("nowhere/.env cannot be written",),
    ),
    "base URL without TLS": (
        lambda operator: operator.run(
            *("setup", "--base-url", "http://app.example.com", "--logto-endpoint", operator.logto),
            *contoso(),
        ),
        ("The base URL", "must begin with https://"),
    ),
    "another indicator of the Management API": (
        lambda operator: operator.setup("--management-api", "https://other.logto.app/api"),
        ("https://other.logto.app/api", "--management-api"),
    ),
    "an issuer with a trailing slash": (
        lambda operator: operator.setup(
            "--issuer", f"{operator.logto}/entra/{CONTOSO.tenant_id}/v2.0/"
        ),
        ("ends with a slash", "Pass it as"),
    ),
    "an issuer that does not exist": (
        lambda operator: operator.setup("--issuer", f"{operator.logto}/entra/nobody/v2.0"),
        ("has no discovery document",),
    ),
    "an issuer that names another issuer": (
        lambda operator: operator.setup(
            "--issuer", f"{operator.logto}/entra/contoso.onmicrosoft.com/v2.0"
        ),
        ("names another issuer",),
    ),
    "an issuer that cannot be reached": (
        lambda operator: operator.setup("--issuer", f"http://127.0.0.1:{closed_port()}/x/v2.0"),
        ("cannot be reached",),
    ),
    "a tenant that does not exist": (
        lambda operator: operator.setup("--entra-tenant", "nobody.onmicrosoft.com"),
        ("has no discovery document", "Check the tenant"),
    ),
    "every tenant at once": (
        lambda operator: operator.setup("--entra-tenant", "common"),
        ("does not name a single Entra tenant",),
    ),
    "a public mail domain": (
        lambda operator: operator.setup("--domain", "gmail.com"),
        ("gmail.com is a public mail domain",),
    ),
    "a domain that is not valid": (
        lambda operator: operator.setup("--domain", "contoso"),
        ("contoso is not a valid domain",),
    ),
    "a connector name that is not valid": (
        lambda operator: operator.setup("--connector-name", "a/b"),
        ("a/b is not a valid name for a connector",),
    ),
    "an audience that does not exist": (
        lambda operator: operator.setup("--entra-audience", "Everybody"),
        ("Everybody is not a valid audience", "AzureADMyOrg or AzureADMultipleOrgs"),
    ),
    "an application that does not exist": (
        lambda operator: operator.setup("--adopt", "nobody"),
        ("no Traditional web application with the id nobody",),
    ),
    "a secret file that does not exist": (
        lambda operator: operator.setup("--management-secret-file", "nowhere.txt"),
        ("nowhere.txt cannot be read",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_setup_with_bad_input_changes_nothing(operator: Operator, name: str) -> None:
    run, words = CASES[name]
    before = state(operator.tenant)
    refused(run(operator), *words)
    assert state(operator.tenant) == before
    assert list(operator.root.rglob("*.json")) == []
    assert operator.setup().code == 0


def test_setup_refuses_an_endpoint_that_is_not_logto(operator: Operator, moto_url: str) -> None:
    refused(setup_at(operator, moto_url), "is not a Logto endpoint", "https://tenant.logto.app")


def test_setup_with_a_wrong_management_secret_names_the_variable(operator: Operator) -> None:
    operator.environment = {"MANAGEMENT_APP_SECRET": "wrong"}
    refused(operator.setup(), "refuses the id or the secret", "MANAGEMENT_APP_SECRET")


def test_setup_with_an_unknown_machine_names_its_id(operator: Operator) -> None:
    operator.environment = {"MANAGEMENT_APP_ID": "nobody"}
    refused(operator.setup(), "refuses the id or the secret", "nobody")


def test_setup_refuses_a_web_application_as_machine(
    operator: Operator,
) -> None:
    operator.setup()
    operator.environment = {
        "MANAGEMENT_APP_ID": "local-app",
        "MANAGEMENT_APP_SECRET": "local-app-secret",
    }
    refused(operator.setup(), "local-app is not a machine-to-machine application")


def test_setup_without_the_management_role_names_the_role(operator: Operator) -> None:
    operator.tenant.machines["local-management"].manages = False
    refused(operator.setup(), 'the role "Logto Management API access"')
    operator.tenant.machines["local-management"].manages = True
    assert operator.setup().code == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("subscription.limit_exceeded", "The plan of this Logto does not allow it"),
        ("system_limit.limit_exceeded", "The plan of this Logto does not allow it"),
        ("guard.something_else", "Logto refuses a call with 403 guard.something_else"),
    ],
)
def test_setup_forbidden_by_the_plan_does_not_name_the_role(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    """The machine has the role, so the role is not the fix."""

    def refuse(name: str, own: str | None, memory: object) -> None:
        raise ApiRefusal(403, code, "Not allowed.")

    monkeypatch.setattr(connectors, "_check_name", refuse)
    result = operator.setup()
    assert result.code == 1
    assert words in result.err
    assert "role" not in result.err
    monkeypatch.undo()
    assert operator.setup().code == 0


def test_setup_refuses_an_application_of_the_same_name(operator: Operator) -> None:
    operator.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", name="Northwind", redirect_uris=()
    )
    before = state(operator.tenant)
    refused(
        operator.setup(), "already has an application named Northwind", "--adopt theirs", "--name"
    )
    assert state(operator.tenant) == before
    assert operator.setup("--name", "Northwind 2").code == 0


def test_setup_refuses_a_connector_name_that_is_taken(operator: Operator) -> None:
    theirs = dataclasses.replace(CONTOSO, id="theirs", name="entra-contoso", client_id="c")
    operator.tenant.connectors["theirs"] = theirs
    before = state(operator.tenant)
    refused(operator.setup(), "already has a connector named entra-contoso", "--connector-name")
    assert state(operator.tenant) == before
    apart = ("--connector-name", "contoso-2", "--no-trust-unverified-email")
    assert operator.setup(*apart).code == 0
    assert operator.tenant.connectors["theirs"] == theirs


def test_setup_refuses_a_connector_name_taken_after_the_plan(operator: Operator) -> None:
    """Logto's own refusals are aws_errors_translated too."""

    def take(question: str) -> str:
        theirs = dataclasses.replace(CONTOSO, id="theirs", name="entra-contoso", client_id="c")
        operator.tenant.connectors["theirs"] = theirs
        return "y"

    operator.answers, operator.interrupt = [], take
    result = operator.setup(yes=False)
    assert result.code == 1
    assert "already has a connector named entra-contoso" in result.err
    del operator.tenant.connectors["theirs"]
    operator.answers = operator.interrupt = None
    assert operator.setup().code == 0


def test_setup_translates_a_domain_that_logto_forbids(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors, "FORBIDDEN_DOMAINS", frozenset({"contoso.com"}))
    result = operator.setup()
    assert result.code == 1
    assert "One of the domains is a public mail domain" in result.err
    monkeypatch.undo()
    assert operator.setup().code == 0
    assert len(operator.tenant.applications) == len(operator.entra.registrations) == 1


def test_setup_translates_an_issuer_that_logto_cannot_reach(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(issuer: str) -> dict[str, str]:
        raise connectors._bad_config("unreachable")

    monkeypatch.setattr(connectors, "_discovered", unreachable)
    result = operator.setup()
    assert result.code == 1
    assert "Logto cannot use the issuer" in result.err
    monkeypatch.undo()
    assert operator.setup().code == 0
    assert len(operator.tenant.connectors) == len(operator.entra.registrations) == 1


def test_setup_without_permission_at_entra_names_the_role(operator: Operator) -> None:
    operator.entra.may_register = False
    refused(operator.setup(), "does not let you register applications", "--manual-entra")
    operator.entra.may_register = True
    assert operator.setup().code == 0


def test_setup_refuses_a_record_that_is_not_valid(operator: Operator) -> None:
    operator.setup()
    (record,) = operator.root.rglob("*.json")
    record.write_text("{")
    refused(operator.setup(), "cannot be read as a record", "Move it away")
    record.unlink()
    assert "Nothing to change." in operator.setup().out


def test_setup_refuses_a_settings_file_that_is_not_utf_8(operator: Operator) -> None:
    (operator.root / ".env").write_bytes(b"BRAND_NAME=\xff\n")
    refused(operator.setup(), ".env is not valid UTF-8", code=2)


def test_setup_without_a_folder_for_the_record_changes_nothing(operator: Operator) -> None:
    (operator.root / ".local").write_text("")
    before = state(operator.tenant)
    refused(operator.setup(), "cannot be written", "Check the folder")
    assert state(operator.tenant) == before


def test_names_that_look_like_markup_are_printed_as_they_are(operator: Operator) -> None:
    assert "Portal [/x]" in operator.setup("--name", "Portal [/x]").err
    connector = operator.tenant.connectors["contoso00001"]
    connector = dataclasses.replace(connector, name="Acme [/prod]")
    operator.tenant.connectors["contoso00001"] = connector
    result = operator.run("doctor", *operator.where())
    assert "Acme [/prod]: issuer" in result.out
    assert "Traceback" not in result.err


def test_setup_refuses_a_samconfig_that_is_not_toml(operator: Operator) -> None:
    (operator.root / "samconfig.toml").write_text("[[")
    result = operator.run("setup", "--logto-endpoint", operator.logto, *contoso())
    refused(result, "samconfig.toml is not valid TOML")


@pytest.mark.parametrize(
    "arguments",
    [
        ["setup", "--no-such-option"],
        ["setup", "--secret-days", "5"],
        ["setup", "--base-url", BASE_URL, "--stack-name", "x"],
        ["setup", "connector", "remove"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_a_mistake_in_the_command_ends_with_2(operator: Operator, arguments: list[str]) -> None:
    result = operator.run(*arguments)
    assert result.code == 2
    assert result.err.strip()
