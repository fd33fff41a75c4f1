"""The stand-in's discovery and authorization endpoint, compared with a real Logto server."""

import httpx
import pytest

from harness.product import Clock
from local.logto.server import StandIn
from tests.local.conftest import CALLBACK, RelyingParty, answer_of


def test_discovery_names_what_a_real_server_names(stand_in: StandIn) -> None:
    document = httpx.get(
        f"{stand_in.url}/oidc/.well-known/openid-configuration", trust_env=False
    ).json()
    issuer = f"{stand_in.url}/oidc"
    endpoints = {
        "authorization_endpoint": "/auth",
        "token_endpoint": "/token",
        "userinfo_endpoint": "/me",
        "jwks_uri": "/jwks",
        "end_session_endpoint": "/session/end",
        "revocation_endpoint": "/token/revocation",
        "introspection_endpoint": "/token/introspection",
        "pushed_authorization_request_endpoint": "/request",
        "device_authorization_endpoint": "/device/auth",
    }
    assert document["issuer"] == issuer
    assert {name: document[name] for name in endpoints} == {
        name: issuer + path for name, path in endpoints.items()
    }
    assert document["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_jwt",
        "client_secret_post",
        "private_key_jwt",
        "none",
    ]
    assert document["id_token_signing_alg_values_supported"] == ["ES384"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
    assert document["authorization_response_iss_parameter_supported"] is True


def test_callback_carries_code_state_and_issuer(party: RelyingParty) -> None:
    location = party.robot.sign_in(party.authorization_url())
    answer = answer_of(location)
    assert location.startswith(f"{CALLBACK}?")
    assert set(answer) == {"code", "state", "iss"}
    assert answer["state"] == "the-state"
    assert answer["iss"] == f"{party.url}/oidc"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "/sign-in"),
        ({"first_screen": "sign_in"}, "/sign-in"),
        ({"first_screen": "register"}, "/register"),
        ({"first_screen": "single_sign_on"}, "/single-sign-on"),
        ({"first_screen": "reset_password"}, "/reset-password"),
        ({"first_screen": "no-such-screen"}, "/sign-in"),
        ({"interaction_mode": "signUp"}, "/register"),
        ({"direct_sign_in": "sso:no-such-connector"}, "/sign-in"),
        ({"direct_sign_in": "sso:"}, "/sign-in"),
        ({"direct_sign_in": "sso:a/b"}, "/sign-in"),
        ({"direct_sign_in": "sso:é"}, "/sign-in"),
        ({"direct_sign_in": "sso:contoso.00001"}, "/sign-in"),
    ],
)
def test_first_screen_chooses_the_page(
    party: RelyingParty, changes: dict[str, str], path: str
) -> None:
    page = party.robot.open(party.authorization_url(**changes))
    assert page.status_code == 200
    assert page.url.path == path


def test_direct_sign_in_goes_to_entra_without_a_click(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url(direct_sign_in="sso:contoso00001"))
    assert "/entra/" in page.url.path
    assert "Pick an account" in page.text


def test_direct_sign_in_falls_back_while_enterprise_sso_is_off(
    party: RelyingParty, stand_in: StandIn
) -> None:
    stand_in.tenant.single_sign_on_enabled = False
    page = party.robot.open(party.authorization_url(direct_sign_in="sso:contoso00001"))
    assert page.url.path == "/sign-in"
    assert "Continue with" not in page.text


def test_login_hint_prefills_the_default_screen_only(party: RelyingParty) -> None:
    hint = "alice@contoso.com"
    assert f'value="{hint}"' in party.robot.open(party.authorization_url(login_hint=hint)).text
    other = party.robot.open(
        party.authorization_url(login_hint=hint, first_screen="single_sign_on")
    )
    assert hint not in other.text
    entra = party.robot.open(
        party.authorization_url(login_hint="who@contoso.com", direct_sign_in="sso:contoso00001")
    )
    assert "who@contoso.com" not in entra.text


@pytest.mark.parametrize("screen", ["sign_in", "single_sign_on", "register"])
def test_address_at_a_connectors_domain_goes_to_the_connector(
    party: RelyingParty, screen: str
) -> None:
    page = party.robot.open(party.authorization_url(first_screen=screen))
    page = party.robot.submit(page, page.url.path, identifier="x@CONTOSO.com", name="X")
    assert "/entra/" in page.url.path


def test_unknown_address_gets_an_error_message(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url())
    page = party.robot.submit(page, "/sign-in", identifier="x@elsewhere.test")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_registered_account_can_sign_in_again(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url(first_screen="register"))
    page = party.robot.submit(page, "/register", identifier="new@else.test", name="New Person")
    assert "code" in answer_of(party.robot.left(page))
    page = party.robot.open(party.authorization_url(prompt="login"))
    page = party.robot.submit(page, "/sign-in", identifier="NEW@else.test")
    assert "code" in answer_of(party.robot.left(page))


def test_cancelling_at_entra_stays_on_logtos_sign_in_page(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url(direct_sign_in="sso:contoso00001"))
    page = party.robot.submit(page, "/sign-in")
    assert (page.status_code, page.url.path) == (200, "/sign-in")


def test_suspended_user_is_refused(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url(direct_sign_in="sso:contoso00001"))
    page = party.robot.submit(page, "/sign-in", account="sam000000001")
    assert page.status_code == 403
    assert "suspended" in page.text


def test_second_sign_in_of_the_browser_needs_no_interaction(party: RelyingParty) -> None:
    party.robot.sign_in(party.authorization_url())
    again = party.robot.open(party.authorization_url())
    assert "code" in answer_of(party.robot.left(again))
    assert party.robot.open(party.authorization_url(prompt="login")).url.path == "/sign-in"


def test_prompt_none_without_a_session_is_login_required(party: RelyingParty) -> None:
    answer = answer_of(party.robot.left(party.robot.open(party.authorization_url(prompt="none"))))
    assert answer["error"] == "login_required"
    assert answer["state"] == "the-state"
    assert answer["iss"] == f"{party.url}/oidc"


def test_prompt_none_with_a_session_returns_a_code(party: RelyingParty) -> None:
    party.robot.sign_in(party.authorization_url())
    answer = answer_of(party.robot.left(party.robot.open(party.authorization_url(prompt="none"))))
    assert "code" in answer


@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": "http://localhost:3000/other"}, {"client_id": "nobody"}, {"client_id": None}],
)
def test_wrong_client_or_redirect_uri_is_answered_at_logto(
    party: RelyingParty, changes: dict[str, str | None]
) -> None:
    answer = party.robot.open(party.authorization_url(**changes))
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "error", "error_description", "error_uri"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"resource": "https://unregistered.test/"}, "invalid_target"),
    ],
)
def test_bad_request_is_redirected_to_the_application(
    party: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    answer = answer_of(party.robot.left(party.robot.open(party.authorization_url(**changes))))
    assert answer["error"] == error
    assert answer["state"] == "the-state"


def test_organizations_resource_and_unknown_scopes_are_accepted(party: RelyingParty) -> None:
    tokens = party.tokens(
        scope="openid profile no:such:scope", resource="urn:logto:resource:organizations"
    )
    assert tokens["scope"] == "openid profile"


def test_pushed_authorization_request_works_once(party: RelyingParty) -> None:
    query = answer_of(party.authorization_url())
    pushed = party.post("/oidc/request", query)
    assert pushed.status_code == 201
    url = f"{party.url}/oidc/auth?client_id=local-app&request_uri={pushed.json()['request_uri']}"
    assert party.robot.open(url).url.path == "/sign-in"
    assert party.robot.open(url).status_code == 400


def test_pushed_authorization_request_lives_60_seconds(party: RelyingParty, clock: Clock) -> None:
    pushed = party.post("/oidc/request", answer_of(party.authorization_url())).json()
    assert pushed["expires_in"] == 60
    clock.ahead = 61
    url = f"{party.url}/oidc/auth?client_id=local-app&request_uri={pushed['request_uri']}"
    assert party.robot.open(url).status_code == 400


def test_device_flow_is_refused_cleanly(party: RelyingParty) -> None:
    answer = party.post("/oidc/device/auth", {"scope": "openid"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_cookies_have_logtos_names(party: RelyingParty) -> None:
    page = party.client.get(party.authorization_url())
    names = {cookie.split("=")[0] for cookie in page.headers.get_list("set-cookie")}
    assert names == {"_interaction", "_interaction_resume", "_logto"}
