"""`doctor` starts the sign-ins that the product starts, and names what Logto refuses of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from starlette.types import Message

from local.logto.tenant import Application, Organization, Resource
from provision.doctor.checks_sign_in import sign_in_at_logto
from provision.doctor.observed import NotObserved, ObservedResponse, ObservedSignIn
from provision.record import Record, record_path
from tests.provision.deployments import Deployment
from tests.provision.observations import CALLBACK, LOGTO, observed
from tests.provision.operators import Operator

CHECK = "sign-in at Logto"
UNKNOWN = "https://api.unknown.test/v1"
ORGANIZATION = "urn:logto:organization:acme00000001"


def finding(deployment: Deployment, capsys: pytest.CaptureFixture[str], check: str) -> Any:
    result = deployment.doctor(deployment.operator(capsys), "--json")
    (found,) = [one for one in result.json["findings"] if one["check"] == check]
    assert (result.code == 1) == ("fail" in [one["status"] for one in result.json["findings"]])
    return found


def stored(**parameters: str) -> Callable[[Deployment], None]:
    """Change parameters that the running product does not have yet."""
    return lambda deployment: deployment.stack.parameters.update(parameters)


def running(change: Callable[[str], str]) -> Callable[[Deployment], None]:
    """Change the authorization request of the running product."""

    def edit(path: str, message: Message) -> None:
        if path == "/sign-in":
            message["headers"] = [
                (name, change(value.decode()).encode() if name == b"location" else value)
                for name, value in message["headers"]
            ]

    return lambda deployment: setattr(deployment.proxy, "edit", edit)


def asking_for(*resources: str) -> Callable[[Deployment], None]:
    added = "".join(f"&resource={quote(one, safe='')}" for one in resources)
    return running(lambda location: location + added)


def application(deployment: Deployment) -> Application:
    return deployment.stand_in.tenant.applications["local-app"]


REFUSED: dict[str, tuple[Callable[[Deployment], Any], tuple[str, ...], tuple[str, ...]]] = {
    "an unknown resource, stored": (
        stored(LogtoResources=UNKNOWN),
        ("invalid_target", UNKNOWN, "stored settings"),
        (f"Register {UNKNOWN}", "LOGTO_RESOURCES"),
    ),
    "an unknown resource, in use": (
        asking_for(UNKNOWN),
        ("invalid_target", UNKNOWN, "every sign-in"),
        (f"Register {UNKNOWN}", "LOGTO_RESOURCES"),
    ),
    "an organization as a resource, stored": (
        stored(LogtoResources=ORGANIZATION),
        ("invalid_target", ORGANIZATION),
        (f"Remove {ORGANIZATION} from LOGTO_RESOURCES", "LOGTO_ORGANIZATIONS"),
    ),
    "an organization and an unknown resource, in use": (
        asking_for(UNKNOWN, ORGANIZATION),
        ("invalid_target", UNKNOWN, ORGANIZATION),
        (f"Register {UNKNOWN}", f"Remove {ORGANIZATION}"),
    ),
    "a response type that the application may not use": (
        running(lambda location: location.replace("response_type=code", "response_type=token")),
        ("unsupported_response_type",),
        ("Traditional web application",),
    ),
    "a request that Logto does not accept": (
        running(lambda location: location.replace("S256", "plain")),
        ("invalid_request",),
        ("audit log",),
    ),
    "an application that was deleted": (
        lambda deployment: deployment.stand_in.tenant.applications.clear(),
        ("does not know the application local-app",),
        ("LOGTO_APP_ID",),
    ),
    "a redirect URI that is not registered": (
        lambda deployment: setattr(application(deployment), "redirect_uris", ()),
        ("is not registered",),
        ("/callback as a redirect URI", "BASE_URL"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_sign_in_that_logto_refuses_is_a_failure(
    name: str, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    change, seen, fix = REFUSED[name]
    change(deployment)
    found = finding(deployment, capsys, CHECK)
    assert found["status"] == "fail"
    assert not [word for word in seen if word not in found["seen"]], found
    assert not [word for word in fix if word not in found["fix"]], found


def test_only_the_resource_that_is_refused_is_named(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "https://api.good.test"
    tenant = deployment.stand_in.tenant
    tenant.resources[good] = Resource(indicator=good, scopes={})
    stored(LogtoResources=f"{good} {UNKNOWN}")(deployment)
    found = finding(deployment, capsys, CHECK)
    assert good not in found["seen"] + found["fix"]
    tenant.resources[UNKNOWN] = Resource(indicator=UNKNOWN, scopes={})
    found = finding(deployment, capsys, CHECK)
    assert (found["status"], found["fix"]) == ("pass", "")


def test_sign_in_of_a_product_that_is_not_running_is_judged_by_its_settings(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(LogtoResources=UNKNOWN)(deployment)

    def edit(path: str, message: Message) -> None:
        message["status"] = 503

    deployment.proxy.edit = edit
    found = finding(deployment, capsys, CHECK)
    assert found["status"] == "fail"
    assert UNKNOWN in found["seen"]


@pytest.mark.parametrize(
    ("answer", "status", "seen"),
    [
        ((303, "/sign-in?app_id=x"), "pass", "accepts 2 scopes and 1 resources"),
        ((303, f"{LOGTO}/sign-in"), "pass", "accepts"),
        ((303, "https://other.test/login"), "warn", "https://other.test"),
        ((303, f"{CALLBACK}?error=server_error&state=s"), "fail", "server_error"),
        ((303, f"{CALLBACK}?error=%1b%5b31mred&state=s"), "fail", "OAuth error 31mred."),
        ((200, ""), "fail", "200, without a redirect"),
        ((429, ""), "fail", "answers a sign-in with 429."),
        ((502, ""), "fail", "answers a sign-in with 502."),
        (None, "unknown", "no answer"),
    ],
)
def test_answer_of_logto_is_judged(answer: tuple[int, str] | None, status: str, seen: str) -> None:
    query = {"redirect_uri": CALLBACK, "scope": "openid email", "resource": UNKNOWN}
    response: ObservedResponse | NotObserved = NotObserved("no answer")
    if answer is not None:
        headers = {"location": answer[1]} if answer[1] else {}
        response = ObservedResponse(status=answer[0], headers=headers)
    sign_in = ObservedSignIn(
        source="the product", url=f"{LOGTO}/oidc/auth?{urlencode(query)}", response=response
    )
    found = sign_in_at_logto(observed(sign_ins=(sign_in,)))
    assert found.status == status
    assert seen in found.found
    assert "\x1b" not in found.found
    assert bool(found.fix) == (status in ("fail", "warn"))


def test_sign_in_that_nothing_shows_is_unknown(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(SessionIdleSeconds="99999")(deployment)
    running(lambda location: "https://elsewhere.test/")(deployment)
    found = finding(deployment, capsys, CHECK)
    assert (found["status"], found["fix"]) == ("unknown", "")


def test_record_of_another_address_stops_no_check(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    operator = deployment.operator(capsys)
    operator.root = tmp_path
    path = record_path(tmp_path, operator.logto, deployment.url)
    secure = deployment.url.replace("http://", "https://")
    Record(logto=operator.logto, base_url=secure, path=path).save()
    findings = deployment.doctor(operator, "--json").json["findings"]
    (found,) = [one for one in findings if one["check"] == "record of setup"]
    assert found["status"] == "warn"
    assert f"for {secure} at" in found["seen"]
    assert "Pass these addresses" in found["fix"]
    assert len(findings) > 30


@pytest.mark.parametrize("name", ["LogtoOrganizations", "AllowedOrganizations"])
def test_organization_that_logto_does_not_have_is_a_failure(
    name: str, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(**{name: "nobodys"})(deployment)
    found = finding(deployment, capsys, "organizations")
    assert found["status"] == "fail"
    assert "no organization nobodys" in found["seen"]
    assert "LOGTO_ORGANIZATIONS" in found["fix"]


def test_organization_that_logto_has_passes(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    identifier = "acme00000001"
    deployment.stand_in.tenant.organizations[identifier] = Organization(
        id=identifier, name="Acme", description=None, members={}, role_scopes={}
    )
    stored(LogtoOrganizations=identifier)(deployment)
    found = finding(deployment, capsys, "organizations")
    assert (found["status"], found["seen"]) == ("pass", identifier)


def test_settings_of_a_laptop_are_tried_before_the_product_is_started(operator: Operator) -> None:
    assert operator.setup().code == 0
    env = operator.root / ".env"

    def status() -> tuple[str, str]:
        findings = operator.run("doctor", *operator.where(), "--json").json["findings"]
        (found,) = [one for one in findings if one["check"] == CHECK]
        return found["status"], found["seen"]

    assert status()[0] == "pass"
    env.write_text(f"{env.read_text()}LOGTO_RESOURCES={UNKNOWN}\n")
    assert status()[0] == "fail"
    assert UNKNOWN in status()[1]
