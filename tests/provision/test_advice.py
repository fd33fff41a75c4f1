"""Every refusal of the commands gives advice that helps with what is wrong."""

from pathlib import Path

import httpx
import pytest

from local.logto.contoso import CONTOSO
from provision.errors import ProvisionFailed
from provision.http import JsonClient, JsonResponse
from provision.logto_api import LogtoApi, Machine
from provision.microsoft import check_issuer
from provision.record import Record, read_record, record_path
from tests.provision.operators import Operator, refused

GUID = "3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a"
ENTRA = "https://login.microsoftonline.com"
ANSWERS: dict[str, tuple[int, object, tuple[str, ...], tuple[str, ...]]] = {
    "another type of application": (
        400,
        {"error": "invalid_request"},
        ("machine is not a machine-to-machine application", "Create one of that type"),
        ("Wait a moment",),
    ),
    "another type of application, by RFC 6749's own word": (
        400,
        {"error": "unauthorized_client"},
        ("machine is not a machine-to-machine application",),
        ("Wait a moment",),
    ),
    "an error that stays": (
        400,
        {"error": "invalid_scope"},
        ("400 invalid_scope", "audit log"),
        ("Wait a moment",),
    ),
    "a page of something else": (404, None, ("is not a Logto endpoint",), ("Wait a moment",)),
    "an overload": (429, {"error": "x"}, ("answered 429", "Wait a moment"), ()),
    "an outage": (500, {"error": "server_error"}, ("answered 500", "Wait a moment"), ()),
}


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: object) -> None:
    """Let Logto's token endpoint give this answer."""
    sent = JsonClient.send

    def send(client: JsonClient, method: str, path: str, **options: object) -> JsonResponse:
        if path == "/oidc/token":
            return JsonResponse(status=status, headers=httpx.Headers(), body=body)
        return sent(client, method, path, **options)

    monkeypatch.setattr(JsonClient, "send", send)


@pytest.mark.parametrize("name", ANSWERS)
def test_refused_management_token_says_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body, words, others = ANSWERS[name]
    answering(monkeypatch, status, body)
    machine = Machine(id="machine", secret="s")
    with (
        LogtoApi("https://tenant.logto.test", machine) as api,
        pytest.raises(ProvisionFailed) as failure,
    ):
        api.connectors()
    assert not [word for word in words if word not in str(failure.value)]
    assert not [word for word in others if word in str(failure.value)]


@pytest.mark.parametrize("tenant", ["common", "organizations", "Organizations", "consumers"])
def test_issuer_of_many_tenants_is_refused_with_one_that_can_be_used(
    operator: Operator, tenant: str
) -> None:
    result = operator.setup("--issuer", f"{ENTRA}/{tenant}/v2.0")
    refused(result, f"Pass {ENTRA}/<tenant id>/v2.0 to --issuer", "--entra-tenant")
    assert "{tenantid}" not in result.err


@pytest.mark.parametrize(
    ("published", "advice"),
    [
        (f"https://sts.windows.net/{CONTOSO.tenant_id}/", f"{ENTRA}/{CONTOSO.tenant_id}/v2.0"),
        ("https://other.example.test/{tenantid}/v2.0", f"{ENTRA}/<tenant id>/v2.0"),
        (f"{ENTRA}/{CONTOSO.tenant_id}/v2.0", f"{ENTRA}/{CONTOSO.tenant_id}/v2.0"),
    ],
)
def test_issuer_that_publishes_another_is_refused_with_one_that_can_be_used(
    monkeypatch: pytest.MonkeyPatch, published: str, advice: str
) -> None:
    monkeypatch.setattr("provision.microsoft.published_issuer", lambda issuer: published)
    with pytest.raises(ProvisionFailed) as failure:
        check_issuer(f"{ENTRA}/contoso.onmicrosoft.com")
    assert failure.value.fix == f"Pass {advice} to --issuer."


@pytest.mark.parametrize("secret", [GUID, GUID.upper(), f"{{{GUID}}}", f"{GUID}\n"])
@pytest.mark.parametrize("source", ["file", "environment", "answer"])
def test_guid_as_client_secret_is_refused_before_anything_changes(
    operator: Operator, tmp_path: Path, secret: str, source: str
) -> None:
    options = ["--manual-entra", "--entra-client-id", GUID]
    if source == "file":
        file = tmp_path / "secret.txt"
        file.write_text(secret)
        options += ["--entra-secret-file", str(file)]
    elif source == "environment":
        operator.environment = {"ENTRA_CLIENT_SECRET": secret}
    else:
        operator.answers = [secret]
    result = operator.setup(*options)
    assert result.code == 1
    assert "that is the secret's id, not its value" in result.err
    assert "Copy the value" in result.err
    assert secret.strip() not in result.err
    assert (operator.tenant.applications, operator.tenant.connectors) == ({}, {})


@pytest.mark.parametrize(
    ("base_url", "logto"),
    [
        ("https://localhost:3000", "http://localhost:3100"),
        ("http://localhost:3000", "https://localhost:3100"),
    ],
)
def test_record_of_the_other_scheme_names_both_addresses(
    tmp_path: Path, base_url: str, logto: str
) -> None:
    path = record_path(tmp_path, "http://localhost:3100", "http://localhost:3000")
    Record(logto="http://localhost:3100", base_url="http://localhost:3000", path=path).save()
    with pytest.raises(ProvisionFailed) as failure:
        read_record(record_path(tmp_path, logto, base_url), logto=logto, base_url=base_url)
    assert "for http://localhost:3000 at http://localhost:3100" in failure.value.problem
    assert f"not for {base_url} at {logto}" in failure.value.problem
    assert "Pass these addresses" in failure.value.fix
    assert "another product" not in str(failure.value)
