"""How many calls each page costs, counted at the wire: repeated attempts would count."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.units import units_of
from harness.browser import FETCH, NAVIGATION
from harness.product import Product
from tests.conftest import REGION
from tests.support.rows import put_many

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}


def cost(product: Product, act: Callable[[], object]) -> tuple[list[str], list[tuple[str, str]]]:
    product.forget_counts()
    act()
    return product.wire.calls, product.stand_in.requests


@pytest.fixture
def warm(product: Product) -> Product:
    product.sign_in(product.browser())
    return product


def test_anonymous_home_costs_nothing(warm: Product) -> None:
    browser = warm.browser()
    assert cost(warm, lambda: browser.get("/")) == ([], [])
    assert cost(warm, lambda: browser.get("/me", FETCH)) == ([], [])


def test_sign_in_costs_one_write(warm: Product) -> None:
    browser = warm.browser()
    assert cost(warm, lambda: browser.get("/sign-in")) == (["PutItem"], [])


def test_callback_costs_two_writes_and_one_request(warm: Product) -> None:
    browser = warm.browser()
    url = warm.at_logto(browser.get("/sign-in").location)
    assert cost(warm, lambda: browser.get(url)) == (
        ["DeleteItem", "TransactWriteItems"],
        [("POST", "/oidc/token")],
    )


def test_signed_in_pages_cost_one_read(warm: Product) -> None:
    browser = warm.browser()
    warm.sign_in(browser)
    assert cost(warm, lambda: browser.get("/")) == (["GetItem"], [])
    assert cost(warm, lambda: browser.get("/me", FETCH)) == (["GetItem"], [])


def test_callback_over_a_session_costs_one_read_more(warm: Product) -> None:
    browser = warm.browser()
    warm.sign_in(browser)
    url = warm.at_logto(browser.get("/sign-in").location)
    assert cost(warm, lambda: browser.get(url)) == (
        ["DeleteItem", "GetItem", "TransactWriteItems"],
        [("POST", "/oidc/token")],
    )


@pytest.mark.parametrize("sessions", [0, 1, 500])
def test_callback_costs_the_same_units_whatever_the_sessions_of_the_user(
    warm: Product, monkeypatch: pytest.MonkeyPatch, sessions: int
) -> None:
    """By DynamoDB's rules from the sizes of the items, each of which counts twice in a transaction:
    the check of the marker, the session, its listing."""
    monkeypatch.setattr("bench.units.REGION", REGION)
    put_many(warm.services, warm.client, warm.table_name, "alice0000001", sessions)
    browser = warm.browser()
    url = warm.at_logto(browser.get("/sign-in").location)
    units: list[tuple[str, float]] = []

    def note(request: Any, event_name: str, **_: Any) -> None:
        operation, body = event_name.rpartition(".")[2], json.loads(request.body)
        body = {**body, "TableName": warm.table_name}
        parts = body.pop("TransactItems", None)
        if parts is None:
            units.append((operation, units_of(operation, body, {}).write))
            return
        for part in parts:
            one = units_of(operation, {"TransactItems": [part]}, {})
            units.append((next(iter(part)), one.write))

    warm.client.meta.events.register("before-send.dynamodb", note)
    assert browser.get(url).status == 302
    assert units == [("DeleteItem", 1), ("ConditionCheck", 2), ("Put", 4), ("Put", 2)]


def test_sign_out_costs_two_writes_and_one_request(warm: Product) -> None:
    """The session is deleted first, and then its listing."""
    browser = warm.browser()
    warm.sign_in(browser)
    calls, requests = cost(warm, lambda: browser.get("/sign-out", HERE))
    assert calls == ["DeleteItem", "BatchWriteItem"]
    assert requests == [("POST", "/oidc/token/revocation")]


def test_activity_is_written_at_most_once_in_five_minutes(warm: Product) -> None:
    browser = warm.browser()
    warm.sign_in(browser)
    warm.clock.ahead = 301
    assert cost(warm, lambda: browser.get("/")) == (["GetItem", "UpdateItem"], [])
    assert cost(warm, lambda: browser.get("/")) == (["GetItem"], [])


def test_session_is_under_four_kilobytes(warm: Product) -> None:
    warm.sign_in(warm.browser(), "grace0000001")
    items = warm.client.scan(TableName=warm.table_name)["Items"]
    sealed = [item["sealed"]["B"] for item in items if "sealed" in item]
    assert len(sealed) == 2
    assert all(len(bytes(value)) < 4000 for value in sealed)
