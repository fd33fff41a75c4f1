"""What ends no session here, and what does not keep a user from signing in again.

`docs/ending.md` lists it, each with the longest time.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.browser import FETCH, Browser, Reply
from harness.functions import (
    ROUTE,
    TOKEN_SETTINGS,
    Authorizer,
    started_authorizer,
    started_notifications,
    started_services,
)
from harness.product import Product, started_product
from harness.sign_in_robot import Robot
from local.logto.contoso import CONTOSO, LOCAL_PASSWORD
from local.logto.server import StandIn
from local.template import read_template
from shared.clock import CLOCK_SKEW_SECONDS
from shared.revocation import end_subject

ROOT = Path(__file__).resolve().parent.parent.parent
ALICE, PASSWORD = LOCAL_PASSWORD
ADDRESS = "alice@contoso.com"
ABSOLUTE, IDLE = 43_200, 3600
DAY = 86_400
LOGTO_SESSION = 14 * DAY


@pytest.fixture
def start(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Product]]:
    """Start a product with these settings; Logto's clock is the product's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    opened = []

    def started(**settings: str) -> Product:
        context = started_product(stand_in, **{**TOKEN_SETTINGS, **settings})
        opened.append(context)
        product = context.__enter__()
        stand_in.state.clock = product.clock
        return product

    yield started
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def product(start: Callable[..., Product]) -> Product:
    return start()


@pytest.fixture
def authorizer(product: Product) -> Iterator[Authorizer]:
    with started_authorizer(product) as started:
        yield started


@pytest.fixture
def robot(stand_in: StandIn) -> Iterator[Robot]:
    with Robot(stand_in.url) as robot:
        yield robot


def signed_in(product: Product, robot: Robot, account: str = ALICE) -> Browser:
    browser = product.browser()
    query = f"connector={CONTOSO.id}"
    assert product.sign_in(browser, account, query=query, robot=robot).status == 302
    return browser


def silently(product: Product, robot: Robot, query: str = "") -> tuple[Browser, Reply]:
    """Sign in by Logto's own session, with no question to the user."""
    browser = product.browser()
    started = browser.get(f"/sign-in?{query}")
    return browser, browser.get(robot.sign_in_silently(started.location))


def me(browser: Browser) -> dict[str, Any] | None:
    reply = browser.get("/me", FETCH)
    assert reply.status in (200, 401)
    identity: dict[str, Any] | None = json.loads(reply.body) if reply.status == 200 else None
    return identity


def check_lasts_until_the_absolute_timeout(product: Product, browser: Browser) -> None:
    began = product.clock.ahead
    while product.clock.ahead + IDLE < began + ABSOLUTE:
        product.clock.ahead += IDLE - 60
        assert me(browser) is not None
    product.clock.ahead = began + ABSOLUTE + 1
    assert me(browser) is None


def test_session_deleted_at_logto_leaves_session_and_tokens(
    product: Product, robot: Robot, authorizer: Authorizer
) -> None:
    browser = signed_in(product, robot)
    product.stand_in.state.sessions.clear()
    assert authorizer.ask(browser, route=ROUTE) is not None
    product.clock.ahead = 3550  # the access token has to be refreshed
    product.forget_counts()
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert product.stand_in.requests == [("POST", "/oidc/token")]


def test_session_deleted_at_logto_leaves_the_session_until_the_absolute_timeout(
    product: Product, robot: Robot
) -> None:
    browser = signed_in(product, robot)
    product.stand_in.state.sessions.clear()
    check_lasts_until_the_absolute_timeout(product, browser)


def evicted(product: Product, robot: Robot) -> Browser:
    """Sign in twice, where one grant is allowed; the browser whose grant was revoked."""
    product.stand_in.tenant.applications["local-app"].max_allowed_grants = 1
    first = signed_in(product, robot)
    product.clock.ahead += 1
    with Robot(product.stand_in.url) as another:
        signed_in(product, another)
    grants = {
        token.grant.id: token.grant for token in product.stand_in.state.refresh_tokens.values()
    }
    assert sorted(grant.revoked for grant in grants.values()) == [False, True]
    return first


def test_evicted_grant_leaves_the_session_until_its_next_refresh(
    product: Product, robot: Robot, authorizer: Authorizer
) -> None:
    browser = evicted(product, robot)
    assert me(browser) is not None
    assert authorizer.ask(browser) is not None
    assert authorizer.ask(browser, route=ROUTE) is None
    assert me(browser) is None


def test_evicted_grant_leaves_a_session_without_tokens_until_the_absolute_timeout(
    product: Product, robot: Robot
) -> None:
    check_lasts_until_the_absolute_timeout(product, evicted(product, robot))


def test_webhook_about_an_evicted_grant_is_counted_and_ends_nothing(
    product: Product, robot: Robot, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = signed_in(product, robot)
    event = {"event": "Grant.LimitExceeded", "userId": ALICE, "revokedGrantIds": ["x"]}
    with started_notifications(product) as notifications:
        assert notifications.webhook(event) == 200
    assert '"GrantEvicted":[1' in capfd.readouterr().out
    assert me(browser) is not None


def test_role_and_membership_that_were_taken_away_stay_until_a_refresh(
    start: Callable[..., Product], stand_in: StandIn, robot: Robot
) -> None:
    """And so does the session, whose access rules are checked at a sign-in alone."""
    product = start(ALLOWED_ROLES="buyer", ALLOWED_ORGANIZATIONS="contosoorg01")
    browser = signed_in(product, robot)
    stand_in.tenant.users[ALICE].roles = ()
    del stand_in.tenant.organizations["contosoorg01"].members[ALICE]
    before = me(browser)
    assert before is not None
    assert (before["roles"], before["organizations"]) == (["buyer"], ["contosoorg01"])
    with started_authorizer(product) as authorizer:
        assert authorizer.ask(browser, route=ROUTE) is not None
    after = me(browser)
    assert after is not None
    assert (after["roles"], after["organizations"]) == ([], [])
    check_lasts_until_the_absolute_timeout(product, browser)
    assert silently(product, robot)[1].status == 403


def test_password_that_was_changed_leaves_session_and_grant(
    product: Product, stand_in: StandIn, robot: Robot, authorizer: Authorizer
) -> None:
    browser = product.browser()
    started = browser.get("/sign-in")
    browser.get(robot.sign_in_by_password(started.location, ADDRESS, PASSWORD))
    stand_in.tenant.users[ALICE].password = "another-password"
    assert authorizer.ask(browser, route=ROUTE) is not None
    product.clock.ahead = 3550
    assert authorizer.ask(browser, route=ROUTE) is not None
    product.clock.ahead = 0
    check_lasts_until_the_absolute_timeout(product, browser)


MAPPED = {
    "LOGTO_SCOPES": "email roles urn:logto:scope:organizations identities",
    "ALLOWED_TENANTS": CONTOSO.tenant_id,
    "LOGTO_ORGANIZATIONS": "",
    "ACCESS_TOKEN_ROUTES": "",
    "LOGTO_RESOURCES": "",
}


def test_group_that_the_user_left_goes_on_with_logtos_session(
    start: Callable[..., Product], stand_in: StandIn, robot: Robot
) -> None:
    """Entra says so at the next sign-in there, which Logto asks for when its session is over."""
    group = stand_in.tenant.users[ALICE].groups[0]
    product = start(**MAPPED, ENTRA_GROUPS=f"{group}=staff")
    browser = signed_in(product, robot)
    stand_in.tenant.users[ALICE].groups = ()
    check_lasts_until_the_absolute_timeout(product, browser)
    product.clock.ahead = LOGTO_SESSION - DAY
    again, _ = silently(product, robot)
    identity = me(again)
    assert identity is not None
    assert identity["groups"] == ["staff"]
    product.clock.ahead = LOGTO_SESSION + 60
    last = me(signed_in(product, robot))
    assert last is not None
    assert last["groups"] == []


def close_at_entra(stand_in: StandIn) -> None:
    """Close Alice's account at Entra. Logto is not told."""
    stand_in.tenant.users[ALICE].entra_tenant = "no tenant"


def test_account_closed_at_entra_goes_on_with_logtos_session(
    start: Callable[..., Product], stand_in: StandIn, robot: Robot
) -> None:
    product = start(**MAPPED)
    browser = signed_in(product, robot)
    close_at_entra(stand_in)
    check_lasts_until_the_absolute_timeout(product, browser)
    product.clock.ahead = LOGTO_SESSION - DAY
    again, reply = silently(product, robot)
    assert reply.status == 302
    assert me(again) is not None
    product.clock.ahead = LOGTO_SESSION + 60
    started = product.browser().get("/sign-in")
    assert f"max_age={LOGTO_SESSION}" in started.location
    with pytest.raises(LookupError):
        robot.sign_in_silently(started.location)


@pytest.mark.invariant(15)
def test_account_closed_at_entra_ends_with_period_and_grace(
    start: Callable[..., Product], stand_in: StandIn, robot: Robot
) -> None:
    product = start(
        **MAPPED,
        REVALIDATE_SECONDS="7200",
        REVALIDATE_GRACE_SECONDS="600",
        SESSION_IDLE_SECONDS="10000",
    )
    browser = signed_in(product, robot)
    close_at_entra(stand_in)
    product.clock.ahead = 7195
    assert me(browser) is not None
    product.clock.ahead = 7801
    assert me(browser) is None
    again, reply = silently(product, robot, f"connector={CONTOSO.id}")
    assert reply.status == 302
    robot.forget_entra()
    page = robot.open(reply.location)
    assert "/entra/" in page.url.path
    assert ALICE not in page.text
    assert me(again) is None


def test_answer_of_the_authorizer_is_kept_for_no_time_by_default() -> None:
    parameters = read_template(ROOT / "template.yaml")["Parameters"]
    assert parameters["AuthorizerCacheSeconds"]["Default"] == 0


@pytest.mark.parametrize("way", ["operator", "everywhere"])
def test_user_whose_sessions_were_ended_signs_in_again_without_a_question(
    product: Product, robot: Robot, way: str
) -> None:
    """Logto's own session goes on in the browser; only Logto can keep a user out."""
    browser = signed_in(product, robot)
    if way == "operator":
        with started_services(product, "admin") as services:
            until = int(services.clock()) + CLOCK_SKEW_SECONDS
            assert end_subject(ALICE, until=until, services=services).sessions == 1
    else:
        with Robot(product.stand_in.url) as another:
            elsewhere = signed_in(product, another)
        assert elsewhere.post("/sign-out?everywhere=true", FETCH).status == 303
    assert me(browser) is None
    assert me(silently(product, robot)[0]) is not None


def test_user_who_signed_out_is_asked_again(product: Product, robot: Robot) -> None:
    """A sign-out ends Logto's session in this browser too."""
    browser = signed_in(product, robot)
    robot.end_session(browser.post("/sign-out", FETCH).location)
    with pytest.raises(LookupError):
        robot.sign_in_silently(product.browser().get("/sign-in").location)
