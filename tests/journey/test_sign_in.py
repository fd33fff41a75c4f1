"""A person signs in through the Entra connector, sees who they are, and signs out."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import FETCH, NAVIGATION
from harness.product import DOMAIN, Product, started_product
from harness.sign_in_robot import Robot
from local.logto.server import StandIn


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_user_signs_in_and_out_again(product: Product) -> None:
    browser = product.browser()
    assert 'href="/sign-in"' in browser.get("/").body
    with Robot(product.stand_in.url) as robot:
        landed = product.sign_in(browser, robot=robot)
        assert (landed.status, landed.location) == (302, f"https://{DOMAIN}/")
        home = browser.get("/")
        assert "Alice Example" in home.body
        assert "alice@contoso.com" in home.body
        out = browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
        assert out.status == 303
        back = browser.get(robot.end_session(out.location))
        assert (back.status, back.location) == (302, f"https://{DOMAIN}/")
    assert "__Host-session" not in browser.jar
    assert "Alice" not in browser.get("/").body


def test_session_cookie_has_exactly_its_attributes(product: Product) -> None:
    browser = product.browser()
    (line,) = product.sign_in(browser).set_cookies
    name, value = line.split(";")[0].split("=")
    assert name == "__Host-session"
    assert len(value) == 43  # 256 bits in base64url
    attributes = {part.strip() for part in line.split(";")[1:]}
    assert attributes == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}


def test_me_is_refused_before_the_sign_in_and_has_the_identity_after_it(product: Product) -> None:
    browser = product.browser()
    refused = browser.get("/me", FETCH)
    assert refused.status == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert json.loads(refused.body)["sign_in_url"] == f"https://{DOMAIN}/sign-in"
    product.sign_in(browser)
    identity = json.loads(browser.get("/me", FETCH).body)
    times = (identity.pop("signed_in_at"), identity.pop("expires_at"))
    assert times[1] - times[0] == 43_200
    assert identity.pop("idle_expires_at") - times[0] == 3600
    assert identity == {
        "sub": "alice0000001",
        "name": "Alice Example",
        "email": "alice@contoso.com",
        "picture": "https://graph.microsoft.com/v1.0/me/photo/$value",
        "connector": None,
        "tenant_id": None,
        "organizations": ["contosoorg01"],
        "organization_roles": ["contosoorg01:admin"],
        "roles": ["buyer"],
        "groups": [],
        "authenticated_at": None,  # Logto says when only if a rule about Entra asks for it
        "sign_out_url": f"https://{DOMAIN}/sign-out",
    }


def test_me_names_the_connector_that_was_asked_for(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser, query="connector=contoso00001")
    assert json.loads(browser.get("/me", FETCH).body)["connector"] == "contoso00001"


def test_me_never_redirects_even_a_navigation(product: Product) -> None:
    assert product.browser().get("/me", NAVIGATION).status == 401


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("bob000000001", "Bob Example"),
        ("grace0000001", "Grace Many-Groups"),
        ("nomail000001", "Noor No-Mail"),
    ],
)
def test_every_user_of_the_directory_can_sign_in(
    product: Product, account: str, shown: str
) -> None:
    browser = product.browser()
    product.sign_in(browser, account)
    assert shown in browser.get("/").body


@pytest.mark.invariant(1)
def test_plain_sign_in_sends_pkce_state_and_nonce(product: Product) -> None:
    url = product.browser().get("/sign-in").location
    asked = parameters(url)
    assert url.startswith(f"{product.stand_in.url}/oidc/auth?")
    assert asked["redirect_uri"] == f"https://{DOMAIN}/callback"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["prompt"] == "consent"
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert {"openid", "offline_access", "profile", "email"} <= set(asked["scope"].split())


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("first_screen=register", "first_screen", "register"),
        ("first_screen=identifier:sign_in", "first_screen", "identifier:sign_in"),
        ("login_hint=a%40contoso.com", "login_hint", "a@contoso.com"),
        ("connector=contoso00001", "direct_sign_in", "sso:contoso00001"),
        ("ssoConnectorId=contoso00001", "direct_sign_in", "sso:contoso00001"),
        ("organization_id=contosoorg01", "organization_id", "contosoorg01"),
        ("ui_locales=de%20en", "ui_locales", "de en"),
        ("prompt=login", "prompt", "login consent"),
        ("prompt=none", "prompt", "none"),
    ],
)
def test_sign_in_passes_its_parameters_to_logto(
    product: Product, query: str, name: str, value: str
) -> None:
    url = product.browser().get(f"/sign-in?{query}").location
    assert parse_qs(urlsplit(url).query)[name] == [value]


def test_sign_in_that_begins_at_the_identity_provider_needs_no_click(product: Product) -> None:
    """Logto sends the browser with `ssoConnectorId`; the way to Entra needs no click then."""
    browser = product.browser()
    with Robot(product.stand_in.url) as robot:
        query = "application=local-app&connector=contoso00001"
        url = robot.left(robot.open(f"{product.stand_in.url}/console/launch?{query}"))
        assert url == f"https://{DOMAIN}/sign-in?ssoConnectorId=contoso00001"
        page = robot.open(browser.get(url).location)
        assert "/entra/" in page.url.path
        page = robot.submit(page, "/sign-in", account="alice0000001")
        home = browser.get(robot.left(page))
    assert home.status == 302
    assert "Alice Example" in browser.get("/").body


def test_first_screen_register_shows_logtos_sign_up(product: Product) -> None:
    browser = product.browser()
    url = browser.get("/sign-in?first_screen=register").location
    with Robot(product.stand_in.url) as robot:
        page = robot.open(url)
        assert page.url.path == "/register"
        page = robot.submit(page, "/register", identifier="new@else.test", name="New Person")
        browser.get(robot.left(page))
    assert "New Person" in browser.get("/").body


def test_sign_in_returns_to_the_local_page(product: Product) -> None:
    landed = product.sign_in(product.browser(), query="return_to=%2Freports%3Fyear%3D2026")
    assert landed.location == f"https://{DOMAIN}/reports?year=2026"


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/sign-in", "/\\evil.test"]
)
def test_return_to_elsewhere_becomes_home(product: Product, target: str) -> None:
    landed = product.sign_in(product.browser(), query=f"return_to={target}")
    assert landed.location == f"https://{DOMAIN}/"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_third_party_can_initiate_a_sign_in(product: Product, method: str) -> None:
    browser = product.browser()
    form = (
        f"iss={product.stand_in.url}/oidc&login_hint=alice%40contoso.com"
        f"&target_link_uri=https%3A%2F%2F{DOMAIN}%2Freports"
    )
    cross = {**NAVIGATION, "sec-fetch-site": "cross-site", "origin": "https://portal.test"}
    if method == "GET":
        started = browser.get(f"/sign-in?{form}", cross)
    else:
        posted = browser.post("/sign-in", cross, form)
        assert (posted.status, posted.set_cookies) == (303, ())
        started = browser.get(posted.location, cross)
    assert started.status == 302
    landed = browser.get(product.at_logto(started.location))
    assert landed.location == f"https://{DOMAIN}/reports"


def test_third_party_cannot_name_another_provider(product: Product) -> None:
    refused = product.browser().get("/sign-in?iss=https%3A%2F%2Fevil.test")
    assert refused.status == 400
    assert refused.set_cookies == ()


@pytest.mark.invariant(2)
def test_five_tabs_finish_in_any_order(product: Product) -> None:
    browser = product.browser()
    started = [browser.get(f"/sign-in?return_to=/tab{n}").location for n in range(5)]
    assert len([name for name in browser.jar if "signin" in name]) == 1
    callbacks = [product.at_logto(url) for url in started]
    for n in (3, 0, 4, 2, 1):
        landed = browser.get(callbacks[n])
        assert landed.location == f"https://{DOMAIN}/tab{n}"
    assert "Alice Example" in browser.get("/").body


@pytest.mark.invariant(2)
def test_tabs_restored_before_either_has_a_cookie(product: Product) -> None:
    """Both requests leave without a cookie; neither answer may undo the other."""
    first, second = product.browser(), product.browser()
    one, two = first.get("/sign-in").location, second.get("/sign-in").location
    both = product.browser()
    both.jar = {**first.jar, **second.jar}
    assert len(both.jar) == 2
    assert both.get(product.at_logto(two)).status == 302
    assert both.get(product.at_logto(one)).status == 302


@pytest.mark.invariant(2)
def test_fifty_abandoned_attempts_leave_one_cookie(product: Product) -> None:
    browser = product.browser()
    for _ in range(50):
        browser.get("/sign-in")
    assert len(browser.jar) == 1


@pytest.mark.invariant(5)
def test_new_sign_in_replaces_the_previous_session(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    before = dict(browser.jar)
    browser.get("/sign-in", {**NAVIGATION, "sec-fetch-site": "cross-site"})
    assert "Alice Example" in browser.get("/").body  # beginning one changes nothing
    product.sign_in(browser, "bob000000001")
    assert browser.jar["__Host-session"] != before["__Host-session"]
    assert "Bob Example" in browser.get("/").body
    browser.jar = before
    assert "Alice" not in browser.get("/").body


def test_keys_rotated_between_two_sign_ins(product: Product) -> None:
    product.sign_in(product.browser())
    product.stand_in.rotate_keys()
    product.stand_in.retire_keys()
    browser = product.browser()
    product.sign_in(browser)
    assert "Alice Example" in browser.get("/").body


def test_rs256_before_the_first_sign_in(product: Product) -> None:
    product.stand_in.rotate_keys("RS256")
    browser = product.browser()
    product.sign_in(browser)
    assert "Alice Example" in browser.get("/").body


@pytest.mark.parametrize(
    ("query", "connector"),
    [
        ("", "sso:contoso00001"),
        ("connector=other0000001", "sso:other0000001"),
        ("first_screen=register", None),
        ("first_screen=register&connector=other0000001", "sso:other0000001"),
    ],
)
def test_default_connector_is_used_unless_the_request_names_another_way(
    stand_in: StandIn,
    dynamodb_url: str,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    connector: str | None,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in, LOGTO_DEFAULT_CONNECTOR="contoso00001") as product:
        url = product.browser().get(f"/sign-in?{query}").location
    assert parameters(url).get("direct_sign_in") == connector
