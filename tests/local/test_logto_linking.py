"""First sign-ins through a connector: which user an account belongs to, as in a real Logto."""

from dataclasses import replace
from typing import Any

import jwt
import pytest

from local.logto.contoso import CONTOSO
from local.logto.server import StandIn
from tests.local.conftest import Call, RelyingParty

ALICE, ADDRESS = "alice0000001", "alice@contoso.com"
BY_ADDRESS = {"search.primaryEmail": ADDRESS}


@pytest.fixture(autouse=True)
def nobody_has_signed_in(stand_in: StandIn) -> None:
    for person in stand_in.tenant.users.values():
        person.connector = None
        person.sso_identities.clear()


def distrust(stand_in: StandIn) -> None:
    connectors = stand_in.tenant.connectors
    connectors[CONTOSO.id] = replace(connectors[CONTOSO.id], trust_unverified_email=False)


def claims(party: RelyingParty) -> dict[str, Any]:
    tokens = party.tokens(prompt="login consent")
    found: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    return found


def test_entra_account_becomes_a_user_at_its_first_sign_in(call: Call, party: RelyingParty) -> None:
    assert [one["name"] for one in call("GET", "/users").json()] == ["Sam Suspended"]
    assert call("DELETE", f"/users/{ALICE}").status_code == 404
    assert claims(party)["sub"] == ALICE
    (found,) = call("GET", "/users", params=BY_ADDRESS).json()
    assert found["id"] == ALICE


def test_trusted_address_links_the_account_to_the_older_user(
    call: Call, party: RelyingParty, stand_in: StandIn
) -> None:
    made = call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS}).json()["id"]
    for _ in range(2):
        identity = claims(party)
        assert (identity["sub"], identity["email"], identity["name"]) == (
            made,
            ADDRESS,
            "Alice Example",
        )
    assert [one["id"] for one in call("GET", "/users", params=BY_ADDRESS).json()] == [made]
    full = party.tokens(prompt="login consent", scope="openid identities")
    (identity,) = party.me(full["access_token"]).json()["sso_identities"]
    assert identity["detail"]["name"] == "Alice Example"
    assert len(identity["detail"]["groups"]) == 3
    party.robot.forget_entra()
    page = party.robot.open(
        party.authorization_url(prompt="login", direct_sign_in=f"sso:{CONTOSO.id}")
    )
    assert page.text.count("Alice Example") == 1


def test_without_profile_sync_a_linked_user_keeps_the_name(
    call: Call, party: RelyingParty, stand_in: StandIn
) -> None:
    connectors = stand_in.tenant.connectors
    connectors[CONTOSO.id] = replace(connectors[CONTOSO.id], sync_profile=False)
    call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS})
    assert claims(party)["name"] == "A."


def test_untrusted_address_creates_a_second_user_without_it(
    call: Call, party: RelyingParty, stand_in: StandIn
) -> None:
    distrust(stand_in)
    made = call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS}).json()["id"]
    identity = claims(party)
    assert (identity["sub"], identity["email"]) == (ALICE, None)
    assert [one["id"] for one in call("GET", "/users", params=BY_ADDRESS).json()] == [made]
    shown = {one["id"]: one["primaryEmail"] for one in call("GET", "/users").json()}
    assert shown[ALICE] is None


def test_account_is_not_linked_after_its_first_sign_in(
    call: Call, party: RelyingParty, stand_in: StandIn
) -> None:
    distrust(stand_in)
    claims(party)
    call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS})
    stand_in.tenant.connectors[CONTOSO.id] = CONTOSO
    assert claims(party)["sub"] == ALICE


def test_address_belongs_to_one_user(call: Call, party: RelyingParty) -> None:
    claims(party)
    again = call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS.upper()})
    assert (again.status_code, again.json()["code"]) == (422, "user.email_already_in_use")


def test_suspended_user_is_refused_with_a_linked_account(call: Call, party: RelyingParty) -> None:
    made = call("POST", "/users", json={"name": "A.", "primaryEmail": ADDRESS}).json()["id"]
    call("PATCH", f"/users/{made}/is-suspended", json={"isSuspended": True})
    page = party.robot.open(party.authorization_url(direct_sign_in=f"sso:{CONTOSO.id}"))
    assert party.robot.submit(page, "/sign-in", account=ALICE).status_code == 403
