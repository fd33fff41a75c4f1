"""The stand-in's Entra: it keeps people signed in, and ends their session on its own page."""

import httpx
import pytest

from local.logto.contoso import CONTOSO
from local.logto.server import StandIn
from tests.local.conftest import RelyingParty, answer_of

ALICE, BOB = "alice0000001", "bob000000001"
THROUGH_CONTOSO = {"direct_sign_in": f"sso:{CONTOSO.id}", "prompt": "login consent"}
LOGOUT = f"/entra/{CONTOSO.tenant_id}/oauth2/v2.0/logout"
HOME = "http://localhost:3000/"


def sign_in(party: RelyingParty, account: str = ALICE) -> None:
    party.robot.sign_in(party.authorization_url(**THROUGH_CONTOSO), account)


def asks(party: RelyingParty) -> bool:
    page = party.robot.open(party.authorization_url(**THROUGH_CONTOSO))
    return page.is_success and "Pick an account" in page.text


def logout(party: RelyingParty, path: str = LOGOUT, **query: str) -> httpx.Response:
    return party.robot.open(f"{party.url}{path}?{httpx.QueryParams(query)}")


def test_second_sign_in_picks_no_account_even_with_prompt_login(party: RelyingParty) -> None:
    """Logto asks again, but forwards no prompt to Entra, which lets the same account in."""
    assert asks(party)
    sign_in(party)
    url = party.authorization_url(**THROUGH_CONTOSO)
    assert "code" in answer_of(party.robot.sign_in_silently(url))


def test_prompt_of_an_application_at_entra_itself_asks(party: RelyingParty) -> None:
    sign_in(party)
    query = {
        "client_id": CONTOSO.client_id,
        "redirect_uri": f"{party.url}/callback/{CONTOSO.id}",
        "state": "s",
        "prompt": "select_account",
    }
    url = f"{party.url}/entra/{CONTOSO.tenant_id}/oauth2/v2.0/authorize?{httpx.QueryParams(query)}"
    assert "Pick an account" in party.robot.open(url).text


@pytest.mark.parametrize("name", [CONTOSO.tenant_id, "contoso.onmicrosoft.com"])
def test_end_of_session_returns_to_a_registered_uri_and_asks_again(
    party: RelyingParty, name: str
) -> None:
    sign_in(party)
    path = LOGOUT.replace(CONTOSO.tenant_id, name)
    left = logout(party, path, post_logout_redirect_uri=HOME)
    assert party.robot.left(left) == HOME
    assert asks(party)


@pytest.mark.parametrize("uri", ["https://evil.test/", f"{HOME}other", "", None])
def test_end_of_session_ignores_a_uri_that_is_not_registered(
    party: RelyingParty, uri: str | None
) -> None:
    sign_in(party)
    page = logout(party, **({} if uri is None else {"post_logout_redirect_uri": uri}))
    assert page.status_code == 200
    assert "You signed out" in page.text
    assert asks(party)


def test_end_of_session_in_an_unknown_tenant_is_refused(party: RelyingParty) -> None:
    assert logout(party, LOGOUT.replace(CONTOSO.tenant_id, "nobody")).status_code == 400


def test_cookie_value_from_before_the_end_of_session_is_dead(
    party: RelyingParty, stand_in: StandIn
) -> None:
    sign_in(party)
    (value,) = stand_in.state.microsoft.sessions
    logout(party)
    url = party.authorization_url(**THROUGH_CONTOSO)
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        client.cookies.set("ESTSAUTH", value)
        assert "Pick an account" in client.get(url).text


def test_end_of_session_at_entra_leaves_the_one_at_logto(party: RelyingParty) -> None:
    sign_in(party)
    logout(party)
    assert "code" in answer_of(party.robot.sign_in_silently(party.authorization_url()))


def test_end_of_session_at_logto_leaves_the_one_at_entra(party: RelyingParty) -> None:
    sign_in(party)
    query = httpx.QueryParams({"client_id": "local-app", "post_logout_redirect_uri": HOME})
    party.robot.end_session(f"{party.url}/oidc/session/end?{query}")
    assert party.robot.open(party.authorization_url()).url.path == "/sign-in"
    assert not asks(party)


def test_session_of_another_tenant_does_not_answer(
    party: RelyingParty, two_tenants: StandIn
) -> None:
    sign_in(party)
    page = party.robot.open(
        party.authorization_url(direct_sign_in="sso:fabrikam0001", prompt="login")
    )
    assert "Rita Example" in page.text
    assert "Alice Example" not in page.text


def test_cookie_of_entra_has_its_own_name_and_path(party: RelyingParty) -> None:
    page = party.robot.open(party.authorization_url(**THROUGH_CONTOSO))
    assert not page.headers.get_list("set-cookie")
    form = {"client": CONTOSO.id, "state": "s", "account": BOB}
    answer = party.post(LOGOUT.replace("logout", "sign-in"), form, None)
    (line,) = answer.headers.get_list("set-cookie")
    assert line.startswith("ESTSAUTH=")
    assert {"Path=/entra/", "HttpOnly", "SameSite=lax"} <= set(line.split("; "))


def test_discovery_names_the_end_of_session(stand_in: StandIn) -> None:
    url = f"{stand_in.url}/entra/{CONTOSO.tenant_id}/v2.0/.well-known/openid-configuration"
    found = httpx.get(url, trust_env=False).json()
    assert found["end_session_endpoint"] == f"{stand_in.url}{LOGOUT}"
