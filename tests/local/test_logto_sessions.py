"""Sessions and grants in the Management API, and the events that changes of users cause."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.logto.server import StandIn
from local.logto.tenant import Webhook
from local.logto.webhooks import EVENTS
from tests.local.conftest import Call, RelyingParty
from tests.support.http_server import Handler, serving_http

ALICE = "alice0000001"
SESSIONS, GRANTS = f"/users/{ALICE}/sessions", f"/users/{ALICE}/grants"


def session_of(call: Call) -> dict[str, Any]:
    (session,) = call("GET", SESSIONS).json()["sessions"]
    found: dict[str, Any] = session
    return found


def test_sessions_and_grants_are_listed(call: Call, party: RelyingParty) -> None:
    assert call("GET", SESSIONS).json() == {"sessions": []}
    party.tokens()
    session = session_of(call)
    (grant,) = call("GET", GRANTS).json()["grants"]
    assert session["accountId"] == ALICE
    assert session["payload"]["authorizations"]["local-app"]["grantId"] == grant["id"]
    assert session["expiresAt"] == session["payload"]["exp"] * 1000
    assert grant["payload"]["clientId"] == "local-app"
    uid = session["payload"]["uid"]
    assert call("GET", f"{SESSIONS}/{uid}").json() == session
    assert call("GET", "/users/nobody/sessions").status_code == 404


def test_deleting_a_session_leaves_its_grants_alone(call: Call, party: RelyingParty) -> None:
    tokens = party.tokens()
    path = f"{SESSIONS}/{session_of(call)['payload']['uid']}"
    assert call("DELETE", path).status_code == 204
    assert call("DELETE", path).json()["code"] == "oidc.session_not_found"
    assert party.robot.open(party.authorization_url()).url.path == "/sign-in"
    assert party.refresh(tokens["refresh_token"]).status_code == 200
    assert party.me(tokens["access_token"]).status_code == 200
    form = {"token": tokens["refresh_token"]}
    assert party.post("/oidc/token/introspection", form).json()["active"] is True


def test_deleting_a_session_can_revoke_its_grants(call: Call, party: RelyingParty) -> None:
    tokens = party.tokens()
    path = f"{SESSIONS}/{session_of(call)['payload']['uid']}"
    assert call("DELETE", path, params={"revokeGrantsTarget": "some"}).status_code == 400
    assert call("DELETE", path, params={"revokeGrantsTarget": "all"}).status_code == 204
    assert party.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_session_of_another_user_is_not_found(call: Call, party: RelyingParty) -> None:
    party.tokens()
    uid = session_of(call)["payload"]["uid"]
    assert call("DELETE", f"/users/bob000000001/sessions/{uid}").status_code == 404
    assert session_of(call)["payload"]["uid"] == uid


def test_revoked_grant_ends_at_the_next_refresh(call: Call, party: RelyingParty) -> None:
    tokens = party.tokens()
    (grant,) = call("GET", GRANTS).json()["grants"]
    path = f"{GRANTS}/{grant['id']}"
    assert call("DELETE", path).status_code == 204
    assert call("DELETE", path).status_code == 404
    assert call("GET", GRANTS).json() == {"grants": []}
    assert party.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.fixture
def messages(stand_in: StandIn) -> Iterator[list[dict[str, Any]]]:
    """The bodies that a webhook with all events receives."""
    received: list[dict[str, Any]] = []

    class Receiver(Handler):
        def do_POST(self) -> None:
            received.append(json.loads(self.body()))
            self.answer(200)

    with serving_http(Receiver) as url:
        hook = Webhook(id="hook", url=url, signing_key="key", events=tuple(EVENTS))
        stand_in.tenant.webhooks = (hook,)
        yield received


def test_event_describes_the_call_that_caused_it(
    call: Call, messages: list[dict[str, Any]]
) -> None:
    call("PATCH", f"/users/{ALICE}/is-suspended", json={"isSuspended": True})
    call("DELETE", f"/users/{ALICE}")
    suspension, deletion = messages
    assert suspension["createdAt"].endswith("Z")
    assert {name: suspension[name] for name in suspension if name not in ("createdAt", "data")} == {
        "event": "User.SuspensionStatus.Updated",
        "hookId": "hook",
        "userAgent": suspension["userAgent"],
        "ip": "127.0.0.1",
        "path": f"/users/{ALICE}/is-suspended",
        "method": "PATCH",
        "status": 200,
        "params": {"userId": ALICE},
        "matchedRoute": "/users/:userId/is-suspended",
    }
    assert suspension["userAgent"].startswith("python-httpx")
    assert (
        suspension["data"].items()
        >= {
            "id": ALICE,
            "primaryEmail": "alice@contoso.com",
            "name": "Alice Example",
            "isSuspended": True,
        }.items()
    )
    assert (deletion["event"], deletion["method"], deletion["status"]) == (
        "User.Deleted",
        "DELETE",
        204,
    )


def test_users_data_and_memberships_cause_events(
    call: Call, messages: list[dict[str, Any]]
) -> None:
    made = call("POST", "/users", json={"name": "New"}).json()["id"]
    call("PATCH", f"/users/{made}", json={"name": "Newer"})
    members = "/organizations/contosoorg01/users"
    call("POST", members, json={"userIds": [made]})
    assert call("DELETE", f"{members}/{made}").status_code == 204
    assert call("DELETE", f"{members}/{made}").status_code == 404
    created, changed, added, removed = messages
    assert (created["event"], created["data"]["name"]) == ("User.Created", "New")
    assert (changed["event"], changed["data"]["name"]) == ("User.Data.Updated", "Newer")
    assert added["event"] == removed["event"] == "Organization.Membership.Updated"
    assert (added["organizationId"], added["addedUserIds"]) == ("contosoorg01", [made])
    assert (removed["organizationId"], removed["removedUserIds"]) == ("contosoorg01", [made])


def test_sign_ins_and_registrations_cause_events(
    party: RelyingParty, messages: list[dict[str, Any]]
) -> None:
    party.code()
    page = party.robot.open(party.authorization_url(prompt="login", first_screen="register"))
    party.robot.submit(page, "/register", identifier="new@else.test", name="New Person")
    signed_in, registered = messages
    assert (signed_in["event"], signed_in["interactionEvent"]) == ("PostSignIn", "SignIn")
    assert signed_in["userId"] == signed_in["user"]["id"] == ALICE
    assert signed_in["application"]["id"] == "local-app"
    assert (registered["event"], registered["interactionEvent"]) == ("PostRegister", "Register")


def test_silent_sign_in_causes_no_event(
    party: RelyingParty, messages: list[dict[str, Any]]
) -> None:
    party.code()
    party.robot.sign_in_silently(party.authorization_url())
    assert len(messages) == 1


def test_grant_above_the_limit_revokes_the_oldest_one(
    party: RelyingParty, stand_in: StandIn, messages: list[dict[str, Any]]
) -> None:
    stand_in.tenant.applications["local-app"].max_allowed_grants = 1
    first, second = (party.tokens()["refresh_token"] for _ in range(2))
    assert party.refresh(first).json()["error"] == "invalid_grant"
    assert party.refresh(second).status_code == 200
    (exceeded,) = [one for one in messages if one["event"] == "Grant.LimitExceeded"]
    oldest = next(iter(stand_in.state.grants))
    assert (
        exceeded.items()
        >= {
            "userId": ALICE,
            "applicationId": "local-app",
            "maxAllowedGrants": 1,
            "preRevocationActiveGrantCount": 2,
        }.items()
    )
    assert exceeded["revokedGrantIds"] == [oldest]
