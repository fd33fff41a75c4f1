"""The table and the logs show neither secrets nor personal data."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import NAVIGATION
from harness.product import Product
from harness.tables import raw_bytes


def secrets_of(product: Product, cookies: dict[str, str], *urls: str) -> set[str]:
    """Return what must stay between the browser, the handler and Logto in a sign-in."""
    memory = product.stand_in.state
    found = set(cookies.values())
    for url in urls:
        query = parse_qs(urlsplit(url).query)
        found |= {query[n][0] for n in ("state", "nonce", "code", "code_challenge") if n in query}
    found |= {*memory.refresh_tokens, *memory.access_tokens, *memory.codes}
    found |= {"local-app-secret", "alice0000001", "Alice Example", "Alice", "alice@contoso.com"}
    found |= {"contosoorg01", "buyer", "eyJ"}
    return found


@pytest.mark.invariant(16)
def test_table_and_logs_show_no_secret_of_a_sign_in(
    product: Product, printed: Callable[[], str]
) -> None:
    browser = product.browser()
    started = browser.get("/sign-in?login_hint=alice%40contoso.com").location
    pending = raw_bytes(product.client, product.table_name)
    callback = product.at_logto(started)
    browser.get(callback)
    browser.get("/")
    browser.get("/sign-in")
    rows = raw_bytes(product.client, product.table_name)
    secrets = secrets_of(product, browser.jar, started, callback)
    browser.get("/callback?state=x&code=" + "c" * 43)
    browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
    logged = printed()
    assert len(secrets) > 12
    assert "correlation_id" in logged
    for secret in secrets:
        assert secret.encode() not in pending + rows
        assert secret not in logged


def test_log_line_carries_the_id_that_the_error_page_shows(
    product: Product, printed: Callable[[], str]
) -> None:
    page = product.browser().get("/callback?error=x")
    identifier = page.headers["x-correlation-id"]
    assert identifier in page.body
    lines = [json.loads(line) for line in printed().splitlines()]
    assert any(line.get("correlation_id") == identifier for line in lines)


def test_sign_in_failure_and_sign_out_are_counted(
    product: Product, printed: Callable[[], str]
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    browser.get("/callback?state=x")
    browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
    lines = [json.loads(line) for line in printed().splitlines()]
    metrics = [
        (definition["Name"], line.get("reason"))
        for line in lines
        if "_aws" in line
        for directive in line["_aws"]["CloudWatchMetrics"]
        for definition in directive["Metrics"]
    ]
    assert metrics == [
        ("ColdStart", None),
        ("SignInStarted", None),
        ("SignInSucceeded", None),
        ("SignInFailed", "malformed_request"),
        ("SignedOut", None),
    ]
