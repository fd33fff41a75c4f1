"""Stored identities: what `sso_identities` has after each kind of sign-in, as in a real Logto."""

from typing import Any

import pytest

from harness.product import Clock
from local.logto.contoso import CONTOSO, LOCAL_PASSWORD
from local.logto.identities import store_identity
from local.logto.server import StandIn
from local.microsoft.entra_tenants import new_password
from tests.local.conftest import Call, RelyingParty, answer_of

ALICE, ADDRESS = "alice0000001", "alice@contoso.com"
SCOPE = "openid offline_access profile email identities"
MONTH = 30 * 86_400


def identities(party: RelyingParty, callback: str) -> list[dict[str, Any]]:
    """Redeem the code of a callback, and fetch the stored identities."""
    tokens = party.redeem(answer_of(callback)["code"]).json()
    found: list[dict[str, Any]] = party.me(tokens["access_token"]).json()["sso_identities"]
    return found


def detail(party: RelyingParty, callback: str) -> dict[str, Any]:
    (identity,) = identities(party, callback)
    found: dict[str, Any] = identity["detail"]
    return found


def url(party: RelyingParty, **changes: str | None) -> str:
    return party.authorization_url(scope=SCOPE, **changes)


def test_identity_is_entras_whole_id_token(party: RelyingParty, clock: Clock) -> None:
    (identity,) = identities(party, party.robot.sign_in(url(party)))
    told = identity["detail"]
    assert identity["issuer"] == CONTOSO.issuer == told["iss"]
    assert identity["identityId"] == told["sub"]
    assert set(told) == {
        *("id", "ver", "iss", "sub", "aud", "exp", "iat", "nbf", "name", "preferredUsername"),
        *("givenName", "familyName", "oid", "email", "tid", "groups", "roles", "nonce"),
    }
    assert (told["tid"], told["aud"]) == (CONTOSO.tenant_id, CONTOSO.client_id)
    assert told["exp"] - told["iat"] == 3600
    assert abs(told["iat"] - clock()) < 5
    assert len(told["nonce"]) >= 43
    assert len(told["groups"]) == 3


def test_issuer_is_that_of_the_connectors_config(
    party: RelyingParty, call: Call, stand_in: StandIn
) -> None:
    issuer = f"{stand_in.url}/entra/{CONTOSO.tenant_id}/v2.0"
    entra = stand_in.tenant.entra_tenants[CONTOSO.tenant_id]
    (registration,) = entra.registrations.values()
    registration.members["web"]["redirectUris"].append(f"{stand_in.url}/callback/{CONTOSO.id}")
    password = new_password("x", now=0, ends_at=2**33)
    registration.passwords.append(password)
    config = {"clientId": CONTOSO.client_id, "clientSecret": password.text, "issuer": issuer}
    assert call("PATCH", f"/sso-connectors/{CONTOSO.id}", json={"config": config}).is_success
    (identity,) = identities(party, party.robot.sign_in(url(party)))
    assert identity["issuer"] == identity["detail"]["iss"] == issuer


def test_app_roles_and_a_missing_address_are_as_entra_has_them(
    party: RelyingParty, stand_in: StandIn
) -> None:
    stand_in.tenant.users["nomail000001"].app_roles = ("Approver",)
    told = detail(party, party.robot.sign_in(url(party), "nomail000001"))
    assert told["roles"] == ["Approver"]
    assert "email" not in told


def test_each_sign_in_through_the_connector_writes_the_identity(
    party: RelyingParty, clock: Clock, stand_in: StandIn
) -> None:
    first = detail(party, party.robot.sign_in(url(party)))
    stand_in.tenant.users[ALICE].groups = ("another",)
    clock.ahead = 1000
    again = detail(party, party.robot.sign_in(url(party, prompt="login consent")))
    assert again["iat"] >= first["iat"] + 1000
    assert again["nonce"] != first["nonce"]
    assert again["groups"] == ["another"]


def test_silent_sign_in_leaves_the_identity_as_it_was(party: RelyingParty, clock: Clock) -> None:
    first = detail(party, party.robot.sign_in(url(party)))
    clock.ahead = 1000
    assert detail(party, party.robot.sign_in_silently(url(party))) == first


def test_refresh_leaves_the_identity_as_it_was(party: RelyingParty, clock: Clock) -> None:
    tokens = party.tokens(scope=SCOPE)
    first = party.me(tokens["access_token"]).json()["sso_identities"]
    clock.ahead = 1000
    refreshed = party.refresh(tokens["refresh_token"]).json()["access_token"]
    assert party.me(refreshed).json()["sso_identities"] == first


def test_password_sign_in_leaves_the_identity_as_it_was(party: RelyingParty, clock: Clock) -> None:
    first = detail(party, party.robot.sign_in(url(party)))
    clock.ahead = 1000
    again = url(party, prompt="login consent")
    assert (
        detail(party, party.robot.sign_in_by_password(again, ADDRESS, LOCAL_PASSWORD[1])) == first
    )


@pytest.mark.parametrize("direct", [None, f"sso:{CONTOSO.id}"])
def test_password_sign_in_of_a_user_who_came_through_the_connector_before(
    party: RelyingParty, clock: Clock, direct: str | None
) -> None:
    """From Entra's page, Logto's own is reached by cancelling."""
    asked = url(party, direct_sign_in=direct, max_age="600")
    callback = party.robot.sign_in_by_password(asked, ADDRESS, LOCAL_PASSWORD[1])
    old = detail(party, callback)
    assert clock() - old["iat"] >= MONTH
    assert old["tid"] == CONTOSO.tenant_id


@pytest.mark.parametrize("password", ["wrong", "", f"{LOCAL_PASSWORD[1]} "])
def test_wrong_password_is_refused(party: RelyingParty, password: str) -> None:
    with pytest.raises(LookupError):
        party.robot.sign_in_by_password(url(party), ADDRESS, password)


def test_user_with_a_name_and_a_password_signs_in_by_them(party: RelyingParty, call: Call) -> None:
    body = {"username": "walter", "name": "Walter", "password": "walters-password"}
    made = call("POST", "/users", json=body).json()
    assert "password" not in made
    assert (
        identities(party, party.robot.sign_in_by_password(url(party), "walter", "walters-password"))
        == []
    )
    with pytest.raises(LookupError):
        party.robot.sign_in_by_password(url(party, prompt="login"), "walter", "another")


def test_users_of_two_tenants_sign_in_through_named_connectors(
    party: RelyingParty, two_tenants: StandIn
) -> None:
    rita = party.robot.sign_in_through(url(party), "fabrikam0001", "rita00000001")
    fabrikam = two_tenants.tenant.connectors["fabrikam0001"]
    assert detail(party, rita)["tid"] == fabrikam.tenant_id
    again = url(party, prompt="login consent")
    alice = party.robot.sign_in_through(again, CONTOSO.id, ALICE)
    assert detail(party, alice)["tid"] == CONTOSO.tenant_id


def test_user_has_identities_of_two_tenants_and_the_sign_in_renews_one(
    party: RelyingParty, two_tenants: StandIn, clock: Clock
) -> None:
    tenant = two_tenants.tenant
    alice, fabrikam = tenant.users[ALICE], tenant.connectors["fabrikam0001"]
    guest = tenant.users["rita00000001"]
    store_identity(alice, fabrikam, guest, vouched_at=1000)
    found = identities(party, party.robot.sign_in_through(url(party), CONTOSO.id, ALICE))
    told = {one["detail"]["tid"]: one["detail"]["iat"] for one in found}
    assert told[fabrikam.tenant_id] == 1000
    assert abs(told[CONTOSO.tenant_id] - clock()) < 5


def test_one_user_signs_in_through_two_tenants(party: RelyingParty, two_tenants: StandIn) -> None:
    """The second account has the user's address, and its connector trusts it."""
    tenant = two_tenants.tenant
    rita = tenant.users["rita00000001"]
    rita.connector, rita.email = None, ADDRESS
    party.robot.sign_in_through(url(party), CONTOSO.id, ALICE)
    again = url(party, prompt="login consent")
    callback = party.robot.sign_in_through(again, "fabrikam0001", rita.id)
    assert len(identities(party, callback)) == 2
    again = url(party, prompt="login consent")
    assert len(identities(party, party.robot.sign_in_through(again, CONTOSO.id, ALICE))) == 2
    assert tenant.known_user(rita.id) is None


def test_identities_of_a_deleted_connector_are_gone(party: RelyingParty, call: Call) -> None:
    tokens = party.tokens(scope=SCOPE)
    call("DELETE", f"/sso-connectors/{CONTOSO.id}")
    assert party.me(tokens["access_token"]).json()["sso_identities"] == []
