"""The stand-in's console: what an administrator does there, and the webhooks that it sends."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.logto.contoso import CONTOSO
from local.logto.server import StandIn
from local.logto.tenant import Webhook
from tests.local.conftest import RelyingParty
from tests.support.http_server import Handler, serving_http

ALICE = "alice0000001"
KEY = "a-signing-key"


@dataclass(slots=True)
class Received:
    """The messages to a webhook, and the status of its answers; None cuts the connection."""

    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int | None = 200

    def events(self) -> list[tuple[str, str, bool]]:
        found = []
        for headers, body in self.messages:
            signed = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
            assert headers["logto-signature-sha-256"] == signed
            assert headers["content-type"] == "application/json"
            assert headers["user-agent"] == "Logto (https://logto.io/)"
            assert not [name for name in headers if "message-id" in name]
            message: dict[str, Any] = json.loads(body)
            assert message["createdAt"].endswith("Z")
            assert message["params"] == {"userId": message["data"]["id"]}
            assert message["hookId"] == "hook"
            found.append((message["event"], message["data"]["id"], message["data"]["isSuspended"]))
        return found


@pytest.fixture
def received(stand_in: StandIn) -> Iterator[Received]:
    received = Received()

    class Receiver(Handler):
        def do_POST(self) -> None:
            body = self.body()
            received.messages.append(({n.lower(): v for n, v in self.headers.items()}, body))
            if received.status is None:
                self.close_connection = True
            else:
                self.answer(received.status)

    with serving_http(Receiver) as url:
        hook = Webhook(id="hook", url=f"{url}/webhooks/logto", signing_key=KEY)
        stand_in.tenant.webhooks = (hook,)
        yield received


@pytest.fixture
def console(stand_in: StandIn) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stand_in.url, trust_env=False) as client:
        yield client


def act(console: httpx.Client, action: str, user: str = ALICE, **headers: str) -> int:
    form = {"action": action, "user": user}
    return console.post("/console/user", data=form, headers=headers).status_code


def test_page_lists_all_users(stand_in: StandIn, console: httpx.Client) -> None:
    page = console.get("/console").text
    for user in stand_in.tenant.users.values():
        assert user.name in page
    assert page.count('value="reinstate"') == 1  # Sam is suspended at first
    assert "No webhook is set up." in page


def test_page_links_to_the_end_of_session_at_entra(console: httpx.Client) -> None:
    assert f'href="/entra/{CONTOSO.tenant_id}/oauth2/v2.0/logout"' in console.get("/console").text


def test_names_on_the_page_are_escaped(stand_in: StandIn, console: httpx.Client) -> None:
    stand_in.tenant.users[ALICE].name = "<script>alert(1)</script>"
    assert "<script>alert" not in console.get("/console").text


def test_suspending_a_user_ends_sessions_and_sends_the_webhook(
    stand_in: StandIn, console: httpx.Client, received: Received, party: RelyingParty
) -> None:
    tokens = party.tokens()
    assert act(console, "suspend") == 303
    assert received.events() == [("User.SuspensionStatus.Updated", ALICE, True)]
    assert party.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert party.me(tokens["access_token"]).status_code == 401
    assert stand_in.state.sessions == {}
    assert "Reinstate Alice Example" in console.get("/console").text


def test_suspending_a_user_leaves_other_users_signed_in(
    stand_in: StandIn, console: httpx.Client, received: Received, party: RelyingParty
) -> None:
    tokens = party.tokens("bob000000001")
    act(console, "suspend")
    assert party.refresh(tokens["refresh_token"]).status_code == 200
    assert len(stand_in.state.sessions) == 1


def test_reinstated_user_can_sign_in(
    console: httpx.Client, received: Received, party: RelyingParty
) -> None:
    act(console, "suspend")
    assert act(console, "reinstate") == 303
    assert received.events()[1:] == [("User.SuspensionStatus.Updated", ALICE, False)]
    assert party.tokens()["access_token"]


def test_deleted_user_is_gone_and_the_webhook_is_sent(
    stand_in: StandIn, console: httpx.Client, received: Received, party: RelyingParty
) -> None:
    tokens = party.tokens()
    assert act(console, "delete") == 303
    assert received.events() == [("User.Deleted", ALICE, False)]
    assert ALICE not in stand_in.tenant.users
    assert party.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert party.me(tokens["access_token"]).status_code == 401
    assert "Alice Example" not in console.get("/console").text
    assert act(console, "delete") == 400


def test_stand_in_suspends_reinstates_and_deletes_from_python(
    stand_in: StandIn, received: Received
) -> None:
    stand_in.suspend(ALICE)
    stand_in.reinstate(ALICE)
    stand_in.delete(ALICE)
    assert [event for event, _, _ in received.events()] == [
        "User.SuspensionStatus.Updated",
        "User.SuspensionStatus.Updated",
        "User.Deleted",
    ]


@pytest.mark.parametrize("status", [500, 503, None])
def test_failed_webhook_is_sent_once_and_does_not_undo_the_change(
    stand_in: StandIn, console: httpx.Client, received: Received, status: int | None
) -> None:
    received.status = status
    assert act(console, "suspend") == 303
    assert len(received.events()) == 1
    assert stand_in.tenant.users[ALICE].suspended


def test_webhook_gets_only_events_that_it_is_subscribed_to(
    stand_in: StandIn, console: httpx.Client, received: Received
) -> None:
    (hook,) = stand_in.tenant.webhooks
    stand_in.tenant.webhooks = (
        Webhook(id=hook.id, url=hook.url, signing_key=KEY, events=("User.Deleted",)),
    )
    act(console, "suspend")
    assert received.messages == []
    act(console, "delete")
    assert len(received.events()) == 1


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://127.0.0.1:1", "http://localhost"]
)
@pytest.mark.parametrize("path", ["/console/user", "/console/switch"])
def test_form_of_another_site_is_refused(
    stand_in: StandIn, console: httpx.Client, received: Received, path: str, origin: str
) -> None:
    form = {"action": "suspend", "user": ALICE, "switch": "rotate", "on": "true"}
    answer = console.post(path, data=form, headers={"origin": origin})
    assert answer.status_code == 403
    assert not stand_in.tenant.users[ALICE].suspended
    assert not stand_in.tenant.applications["local-app"].rotate_refresh_token_always
    assert received.messages == []


def test_form_of_the_console_is_accepted(stand_in: StandIn, console: httpx.Client) -> None:
    assert act(console, "suspend", origin=stand_in.url) == 303
    assert stand_in.tenant.users[ALICE].suspended


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "suspend"},
        {"action": "suspend", "user": "nobody"},
        {"action": "promote", "user": ALICE},
        {"user": ALICE},
    ],
)
def test_unknown_action_or_user_is_refused(
    console: httpx.Client, received: Received, form: dict[str, str]
) -> None:
    assert console.post("/console/user", data=form).status_code == 400
    assert received.messages == []


def launch(console: httpx.Client, **changes: str) -> httpx.Response:
    query = {"application": "local-app", "connector": "contoso00001", **changes}
    return console.get("/console/launch", params=query)


def test_idp_initiated_sign_in_leads_to_the_application(console: httpx.Client) -> None:
    answer = launch(console)
    assert answer.status_code == 303
    url = "http://localhost:3000/sign-in?ssoConnectorId=contoso00001"
    assert answer.headers["location"] == url
    link = "/console/launch?application=local-app&amp;connector=contoso00001"
    assert link in console.get("/console").text


@pytest.mark.parametrize(
    "changes", [{"application": "nobody"}, {"connector": "nobody"}, {"application": ""}]
)
def test_idp_initiated_sign_in_of_an_unknown_application_or_connector_is_refused(
    console: httpx.Client, changes: dict[str, str]
) -> None:
    assert launch(console, **changes).status_code == 400


def test_idp_initiated_sign_in_of_an_application_without_a_callback_is_refused(
    console: httpx.Client, stand_in: StandIn
) -> None:
    stand_in.tenant.applications["local-app"].redirect_uris = ()
    assert launch(console).status_code == 400
    assert "/console/launch" not in console.get("/console").text


def switch(console: httpx.Client, name: str, on: str) -> int:
    return console.post("/console/switch", data={"switch": name, "on": on}).status_code


def test_rotation_switch_rotates_at_every_refresh(
    console: httpx.Client, party: RelyingParty
) -> None:
    first = party.tokens()["refresh_token"]
    assert party.refresh(first).json()["refresh_token"] == first
    assert switch(console, "rotate", "true") == 303
    assert 'aria-pressed="true">Rotate at every refresh: on' in console.get("/console").text
    assert party.refresh(first).json()["refresh_token"] != first
    assert switch(console, "rotate", "false") == 303
    again = party.tokens()["refresh_token"]
    assert party.refresh(again).json()["refresh_token"] == again


@pytest.mark.parametrize("on", ["true", "false"])
def test_reuse_switch_decides_whether_the_grant_is_revoked(
    console: httpx.Client, party: RelyingParty, clock: Any, on: str
) -> None:
    switch(console, "rotate", "true")
    assert switch(console, "revoke", on) == 303
    first = party.tokens()["refresh_token"]
    second = party.refresh(first).json()["refresh_token"]
    clock.ahead = 10
    assert party.refresh(first).json()["error"] == "invalid_grant"
    assert (party.refresh(second).status_code == 200) is (on == "false")


@pytest.mark.parametrize("name", ["", "everything"])
def test_unknown_switch_is_refused(console: httpx.Client, name: str) -> None:
    assert switch(console, name, "true") == 400


def test_forms_refuse_get(stand_in: StandIn, console: httpx.Client) -> None:
    """Links and images must not suspend anybody."""
    query = {"action": "suspend", "user": ALICE}
    assert console.get("/console/user", params=query).status_code == 405
    assert not stand_in.tenant.users[ALICE].suspended
