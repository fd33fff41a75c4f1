"""Re-authentication: only a newer proof from Entra begins a session when the old proof is too old.

Logto's own session, a password at Logto, and a `prompt` that was taken out of a URL prove nothing.
"""

import json
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from harness.browser import FETCH, Browser, Reply
from harness.functions import Authorizer, started_authorizer
from harness.product import DOMAIN, Product, started_product
from harness.sign_in_robot import Robot
from harness.tables import dump
from local.logto.contoso import LOCAL_PASSWORD
from local.logto.server import StandIn
from local.logto.tenant import User

pytestmark = pytest.mark.invariant(15)

ORIGIN = f"https://{DOMAIN}"
PERIOD, GRACE = 7200, 600
ALICE, PASSWORD = LOCAL_PASSWORD
ADDRESS = "alice@contoso.com"
CONNECTOR = "contoso00001"
START = f"/sign-in?connector={CONNECTOR}&return_to=/orders"

AtLogto = Callable[[Robot, str], str]
"""Answer an authorization request at Logto; the callback URL."""


@pytest.fixture
def product(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    settings = {
        "REVALIDATE_SECONDS": str(PERIOD),
        "REVALIDATE_GRACE_SECONDS": str(GRACE),
        "SESSION_IDLE_SECONDS": "10000",
        "LOGTO_SCOPES": "email identities",
    }
    with started_product(stand_in, **settings) as started:
        stand_in.state.clock = started.clock
        yield started


@pytest.fixture
def robot(product: Product) -> Iterator[Robot]:
    with Robot(product.stand_in.url) as robot:
        yield robot


@pytest.fixture
def authorizer(product: Product) -> Iterator[Authorizer]:
    with started_authorizer(product) as started:
        yield started


@pytest.fixture
def browser(product: Product, robot: Robot) -> Browser:
    """A browser of a user who signed in through Entra longer ago than period and grace.

    Logto still has a session of the user. Entra has none, so that a page asks there.
    """
    browser = product.browser()
    assert product.sign_in(browser, query=f"connector={CONNECTOR}", robot=robot).status == 302
    robot.forget_entra()
    product.clock.ahead = PERIOD + GRACE + 1
    return browser


def without_prompt(url: str) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "prompt"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("prompt", "consent")])))


def silently(robot: Robot, url: str) -> str:
    return robot.sign_in_silently(url)


def silently_without_prompt(robot: Robot, url: str) -> str:
    return robot.sign_in_silently(without_prompt(url))


def by_password(robot: Robot, url: str) -> str:
    return robot.sign_in_by_password(url, ADDRESS, PASSWORD)


def sign_in(browser: Browser, robot: Robot, at_logto: AtLogto, url: str = START) -> Reply:
    """Follow a link to sign in, or a redirect to Logto; the callback's answer."""
    return browser.get(at_logto(robot, url_at_logto(browser, url)))


def url_at_logto(browser: Browser, url: str) -> str:
    if not url.startswith("/"):
        return url
    started = browser.get(url)
    assert started.status == 302
    return started.location


def me(browser: Browser) -> dict[str, Any]:
    reply = browser.get("/me", FETCH)
    assert reply.status == 200, reply.body
    identity: dict[str, Any] = json.loads(reply.body)
    return identity


def check_refused(product: Product, browser: Browser, reply: Reply) -> None:
    """Check that an answer began no session and left no grant at Logto."""
    assert not [line for line in reply.set_cookies if line.startswith("__Host-session=")]
    assert browser.get("/me", FETCH).status == 401
    newest = list(product.stand_in.state.refresh_tokens.values())[-1]
    assert newest.grant.revoked


def check_sent_to_entra(
    product: Product, browser: Browser, reply: Reply, connector: str | None = CONNECTOR
) -> None:
    """Check a redirect to Logto for a sign-in that its own session does not answer."""
    check_refused(product, browser, reply)
    assert reply.status == 302
    assert reply.location.startswith(f"{product.stand_in.url}/oidc/auth?")
    asked = dict(parse_qsl(urlsplit(reply.location).query))
    assert asked["prompt"] == "login consent"
    assert asked.get("direct_sign_in") == (f"sso:{connector}" if connector else None)


def check_page(product: Product, browser: Browser, reply: Reply) -> str:
    """Check the page that ends the attempt; the path of the sign-in that it offers."""
    check_refused(product, browser, reply)
    assert reply.status == 403
    assert "location" not in reply.headers
    assert "Your organization must confirm that it is you" in reply.body
    path = f"/sign-in?prompt=login&connector={CONNECTOR}"
    assert f'href="{path}"' in unescape(reply.body)
    return path


def check_new_session(
    product: Product, browser: Browser, authorizer: Authorizer, reply: Reply
) -> None:
    assert reply.status == 302
    identity = me(browser)
    assert 0 <= product.clock() - identity["authenticated_at"] < 60
    context = authorizer.ask(browser)
    assert context is not None
    assert int(context["authenticated_at"]) == identity["authenticated_at"]


def test_sign_in_that_logtos_session_answers_goes_to_entra(
    product: Product, browser: Browser, robot: Robot, authorizer: Authorizer
) -> None:
    reply = sign_in(browser, robot, silently)
    check_sent_to_entra(product, browser, reply)
    assert authorizer.ask(browser) is None
    asked = robot.open(reply.location)
    assert "/entra/" in asked.url.path
    landed = browser.get(robot.left(robot.submit(asked, "/sign-in", account=ALICE)))
    check_new_session(product, browser, authorizer, landed)
    assert landed.location == f"{ORIGIN}/orders"


@pytest.mark.parametrize("ahead", [PERIOD + 1, PERIOD + GRACE - 5])
def test_sign_in_that_logtos_session_answers_leaves_the_due_session_due(
    product: Product, browser: Browser, robot: Robot, ahead: int
) -> None:
    product.clock.ahead = ahead
    check_sent_to_entra(product, browser, sign_in(browser, robot, silently))
    problem = json.loads(browser.get("/me", FETCH).body)
    assert problem["error"] == "revalidation_required"


def test_sign_in_whose_prompt_was_taken_out_at_logto_ends_at_a_page(
    product: Product, browser: Browser, robot: Robot, authorizer: Authorizer
) -> None:
    first = sign_in(browser, robot, silently)
    reply = sign_in(browser, robot, silently_without_prompt, first.location)
    path = check_page(product, browser, reply)
    assert authorizer.ask(browser) is None
    landed = browser.get(robot.sign_in(browser.get(path).location))
    check_new_session(product, browser, authorizer, landed)


def test_link_whose_prompt_was_taken_out_is_a_first_round(
    product: Product, browser: Browser, robot: Robot
) -> None:
    """The start page of a session that is due names `prompt`; without it the way is one longer."""
    product.clock.ahead = PERIOD + 1
    due = browser.get("/")
    assert "prompt=login" in due.location
    parts = urlsplit(due.location)
    link = parts.path + "?" + parts.query.replace("prompt=login&", "")
    first = sign_in(browser, robot, silently, link)
    check_sent_to_entra(product, browser, first)
    check_page(product, browser, sign_in(browser, robot, silently_without_prompt, first.location))


def test_program_gets_a_problem_with_the_sign_in_url(
    product: Product, browser: Browser, robot: Robot
) -> None:
    started = browser.get(f"{START}&prompt=login")
    reply = browser.get(silently_without_prompt(robot, started.location), FETCH)
    check_refused(product, browser, reply)
    assert reply.status == 403
    problem = json.loads(reply.body)
    assert problem["error"] == "reauthentication_required"
    expected = f"{ORIGIN}/sign-in?prompt=login&connector={CONNECTOR}"
    assert problem["sign_in_url"] == expected


def test_password_sign_in_of_a_user_of_entra_ends_at_a_page(
    product: Product, browser: Browser, robot: Robot, authorizer: Authorizer
) -> None:
    fresh = product.browser()
    with Robot(product.stand_in.url) as another:
        reply = sign_in(fresh, another, by_password)
        check_sent_to_entra(product, fresh, reply)
        path = check_page(product, fresh, sign_in(fresh, another, by_password, reply.location))
        landed = fresh.get(another.sign_in(fresh.get(path).location))
    check_new_session(product, fresh, authorizer, landed)


def test_password_sign_in_counts_from_when_entra_vouched(
    product: Product, browser: Browser, robot: Robot
) -> None:
    product.clock.ahead = PERIOD - 600
    fresh = product.browser()
    assert sign_in(fresh, robot, silently_or_by_password).status == 302
    identity = me(fresh)
    assert abs(product.clock() - PERIOD + 600 - identity["authenticated_at"]) < 60
    assert identity["tenant_id"] is None
    product.clock.ahead = PERIOD + 1
    assert json.loads(fresh.get("/me", FETCH).body)["error"] == "revalidation_required"


def silently_or_by_password(robot: Robot, url: str) -> str:
    """Ask Logto for the password, although it has a session of the user."""
    return by_password(robot, url.replace("prompt=consent", "prompt=login%20consent"))


@pytest.mark.parametrize("at_logto", [silently, by_password], ids=lambda way: str(way.__name__))
def test_twenty_periods_without_entra_begin_no_session(
    product: Product, browser: Browser, robot: Robot, at_logto: AtLogto
) -> None:
    last = by_password if at_logto is by_password else silently_without_prompt
    for period in range(1, 21):
        product.clock.ahead = period * (PERIOD + GRACE) + 1
        with Robot(product.stand_in.url) as another:
            at = another if at_logto is by_password else robot
            first = sign_in(browser, at, at_logto)
            check_sent_to_entra(product, browser, first)
            check_page(product, browser, sign_in(browser, at, last, first.location))
    rows = [row for row in dump(product.client, product.table_name) if "seen_at" in row]
    assert len(rows) == 1  # of the first sign-in, which ended nineteen periods ago


def test_twenty_periods_through_entra_go_on(
    product: Product, browser: Browser, robot: Robot, authorizer: Authorizer
) -> None:
    for period in range(1, 21):
        product.clock.ahead = period * (PERIOD + 1)
        due = browser.get("/")
        assert due.status == 302
        landed = browser.get(robot.sign_in(browser.get(due.location).location))
        check_new_session(product, browser, authorizer, landed)


@pytest.mark.parametrize("default", [None, CONNECTOR])
def test_page_offers_the_connector_that_is_known(
    stand_in: StandIn, product: Product, default: str | None
) -> None:
    """A user who chose the connector on Logto's page is sent there, or to the default connector."""
    settings = {name: product.environment[name] for name in ("LOGTO_SCOPES", "REVALIDATE_SECONDS")}
    if default is not None:
        settings["LOGTO_DEFAULT_CONNECTOR"] = default
    with started_product(stand_in, **settings) as other, Robot(stand_in.url) as robot:
        browser = other.browser()
        # `first_screen` leaves out the default connector.
        started = "/sign-in?first_screen=sign_in"
        reply = sign_in(browser, robot, by_password, f"{started}&prompt=login")
    assert reply.status == 403
    connector = f"&connector={default}" if default else ""
    assert f'href="/sign-in?prompt=login{connector}"' in unescape(reply.body)


def test_silent_attempt_with_an_old_proof_returns_signed_out(
    product: Product, browser: Browser, robot: Robot
) -> None:
    """`prompt=none` never leads to a page that asks."""
    reply = sign_in(browser, robot, silently, "/sign-in?prompt=none&return_to=/orders")
    assert (reply.status, reply.location) == (302, f"{ORIGIN}/orders")
    assert reply.set_cookies == ()
    assert browser.get("/me", FETCH).status == 401


@pytest.fixture
def walter(stand_in: StandIn) -> User:
    """A user of Logto who has no identity of Entra."""
    walter = User(
        id="walter000001",
        name="Walter",
        email="walter@else.test",
        username="walter",
        password="walters-password",
    )
    stand_in.tenant.users[walter.id] = walter
    return walter


def test_user_without_entra_proves_it_by_signing_in_at_logto(
    product: Product, robot: Robot, authorizer: Authorizer, walter: User
) -> None:
    def at_logto(robot: Robot, url: str) -> str:
        return robot.sign_in_by_password(url, "walter", "walters-password")

    browser = product.browser()
    path = "/sign-in?return_to=/orders"
    check_new_session(product, browser, authorizer, sign_in(browser, robot, at_logto, path))
    first = me(browser)["authenticated_at"]

    product.clock.ahead = PERIOD - 600
    assert sign_in(browser, robot, silently, path).location == f"{ORIGIN}/orders"
    assert me(browser)["authenticated_at"] == first

    product.clock.ahead = PERIOD + GRACE + 1
    reply = sign_in(browser, robot, silently, path)
    check_sent_to_entra(product, browser, reply, connector=None)
    page = sign_in(browser, robot, silently_without_prompt, reply.location)
    check_refused(product, browser, page)
    assert page.status == 403

    landed = sign_in(browser, robot, at_logto, f"{path}&prompt=login")
    check_new_session(product, browser, authorizer, landed)
    assert landed.location == f"{ORIGIN}/orders"
    assert me(browser)["authenticated_at"] >= first + PERIOD
