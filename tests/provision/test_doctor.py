"""`doctor`: all green on a set-up that works, and red with the right fix on each broken one."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from starlette.types import Message

from local.logto.tenant import Application, Connector
from tests.conftest import REGION
from tests.provision.clinic import Clinic, working
from tests.provision.conftest import Desk, secrets_of, state
from tests.provision.stacks import make_alarm, make_table
from tests.provision.test_bad_input import closed_port

CONTOSO = "entra-contoso"


@pytest.fixture(scope="module")
def whole(moto_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ENDPOINT_URL", moto_url)
        patch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        patch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
        with working(tmp_path_factory.mktemp("clinic")) as clinic:
            yield clinic


@pytest.fixture
def clinic(whole: Clinic, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    with whole.as_it_was():
        yield whole


def test_all_green(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    ran = clinic.doctor(clinic.desk(capsys), "--json")
    assert ran.code == 0
    assert {one["status"] for one in ran.json["findings"]} == {"pass"}, ran.out
    assert len(ran.json["findings"]) >= 30
    shown = clinic.doctor(clinic.desk(capsys))
    assert shown.code == 0
    assert f"{len(ran.json['findings'])} pass." in shown.out


def app(clinic: Clinic) -> Application:
    return clinic.stand_in.tenant.applications["local-app"]


def change_connector(clinic: Clinic, config: dict[str, Any] | None = None, **changes: Any) -> None:
    connectors = clinic.stand_in.tenant.connectors
    there: Connector = connectors["contoso00001"]
    merged = {**there.config, **(config or {})}
    trusts = merged["trustUnverifiedEmail"]
    connectors[there.id] = replace(there, config=merged, trust_unverified_email=trusts, **changes)


def change_hook(clinic: Clinic, **changes: Any) -> None:
    tenant = clinic.stand_in.tenant
    tenant.webhooks = tuple(replace(hook, **changes) for hook in tenant.webhooks)


def registration(clinic: Clinic) -> Any:
    (directory, _) = clinic.stand_in.tenant.entra_tenants.values()
    (found,) = directory.registrations.values()
    return found


def end_secret(clinic: Clinic, *, days: float) -> None:
    found = registration(clinic)
    ends_at = clinic.stand_in.state.clock() + days * 86_400
    found.passwords = [replace(one, ends_at=ends_at) for one in found.passwords]


def forget_registration(clinic: Clinic) -> None:
    (directory, _) = clinic.stand_in.tenant.entra_tenants.values()
    directory.registrations.clear()


def other_keys(clinic: Clinic) -> None:
    clinic.stand_in.state.keys._keys = [RSAKey.generate_key(2048, {"use": "sig"})]


def at(path: str, **changes: Any) -> Callable[[Clinic], None]:
    """Something in front of the product changes status or headers; None takes a header away."""

    def edit(asked: str, message: Message) -> None:
        if asked != path:
            return
        message["status"] = changes.get("status", message["status"])
        for name, value in changes.get("headers", {}).items():
            raw = name.encode()
            kept = [pair for pair in message["headers"] if pair[0].lower() != raw]
            old = [pair[1].decode() for pair in message["headers"] if pair[0].lower() == raw]
            new = [value(one) for one in old] if callable(value) else [value] if value else []
            message["headers"] = [*kept, *((raw, one.encode()) for one in new)]

    def put(clinic: Clinic) -> None:
        clinic.front.edit = edit

    return put


def table(**shape: Any) -> Callable[[Clinic], None]:
    def put(clinic: Clinic) -> None:
        name = f"broken-{uuid.uuid4().hex[:8]}"
        clinic.stack.outputs["TableName"] = make_table(name, **shape)

    return put


def ring(clinic: Clinic) -> None:
    name = make_alarm("ringing", state="ALARM")
    clinic.stack.resources["AuthErrors"] = ("AWS::CloudWatch::Alarm", name)


def no_refresh(location: str) -> str:
    return location.replace("offline_access", "profile")


Break = Callable[[Clinic], Any]
RED: dict[str, tuple[Break, str, str]] = {
    "nothing at the endpoint": (
        lambda c: c.options.extend(["--logto-endpoint", f"http://127.0.0.1:{closed_port()}"]),
        "discovery and issuer",
        "correct LOGTO_ENDPOINT",
    ),
    "something else at the endpoint": (
        lambda c: c.options.extend(["--logto-endpoint", c.front_url]),
        "discovery and issuer",
        "without a path",
    ),
    "Logto thinks it is elsewhere": (
        lambda c: setattr(c.stand_in.state, "url", "http://localhost:1"),
        "discovery and issuer",
        "the endpoint that Logto itself is configured with",
    ),
    "an algorithm that is no signature": (
        lambda c: setattr(c.stand_in.state.keys, "algorithm", "HS256"),
        "keys and algorithm",
        "rotate the signing keys",
    ),
    "no key of the algorithm": (other_keys, "keys and algorithm", "rotate the signing keys"),
    "the secret was rotated at Logto": (
        lambda c: setattr(app(c), "secret", "another-secret"),
        "client credentials",
        "run setup again",
    ),
    "the application was deleted": (
        lambda c: c.stand_in.tenant.applications.clear(),
        "application at Logto",
        "run setup again",
    ),
    "no redirect URI": (
        lambda c: setattr(app(c), "redirect_uris", ()),
        "redirect URI",
        "/callback as a redirect URI",
    ),
    "no post-sign-out URI": (
        lambda c: setattr(app(c), "post_logout_redirect_uris", ("http://localhost:1/",)),
        "post-sign-out URI",
        "as a post sign-out redirect URI",
    ),
    "no back-channel logout": (
        lambda c: setattr(app(c), "backchannel_logout_uri", None),
        "back-channel logout",
        "as the back-channel logout URI",
    ),
    "no sid": (
        lambda c: setattr(app(c), "backchannel_logout_session_required", False),
        "back-channel logout",
        "Is session required",
    ),
    "back-channel logout is not deployed": (
        at("/backchannel-logout", status=404),
        "back-channel logout answers",
        "POST /backchannel-logout",
    ),
    "no webhook": (
        lambda c: setattr(c.stand_in.tenant, "webhooks", ()),
        "webhook",
        "make a webhook",
    ),
    "a webhook that does not tell of deleted users": (
        lambda c: change_hook(c, events=("User.SuspensionStatus.Updated",)),
        "webhook",
        "add User.Deleted",
    ),
    "a webhook that is off": (
        lambda c: change_hook(c, enabled=False),
        "webhook",
        "enable the webhook",
    ),
    "another signing key": (
        lambda c: change_hook(c, signing_key="another-key"),
        "webhook answers",
        "LOGTO_WEBHOOK_SIGNING_KEY",
    ),
    "webhooks are not deployed": (
        at("/webhooks/logto", status=404),
        "webhook answers",
        "POST /webhooks/logto",
    ),
    "enterprise SSO is off": (
        lambda c: setattr(c.stand_in.tenant, "single_sign_on_enabled", False),
        "enterprise SSO",
        "turn on Enterprise SSO",
    ),
    "no connector": (
        lambda c: c.stand_in.tenant.connectors.clear(),
        "connectors",
        "setup connector add",
    ),
    "a default connector that is gone": (
        lambda c: c.stack.parameters.update(LogtoDefaultConnector="gone"),
        "default connector",
        "LOGTO_DEFAULT_CONNECTOR",
    ),
    "an issuer with a slash": (
        lambda c: change_connector(c, {"issuer": f"{c.stand_in.url}/entra/x/v2.0/"}),
        f"{CONTOSO}: issuer",
        "without a slash at the end",
    ),
    "an issuer that is none": (
        lambda c: change_connector(c, {"issuer": f"{c.stand_in.url}/entra/x/v2.0"}),
        f"{CONTOSO}: issuer",
        "<tenant id>/v2.0",
    ),
    "an issuer at no host": (
        lambda c: change_connector(c, {"issuer": "https://login..example/x/v2.0"}),
        f"{CONTOSO}: issuer",
        "<tenant id>/v2.0",
    ),
    "a public mail domain": (
        lambda c: change_connector(c, domains=("contoso.com", "gmail.com")),
        f"{CONTOSO}: domains",
        "take the public mail domains out",
    ),
    "a client secret that has ended": (
        lambda c: end_secret(c, days=-2),
        f"{CONTOSO}: client secret",
        "makes a new client secret",
    ),
    "a client secret that was removed": (
        lambda c: registration(c).passwords.clear(),
        f"{CONTOSO}: client secret",
        "makes a new client secret",
    ),
    "a redirect URI that Entra does not know": (
        lambda c: registration(c).members["web"].update(redirectUris=[]),
        f"{CONTOSO}: redirect URI at Entra",
        "/callback/contoso00001 to the application",
    ),
    "an application that Entra does not know": (
        forget_registration,
        f"{CONTOSO}: redirect URI at Entra",
        "correct the connector's client id",
    ),
    "a machine without the role": (
        lambda c: setattr(c.stand_in.tenant.machines["local-management"], "manages", False),
        "Management API",
        "Logto Management API access",
    ),
    "settings that contradict each other": (
        lambda c: c.stack.parameters.update(SessionIdleSeconds="99999"),
        "settings",
        "change the variable",
    ),
    "a start page that fails": (at("/", status=500), "start page", "x-correlation-id"),
    "a proxy that caches": (
        at("/", headers={"cache-control": "max-age=60"}),
        "start page",
        "cache nothing",
    ),
    "an old deployment": (
        at("/sign-in", headers={"location": "https://old.logto.app/oidc/auth?client_id=x"}),
        "sign-in",
        "sam deploy",
    ),
    "another application is deployed": (
        at("/sign-in", headers={"location": lambda url: url.replace("local-app", "other")}),
        "sign-in",
        "deploy again",
    ),
    "another base URL is deployed": (
        at("/sign-in", headers={"location": lambda url: url.replace("callback", "cb")}),
        "sign-in",
        "set BaseUrl",
    ),
    "a sign-in that fails": (at("/sign-in", status=503), "sign-in", "x-correlation-id"),
    "sign-ins without refresh tokens": (
        at("/sign-in", headers={"location": no_refresh}),
        "refresh tokens",
        "Always issue refresh token",
    ),
    "a proxy that drops cookies": (
        at("/sign-in", headers={"set-cookie": None}),
        "cookie",
        "pass Set-Cookie on",
    ),
    "a cookie that scripts can read": (
        at("/sign-in", headers={"set-cookie": lambda line: line.replace("; HttpOnly", "")}),
        "cookie",
        "leave Set-Cookie as it is",
    ),
    "/me that lets everybody in": (at("/me", status=200), "/me", "nothing in front answers"),
    "no table": (
        lambda c: c.stack.outputs.update(TableName="nowhere"),
        "table",
        "restore the table",
    ),
    "a table with another key": (table(key="id"), "table", "make its own table"),
    "a table without TTL": (table(good=False), "table: TTL", "expires_at"),
    "a table that cannot be restored": (
        table(good=False, key="sk"),
        "table: recovery",
        "point-in-time recovery on",
    ),
    "an old template": (
        lambda c: c.stack.outputs.update(WebhookUrl=None),
        "stack: outputs",
        "sam deploy",
    ),
    "an alarm that rings": (ring, "stack: alarms", "docs/operations.md"),
}
WARNED: dict[str, tuple[Break, str, str]] = {
    "a scope without email": (
        lambda c: change_connector(c, {"scope": "openid profile"}),
        f"{CONTOSO}: scope",
        "openid profile email",
    ),
    "no domains": (
        lambda c: change_connector(c, domains=()),
        f"{CONTOSO}: domains",
        "add the customer's domains",
    ),
    "addresses are not trusted": (
        lambda c: change_connector(c, {"trustUnverifiedEmail": False}),
        f"{CONTOSO}: unverified addresses",
        "--trust-unverified-email",
    ),
    "addresses of no domain are trusted": (
        lambda c: change_connector(c, domains=()),
        f"{CONTOSO}: unverified addresses",
        "do not trust",
    ),
    "a client secret that ends soon": (
        lambda c: end_secret(c, days=9.5),
        f"{CONTOSO}: client secret",
        "makes a new client secret",
    ),
    "no email claim": (
        lambda c: registration(c).members.update(optionalClaims=None),
        f"{CONTOSO}: email claim",
        "optional claim `email`",
    ),
    "a table that may be deleted": (
        table(good=False),
        "table: deletion",
        "turn deletion protection on",
    ),
    "no alias": (
        lambda c: c.stack.resources.pop("AuthFunctionAliaslive"),
        "stack: alias",
        "AutoPublishAlias",
    ),
    "no alarms": (
        lambda c: c.stack.resources.pop("AuthErrors"),
        "stack: alarms",
        "deploy with alarms",
    ),
}


@pytest.mark.parametrize("name", [*RED, *WARNED])
def test_broken(name: str, clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    breaking, check, fix = RED.get(name) or WARNED[name]
    breaking(clinic)
    ran = clinic.doctor(clinic.desk(capsys), "--json")
    (finding,) = [one for one in ran.json["findings"] if one["check"] == check]
    assert finding["status"] == ("fail" if name in RED else "warn"), finding
    assert fix in finding["fix"]
    assert "Traceback" not in ran.err
    if name in RED:
        assert ran.code == 1


def test_issuer_that_this_machine_does_not_reach(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logto may: nothing is said to be wrong with it."""
    change_connector(clinic, {"issuer": f"http://127.0.0.1:{closed_port()}/x/v2.0"})
    ran = clinic.doctor(clinic.desk(capsys), "--json")
    (finding,) = [one for one in ran.json["findings"] if one["check"] == f"{CONTOSO}: issuer"]
    assert finding["status"] == "unknown"
    assert "check the address and the network" in finding["seen"]


def test_no_scope_is_logtos_own(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    connector = clinic.stand_in.tenant.connectors["contoso00001"]
    config = {name: value for name, value in connector.config.items() if name != "scope"}
    clinic.stand_in.tenant.connectors[connector.id] = replace(connector, config=config)
    ran = clinic.doctor(clinic.desk(capsys), "--json")
    (finding,) = [one for one in ran.json["findings"] if one["check"] == f"{CONTOSO}: scope"]
    assert finding["status"] == "pass"


@pytest.mark.parametrize(("seconds", "status"), [(300, "fail"), (-300, "fail"), (20, "warn")])
def test_clock(
    seconds: int, status: str, clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = clinic.desk(capsys)
    now = desk.clock()
    desk.clock = lambda: now + seconds
    (finding,) = [
        one for one in clinic.doctor(desk, "--json").json["findings"] if one["check"] == "clock"
    ]
    assert finding["status"] == status
    assert "NTP" in finding["fix"]


def test_secrets_are_not_told(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    desk = clinic.desk(capsys)
    app(clinic).secret = "another-secret"
    change_hook(clinic, signing_key="another-signing-key")
    said = clinic.doctor(desk).out + clinic.doctor(desk, "--json").out
    assert not [secret for secret in secrets_of(desk) if secret in said]


def test_with_nothing_but_two_addresses(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What cannot be checked is said, and is no failure."""
    desk = clinic.desk(capsys)
    desk.root = tmp_path
    desk.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    where = ("--base-url", clinic.front_url, "--logto-endpoint", desk.logto)
    ran = desk.run("doctor", *where, "--json")
    assert ran.code == 0
    found = {one["check"]: one for one in ran.json["findings"]}
    assert found["discovery and issuer"]["status"] == "pass"
    assert found["sign-in"]["status"] == "pass"
    for check in ("settings", "client credentials", "webhook", "connectors", "table", "stack"):
        assert found[check]["status"] == "unknown"
        assert found[check]["seen"]


def test_uris_without_the_management_api(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logto's own answers tell whether they are registered."""
    desk = clinic.desk(capsys)
    desk.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    checks = ("redirect URI", "post-sign-out URI", "client credentials")

    def statuses() -> list[str]:
        told = clinic.doctor(desk, "--json").json["findings"]
        return [one["status"] for one in told if one["check"] in checks]

    assert statuses() == ["pass", "pass", "pass"]
    app(clinic).redirect_uris = app(clinic).post_logout_redirect_uris = ()
    assert statuses() == ["pass", "fail", "fail"]


def test_secret_expiry_as_it_was_noted(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    """Without Microsoft Graph, the record of `setup` tells when the client secret ends."""
    desk = clinic.desk(capsys)
    ran = desk.run("doctor", "--stack-name", clinic.stack.name, "--json")
    found = {one["check"]: one for one in ran.json["findings"]}
    assert found[f"{CONTOSO}: client secret"]["status"] == "pass"
    assert found[f"{CONTOSO}: redirect URI at Entra"]["status"] == "unknown"


def test_doctor_changes_nothing(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    desk: Desk = clinic.desk(capsys)
    before = state(desk.tenant)
    files = {path: path.read_bytes() for path in clinic.root.rglob("*") if path.is_file()}
    clinic.doctor(desk)
    assert state(desk.tenant) == before
    assert {p: p.read_bytes() for p in clinic.root.rglob("*") if p.is_file()} == files
    assert json.loads(clinic.doctor(desk, "--json").out)["findings"]
