"""The tenant that a sign-in came from decides, not the tenants that Logto has stored of the user.

`ALLOWED_TENANTS`, groups and app roles count for this sign-in, and for this tenant alone.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.browser import FETCH, Browser, Reply
from harness.product import DOMAIN, Product, started_product
from harness.second_customer import FABRIKAM, RITA, add_fabrikam
from harness.sign_in_robot import Robot
from harness.tables import dump
from local.logto.contoso import CONTOSO, LOCAL_PASSWORD
from local.logto.identities import store_identity
from local.logto.server import StandIn

pytestmark = pytest.mark.invariant(15)

ALICE, PASSWORD = LOCAL_PASSWORD
ADDRESS = "alice@contoso.com"
SCOPES = {"LOGTO_SCOPES": "email roles identities"}
CONTOSO_ONLY = {"ALLOWED_TENANTS": CONTOSO.tenant_id, **SCOPES}
BOTH = {"ALLOWED_TENANTS": f"{CONTOSO.tenant_id} {FABRIKAM.tenant_id}", **SCOPES}
DAY = 86_400


@pytest.fixture(autouse=True)
def table_endpoint(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)


@pytest.fixture
def two_customers(stand_in: StandIn) -> StandIn:
    """Contoso and Fabrikam, each with a user who has the app role `Approver` of its directory."""
    add_fabrikam(stand_in.tenant)
    for user in (ALICE, RITA):
        stand_in.tenant.users[user].app_roles = ("Approver",)
    return stand_in


@pytest.fixture
def robot(stand_in: StandIn) -> Iterator[Robot]:
    with Robot(stand_in.url) as robot:
        yield robot


def through(product: Product, robot: Robot, connector: str, account: str) -> tuple[Browser, Reply]:
    """Sign in through a connector, although Logto may have a session."""
    browser = product.browser()
    started = browser.get("/sign-in?prompt=login")
    return browser, browser.get(robot.sign_in_through(started.location, connector, account))


def by_password(product: Product, robot: Robot) -> tuple[Browser, Reply]:
    browser = product.browser()
    started = browser.get("/sign-in?prompt=login")
    return browser, browser.get(robot.sign_in_by_password(started.location, ADDRESS, PASSWORD))


def me(browser: Browser) -> dict[str, Any]:
    reply = browser.get("/me", FETCH)
    assert reply.status == 200, reply.body
    identity: dict[str, Any] = json.loads(reply.body)
    return identity


def check_refused(product: Product, browser: Browser, reply: Reply) -> None:
    assert reply.status == 403
    assert "You do not have access" in reply.body
    assert browser.get("/me", FETCH).status == 401
    newest = list(product.stand_in.state.refresh_tokens.values())[-1]
    assert newest.grant.revoked


def follow_clock(product: Product) -> None:
    product.stand_in.state.clock = product.clock


def test_password_sign_in_with_a_stored_identity_of_the_tenant_is_refused(
    stand_in: StandIn, robot: Robot
) -> None:
    """Entra vouched for the user a month ago, which Logto has stored."""
    with started_product(stand_in, **CONTOSO_ONLY) as product:
        check_refused(product, *by_password(product, robot))


@pytest.mark.parametrize("seconds", [610, DAY])
def test_password_sign_in_after_one_through_the_connector_is_refused(
    stand_in: StandIn, robot: Robot, seconds: int
) -> None:
    with started_product(stand_in, **CONTOSO_ONLY) as product:
        follow_clock(product)
        browser, reply = through(product, robot, CONTOSO.id, ALICE)
        assert reply.status == 302
        assert me(browser)["tenant_id"] == CONTOSO.tenant_id
        product.clock.ahead = seconds
        check_refused(product, *by_password(product, robot))


def test_password_sign_in_gives_no_tenant_and_no_mapped_role(
    two_customers: StandIn, robot: Robot
) -> None:
    settings = {"ENTRA_ROLES": f"{CONTOSO.tenant_id}/Approver=approver", **SCOPES}
    with started_product(two_customers, **settings) as product:
        browser, reply = by_password(product, robot)
        assert reply.status == 302
        assert (me(browser)["tenant_id"], me(browser)["groups"]) == (None, [])
        browser, _ = through(product, robot, CONTOSO.id, ALICE)
        assert me(browser)["tenant_id"] == CONTOSO.tenant_id
        assert me(browser)["groups"] == ["approver"]


def test_silent_sign_in_keeps_the_tenant_of_logtos_session(stand_in: StandIn, robot: Robot) -> None:
    """Logto's session began by a sign-in from this tenant, so it counts however old it is."""
    with started_product(stand_in, **CONTOSO_ONLY) as product:
        follow_clock(product)
        through(product, robot, CONTOSO.id, ALICE)
        product.clock.ahead = 10 * DAY
        browser = product.browser()
        started = browser.get("/sign-in")
        assert browser.get(robot.sign_in_silently(started.location)).status == 302
        assert me(browser)["tenant_id"] == CONTOSO.tenant_id


def test_silent_sign_in_of_a_password_session_has_no_tenant(
    stand_in: StandIn, robot: Robot
) -> None:
    """Logto's session began by a password, whatever Entra says of the user in another browser."""
    with started_product(stand_in, **CONTOSO_ONLY) as product:
        follow_clock(product)
        by_password(product, robot)
        product.clock.ahead = DAY
        with Robot(stand_in.url) as another:
            assert through(product, another, CONTOSO.id, ALICE)[1].status == 302
        browser = product.browser()
        started = browser.get("/sign-in")
        reply = browser.get(robot.sign_in_silently(started.location))
        check_refused(product, browser, reply)


def test_role_of_a_second_customer_with_the_same_value_is_not_mapped(
    two_customers: StandIn, robot: Robot
) -> None:
    """Nor does it meet `ALLOWED_ROLES`, for which a mapped role counts."""
    settings = {"ENTRA_ROLES": f"{CONTOSO.tenant_id}/Approver=approver", **BOTH}
    with started_product(two_customers, **settings) as product:
        alice, _ = through(product, robot, CONTOSO.id, ALICE)
        rita, _ = through(product, robot, FABRIKAM.id, RITA)
        assert me(alice)["groups"] == ["approver"]
        assert (me(rita)["tenant_id"], me(rita)["groups"]) == (FABRIKAM.tenant_id, [])
    with started_product(two_customers, ALLOWED_ROLES="approver", **settings) as product:
        assert through(product, robot, CONTOSO.id, ALICE)[1].status == 302
        check_refused(product, *through(product, robot, FABRIKAM.id, RITA))


def test_each_customer_gets_its_own_mapping_of_the_same_value(
    two_customers: StandIn, robot: Robot
) -> None:
    group = two_customers.tenant.users[ALICE].groups[0]
    two_customers.tenant.users[RITA].groups = (group,)
    settings = {
        "ENTRA_ROLES": f"{CONTOSO.tenant_id}/Approver=approver {FABRIKAM.tenant_id}/Approver=guest",
        "ENTRA_GROUPS": f"{CONTOSO.tenant_id}/{group}=staff {FABRIKAM.tenant_id}/{group}=visitors",
        **BOTH,
    }
    with started_product(two_customers, **settings) as product:
        alice, _ = through(product, robot, CONTOSO.id, ALICE)
        rita, _ = through(product, robot, FABRIKAM.id, RITA)
        assert me(alice)["groups"] == ["approver", "staff"]
        assert me(rita)["groups"] == ["guest", "visitors"]


def test_user_of_two_tenants_counts_as_the_one_they_came_from(
    two_customers: StandIn, robot: Robot
) -> None:
    """The second account has the user's address, and Logto joins the two."""
    rita = two_customers.tenant.users[RITA]
    rita.connector, rita.email = None, ADDRESS
    settings = {
        "ENTRA_ROLES": f"{CONTOSO.tenant_id}/Approver=approver {FABRIKAM.tenant_id}/Approver=guest",
        **BOTH,
    }
    with started_product(two_customers, **settings) as product:
        follow_clock(product)
        for connector, account, role in (
            (CONTOSO, ALICE, "approver"),
            (FABRIKAM, RITA, "guest"),
            (CONTOSO, ALICE, "approver"),
        ):
            product.clock.ahead += 60
            browser, _ = through(product, robot, connector.id, account)
            identity = me(browser)
            assert identity["sub"] == ALICE
            assert identity["tenant_id"] == connector.tenant_id
            assert identity["groups"] == [role]


def test_stored_identity_of_an_allowed_tenant_does_not_admit_another(
    two_customers: StandIn, robot: Robot
) -> None:
    """Rita was once a guest at Contoso, and comes from Fabrikam now."""
    tenant = two_customers.tenant
    rita = tenant.users[RITA]
    for days in (30, 0):
        vouched_at = int(two_customers.state.clock()) - days * DAY - 60
        store_identity(rita, CONTOSO, tenant.users[ALICE], vouched_at=vouched_at)
        with started_product(two_customers, **CONTOSO_ONLY) as product:
            check_refused(product, *through(product, robot, FABRIKAM.id, RITA))


def test_address_that_a_trusted_directory_writes_meets_the_rule_about_domains(
    two_customers: StandIn, robot: Robot
) -> None:
    """`docs/security.md` says so: the rule cannot tell which directory an address came from."""
    two_customers.tenant.users[RITA].email = "rita@contoso.com"
    settings = {"ALLOWED_EMAIL_DOMAINS": "contoso.com", **SCOPES}
    with started_product(two_customers, **settings) as product:
        browser, _ = through(product, robot, FABRIKAM.id, RITA)
        assert me(browser)["tenant_id"] == FABRIKAM.tenant_id
    with started_product(two_customers, **{**settings, **CONTOSO_ONLY}) as product:
        check_refused(product, *through(product, robot, FABRIKAM.id, RITA))


def test_silent_sign_in_that_a_rule_refuses_returns_signed_out(
    two_customers: StandIn, robot: Robot
) -> None:
    """`prompt=none` comes back to `return_to` without a page."""
    with started_product(two_customers, **CONTOSO_ONLY) as product:
        through(product, robot, FABRIKAM.id, RITA)
        browser = product.browser()
        started = browser.get("/sign-in?prompt=none&return_to=/orders")
        reply = browser.get(robot.sign_in_silently(started.location))
        assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/orders")
        assert reply.set_cookies == ()
        assert browser.get("/me", FETCH).status == 401
        assert not [row for row in dump(product.client, product.table_name) if "seen_at" in row]
