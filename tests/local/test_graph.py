"""The stand-in's Microsoft Graph and Entra, in the form of Microsoft's reference."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from local.logto.contoso import CONTOSO
from local.logto.server import StandIn

Call = Callable[..., httpx.Response]


@pytest.fixture
def call(stand_in: StandIn) -> Iterator[Call]:
    url = f"{stand_in.url}/entra/{CONTOSO.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials"}
    token = httpx.post(url, data=form, trust_env=False).json()["access_token"]
    with httpx.Client(
        base_url=f"{stand_in.url}/graph/v1.0",
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
    ) as client:
        yield client.request


def code_of(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "innerError"}
    return answer.status_code, error["code"]


def test_applications_are_created_filtered_changed_and_deleted(call: Call) -> None:
    made = call("POST", "/applications", json={"displayName": "It's", "tags": ["a", "b"]})
    assert made.status_code == 201
    body = made.json()
    assert body["signInAudience"] == "AzureADMyOrg"
    assert body["web"]["redirectUris"] == []
    assert body["passwordCredentials"] == []
    for condition in (
        "tags/any(t:t eq 'b')",
        "displayName eq 'It''s'",
        f"appId eq '{body['appId']}'",
    ):
        found = call("GET", "/applications", params={"$filter": condition}).json()["value"]
        assert [one["id"] for one in found] == [body["id"]]
    assert (
        call("GET", "/applications", params={"$filter": "tags/any(t:t eq 'c')"}).json()["value"]
        == []
    )
    path = f"/applications/{body['id']}"
    changed = call("PATCH", path, json={"web": {"redirectUris": ["https://a.test/cb"]}})
    assert (changed.status_code, changed.content) == (204, b"")
    web = call("GET", path).json()["web"]
    assert web == {"homePageUrl": None, "logoutUrl": None, "redirectUris": ["https://a.test/cb"]}
    assert call("DELETE", path).status_code == 204
    assert code_of(call("GET", path)) == (404, "Request_ResourceNotFound")


def test_passwords_are_shown_once_and_removed(call: Call) -> None:
    path = f"/applications/{call('POST', '/applications', json={'displayName': 'x'}).json()['id']}"
    credential = {"displayName": "one", "endDateTime": "2030-01-02T03:04:05Z"}
    made = call("POST", f"{path}/addPassword", json={"passwordCredential": credential}).json()
    assert made["endDateTime"] == credential["endDateTime"]
    assert made["secretText"].startswith(made["hint"])
    (kept,) = call("GET", path).json()["passwordCredentials"]
    assert kept == {**made, "secretText": None}  # it is shown once
    removed = call("POST", f"{path}/removePassword", json={"keyId": made["keyId"]})
    assert removed.status_code == 204
    assert call("GET", path).json()["passwordCredentials"] == []
    again = call("POST", f"{path}/removePassword", json={"keyId": made["keyId"]})
    assert code_of(again) == (400, "Request_BadRequest")


def test_service_principal_exists_once_per_application(call: Call) -> None:
    client_id = call("POST", "/applications", json={"displayName": "x"}).json()["appId"]
    query = {"$filter": f"appId eq '{client_id}'"}
    assert call("GET", "/servicePrincipals", params=query).json()["value"] == []
    assert call("POST", "/servicePrincipals", json={"appId": client_id}).status_code == 201
    (found,) = call("GET", "/servicePrincipals", params=query).json()["value"]
    assert found["appId"] == client_id
    again = call("POST", "/servicePrincipals", json={"appId": client_id})
    assert again.status_code == 409
    assert code_of(call("POST", "/servicePrincipals", json={"appId": "x"}))[0] == 400


def test_calls_without_permission_or_with_bad_bodies_are_refused(
    call: Call, stand_in: StandIn
) -> None:
    bad = call("POST", "/applications", json={"displayName": "x", "unknown": 1})
    assert code_of(bad) == (400, "Request_BadRequest")
    odd = call("GET", "/applications", params={"$filter": "nonsense"})
    assert code_of(odd) == (400, "Request_UnsupportedQuery")
    anonymous = httpx.get(f"{stand_in.url}/graph/v1.0/applications", trust_env=False)
    assert code_of(anonymous) == (401, "InvalidAuthenticationToken")
    stand_in.tenant.entra_tenants[CONTOSO.tenant_id].may_register = False
    assert code_of(call("GET", "/applications")) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("name", [CONTOSO.tenant_id, "contoso.onmicrosoft.com"])
def test_discovery_finds_a_tenant_by_id_and_by_domain(stand_in: StandIn, name: str) -> None:
    url = f"{stand_in.url}/entra/{name}/v2.0/.well-known/openid-configuration"
    found = httpx.get(url, trust_env=False).json()
    assert found["issuer"] == f"{stand_in.url}/entra/{CONTOSO.tenant_id}/v2.0"
    missing = httpx.get(url.replace(name, "nobody"), trust_env=False)
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_tenant")
