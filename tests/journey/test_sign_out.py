"""Sign-out: here and at Logto, and never at the request of another site."""

import pytest

from harness.browser import NAVIGATION
from harness.product import DOMAIN, Product
from harness.sign_in_robot import Robot

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}


@pytest.mark.invariant(12)
def test_old_cookie_opens_nothing(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    old = dict(browser.jar)
    browser.get("/sign-out", HERE)
    browser.jar = old
    assert browser.get("/me").status == 401


@pytest.mark.invariant(12)
def test_grant_is_revoked_and_the_session_at_logto_ends(product: Product) -> None:
    browser = product.browser()
    with Robot(product.stand_in.url) as robot:
        product.sign_in(browser, robot=robot)
        out = browser.post("/sign-out", {**HERE, "origin": f"https://{DOMAIN}"})
        assert out.status == 303
        assert all(token.grant.revoked for token in product.stand_in.state.refresh_tokens.values())
        assert robot.end_session(out.location) == f"https://{DOMAIN}/signed-out"
        assert product.stand_in.state.sessions == {}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_link_from_another_site_gets_a_confirmation_page(product: Product, site: str) -> None:
    browser = product.browser()
    product.sign_in(browser)
    question = browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": site})
    assert question.status == 200
    assert '<form method="post"' in question.body
    assert "Alice Example" in browser.get("/").body


def test_prefetch_ends_nothing(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert browser.get("/sign-out", {**HERE, "sec-purpose": "prefetch"}).status == 200
    assert "Alice Example" in browser.get("/").body


@pytest.mark.parametrize("origin", ["https://evil.test", "https://other.example.test", "null"])
def test_post_from_another_origin_is_refused(product: Product, origin: str) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert browser.post("/sign-out", {**NAVIGATION, "origin": origin}).status == 403
    assert "Alice Example" in browser.get("/").body


def test_sign_out_without_a_session_still_ends_the_session_at_logto(product: Product) -> None:
    with Robot(product.stand_in.url) as robot:
        out = product.browser().get("/sign-out", HERE)
        assert robot.end_session(out.location) == f"https://{DOMAIN}/signed-out"


def test_browser_lands_on_the_page_that_the_sign_out_named(product: Product) -> None:
    browser = product.browser()
    with Robot(product.stand_in.url) as robot:
        product.sign_in(browser, robot=robot)
        form = "return_to=%2Fgoodbye%3Fa%3D1%26b%3D%25"
        out = browser.post("/sign-out", {**HERE, "origin": f"https://{DOMAIN}"}, form)
        landed = browser.get(robot.end_session(out.location))
    assert (landed.status, landed.location) == (302, f"https://{DOMAIN}/goodbye?a=1&b=%")
