"""Signing out everywhere: every session of one user, and none of another."""

import pytest

from harness.browser import FETCH, NAVIGATION, Browser
from harness.functions import started_authorizer
from harness.product import DOMAIN, Product
from harness.tables import dump
from tests.hostile.faults import KINDS, Faults

ORIGIN = f"https://{DOMAIN}"
HERE = {**NAVIGATION, "sec-fetch-site": "same-origin", "origin": ORIGIN}
EVERYWHERE = "/sign-out?everywhere=true"
BOB = "bob000000001"


def signed_in(product: Product, account: str = "alice0000001") -> Browser:
    browser = product.browser()
    product.sign_in(browser, account)
    return browser


def live(browser: Browser) -> bool:
    status = browser.get("/me", FETCH).status
    assert status in (200, 401)
    return status == 200


def sessions(product: Product) -> int:
    return sum("seen_at" in row for row in dump(product.client, product.table_name))


def test_every_session_of_the_user_ends_and_no_other(product: Product) -> None:
    browsers = [signed_in(product) for _ in range(3)]
    other = signed_in(product, BOB)
    old = dict(browsers[0].jar)
    out = browsers[0].post(EVERYWHERE, HERE)
    assert out.status == 303
    assert out.location.startswith(f"{product.stand_in.url}/oidc/session/end?")
    assert "__Host-session" not in browsers[0].jar
    browsers[0].jar = old
    assert not any(live(browser) for browser in browsers)
    assert live(other)
    assert sessions(product) == 1
    with started_authorizer(product) as authorizer:
        assert authorizer.ask(browsers[1]) is None
        assert authorizer.ask(other) is not None


def test_home_page_offers_to_sign_out_everywhere(product: Product) -> None:
    browser = signed_in(product)
    assert 'action="/sign-out?everywhere=true"' in browser.get("/").body


def test_only_the_grant_of_this_browser_is_revoked(product: Product) -> None:
    browser = signed_in(product)
    product.forget_counts()
    browser.post(EVERYWHERE, HERE)
    assert product.stand_in.requests == [("POST", "/oidc/token/revocation")]


def test_user_can_sign_in_again_at_once(product: Product) -> None:
    browser = signed_in(product)
    browser.post(EVERYWHERE, HERE)
    product.sign_in(browser)
    assert live(browser)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": f"https://other.{DOMAIN}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    ],
)
def test_request_of_another_site_is_refused(product: Product, headers: dict[str, str]) -> None:
    browsers = [signed_in(product) for _ in range(2)]
    reply = browsers[0].post(EVERYWHERE, {"accept": "text/html", **headers})
    assert reply.status == 403
    assert reply.set_cookies == ()
    assert all(live(browser) for browser in browsers)


def test_link_ends_no_session_of_another_browser(product: Product) -> None:
    """A GET ends only this browser's session, whatever its parameters."""
    browsers = [signed_in(product) for _ in range(2)]
    browsers[0].get(EVERYWHERE, HERE)
    assert live(browsers[1])


@pytest.mark.parametrize("query", ["everywhere=false", "everywhere=", "everywhere=TRUE", "x=true"])
def test_other_value_than_true_ends_this_session_only(product: Product, query: str) -> None:
    browsers = [signed_in(product) for _ in range(2)]
    assert browsers[0].post(f"/sign-out?{query}", HERE).status == 303
    assert live(browsers[1])


def test_parameter_that_comes_twice_is_refused(product: Product) -> None:
    browser = signed_in(product)
    assert browser.post("/sign-out?everywhere=true&everywhere=false", HERE).status == 400
    assert live(browser)


@pytest.mark.parametrize("kind", KINDS)
def test_table_that_is_down_is_an_error_and_a_repetition_succeeds(
    product: Product, kind: str
) -> None:
    """The browser that asked keeps its session, so it can ask again."""
    browsers = [signed_in(product) for _ in range(3)]
    faults = Faults(product.client)
    faults.arm(kind, lambda sent: True)
    reply = browsers[0].post(EVERYWHERE, HERE)
    faults.disarm()
    assert reply.status == 503
    assert reply.set_cookies == ()
    if kind != "applied, answer lost":
        assert all(live(browser) for browser in browsers)
    assert browsers[0].post(EVERYWHERE, HERE).status == 303
    assert sessions(product) == 0


@pytest.mark.parametrize("count", [3, 60])
def test_table_failing_from_any_call_on_leaves_the_session_that_asked(
    product: Product, count: int
) -> None:
    """The browser that asked keeps its session until the others have been deleted."""
    for _ in range(count):
        signed_in(product)
    assert sessions(product) == count
    faults = Faults(product.client)
    for call in range(1, 40):
        browser = signed_in(product)
        faults.arm("error 500", lambda sent, at=call: sent >= at)  # type: ignore[misc]
        reply = browser.post(EVERYWHERE, HERE)
        reached = faults.sent >= call
        faults.disarm()
        if reply.status == 303:
            assert sessions(product) == 0
            if not reached:
                assert not any(
                    "subject#" in str(row) for row in dump(product.client, product.table_name)
                )
                return
            continue  # only the listing of this browser's session is left, which ends nothing
        assert reached
        assert reply.status == 503
        assert live(browser)
    pytest.fail("the calls have no end")


def test_sign_out_everywhere_costs_eight_calls(product: Product) -> None:
    """In order: the session that asks, the marker, the listings, the sessions; then the other
    sessions and their listings are deleted, and this one and its listing."""
    browsers = [signed_in(product) for _ in range(3)]
    product.forget_counts()
    browsers[0].post(EVERYWHERE, HERE)
    assert product.wire.calls == [
        "GetItem",
        "UpdateItem",
        "Query",
        "BatchGetItem",
        "BatchWriteItem",
        "BatchWriteItem",
        "DeleteItem",
        "BatchWriteItem",
    ]
