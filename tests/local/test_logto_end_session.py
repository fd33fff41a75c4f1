"""The stand-in's end-session endpoint, and the back-channel message that it sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest

from local.logto.server import StandIn
from tests.local.conftest import HOME, RelyingParty
from tests.support.http_server import Handler, serving_http


def end(party: RelyingParty, **query: str) -> str:
    return party.robot.end_session(f"{party.url}/oidc/session/end?{urlencode(query)}")


def test_page_submits_itself_and_has_a_button(party: RelyingParty) -> None:
    page = party.robot.open(f"{party.url}/oidc/session/end?client_id=local-app")
    assert page.status_code == 200
    assert ".submit()" in page.text
    assert '<button type="submit">' in page.text


@pytest.mark.parametrize("by", ["hint", "client"])
def test_returns_to_the_registered_uri_with_state(party: RelyingParty, by: str) -> None:
    token = party.tokens()["id_token"]
    who = {"id_token_hint": token} if by == "hint" else {"client_id": "local-app"}
    for _ in range(2):  # it works again when no session is left
        left = end(party, **who, post_logout_redirect_uri=HOME, state="x y")
        assert left == f"{HOME}?state=x+y"
    assert party.robot.open(party.authorization_url()).url.path == "/sign-in"


def test_expired_hint_is_accepted(party: RelyingParty, clock: Any) -> None:
    token = party.tokens()["id_token"]
    clock.ahead = 10_000
    assert end(party, id_token_hint=token, post_logout_redirect_uri=HOME) == HOME


def test_without_hint_or_client_the_redirect_is_ignored(party: RelyingParty) -> None:
    page = party.robot.open(f"{party.url}/oidc/session/end?post_logout_redirect_uri={HOME}")
    page = party.robot.submit(page, "/confirm")
    assert page.url.path == "/oidc/session/end/success"


@pytest.mark.parametrize(
    "query",
    [
        {"client_id": "local-app", "post_logout_redirect_uri": "http://localhost:3000/other"},
        {"id_token_hint": "garbage"},
        {"client_id": "nobody"},
    ],
)
def test_invalid_end_session_request_is_refused(party: RelyingParty, query: dict[str, str]) -> None:
    answer = party.robot.open(f"{party.url}/oidc/session/end?{urlencode(query)}")
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("offline", [True, False])
def test_tokens_survive_only_with_offline_access(party: RelyingParty, offline: bool) -> None:
    scope = "openid offline_access" if offline else "openid"
    tokens = party.tokens(scope=scope)
    end(party, id_token_hint=tokens["id_token"], post_logout_redirect_uri=HOME)
    assert party.me(tokens["access_token"]).status_code == (200 if offline else 401)


@dataclass(frozen=True, slots=True)
class Listener:
    """An application that receives logout tokens."""

    url: str
    forms: list[dict[str, list[str]]]


@pytest.fixture
def listener() -> Iterator[Listener]:
    forms: list[dict[str, list[str]]] = []

    class Receiver(Handler):
        def do_POST(self) -> None:
            forms.append(parse_qs(self.body().decode()))
            self.answer(200)

    with serving_http(Receiver) as url:
        yield Listener(url, forms)


@pytest.mark.parametrize("session_required", [True, False])
def test_back_channel_logout_is_sent_from_end_session(
    party: RelyingParty, stand_in: StandIn, listener: Listener, session_required: bool
) -> None:
    application = stand_in.tenant.applications["local-app"]
    application.backchannel_logout_uri = f"{listener.url}/logout"
    application.backchannel_logout_session_required = session_required
    token = party.tokens()["id_token"]
    end(party, id_token_hint=token, post_logout_redirect_uri=HOME)
    ((sent,),) = [form["logout_token"] for form in listener.forms]
    claims = jwt.decode(sent, options={"verify_signature": False})
    assert jwt.get_unverified_header(sent)["typ"] == "logout+jwt"
    assert claims["exp"] - claims["iat"] == 120
    assert claims["sub"] == "alice0000001"
    assert claims["aud"] == "local-app"
    assert list(claims["events"]) == ["http://schemas.openid.net/event/backchannel-logout"]
    assert ("sid" in claims) is session_required
