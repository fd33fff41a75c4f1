"""Sign-outs that end the session at Microsoft too: for another account, or by a setting."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from harness.browser import FETCH, NAVIGATION, Browser, Reply
from harness.product import DOMAIN, Product, started_product
from harness.sign_in_robot import Robot
from local.logto.contoso import CONTOSO, LOCAL_PASSWORD, default_tenant
from local.logto.server import StandIn, running

ORIGIN = f"https://{DOMAIN}"
HERE = {**NAVIGATION, "sec-fetch-site": "same-origin", "origin": ORIGIN}
BACK = {**NAVIGATION, "sec-fetch-site": "cross-site"}
"""What a browser sends when it returns from Logto or Microsoft."""
IDENTITIES = "email identities"
ALICE, BOB = "alice0000001", "bob000000001"
COOKIE = "__Host-signout"
TENANT = CONTOSO.tenant_id
CONNECTOR = {"LOGTO_DEFAULT_CONNECTOR": CONTOSO.id}


@pytest.fixture(autouse=True)
def table_endpoint(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)


@pytest.fixture
def stand_in(stand_in: StandIn) -> StandIn:
    return with_entra_of_its_own(stand_in)


@pytest.fixture
def robot(stand_in: StandIn) -> Iterator[Robot]:
    with Robot(stand_in.url) as started:
        yield started


def with_entra_of_its_own(stand_in: StandIn) -> StandIn:
    """Let the connector name the stand-in's Entra as issuer, as `setup` does."""
    issuer = f"{stand_in.url}/entra/{TENANT}/v2.0"
    stand_in.tenant.connectors[CONTOSO.id] = replace(CONTOSO, config={"issuer": issuer})
    return stand_in


def microsoft(stand_in: StandIn) -> str:
    return f"{stand_in.url}/entra/{TENANT}/oauth2/v2.0/logout"


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def subject(browser: Browser) -> str | None:
    reply = browser.get("/me", FETCH)
    return str(json.loads(reply.body)["sub"]) if reply.status == 200 else None


def through_both(product: Product, browser: Browser, out: Reply, robot: Robot) -> Reply:
    """Follow a sign-out through Logto and Microsoft; the last answer of /signed-out."""
    assert out.status == 303, out.body
    landed = browser.get(robot.end_session(out.location), BACK)
    assert landed.location.split("?")[0] == microsoft(product.stand_in)
    assert query_of(landed.location) == {"post_logout_redirect_uri": f"{ORIGIN}/signed-out"}
    back = robot.left(robot.open(landed.location))
    assert back == f"{ORIGIN}/signed-out"
    return browser.get(back, BACK)


def switch_form(page: Reply) -> str:
    """The body that the page's button for another account posts to /sign-out."""
    (form,) = re.findall(r'<form method="post" action="/sign-out">(.*?)</form>', page.body, re.S)
    assert "Sign in with another account" in form
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
    return urlencode({name: unescape(value) for name, value in fields})


@pytest.mark.parametrize("where", ["query", "form"])
def test_switch_lets_another_account_in_through_a_default_connector(
    stand_in: StandIn, robot: Robot, where: str
) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES, **CONNECTOR) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        given = "switch=true&return_to=%2Freports%3Fa%3D1"
        query, form = (f"?{given}", "") if where == "query" else ("", given)
        out = browser.post(f"/sign-out{query}", HERE, form)
        assert subject(browser) is None
        last = through_both(product, browser, out, robot)
        assert last.location == f"{ORIGIN}/sign-in?{urlencode({'return_to': '/reports?a=1'})}"
        assert COOKIE not in browser.jar
        # Neither Logto nor Entra signs anybody in by itself.
        page = robot.open(browser.get(last.location).location)
        assert "Pick an account" in page.text
        callback = robot.left(robot.submit(page, "/sign-in", account=BOB))
        assert browser.get(callback).location == f"{ORIGIN}/reports?a=1"
        assert subject(browser) == BOB


def test_silent_sign_in_after_an_ordinary_sign_out_is_why_switch_exists(
    stand_in: StandIn, robot: Robot
) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES, **CONNECTOR) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        out = browser.post("/sign-out", HERE)
        landed = browser.get(robot.end_session(out.location), BACK)
        assert (landed.location, landed.set_cookies) == (f"{ORIGIN}/", ())
        browser.get(robot.sign_in_silently(browser.get("/sign-in").location))
        assert subject(browser) == ALICE


def test_account_that_is_not_allowed_can_be_exchanged(stand_in: StandIn, robot: Robot) -> None:
    settings = {"LOGTO_SCOPES": "roles identities", "ALLOWED_ROLES": "buyer", **CONNECTOR}
    with started_product(stand_in, **settings) as product:
        browser = product.browser()
        page = product.sign_in(browser, BOB, query="return_to=%2Freports", robot=robot)
        assert page.status == 403
        assert page.headers["referrer-policy"] == "no-referrer"
        # A form needs an origin, which `no-referrer` turns into "null"; not the URL with the code.
        assert '<meta name="referrer" content="strict-origin">' in page.body
        assert page.set_cookies == ()
        out = browser.post("/sign-out", HERE, switch_form(page))
        last = through_both(product, browser, out, robot)
        assert last.location == f"{ORIGIN}/sign-in?return_to=%2Freports"
        page_at_entra = robot.open(browser.get(last.location).location)
        callback = robot.left(robot.submit(page_at_entra, "/sign-in", account=ALICE))
        assert browser.get(callback).location == f"{ORIGIN}/reports"
        assert subject(browser) == ALICE


def test_switch_without_a_known_tenant_shows_the_sign_in_page_of_logto(
    stand_in: StandIn, robot: Robot
) -> None:
    """Without `identities` nobody says which tenant it was; the connector would let Alice in."""
    with started_product(stand_in, LOGTO_SCOPES="email", **CONNECTOR) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        out = browser.post("/sign-out?switch=true", HERE)
        landed = browser.get(robot.end_session(out.location), BACK)
        assert landed.location == f"{ORIGIN}/sign-in?first_screen=sign_in&return_to=%2F"
        assert COOKIE not in browser.jar
        started = query_of(browser.get(landed.location).location)
        assert "direct_sign_in" not in started
        assert started["first_screen"] == "sign_in"


def test_password_sign_in_has_no_session_at_microsoft_to_end(
    stand_in: StandIn, robot: Robot
) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES, SIGN_OUT_UPSTREAM="true") as product:
        browser = product.browser()
        url = browser.get("/sign-in").location
        browser.get(robot.sign_in_by_password(url, "alice@contoso.com", LOCAL_PASSWORD[1]))
        assert subject(browser) == ALICE
        out = browser.post("/sign-out", HERE)
        landed = browser.get(robot.end_session(out.location), BACK)
        assert (landed.location, landed.set_cookies) == (f"{ORIGIN}/", ())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_setting_ends_the_session_at_microsoft_at_every_sign_out(
    stand_in: StandIn, robot: Robot, method: str
) -> None:
    settings = {"LOGTO_SCOPES": IDENTITIES, "SIGN_OUT_UPSTREAM": "true", **CONNECTOR}
    with started_product(stand_in, **settings) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        out = browser.send(method, "/sign-out?return_to=%2Fbye", HERE)
        last = through_both(product, browser, out, robot)
        assert last.location == f"{ORIGIN}/bye"
        assert COOKIE not in browser.jar
        with pytest.raises(LookupError):
            robot.sign_in_silently(browser.get("/sign-in").location)


def test_setting_needs_the_scope_that_tells_the_tenant(stand_in: StandIn) -> None:
    with (
        pytest.raises(Exception, match="LOGTO_SCOPES must contain `identities`"),
        started_product(stand_in, LOGTO_SCOPES="email", SIGN_OUT_UPSTREAM="true"),
    ):
        pass


def test_with_logto_down_the_way_goes_on_from_a_page() -> None:
    with running(default_tenant(ORIGIN)) as stand_in, Robot(stand_in.url) as robot:
        with_entra_of_its_own(stand_in)
        settings = {"LOGTO_SCOPES": IDENTITIES, "SIGN_OUT_UPSTREAM": "true"}
        context = started_product(stand_in, **settings)
        product = context.__enter__()
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
    try:
        # The metadata is too old to serve, and new ones are not to be had.
        product.clock.ahead = product.services.limits.metadata_stale_seconds + 1
        out = browser.post("/sign-out", HERE)
        assert out.status == 200
        assert 'href="/signed-out"' in out.body
        on = browser.get("/signed-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
        assert on.location.startswith(microsoft(stand_in))
    finally:
        context.__exit__(None, None, None)


@pytest.mark.parametrize(
    "headers",
    [{"sec-purpose": "prefetch"}, {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"}],
    ids=["prefetch", "image"],
)
def test_nothing_but_a_navigation_takes_a_step(
    stand_in: StandIn, robot: Robot, headers: dict[str, str]
) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        browser.post("/sign-out?switch=true", HERE)
        kept = browser.jar[COOKIE]
        reply = browser.get("/signed-out", {**NAVIGATION, **headers})
        assert (reply.location, reply.set_cookies) == (f"{ORIGIN}/", ())
        assert browser.jar[COOKIE] == kept


def test_later_sign_out_forgets_what_an_earlier_one_left(stand_in: StandIn, robot: Robot) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        browser.post("/sign-out?switch=true", HERE)
        assert COOKIE in browser.jar
        out = browser.post("/sign-out", HERE)
        assert COOKIE not in browser.jar
        assert browser.get(robot.end_session(out.location), BACK).location == f"{ORIGIN}/"


@pytest.mark.parametrize(
    "url", ["https://evil.test", f"https://evil.test/{TENANT}", "//evil.test", "x", ""]
)
def test_form_that_names_another_host_sends_nobody_there(
    stand_in: StandIn, robot: Robot, url: str
) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        form = urlencode({"switch": "true", "upstream": url})
        out = browser.post("/sign-out", HERE, form)
        landed = browser.get(robot.end_session(out.location), BACK)
        assert landed.location == f"{ORIGIN}/sign-in?first_screen=sign_in&return_to=%2F"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        "", "x", "%", "e30", "é", "=" * 20, "A" * 4000, "W10",
        encoded([]), encoded({}), encoded({"login_url": None}),
        encoded({"login_url": "https://evil.test", "destination": "page", "return_to": "/"}),
        encoded(
            {"login_url": f"https://evil.test/{TENANT}", "destination": "page", "return_to": "/"}
        ),
        encoded({"login_url": 1, "destination": "page", "return_to": "/"}),
        encoded({"login_url": None, "destination": "elsewhere", "return_to": "/"}),
        encoded({"login_url": None, "destination": "page", "return_to": 5}),
        encoded({"login_url": None, "destination": "page", "return_to": "//evil.test"}),
        encoded({"login_url": None, "destination": "page", "return_to": "https://evil.test/"}),
        encoded({"login_url": None, "destination": "sign_in", "return_to": "//evil.test"}),
    ],
    ids=lambda value: value[:16] or "empty",
)  # fmt: skip
def test_cookie_that_somebody_else_wrote_leads_nowhere_else(stand_in: StandIn, value: str) -> None:
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        browser.jar[COOKIE] = value
        reply = browser.get("/signed-out", BACK)
        assert reply.status == 302
        assert reply.location.startswith(f"{ORIGIN}/")
        assert "evil" not in reply.location


def test_longest_return_to_fits_into_a_cookie(stand_in: StandIn, robot: Robot) -> None:
    longest = "/" + "%2F" * 682
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        product.sign_in(browser, ALICE, robot=robot)
        given = quote(longest, safe="")
        out = browser.post("/sign-out", HERE, f"switch=true&return_to={given}")
        (line,) = [each for each in out.set_cookies if each.startswith(COOKIE)]
        assert len(line) < 4096
        last = through_both(product, browser, out, robot)
        assert query_of(last.location)["return_to"] == longest
