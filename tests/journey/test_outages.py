"""Logto or DynamoDB down: a clean page, and nothing lost."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import EndpointConnectionError

from harness.browser import NAVIGATION
from harness.product import DOMAIN, Product, started_product
from local.logto.contoso import default_tenant
from local.logto.server import running

pytestmark = pytest.mark.invariant(17)

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}


@pytest.fixture
def orphaned(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    """Start a process without a sign-in so far, whose Logto is down."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with running(default_tenant(f"https://{DOMAIN}")) as stand_in:
        pass
    with started_product(stand_in) as product:
        yield product


def test_sign_in_is_unavailable_if_logto_is_down_from_the_start(orphaned: Product) -> None:
    reply = orphaned.browser().get("/sign-in")
    assert reply.status == 503
    assert reply.headers["retry-after"] == "5"
    assert reply.set_cookies == ()
    assert orphaned.browser().get("/").status == 200


def test_session_serves_if_logto_goes_down_later(
    dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with running(default_tenant(f"https://{DOMAIN}")) as stand_in:
        product_context = started_product(stand_in)
        product = product_context.__enter__()
        browser = product.browser()
        product.sign_in(browser)
        callback = product.at_logto(browser.get("/sign-in").location)
    try:
        assert "Alice Example" in browser.get("/").body
        session = browser.jar["__Host-session"]
        assert browser.get("/sign-in").status == 302  # cached metadata serves
        assert browser.get(callback).status == 503
        assert browser.jar["__Host-session"] == session
        assert "Alice Example" in browser.get("/").body
        out = browser.get("/sign-out", HERE)
        assert out.status == 303  # the session here is gone, and Logto's is asked to end
        assert "__Host-session" not in browser.jar
    finally:
        product_context.__exit__(None, None, None)


def test_session_and_transaction_survive_an_outage_of_the_table(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    jar = dict(browser.jar)
    started = browser.get("/sign-in").location
    callback = product.at_logto(started)

    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="of the table")

    product.client.meta.events.register("before-send.dynamodb", fail)
    product.forget_counts()
    for target in ("/", "/me", "/sign-in", "/sign-out", callback):
        reply = browser.get(target, HERE)
        assert reply.status == 503, target
        assert reply.set_cookies == ()
    assert product.stand_in.requests == []
    product.client.meta.events.unregister("before-send.dynamodb", fail)
    assert browser.jar == jar
    assert "Alice Example" in browser.get("/").body
    assert browser.get(callback).status == 302
