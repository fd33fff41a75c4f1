"""The stand-in's Management API: its answers and errors, and the effects on sign-ins."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from harness.product import Clock
from local.logto.contoso import CONTOSO, LOCAL_MACHINE
from local.logto.server import StandIn
from local.logto.tenant import MANAGEMENT_RESOURCE
from provision.desired import FORBIDDEN_DOMAINS
from tests.local.conftest import CALLBACK, Call, RelyingParty, token


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def metadata(**changes: Any) -> dict[str, Any]:
    return {"redirectUris": [CALLBACK], "postLogoutRedirectUris": [], **changes}


def connector(stand_in: StandIn, **changes: Any) -> dict[str, Any]:
    config = {
        "clientId": "client",
        "clientSecret": "secret",
        "issuer": f"{stand_in.url}/entra/{CONTOSO.tenant_id}/v2.0",
        "scope": "openid profile email",
        "trustUnverifiedEmail": True,
    }
    return {
        "providerName": "AzureAdOidc",
        "connectorName": "another",
        "config": {**config, **changes.pop("config", {})},
        "domains": ["contoso.de"],
        "branding": {"displayName": "Another"},
        "syncProfile": True,
        **changes,
    }


def test_management_token_has_the_requested_scope_or_is_refused(stand_in: StandIn) -> None:
    answer = token(stand_in.url).json()
    assert answer["token_type"] == "Bearer"
    assert (answer["expires_in"], answer["scope"]) == (3600, "all")
    assert token(stand_in.url, resource="https://other.test").json()["error"] == "invalid_target"
    weak = token(stand_in.url, scope="").json()
    assert weak["scope"] == ""
    bearer = {"authorization": f"Bearer {weak['access_token']}"}
    forbidden = httpx.get(f"{stand_in.url}/api/hooks", headers=bearer, trust_env=False)
    assert code_of(forbidden) == (403, "auth.forbidden")
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE}
    wrong = httpx.post(
        f"{stand_in.url}/oidc/token", data=form, auth=(LOCAL_MACHINE[0], "no"), trust_env=False
    )
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def test_grant_type_of_another_kind_of_client_is_refused(party: RelyingParty) -> None:
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE}
    code = {"grant_type": "authorization_code", "code": "c", "redirect_uri": CALLBACK}
    for refused in (party.token(form), party.token(code, LOCAL_MACHINE)):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        description = refused.json()["error_description"]
        assert description == "requested grant type is not allowed for this client"
    unknown = party.token({"grant_type": "password"})
    assert unknown.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("path", ["/applications", "/sso-connectors", "/hooks", "/sign-in-exp"])
def test_call_without_a_valid_token_is_refused(
    stand_in: StandIn, party: RelyingParty, path: str
) -> None:
    url = f"{stand_in.url}/api{path}"
    without = httpx.get(url, trust_env=False)
    assert code_of(without) == (401, "auth.authorization_header_missing")
    user = party.tokens()["access_token"]
    for value in ("nonsense", user):
        answer = httpx.get(url, headers={"authorization": f"Bearer {value}"}, trust_env=False)
        assert code_of(answer) == (401, "auth.unauthorized")
    stand_in.tenant.machines[LOCAL_MACHINE[0]].manages = False
    weak = token(stand_in.url).json()["access_token"]
    answer = httpx.get(url, headers={"authorization": f"Bearer {weak}"}, trust_env=False)
    assert code_of(answer) == (403, "auth.forbidden")


def test_applications_are_created_changed_and_deleted(call: Call) -> None:
    body = {"name": "New", "type": "Traditional", "oidcClientMetadata": metadata()}
    made = call("POST", "/applications", json=body)
    assert made.status_code == 200
    identifier = made.json()["id"]
    assert "secret" not in made.json()
    kinds = {"types": "Traditional"}
    assert len(call("GET", "/applications", params=kinds).json()) == 2
    (secret,) = call("GET", f"/applications/{identifier}/secrets").json()
    assert set(secret) >= {"name", "value", "createdAt", "expiresAt"}

    whole = metadata(backchannelLogoutUri="https://a.test/b", backchannelLogoutSessionRequired=True)
    changed = call("PATCH", f"/applications/{identifier}", json={"oidcClientMetadata": whole})
    assert changed.json()["oidcClientMetadata"] == whole
    changed = call("PATCH", f"/applications/{identifier}", json={"oidcClientMetadata": metadata()})
    assert (
        changed.json()["oidcClientMetadata"] == metadata()
    )  # members that are left out are removed
    assert call("DELETE", f"/applications/{identifier}").status_code == 204
    assert code_of(call("GET", f"/applications/{identifier}"))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x", "type": "SPA", "oidcClientMetadata": metadata()},
        {"name": "x", "type": "Traditional", "oidcClientMetadata": {"redirectUris": []}},
        {"name": "x", "type": "Traditional", "oidcClientMetadata": metadata(unknown=1)},
        {"name": "x", "type": "Traditional", "oidcClientMetadata": metadata(redirectUris=["x"])},
        {"name": 1, "type": "Traditional", "oidcClientMetadata": metadata()},
    ],
)
def test_invalid_application_is_refused(call: Call, body: dict[str, Any]) -> None:
    assert code_of(call("POST", "/applications", json=body)) == (400, "guard.invalid_input")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"connectorName": "contoso"}, 409, "single_sign_on.duplicate_connector_name"),
        ({"domains": ["gmail.com"]}, 422, "single_sign_on.forbidden_domains"),
        ({"domains": ["126.com"]}, 422, "single_sign_on.forbidden_domains"),
        ({"domains": ["yandex.com"]}, 422, "single_sign_on.forbidden_domains"),
        ({"domains": ["nonsense"]}, 422, "single_sign_on.invalid_domain_format"),
        ({"config": {"clientSecret": ""}}, 400, "connector.invalid_config"),
        ({"config": {"issuer": "http://127.0.0.1:1/x/v2.0"}}, 400, "connector.invalid_config"),
        ({"config": {"issuer": "slash"}}, 400, "connector.invalid_config"),
        ({"providerName": "Other"}, 400, "connector.not_found"),
    ],
)
def test_invalid_connector_is_refused(
    call: Call, stand_in: StandIn, changes: dict[str, Any], status: int, code: str
) -> None:
    if changes == {"config": {"issuer": "slash"}}:
        issuer = f"{stand_in.url}/entra/{CONTOSO.tenant_id}/v2.0/"
        changes = {"config": {"issuer": issuer}}
    answer = call("POST", "/sso-connectors", json=connector(stand_in, **changes))
    assert code_of(answer) == (status, code)
    assert list(stand_in.tenant.connectors) == [CONTOSO.id]


def test_connector_for_a_public_domain_that_logto_does_not_know_is_accepted(
    call: Call, stand_in: StandIn
) -> None:
    assert len(FORBIDDEN_DOMAINS) == 19
    body = connector(stand_in, domains=["googlemail.com"])
    assert call("POST", "/sso-connectors", json=body).status_code == 200


def test_address_of_a_domain_with_two_connectors_leads_to_a_choice(
    call: Call, stand_in: StandIn, party: RelyingParty
) -> None:
    body = connector(stand_in, domains=["contoso.com"])
    made = call("POST", "/sso-connectors", json=body)
    assert made.status_code == 200
    page = party.robot.open(party.authorization_url())
    page = party.robot.submit(page, "/sign-in", identifier="alice@contoso.com")
    assert page.text.count("Continue with") == 2
    page = party.robot.submit(page, "/sso", connector=CONTOSO.id)
    assert "Pick an account" in page.text


def test_connectors_are_created_changed_and_deleted(
    call: Call, stand_in: StandIn, party: RelyingParty
) -> None:
    made = call("POST", "/sso-connectors", json=connector(stand_in))
    assert made.status_code == 200
    identifier = made.json()["id"]
    assert len(identifier) == 12
    assert made.json()["config"] == connector(stand_in)["config"]
    page = party.robot.open(party.authorization_url())
    assert "Continue with Another" in page.text
    renamed = call("PATCH", f"/sso-connectors/{identifier}", json={"connectorName": "contoso"})
    assert code_of(renamed) == (409, "single_sign_on.duplicate_connector_name")
    call("PATCH", f"/sso-connectors/{identifier}", json={"branding": {"displayName": "Renamed"}})
    assert "Continue with Renamed" in party.robot.open(party.authorization_url()).text
    assert call("DELETE", f"/sso-connectors/{identifier}").status_code == 204
    assert len(call("GET", "/sso-connectors").json()) == 1


def test_sign_in_experience_switches_enterprise_sso(call: Call, party: RelyingParty) -> None:
    before = call("GET", "/sign-in-exp").json()
    off = call("PATCH", "/sign-in-exp", json={"singleSignOnEnabled": False})
    assert off.json() == {**before, "singleSignOnEnabled": False}
    page = party.robot.open(party.authorization_url(direct_sign_in="sso:contoso00001"))
    assert urlsplit(str(page.url)).path == "/sign-in"
    assert code_of(call("PATCH", "/sign-in-exp", json={"unknown": 1}))[0] == 400


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("Organization.Membership.Updated", 201),
        ("Grant.LimitExceeded", 201),
        ("User.Data.Updated", 201),
        ("PostSignIn", 201),
        ("User.Nonsense", 400),
    ],
)
def test_webhook_subscribes_to_known_events_only(call: Call, event: str, status: int) -> None:
    body = {"name": "x", "events": [event], "config": {"url": "https://a.test/h", "retries": 3}}
    assert call("POST", "/hooks", json=body).status_code == status


def test_account_center_is_off_until_it_is_switched_on(call: Call) -> None:
    before = call("GET", "/account-center").json()
    assert before["enabled"] is False
    assert call("PATCH", "/account-center", json={"enabled": True}).json() == {
        **before,
        "enabled": True,
    }


def test_extended_claims_of_id_tokens_are_listed(call: Call) -> None:
    listed = call("GET", "/configs/id-token").json()["enabledExtendedClaims"]
    assert listed == ["roles", "organizations", "organization_roles"]


def test_page_without_a_request_redirects_to_the_url_for_unknown_sessions(
    call: Call, party: RelyingParty
) -> None:
    page = party.robot.open(f"{party.url}/sign-in")
    assert (page.status_code, page.json()["error"]) == (400, "invalid_request")
    call("PATCH", "/sign-in-exp", json={"unknownSessionRedirectUrl": "https://app.test/"})
    assert party.robot.left(party.robot.open(f"{party.url}/sign-in")) == "https://app.test/"


CUSTOM = {
    "alwaysIssueRefreshToken": True,
    "rotateRefreshToken": False,
    "refreshTokenTtl": 1000,
    "maxAllowedGrants": 2,
    "corsAllowedOrigins": ["https://a.test"],
}


def test_custom_metadata_is_kept_until_it_is_replaced(call: Call) -> None:
    path = "/applications/local-app"
    changed = call("PATCH", path, json={"customClientMetadata": CUSTOM}).json()
    assert changed["customClientMetadata"] == CUSTOM
    renamed = call("PATCH", path, json={"name": "Renamed"}).json()
    assert renamed["customClientMetadata"] == CUSTOM
    emptied = call("PATCH", path, json={"customClientMetadata": {}}).json()["customClientMetadata"]
    assert emptied == {
        "alwaysIssueRefreshToken": False,
        "rotateRefreshToken": True,
        "refreshTokenTtl": 14 * 86_400,
    }


@pytest.mark.parametrize(
    "custom", [{"unknown": 1}, {"maxAllowedGrants": True}, {"rotateRefreshToken": "no"}]
)
def test_invalid_custom_metadata_is_refused(call: Call, custom: dict[str, Any]) -> None:
    answer = call("PATCH", "/applications/local-app", json={"customClientMetadata": custom})
    assert code_of(answer) == (400, "guard.invalid_input")


def test_custom_metadata_decides_the_life_and_rotation_of_refresh_tokens(
    call: Call, party: RelyingParty, clock: Clock
) -> None:
    call("PATCH", "/applications/local-app", json={"customClientMetadata": CUSTOM})
    first = party.tokens(prompt=None)["refresh_token"]
    clock.ahead = 900
    assert party.refresh(first).json()["refresh_token"] == first
    clock.ahead = 1001
    assert party.refresh(first).json()["error"] == "invalid_grant"


def test_new_users_of_a_connector_become_members_just_in_time(
    call: Call, party: RelyingParty, stand_in: StandIn
) -> None:
    guest = call("POST", "/organization-roles", json={"name": "guest"}).json()["id"]
    organization = call("POST", "/organizations", json={"name": "Fabrikam"}).json()["id"]
    path = f"/organizations/{organization}/jit"
    bodies: dict[str, dict[str, Any]] = {
        "sso-connectors": {"ssoConnectorIds": [CONTOSO.id]},
        "roles": {"organizationRoleIds": [guest]},
        "email-domains": {"emailDomains": ["else.test"]},
    }
    for name, body in bodies.items():
        assert call("GET", f"{path}/{name}").json() == []
        assert call("PUT", f"{path}/{name}", json=body).status_code == 204
        assert len(call("GET", f"{path}/{name}").json()) == 1
    stand_in.tenant.users["bob000000001"].connector = None  # he has not signed in yet
    party.code("bob000000001")
    page = party.robot.open(party.authorization_url(prompt="login", first_screen="register"))
    page = party.robot.submit(page, "/register", identifier="new@else.test", name="New Person")
    party.robot.left(page)
    new = call("GET", "/users", params={"search.primaryEmail": "new@else.test"}).json()[0]["id"]
    members = stand_in.tenant.organizations[organization].members
    assert members == {"bob000000001": ("guest",), new: ("guest",)}


def test_webhooks_are_created_changed_and_deleted(call: Call) -> None:
    body = {"name": "x", "events": ["User.Deleted"], "config": {"url": "https://a.test/h"}}
    made = call("POST", "/hooks", json=body)
    assert made.status_code == 201
    assert len(made.json()["signingKey"]) == 32
    assert made.json()["enabled"] is True
    path = f"/hooks/{made.json()['id']}"
    changed = call("PATCH", path, json={"enabled": False}).json()
    assert (changed["enabled"], changed["events"]) == (False, ["User.Deleted"])
    assert call("GET", path).json() == changed
    assert call("DELETE", path).status_code == 204
    assert call("GET", "/hooks").json() == []


def test_users_are_created_changed_suspended_and_deleted(call: Call, stand_in: StandIn) -> None:
    made = call("POST", "/users", json={"name": "New", "primaryEmail": "new@a.test"}).json()
    changed = call("PATCH", f"/users/{made['id']}", json={"name": "Newer"}).json()
    assert changed["name"] == "Newer"
    assert call("GET", f"/users/{made['id']}").json() == changed
    found = call("GET", "/users", params={"search.primaryEmail": "new@a.test"}).json()
    assert [one["id"] for one in found] == [made["id"]]
    path = f"/users/{made['id']}"
    suspended = call("PATCH", f"{path}/is-suspended", json={"isSuspended": True})
    assert suspended.json()["isSuspended"] is True
    assert stand_in.tenant.users[made["id"]].suspended
    assert call("DELETE", path).status_code == 204
    assert made["id"] not in stand_in.tenant.users


def test_machine_role_is_listed_and_assigned(call: Call, stand_in: StandIn) -> None:
    (role,) = call("GET", "/roles", params={"type": "MachineToMachine"}).json()
    machine = stand_in.tenant.machines[LOCAL_MACHINE[0]]
    given = call("POST", f"/applications/{machine.id}/roles", json={"roleIds": [role["id"]]})
    assert given.status_code == 201


def test_resources_roles_and_organizations_are_created_and_assigned(
    call: Call, party: RelyingParty
) -> None:
    """What they grant is in the tokens of the next sign-in."""
    made = call("POST", "/resources", json={"name": "Bills", "indicator": "https://bills.test"})
    assert made.status_code == 201
    path = f"/resources/{made.json()['id']}/scopes"
    scope = call("POST", path, json={"name": "read:bills"})
    assert scope.status_code == 201
    again = call("POST", "/resources", json={"name": "B", "indicator": "https://bills.test"})
    assert code_of(again) == (422, "resource.resource_identifier_in_use")
    body = {"name": "clerk", "description": "d", "type": "User", "scopeIds": [scope.json()["id"]]}
    role = call("POST", "/roles", json=body)
    assert role.status_code == 200
    assert code_of(call("POST", "/roles", json=body)) == (422, "role.name_in_use")
    given = call("POST", "/users/alice0000001/roles", json={"roleIds": [role.json()["id"]]})
    assert given.status_code == 201

    organization = call("POST", "/organizations", json={"name": "Fabrikam"}).json()["id"]
    assert call("GET", f"/organizations/{organization}").json()["name"] == "Fabrikam"
    assert code_of(call("GET", "/organizations/nobody")) == (404, "entity.not_exists_with_id")
    guest = call("POST", "/organization-roles", json={"name": "guest"}).json()["id"]
    members = f"/organizations/{organization}/users"
    assert call("POST", members, json={"userIds": ["alice0000001"]}).status_code == 201
    ids = {"organizationRoleIds": [guest]}
    assert call("POST", f"{members}/alice0000001/roles", json=ids).status_code == 201
    assert code_of(call("POST", f"{members}/bob000000001/roles", json=ids))[0] == 404

    scopes = "openid offline_access roles urn:logto:scope:organizations read:bills"
    tokens = party.tokens(scope=scopes, resource="https://bills.test")
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["roles"] == ["buyer", "clerk"]
    assert organization in claims["organizations"]
    refreshed = party.refresh(tokens["refresh_token"], resource="https://bills.test").json()
    assert refreshed["scope"] == "read:bills"


def test_users_are_found_by_their_username(call: Call) -> None:
    made = call("POST", "/users", json={"username": "walter", "name": "Walter"})
    assert made.status_code == 200
    found = call("GET", "/users", params={"search.username": "walter", "mode.username": "exact"})
    assert [user["id"] for user in found.json()] == [made.json()["id"]]
    others = call("GET", "/users", params={"search.username": "walt", "mode.username": "exact"})
    assert others.json() == []
