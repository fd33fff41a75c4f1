"""Callbacks that do not end a sign-in as usual."""

from urllib.parse import quote

import pytest

from harness.browser import NAVIGATION
from harness.product import DOMAIN, Product
from harness.sign_in_robot import Robot
from harness.tables import dump


def token_requests(product: Product) -> int:
    return product.stand_in.requests.count(("POST", "/oidc/token"))


@pytest.mark.invariant(3)
def test_replay_by_the_signed_in_browser_goes_home(product: Product) -> None:
    browser = product.browser()
    url = product.at_logto(browser.get("/sign-in").location)
    browser.get(url)
    session = browser.jar["__Host-session"]
    again = browser.get(url)
    assert (again.status, again.location) == (302, f"https://{DOMAIN}/")
    assert browser.jar["__Host-session"] == session
    assert token_requests(product) == 1


@pytest.mark.invariant(3)
def test_replay_without_a_session_gets_a_page(product: Product) -> None:
    browser = product.browser()
    url = product.at_logto(browser.get("/sign-in").location)
    browser.get(url)
    del browser.jar["__Host-session"]
    again = browser.get(url)
    assert again.status == 400
    assert 'href="/sign-in"' in again.body
    assert token_requests(product) == 1


@pytest.mark.invariant(2)
def test_callback_from_another_browser_leaves_the_transaction(product: Product) -> None:
    browser, other = product.browser(), product.browser()
    other.get("/sign-in")
    url = product.at_logto(browser.get("/sign-in").location)
    assert other.get(url).status == 400
    assert product.browser().get(url).status == 400
    assert browser.get(url).status == 302


def test_expired_transaction_that_the_ttl_has_not_deleted_is_refused(product: Product) -> None:
    browser = product.browser()
    url = product.at_logto(browser.get("/sign-in").location)
    product.clock.ahead = 3601
    assert browser.get(url).status == 400
    assert token_requests(product) == 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state={state}",
        "code=abc",
        "state={state}&code=abc&error=access_denied",
        "state={state}&state={state}&code=abc",
        "state={state}&code=abc&code=def",
        "state={state}&code=",
        "state={state}&code=a%00b",
        "state={state}&code=%FF%FE",
        "state=" + "x" * 9000 + "&code=abc",
        "state={state}&code=abc&iss=https://evil.test/oidc",
        "state={state}&code=abc",  # the metadata announces `iss`
        "state={state}&code=abc&iss={issuer}&iss={issuer}",
        "&".join(f"p{n}=1" for n in range(5000)) + "&state={state}&code=abc",
    ],
)
def test_malformed_callback_changes_nothing(product: Product, query: str) -> None:
    browser = product.browser()
    product.sign_in(browser)
    session = browser.jar["__Host-session"]
    started = browser.get("/sign-in").location
    state = started.split("state=")[1].split("&")[0]
    issuer = quote(f"{product.stand_in.url}/oidc")
    before = dump(product.client, product.table_name)
    requests = token_requests(product)
    reply = browser.get(f"/callback?{query.format(state=state, issuer=issuer)}")
    assert reply.status == 400
    assert reply.set_cookies == ()
    assert dump(product.client, product.table_name) == before
    assert token_requests(product) == requests
    assert browser.jar["__Host-session"] == session
    assert browser.get(product.at_logto(started)).status == 302  # it can still be finished


@pytest.mark.invariant(4)
def test_error_with_a_foreign_state_leaves_the_transaction(product: Product) -> None:
    browser = product.browser()
    started = browser.get("/sign-in").location
    issuer = quote(f"{product.stand_in.url}/oidc")
    reply = browser.get(f"/callback?error=access_denied&state={'A' * 43}&iss={issuer}")
    assert reply.status == 400
    assert browser.get(product.at_logto(started)).status == 302


@pytest.mark.parametrize(
    ("error", "status"), [("access_denied", 403), ("login_required", 401), ("<script>", 400)]
)
def test_error_with_the_right_state_gets_its_page(
    product: Product, error: str, status: int
) -> None:
    browser = product.browser()
    started = browser.get("/sign-in").location
    state = started.split("state=")[1].split("&")[0]
    issuer = quote(f"{product.stand_in.url}/oidc")
    reply = browser.get(
        f"/callback?error={quote(error)}&error_description=%3Cimg+src%3Dx%3E&state={state}&iss={issuer}"
    )
    assert reply.status == status
    assert "<img src=x" not in reply.body
    assert "<script>" not in reply.body
    assert token_requests(product) == 0


def test_prompt_none_without_a_session_at_logto_goes_back_signed_out(product: Product) -> None:
    browser = product.browser()
    started = browser.get("/sign-in?prompt=none&return_to=%2Freports")
    reply = browser.get(product.at_logto(started.location))
    assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/reports")
    assert reply.set_cookies == ()
    assert browser.get("/me").status == 401


def test_prompt_none_with_a_session_at_logto_goes_back_signed_in(product: Product) -> None:
    browser, other = product.browser(), product.browser()
    with Robot(product.stand_in.url) as robot:
        product.sign_in(browser, robot=robot)
        query = "prompt=none&return_to=%2Freports"
        landed = product.sign_in(other, query=query, robot=robot)
    assert (landed.status, landed.location) == (302, f"https://{DOMAIN}/reports")
    assert "Alice Example" in other.get("/").body


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_other_methods_leave_the_transaction(product: Product, method: str) -> None:
    browser = product.browser()
    url = product.at_logto(browser.get("/sign-in").location)
    target = url.removeprefix(f"https://{DOMAIN}")
    assert browser.send(method, target, NAVIGATION).status == 405
    assert browser.get(url).status == 302
