"""Re-validation: after some hours the user must confirm at Entra, or the session ends."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import FETCH, NAVIGATION, Browser
from harness.functions import RESOURCE, ROUTE, Authorizer, started_authorizer
from harness.product import DOMAIN, Product, started_product
from harness.sign_in_robot import Robot
from harness.tables import dump
from local.logto.server import StandIn

pytestmark = pytest.mark.invariant(15)

ORIGIN = f"https://{DOMAIN}"
AFTER, GRACE = 7200, 600
CONNECTOR = "connector=contoso00001"


@pytest.fixture
def product(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    settings = {
        "REVALIDATE_SECONDS": str(AFTER),
        "REVALIDATE_GRACE_SECONDS": str(GRACE),
        "SESSION_IDLE_SECONDS": "10000",
        "LOGTO_SCOPES": "email identities",
        "LOGTO_RESOURCES": RESOURCE,
        "ACCESS_TOKEN_ROUTES": f"{ROUTE}={RESOURCE}",
    }
    with started_product(stand_in, **settings) as started:
        stand_in.state.clock = started.clock
        yield started


@pytest.fixture
def authorizer(product: Product) -> Iterator[Authorizer]:
    with started_authorizer(product) as started:
        yield started


@pytest.fixture
def browser(product: Product) -> Browser:
    browser = product.browser()
    product.sign_in(browser, query=CONNECTOR)
    return browser


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def sessions(product: Product) -> int:
    return sum("seen_at" in row for row in dump(product.client, product.table_name))


def due(product: Product) -> None:
    product.clock.ahead = AFTER + 1


def test_session_is_not_due_before_the_time(
    product: Product, browser: Browser, authorizer: Authorizer
) -> None:
    product.clock.ahead = AFTER - 5
    assert browser.get("/").status == 200
    assert browser.get("/me", FETCH).status == 200
    assert authorizer.ask(browser) is not None


def test_navigation_of_a_due_session_goes_through_entra_once(
    product: Product, browser: Browser
) -> None:
    due(product)
    page = browser.get("/")
    assert page.status == 302
    assert page.location.startswith(f"{ORIGIN}/sign-in?")
    assert query_of(page.location) == {
        "prompt": "login",
        "connector": "contoso00001",
        "return_to": "/",
    }
    assert page.set_cookies == ()
    started = browser.get(page.location)
    asked = query_of(started.location)
    assert asked["direct_sign_in"] == "sso:contoso00001"
    assert asked["prompt"] == "login consent"
    back = browser.get(product.at_logto(started.location))
    assert (back.status, back.location) == (302, f"{ORIGIN}/")
    assert browser.get("/").status == 200


def test_session_at_logto_alone_does_not_satisfy_revalidation(
    product: Product, browser: Browser
) -> None:
    """`prompt=login`: Logto asks Entra, although it has a session of the user."""
    due(product)
    with Robot(product.stand_in.url) as robot:
        product.sign_in(product.browser(), robot=robot)  # a session at Logto
        robot.forget_entra()
        page = browser.get("/")
        started = browser.get(page.location)
        asked = robot.open(started.location)
        assert asked.is_success
        assert "/entra/" in asked.url.path


def test_revalidation_returns_to_the_page_of_the_user(product: Product, browser: Browser) -> None:
    due(product)
    problem = json.loads(browser.get("/me", FETCH).body)
    url = f"{problem['sign_in_url']}&return_to=/orders/7?page=2"
    back = browser.get(product.at_logto(browser.get(url).location))
    assert back.location == f"{ORIGIN}/orders/7?page=2"


@pytest.mark.parametrize("path", ["/me", "/"])
def test_fetch_of_a_due_session_gets_a_problem_with_the_sign_in_url(
    product: Product, browser: Browser, path: str
) -> None:
    due(product)
    reply = browser.get(path, FETCH)
    assert reply.status == 401
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.set_cookies == ()
    problem = json.loads(reply.body)
    assert problem["error"] == "revalidation_required"
    url = problem["sign_in_url"]
    assert url.startswith(f"{ORIGIN}/sign-in?")
    assert query_of(url) == {"prompt": "login", "connector": "contoso00001"}


def test_prefetch_of_a_due_session_starts_no_sign_in(product: Product, browser: Browser) -> None:
    due(product)
    reply = browser.get("/", {**NAVIGATION, "sec-purpose": "prefetch"})
    assert reply.status == 401
    assert "location" not in reply.headers


@pytest.mark.parametrize("route", ["/orders", ROUTE])
def test_authorizer_denies_a_due_session(
    product: Product, browser: Browser, authorizer: Authorizer, route: str
) -> None:
    assert authorizer.ask(browser, route=route) is not None
    due(product)
    product.forget_counts()
    assert authorizer.ask(browser, route=route) is None
    assert product.stand_in.requests == []
    back = browser.get(browser.get("/").location)
    browser.get(product.at_logto(back.location))
    assert authorizer.ask(browser, route=route) is not None


def test_due_session_is_not_extended(product: Product, browser: Browser) -> None:
    due(product)
    product.forget_counts()
    for path in ("/", "/me"):
        browser.get(path)
    assert "UpdateItem" not in product.wire.calls


def test_due_session_ends_after_the_grace(
    product: Product, browser: Browser, authorizer: Authorizer
) -> None:
    product.clock.ahead = AFTER + GRACE - 5
    assert json.loads(browser.get("/me", FETCH).body)["error"] == "revalidation_required"
    product.clock.ahead = AFTER + GRACE
    reply = browser.get("/me", FETCH)
    assert json.loads(reply.body)["error"] == "session_required"
    assert "Alice" not in browser.get("/").body
    assert browser.get("/").status == 200  # the start page of a browser that is signed out
    assert authorizer.ask(browser) is None


def test_me_reports_the_end_after_the_grace(product: Product, browser: Browser) -> None:
    identity = json.loads(browser.get("/me", FETCH).body)
    assert identity["expires_at"] - identity["authenticated_at"] == AFTER + GRACE


def test_revalidated_session_has_a_new_age(
    product: Product, browser: Browser, authorizer: Authorizer
) -> None:
    due(product)
    old = dict(browser.jar)
    started = browser.get(browser.get("/").location)
    browser.get(product.at_logto(started.location))
    identity: dict[str, Any] = json.loads(browser.get("/me", FETCH).body)
    assert identity["signed_in_at"] >= int(product.clock()) - 60
    assert identity["connector"] == "contoso00001"
    assert sessions(product) == 1  # the one before has ended
    late = product.browser()
    late.jar = old
    assert late.get("/me", FETCH).status == 401
    product.clock.ahead = 2 * AFTER - 60
    assert browser.get("/").status == 200
    assert authorizer.ask(browser) is not None
    product.clock.ahead = 2 * AFTER + 60
    assert browser.get("/").status == 302


def test_suspended_user_cannot_revalidate(
    product: Product, browser: Browser, authorizer: Authorizer
) -> None:
    due(product)
    product.stand_in.tenant.users["alice0000001"].suspended = True
    started = browser.get(browser.get("/").location)
    with pytest.raises(LookupError, match="403"):
        product.at_logto(started.location)
    assert authorizer.ask(browser) is None
    assert browser.get("/me", FETCH).status == 401
    product.clock.ahead = AFTER + GRACE
    assert json.loads(browser.get("/me", FETCH).body)["error"] == "session_required"


def test_session_without_a_connector_revalidates_at_logto(product: Product) -> None:
    """The sign-in names none, so Logto's own page asks."""
    browser = product.browser()
    product.sign_in(browser)
    due(product)
    page = browser.get("/")
    assert query_of(page.location) == {"prompt": "login", "return_to": "/"}
    assert "direct_sign_in" not in query_of(browser.get(page.location).location)


def test_due_session_can_sign_out(product: Product, browser: Browser) -> None:
    due(product)
    out = browser.post("/sign-out", {**FETCH, "origin": ORIGIN})
    assert out.status == 303
    assert sessions(product) == 0


def test_revalidation_is_off_by_default(stand_in: StandIn, product: Product) -> None:
    with started_product(stand_in, SESSION_IDLE_SECONDS="40000") as plain:
        browser = plain.browser()
        plain.sign_in(browser, query=CONNECTOR)
        plain.clock.ahead = 39_000
        assert browser.get("/").status == 200
