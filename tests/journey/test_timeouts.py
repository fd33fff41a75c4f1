"""Idle and absolute timeouts, with the row still in the table."""

import json

import pytest

from harness.browser import FETCH
from harness.product import Product
from harness.tables import dump

pytestmark = pytest.mark.invariant(15)


def test_session_ends_at_the_idle_timeout(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.clock.ahead = 3599
    assert browser.get("/me?touch=false", FETCH).status == 200
    product.clock.ahead = 3601
    assert browser.get("/me", FETCH).status == 401
    assert any("seen_at" in item for item in dump(product.client, product.table_name))


def test_activity_extends_up_to_the_absolute_timeout(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    ends = json.loads(browser.get("/me", FETCH).body)["expires_at"]
    for hour in range(1, 13):
        product.clock.ahead = hour * 3500
        assert browser.get("/me", FETCH).status == 200
    assert json.loads(browser.get("/me", FETCH).body)["expires_at"] == ends
    product.clock.ahead = 43_201
    assert browser.get("/me", FETCH).status == 401


def test_reading_without_touch_does_not_extend(product: Product) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.clock.ahead = 3000
    assert browser.get("/me?touch=false", FETCH).status == 200
    product.clock.ahead = 3700
    assert browser.get("/me", FETCH).status == 401
