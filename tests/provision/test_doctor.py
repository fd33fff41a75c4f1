"""`doctor` passes a deployment that works, and names the right fix for each fault."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from starlette.types import Message

from local.logto import contoso
from local.logto.management import connectors
from local.logto.tenant import Application, Connector
from tests.provision.deployments import Deployment
from tests.provision.operators import Operator, closed_port, secrets_of, state
from tests.provision.stacks import make_alarm, make_table

CONTOSO = "entra-contoso"
TENANT = contoso.CONTOSO.tenant_id
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
GROUP = "0f0e0d0c-0b0a-4908-8706-050403020100"


def test_doctor_passes_a_deployment_that_works(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    result = deployment.doctor(deployment.operator(capsys), "--json")
    assert result.code == 0
    assert {one["status"] for one in result.json["findings"]} == {"pass"}, result.out
    assert len(result.json["findings"]) >= 30
    shown = deployment.doctor(deployment.operator(capsys))
    assert shown.code == 0
    assert f"{len(result.json['findings'])} pass." in shown.out


def app(deployment: Deployment) -> Application:
    return deployment.stand_in.tenant.applications["local-app"]


def change_connector(
    deployment: Deployment, config: dict[str, Any] | None = None, **changes: Any
) -> None:
    connectors = deployment.stand_in.tenant.connectors
    there: Connector = connectors["contoso00001"]
    merged = {**there.config, **(config or {})}
    trusts = merged["trustUnverifiedEmail"]
    connectors[there.id] = replace(there, config=merged, trust_unverified_email=trusts, **changes)


def change_hook(deployment: Deployment, **changes: Any) -> None:
    tenant = deployment.stand_in.tenant
    tenant.webhooks = tuple(replace(hook, **changes) for hook in tenant.webhooks)


def registration(deployment: Deployment) -> Any:
    (directory, _) = deployment.stand_in.tenant.entra_tenants.values()
    (found,) = directory.registrations.values()
    return found


def end_secret(deployment: Deployment, *, days: float) -> None:
    found = registration(deployment)
    ends_at = deployment.stand_in.state.clock() + days * 86_400
    found.passwords = [replace(one, ends_at=ends_at) for one in found.passwords]


def forget_registration(deployment: Deployment) -> None:
    (directory, _) = deployment.stand_in.tenant.entra_tenants.values()
    directory.registrations.clear()


def other_keys(deployment: Deployment) -> None:
    deployment.stand_in.state.keys._keys = [ECKey.generate_key("P-256", {"use": "sig"})]


def at(path: str, **changes: Any) -> Callable[[Deployment], None]:
    """Let the proxy change the status or headers of a response; None removes a header."""

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

    def put(deployment: Deployment) -> None:
        deployment.proxy.edit = edit

    return put


def table(**shape: Any) -> Callable[[Deployment], None]:
    def put(deployment: Deployment) -> None:
        name = f"broken-{uuid.uuid4().hex[:8]}"
        deployment.stack.outputs["TableName"] = make_table(name, **shape)

    return put


def ring(deployment: Deployment) -> None:
    name = make_alarm("ringing", state="ALARM")
    deployment.stack.resources["AuthErrors"] = ("AWS::CloudWatch::Alarm", name)


def add_connector(deployment: Deployment, *, trusts: bool) -> None:
    """Add another customer's connector, which trusts addresses or does not."""
    there = deployment.stand_in.tenant.connectors["contoso00001"]
    config = {**there.config, "trustUnverifiedEmail": trusts}
    deployment.stand_in.tenant.connectors["other0000001"] = replace(
        there, id="other0000001", name="Other Ltd", config=config, trust_unverified_email=trusts
    )


def distrust(deployment: Deployment) -> None:
    change_connector(deployment, {"trustUnverifiedEmail": False})


def all_of(*changes: Callable[[Deployment], None]) -> Callable[[Deployment], None]:
    def put(deployment: Deployment) -> None:
        for change in changes:
            change(deployment)

    return put


def with_parameters(**parameters: str) -> Callable[[Deployment], None]:
    def put(deployment: Deployment) -> None:
        deployment.stack.parameters.update(parameters)

    return put


def ask_for_identities(location: str) -> str:
    return location.replace("email", "identities")


def no_refresh(location: str) -> str:
    return location.replace("offline_access", "profile")


def without_refresh_tokens(deployment: Deployment) -> None:
    app(deployment).always_issue_refresh_token = False
    at("/sign-in", headers={"location": no_refresh})(deployment)


Break = Callable[[Deployment], Any]
RED: dict[str, tuple[Break, str, str]] = {
    "nothing at the endpoint": (
        lambda c: c.options.extend(["--logto-endpoint", f"http://127.0.0.1:{closed_port()}"]),
        "discovery and issuer",
        "Correct LOGTO_ENDPOINT",
    ),
    "something else at the endpoint": (
        lambda c: c.options.extend(["--logto-endpoint", c.url]),
        "discovery and issuer",
        "without a path",
    ),
    "Logto is configured with another endpoint": (
        lambda c: setattr(c.stand_in.state, "url", "http://localhost:1"),
        "discovery and issuer",
        "the endpoint that Logto itself is configured with",
    ),
    "an algorithm that is not a signature": (
        lambda c: setattr(c.stand_in.state.keys, "algorithms", lambda: ["HS256"]),
        "keys and algorithm",
        "Rotate the signing keys",
    ),
    "no key of the algorithm": (other_keys, "keys and algorithm", "Rotate the signing keys"),
    "the secret was rotated at Logto": (
        lambda c: setattr(app(c), "secret", "another-secret"),
        "client credentials",
        "un setup again",
    ),
    "the application was deleted": (
        lambda c: c.stand_in.tenant.applications.clear(),
        "application at Logto",
        "un setup again",
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
    "the post-sign-out URI of version 0.1.0 alone": (
        lambda c: setattr(app(c), "post_logout_redirect_uris", (f"{c.url}/",)),
        "post-sign-out URI",
        "/signed-out as a post sign-out redirect URI",
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
        "Add a webhook",
    ),
    "a webhook without the event of deleted users": (
        lambda c: change_hook(c, events=("User.SuspensionStatus.Updated",)),
        "webhook",
        "Add User.Deleted",
    ),
    "a webhook without the event of ended grants": (
        lambda c: change_hook(c, events=("User.SuspensionStatus.Updated", "User.Deleted")),
        "webhook",
        "Add Grant.LimitExceeded to the webhook",
    ),
    "a disabled webhook": (
        lambda c: change_hook(c, enabled=False),
        "webhook",
        "Enable the webhook",
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
        "Turn on Enterprise SSO",
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
    "an issuer that does not exist": (
        lambda c: change_connector(c, {"issuer": f"{c.stand_in.url}/entra/x/v2.0"}),
        f"{CONTOSO}: issuer",
        "<tenant id>/v2.0",
    ),
    "an issuer without a valid host name": (
        lambda c: change_connector(c, {"issuer": "https://login..example/x/v2.0"}),
        f"{CONTOSO}: issuer",
        "<tenant id>/v2.0",
    ),
    "a public mail domain": (
        lambda c: change_connector(c, domains=("contoso.com", "gmail.com")),
        f"{CONTOSO}: domains",
        "Remove the public mail domains",
    ),
    "addresses are trusted beside another connector": (
        lambda c: add_connector(c, trusts=False),
        f"{CONTOSO}: unverified addresses",
        "setup connector update entra-contoso --no-trust-unverified-email",
    ),
    "another connector's addresses are trusted": (
        all_of(distrust, lambda c: add_connector(c, trusts=True)),
        "Other Ltd: unverified addresses",
        "setup connector update 'Other Ltd' --no-trust-unverified-email",
    ),
    "sign-ins that do not ask for what Entra says": (
        with_parameters(RevalidateSeconds="3600"),
        "scope for Entra",
        "Add identities to LOGTO_SCOPES",
    ),
    "a group without a tenant": (
        with_parameters(EntraGroups=f"{GROUP}=buyers"),
        "groups and roles of Entra",
        f"Write the entries as {TENANT}/<object id>=<short name>",
    ),
    "a role without a tenant, with two that are allowed": (
        with_parameters(
            EntraRoles=f"{TENANT}/Buyer=buyers,Seller=sellers",
            AllowedTenants=f"{TENANT} {OTHER_TENANT}",
        ),
        "groups and roles of Entra",
        f"{TENANT}/<role value>=<short name>",
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
        "Change the variable",
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
        "Deploy again",
    ),
    "another base URL is deployed": (
        at("/sign-in", headers={"location": lambda url: url.replace("callback", "cb")}),
        "sign-in",
        "Set BaseUrl",
    ),
    "a sign-in that fails": (at("/sign-in", status=503), "sign-in", "x-correlation-id"),
    "sign-ins without refresh tokens": (
        without_refresh_tokens,
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
    "/me that answers without a session": (
        at("/me", status=200),
        "/me",
        "nothing in front answers",
    ),
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
        "Turn on point-in-time recovery",
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
        "Add the customer's domains",
    ),
    "addresses are not trusted": (
        lambda c: change_connector(c, {"trustUnverifiedEmail": False}),
        f"{CONTOSO}: unverified addresses",
        "--trust-unverified-email",
    ),
    "addresses are trusted without domains": (
        lambda c: change_connector(c, domains=()),
        f"{CONTOSO}: unverified addresses",
        "do not trust",
    ),
    "a client secret that ends soon": (
        lambda c: end_secret(c, days=9.5),
        f"{CONTOSO}: client secret",
        "makes a new client secret",
    ),
    "a sign-out URI that Entra does not know": (
        lambda c: (
            registration(c)
            .members["web"]
            .update(redirectUris=[f"{c.stand_in.url}/callback/contoso00001"])
        ),
        f"{CONTOSO}: sign-out URI at Entra",
        "/signed-out to the application, platform Web",
    ),
    "a group of a tenant without a connector": (
        with_parameters(EntraGroups=f"{OTHER_TENANT}/{GROUP}=buyers"),
        "groups and roles of Entra",
        "Correct the tenant id in the entries",
    ),
    "a group of a tenant that is not allowed": (
        with_parameters(EntraGroups=f"{OTHER_TENANT}/{GROUP}=buyers", AllowedTenants=TENANT),
        "groups and roles of Entra",
        "Add the tenant to ALLOWED_TENANTS",
    ),
    "no email claim": (
        lambda c: registration(c).members.update(optionalClaims=None),
        f"{CONTOSO}: email claim",
        "optional claim `email`",
    ),
    "a table without deletion protection": (
        table(good=False),
        "table: deletion",
        "Turn on deletion protection",
    ),
    "no alias": (
        lambda c: c.stack.resources.pop("AuthFunctionAliaslive"),
        "stack: alias",
        "AutoPublishAlias",
    ),
    "no alarms": (
        lambda c: c.stack.resources.pop("AuthErrors"),
        "stack: alarms",
        "Deploy with alarms",
    ),
}


@pytest.mark.parametrize("name", [*RED, *WARNED])
def test_doctor_names_the_fix_of_a_fault(
    name: str, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it, check, fix = RED.get(name) or WARNED[name]
    break_it(deployment)
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (finding,) = [one for one in result.json["findings"] if one["check"] == check]
    assert finding["status"] == ("fail" if name in RED else "warn"), finding
    assert fix in finding["fix"]
    assert "Traceback" not in result.err
    if name in RED:
        assert result.code == 1


PASSED: dict[str, tuple[Break, str, str]] = {
    "connectors that trust no addresses": (
        all_of(distrust, lambda c: add_connector(c, trusts=False)),
        f"{CONTOSO}: unverified addresses",
        "not trusted, as it has to be",
    ),
    "a group with its tenant": (
        with_parameters(EntraGroups=f"{TENANT}/{GROUP}=buyers"),
        "groups and roles of Entra",
        f"of {TENANT}",
    ),
    "entries without a tenant, of the only one that is allowed": (
        with_parameters(
            EntraGroups=f"{GROUP}=buyers", EntraRoles="Buyer/x=buyers", AllowedTenants=TENANT
        ),
        "groups and roles of Entra",
        f"of {TENANT}",
    ),
    "entries of both forms": (
        with_parameters(
            EntraGroups=f"{GROUP}=buyers {TENANT}/{GROUP}=others", AllowedTenants=TENANT
        ),
        "groups and roles of Entra",
        f"of {TENANT}",
    ),
    "sign-ins that ask for what Entra says": (
        all_of(
            with_parameters(RevalidateSeconds="3600"),
            at("/sign-in", headers={"location": ask_for_identities}),
        ),
        "scope for Entra",
        "identities",
    ),
    "no re-validation": (
        with_parameters(RevalidateSeconds="0", EntraGroups=""),
        "scope for Entra",
        "no setting needs it",
    ),
}


def test_doctor_fails_trust_in_a_connector_that_is_not_to_entra(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logto joins users by address whatever the provider is."""
    shown = connectors._shown

    def as_oidc(connector: Connector) -> dict[str, Any]:
        provider = "OIDC" if connector.name == "Other Ltd" else connectors.PROVIDER
        return {**shown(connector), "providerName": provider}

    distrust(deployment)
    add_connector(deployment, trusts=True)
    monkeypatch.setattr(connectors, "_shown", as_oidc)
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (finding,) = [one for one in result.json["findings"] if one["check"].startswith("Other Ltd")]
    assert (finding["check"], finding["status"]) == ("Other Ltd: unverified addresses", "fail")
    assert result.code == 1


@pytest.mark.parametrize("name", PASSED)
def test_doctor_passes_what_is_right(
    name: str, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    change, check, seen = PASSED[name]
    change(deployment)
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (finding,) = [one for one in result.json["findings"] if one["check"] == check]
    assert finding["status"] == "pass", finding
    assert seen in finding["seen"]


def test_doctor_does_not_judge_an_issuer_that_this_machine_cannot_reach(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logto may still reach it."""
    change_connector(deployment, {"issuer": f"http://127.0.0.1:{closed_port()}/x/v2.0"})
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (finding,) = [one for one in result.json["findings"] if one["check"] == f"{CONTOSO}: issuer"]
    assert finding["status"] == "unknown"
    assert "Check the address and the network" in finding["seen"]


def test_doctor_passes_a_connector_with_the_default_scope(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    connector = deployment.stand_in.tenant.connectors["contoso00001"]
    config = {name: value for name, value in connector.config.items() if name != "scope"}
    deployment.stand_in.tenant.connectors[connector.id] = replace(connector, config=config)
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (finding,) = [one for one in result.json["findings"] if one["check"] == f"{CONTOSO}: scope"]
    assert finding["status"] == "pass"


@pytest.mark.parametrize(("seconds", "status"), [(300, "fail"), (-300, "fail"), (20, "warn")])
def test_doctor_compares_the_clock_with_logtos(
    seconds: int, status: str, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = deployment.operator(capsys)
    now = operator.clock()
    operator.clock = lambda: now + seconds
    (finding,) = [
        one
        for one in deployment.doctor(operator, "--json").json["findings"]
        if one["check"] == "clock"
    ]
    assert finding["status"] == status
    assert "NTP" in finding["fix"]


def test_doctor_prints_no_secret(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = deployment.operator(capsys)
    app(deployment).secret = "another-secret"
    change_hook(deployment, signing_key="another-signing-key")
    printed = deployment.doctor(operator).out + deployment.doctor(operator, "--json").out
    assert not [secret for secret in secrets_of(operator) if secret in printed]


def test_doctor_with_two_addresses_only_checks_what_is_public(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The other checks are unknown, which is not a failure."""
    operator = deployment.operator(capsys)
    operator.root = tmp_path
    operator.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    where = ("--base-url", deployment.url, "--logto-endpoint", operator.logto)
    result = operator.run("doctor", *where, "--json")
    assert result.code == 0, [one for one in result.json["findings"] if one["status"] == "fail"]
    found = {one["check"]: one for one in result.json["findings"]}
    assert found["discovery and issuer"]["status"] == "pass"
    assert found["sign-in"]["status"] == "pass"
    for check in ("settings", "client credentials", "webhook", "connectors", "table", "stack"):
        assert found[check]["status"] == "unknown"
        assert found[check]["seen"]


def test_doctor_without_the_management_api_checks_uris_through_logtos_responses(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = deployment.operator(capsys)
    operator.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    checks = ("redirect URI", "post-sign-out URI", "client credentials")

    def statuses() -> list[str]:
        findings = deployment.doctor(operator, "--json").json["findings"]
        return [one["status"] for one in findings if one["check"] in checks]

    assert statuses() == ["pass", "pass", "pass"]
    app(deployment).redirect_uris = app(deployment).post_logout_redirect_uris = ()
    assert statuses() == ["pass", "fail", "fail"]


def test_doctor_without_graph_takes_the_secret_end_from_the_record(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = deployment.operator(capsys)
    result = operator.run("doctor", "--stack-name", deployment.stack.name, "--json")
    found = {one["check"]: one for one in result.json["findings"]}
    assert found[f"{CONTOSO}: client secret"]["status"] == "pass"
    assert found[f"{CONTOSO}: redirect URI at Entra"]["status"] == "unknown"


def test_doctor_changes_nothing(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    operator: Operator = deployment.operator(capsys)
    before = state(operator.tenant)
    files = {path: path.read_bytes() for path in deployment.root.rglob("*") if path.is_file()}
    deployment.doctor(operator)
    assert state(operator.tenant) == before
    assert {p: p.read_bytes() for p in deployment.root.rglob("*") if p.is_file()} == files
    assert json.loads(deployment.doctor(operator, "--json").out)["findings"]


@pytest.fixture(autouse=True)
def keys_afterwards(deployment: Deployment) -> Iterator[None]:
    """Stand-ins share their keys: undo what a test has set on them."""
    yield
    vars(deployment.stand_in.state.keys).pop("algorithms", None)
