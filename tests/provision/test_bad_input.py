"""Bad input: one clear sentence, nothing changed, no traceback; the right command then works."""

import dataclasses
import socket
from collections.abc import Callable

import pytest

from local.logto.contoso import CONTOSO
from local.logto.management import connectors
from local.logto.management.access import ApiRefusal
from local.logto.tenant import Application
from tests.provision.conftest import BASE_URL, Desk, Ran, state


def refused(ran: Ran, *words: str) -> None:
    """One sentence on the error side, and nothing on the other."""
    assert ran.code == 1, ran.out + ran.err
    assert ran.out == ""
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].endswith(".")
    for word in words:
        assert word in lines[0]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


Bad = Callable[[Desk], Ran]


def elsewhere(desk: Desk, endpoint: str) -> Ran:
    where = ["--base-url", BASE_URL, "--logto-endpoint", endpoint]
    return desk.run("setup", *where, *desk.entra_options(), *who())


def who(**changes: str) -> list[str]:
    options = {"--entra-tenant": CONTOSO.tenant_id, "--domain": "contoso.com", **changes}
    return [word for name, value in options.items() for word in (name, value)] + ["--yes"]


CASES: dict[str, tuple[Bad, tuple[str, ...]]] = {
    "nothing listens at the endpoint": (
        lambda desk: elsewhere(desk, f"http://127.0.0.1:{closed_port()}"),
        ("cannot be reached", "check the address"),
    ),
    "endpoint with a path": (
        lambda desk: elsewhere(desk, f"{desk.logto}/oidc"),
        ("must be without a path",),
    ),
    "endpoint without TLS": (
        lambda desk: elsewhere(desk, "http://logto.example.com"),
        ("must begin with https://",),
    ),
    "endpoint that is no URL": (lambda desk: elsewhere(desk, "logto"), ("not an absolute URL",)),
    "endpoint with an empty label": (
        lambda desk: elsewhere(desk, "https://tenant..logto.app"),
        ("the Logto endpoint has a host name that is none",),
    ),
    "endpoint with a label that is too long": (
        lambda desk: elsewhere(desk, f"https://{'a' * 64}.logto.app"),
        ("the Logto endpoint has a host name that is none",),
    ),
    "an issuer with an empty label": (
        lambda desk: desk.setup("--issuer", "https://login..example/x/v2.0"),
        ("has a host name that is none",),
    ),
    "a folder as the file of settings": (
        lambda desk: desk.setup("--env-file", "."),
        ("cannot be read (Is a directory)",),
    ),
    "a file of settings in no folder": (
        lambda desk: desk.setup("--env-file", "nowhere/.env"),
        ("nowhere/.env cannot be written",),
    ),
    "base URL without TLS": (
        lambda desk: desk.run(
            *("setup", "--base-url", "http://app.example.com", "--logto-endpoint", desk.logto),
            *who(),
        ),
        ("the base URL", "must begin with https://"),
    ),
    "another indicator of the Management API": (
        lambda desk: desk.setup("--management-api", "https://other.logto.app/api"),
        ("https://other.logto.app/api", "--management-api"),
    ),
    "an issuer with a trailing slash": (
        lambda desk: desk.setup("--issuer", f"{desk.logto}/entra/{CONTOSO.tenant_id}/v2.0/"),
        ("ends with a slash", "give it as"),
    ),
    "an issuer that nobody is": (
        lambda desk: desk.setup("--issuer", f"{desk.logto}/entra/nobody/v2.0"),
        ("has no discovery document",),
    ),
    "an issuer that calls itself otherwise": (
        lambda desk: desk.setup("--issuer", f"{desk.logto}/entra/contoso.onmicrosoft.com/v2.0"),
        ("names another issuer",),
    ),
    "an issuer that cannot be reached": (
        lambda desk: desk.setup("--issuer", f"http://127.0.0.1:{closed_port()}/x/v2.0"),
        ("cannot be reached",),
    ),
    "a tenant that is none": (
        lambda desk: desk.setup("--entra-tenant", "nobody.onmicrosoft.com"),
        ("has no discovery document", "check the tenant"),
    ),
    "every tenant at once": (
        lambda desk: desk.setup("--entra-tenant", "common"),
        ("names no single Entra tenant",),
    ),
    "a public mail domain": (
        lambda desk: desk.setup("--domain", "gmail.com"),
        ("gmail.com is a public mail domain",),
    ),
    "a domain that is none": (
        lambda desk: desk.setup("--domain", "contoso"),
        ("contoso is not a domain",),
    ),
    "a name that no connector has": (
        lambda desk: desk.setup("--connector-name", "a/b"),
        ("a connector's name is",),
    ),
    "an audience that there is not": (
        lambda desk: desk.setup("--entra-audience", "Everybody"),
        ("AzureADMyOrg and AzureADMultipleOrgs",),
    ),
    "an application that is not there": (
        lambda desk: desk.setup("--adopt", "nobody"),
        ("no Traditional web application with the id nobody",),
    ),
    "a secret file that is not there": (
        lambda desk: desk.setup("--management-secret-file", "nowhere.txt"),
        ("nowhere.txt cannot be read",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(desk: Desk, name: str) -> None:
    run, words = CASES[name]
    before = state(desk.tenant)
    refused(run(desk), *words)
    assert state(desk.tenant) == before
    assert list(desk.root.rglob("*.json")) == []
    assert desk.setup().code == 0


def test_something_else_at_the_endpoint(desk: Desk, moto_url: str) -> None:
    refused(elsewhere(desk, moto_url), "is not a Logto endpoint", "https://tenant.logto.app")


def test_wrong_secret(desk: Desk) -> None:
    desk.environment = {"MANAGEMENT_APP_SECRET": "wrong"}
    refused(desk.setup(), "refuses the id or the secret", "MANAGEMENT_APP_SECRET")


def test_unknown_machine(desk: Desk) -> None:
    desk.environment = {"MANAGEMENT_APP_ID": "nobody"}
    refused(desk.setup(), "refuses the id or the secret", "nobody")


def test_web_application_instead_of_a_machine(desk: Desk) -> None:
    desk.setup()
    desk.environment = {
        "MANAGEMENT_APP_ID": "local-app",
        "MANAGEMENT_APP_SECRET": "local-app-secret",
    }
    refused(desk.setup(), "local-app is not a machine-to-machine application")


def test_missing_role(desk: Desk) -> None:
    desk.tenant.machines["local-management"].manages = False
    refused(desk.setup(), 'the role "Logto Management API access"')
    desk.tenant.machines["local-management"].manages = True
    assert desk.setup().code == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("subscription.limit_exceeded", "the plan of this Logto does not allow it"),
        ("system_limit.limit_exceeded", "the plan of this Logto does not allow it"),
        ("guard.something_else", "Logto refuses a call with 403 guard.something_else"),
    ],
)
def test_forbidden_for_another_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    """A machine that has the role is not told to get it."""

    def full(name: str, own: str | None, memory: object) -> None:
        raise ApiRefusal(403, code, "Not allowed.")

    monkeypatch.setattr(connectors, "_check_name", full)
    ran = desk.setup()
    assert ran.code == 1
    assert words in ran.err
    assert "role" not in ran.err
    monkeypatch.undo()
    assert desk.setup().code == 0


def test_application_of_the_same_name(desk: Desk) -> None:
    desk.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", name="Northwind", redirect_uris=()
    )
    before = state(desk.tenant)
    refused(desk.setup(), "named Northwind already", "--adopt theirs", "--name")
    assert state(desk.tenant) == before
    assert desk.setup("--name", "Northwind 2").code == 0


def test_taken_connector_name(desk: Desk) -> None:
    theirs = dataclasses.replace(CONTOSO, id="theirs", name="entra-contoso", client_id="c")
    desk.tenant.connectors["theirs"] = theirs
    before = state(desk.tenant)
    refused(desk.setup(), "connector named entra-contoso already", "--connector-name")
    assert state(desk.tenant) == before
    assert desk.setup("--connector-name", "contoso-2").code == 0
    assert desk.tenant.connectors["theirs"] == theirs


def test_connector_name_that_is_taken_meanwhile(desk: Desk) -> None:
    """Logto's own refusals are translated too."""

    def take(question: str) -> str:
        theirs = dataclasses.replace(CONTOSO, id="theirs", name="entra-contoso", client_id="c")
        desk.tenant.connectors["theirs"] = theirs
        return "y"

    desk.answers, desk.interrupt = [], take
    ran = desk.setup(yes=False)
    assert ran.code == 1
    assert "connector named entra-contoso already" in ran.err
    del desk.tenant.connectors["theirs"]
    desk.answers = desk.interrupt = None
    assert desk.setup().code == 0


def test_domain_that_logto_alone_forbids(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors, "PUBLIC_MAIL", frozenset({"contoso.com"}))
    ran = desk.setup()
    assert ran.code == 1
    assert "one of the domains is a public mail domain" in ran.err
    monkeypatch.undo()
    assert desk.setup().code == 0
    assert len(desk.tenant.applications) == len(desk.entra.registrations) == 1


def test_issuer_that_logto_cannot_reach(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(issuer: str) -> dict[str, str]:
        raise connectors._bad_config("unreachable")

    monkeypatch.setattr(connectors, "_discovered", unreachable)
    ran = desk.setup()
    assert ran.code == 1
    assert "Logto cannot use the issuer" in ran.err
    monkeypatch.undo()
    assert desk.setup().code == 0
    assert len(desk.tenant.connectors) == len(desk.entra.registrations) == 1


def test_no_permission_at_entra(desk: Desk) -> None:
    desk.entra.may_register = False
    refused(desk.setup(), "lets you register no applications", "--manual-entra")
    desk.entra.may_register = True
    assert desk.setup().code == 0


def test_spoilt_record(desk: Desk) -> None:
    desk.setup()
    (record,) = desk.root.rglob("*.json")
    record.write_text("{")
    refused(desk.setup(), "cannot be read as a record", "move it away")
    record.unlink()
    assert "Nothing to change." in desk.setup().out


def test_settings_that_are_no_text(desk: Desk) -> None:
    (desk.root / ".env").write_bytes(b"BRAND_NAME=\xff\n")
    refused(desk.setup(), ".env is no text in UTF-8")


def test_no_folder_for_the_record(desk: Desk) -> None:
    """It is found before anything is changed."""
    (desk.root / ".local").write_text("")
    before = state(desk.tenant)
    refused(desk.setup(), "cannot be written", "check the folder")
    assert state(desk.tenant) == before


def test_names_that_look_like_markup(desk: Desk) -> None:
    """What comes from outside is shown as it is."""
    assert "Portal [/x]" in desk.setup("--name", "Portal [/x]").err
    connector = desk.tenant.connectors["contoso00001"]
    connector = dataclasses.replace(connector, name="Acme [/prod]")
    desk.tenant.connectors["contoso00001"] = connector
    ran = desk.run("doctor", *desk.where())
    assert "Acme [/prod]: issuer" in ran.out
    assert "Traceback" not in ran.err


def test_samconfig_that_is_no_toml(desk: Desk) -> None:
    (desk.root / "samconfig.toml").write_text("[[")
    ran = desk.run("setup", "--logto-endpoint", desk.logto, *who())
    refused(ran, "samconfig.toml cannot be read as TOML")


@pytest.mark.parametrize(
    "arguments",
    [
        ["setup", "--no-such-option"],
        ["setup", "--secret-days", "5"],
        ["setup", "--base-url", BASE_URL, "--stack-name", "x"],
        ["setup", "connector", "remove"],
        ["nothing"],
    ],
    ids=" ".join,
)
def test_mistakes_in_the_command(desk: Desk, arguments: list[str]) -> None:
    ran = desk.run(*arguments)
    assert ran.code == 2
    assert ran.err.strip()
