"""The authorizer of a protected route: what it allows, and which context it passes on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.browser import FETCH
from harness.functions import (
    RESOURCE,
    ROUTE,
    TOKEN_SETTINGS,
    Authorizer,
    authorizer_event,
    started_authorizer,
)
from harness.product import DOMAIN, Product, started_product
from local.logto.server import StandIn

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = {"origin": f"https://{DOMAIN}", "sec-fetch-site": "same-origin"}


@pytest.fixture
def product(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in, **TOKEN_SETTINGS) as started:
        yield started


@pytest.fixture
def authorizer(product: Product) -> Iterator[Authorizer]:
    with started_authorizer(product) as started:
        yield started


def test_session_is_allowed_with_its_identity(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    product.sign_in(browser, query="connector=contoso00001")
    context = authorizer.ask(browser)
    assert context is not None
    name = context.pop("session_id_hash")
    assert len(name) == 43
    assert name not in str(browser.jar)
    assert {"openid", "email", "roles"} <= set(context.pop("scopes"))
    assert context == {
        "sub": "alice0000001",
        "name": "Alice Example",
        "email": "alice@contoso.com",
        "organizations": ["contosoorg01"],
        "organization_roles": ["contosoorg01:admin"],
        "roles": ["buyer"],
        "groups": [],
        "connector": "contoso00001",
        "tenant_id": "",
        "authenticated_at": 0,
    }


def test_request_without_a_session_is_denied(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    assert authorizer.ask(None) is None
    assert authorizer.ask(browser) is None
    product.sign_in(browser)
    assert authorizer.ask(browser) is not None
    old = product.browser()
    old.jar.update(browser.jar)
    browser.post("/sign-out", FETCH)
    assert authorizer.ask(old) is None


def test_session_past_its_timeout_is_denied(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.clock.ahead = 3601
    assert authorizer.ask(browser) is None


def test_activity_at_the_authorizer_extends_the_session(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    for ahead in (3000, 6000, 9000):
        product.clock.ahead = ahead
        assert authorizer.ask(browser) is not None


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("POST", HERE, True),
        ("DELETE", HERE, True),
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("OPTIONS", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("PUT", {"origin": "https://evil.example"}, False),
        ("PATCH", {"origin": "null"}, False),
        ("DELETE", {"origin": f"https://x.{DOMAIN}", "sec-fetch-site": "same-site"}, False),
        ("POST", {"origin": f"https://{DOMAIN}", "sec-fetch-site": "cross-site"}, False),
        ("POST", {"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, False),
        ("post", {"origin": "https://evil.example"}, False),
        ("PROPFIND", {"sec-fetch-site": "cross-site"}, False),
    ],
)
def test_unsafe_methods_are_allowed_only_from_this_origin(
    product: Product,
    authorizer: Authorizer,
    method: str,
    headers: dict[str, str],
    allowed: bool,
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert (authorizer.ask(browser, method, headers=headers) is not None) is allowed


def test_request_costs_one_read(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.forget_counts()
    assert authorizer.ask(browser) is not None
    assert product.wire.calls == ["GetItem"]
    assert authorizer.ask(browser, route=ROUTE) is not None
    product.forget_counts()
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert (product.wire.calls, product.stand_in.requests) == (["BatchGetItem"], [])


def test_refresh_costs_four_calls_and_one_request(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert authorizer.ask(browser, route="/organization") is not None
    product.forget_counts()
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert product.wire.calls == [
        "BatchGetItem",
        "UpdateItem",
        "BatchGetItem",
        "TransactWriteItems",
    ]
    assert product.stand_in.requests == [("POST", "/oidc/token")]


def test_route_with_a_resource_gets_its_access_token(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert "access_token" not in (authorizer.ask(browser) or {})
    context = authorizer.ask(browser, route=ROUTE)
    assert context is not None
    claims = product.stand_in.state.keys.read(context["access_token"])
    assert claims is not None
    assert (claims["aud"], claims["sub"]) == (RESOURCE, "alice0000001")
    assert context["scopes"] == claims["scope"].split() == ["read:orders", "write:orders"]
    organization = authorizer.ask(browser, route="/organization")
    assert organization is not None
    claims = product.stand_in.state.keys.read(organization["access_token"])
    assert claims is not None
    assert claims["aud"] == "urn:logto:organization:contosoorg01"


def test_user_without_access_to_the_resource_is_denied_and_stays_signed_in(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser, "bob000000001")  # not a member of the organization
    assert authorizer.ask(browser, route="/organization") is None
    assert authorizer.ask(browser) is not None
    assert authorizer.ask(browser, route=ROUTE) is not None


def bearer(product: Product, authorizer: Authorizer, route: str = ROUTE) -> str:
    browser = product.browser()
    product.sign_in(browser)
    context = authorizer.ask(browser, route=route)
    assert context is not None
    return str(context["access_token"])


def test_bearer_token_of_a_configured_resource_is_allowed(
    product: Product, authorizer: Authorizer
) -> None:
    token = bearer(product, authorizer)
    product.forget_counts()
    context = authorizer.ask(None, "POST", headers={"authorization": f"Bearer {token}"})
    assert context is not None
    assert (context["sub"], context["client_id"]) == ("alice0000001", "local-app")
    assert context["scopes"] == ["read:orders", "write:orders"]
    assert "access_token" not in context
    relayed = authorizer.ask(None, route=ROUTE, headers={"authorization": f"bearer {token}"})
    assert relayed is not None
    assert relayed["access_token"] == token
    assert product.wire.calls == []


def test_no_cookie_makes_up_for_an_invalid_bearer_token(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert authorizer.ask(browser, headers={"authorization": "Bearer of.bad.news"}) is None


def test_authorization_of_another_scheme_is_ignored(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert authorizer.ask(browser, headers={"authorization": "Basic dTpw"}) is not None


def test_bearer_token_for_another_resource_is_denied(
    product: Product, authorizer: Authorizer
) -> None:
    organization = bearer(product, authorizer, "/organization")
    browser = product.browser()
    product.sign_in(browser)
    assert authorizer.ask(None, headers={"authorization": f"Bearer {organization}"}) is None
    orders = bearer(product, authorizer)
    headers = {"authorization": f"Bearer {orders}"}
    assert authorizer.ask(None, route="/organization", headers=headers) is None


def test_token_is_refreshed_shortly_before_it_expires(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    first = authorizer.ask(browser, route=ROUTE)
    product.clock.ahead = 3550  # shortly before it expires
    product.forget_counts()
    second = authorizer.ask(browser, route=ROUTE)
    assert first is not None
    assert second is not None
    assert first["access_token"] != second["access_token"]
    assert product.stand_in.requests == [("POST", "/oidc/token")]


def test_changed_roles_show_after_a_refresh(product: Product, authorizer: Authorizer) -> None:
    browser = product.browser()
    product.sign_in(browser)
    product.stand_in.tenant.users["alice0000001"].roles = ("buyer", "approver")
    assert authorizer.ask(browser, route=ROUTE) is not None
    context = authorizer.ask(browser)
    assert context is not None
    assert context["roles"] == ["buyer", "approver"]


def test_suspended_user_is_denied_from_the_next_refresh_on(
    product: Product, authorizer: Authorizer
) -> None:
    browser = product.browser()
    product.sign_in(browser)
    assert authorizer.ask(browser, route=ROUTE) is not None
    product.stand_in.tenant.users["alice0000001"].suspended = True
    product.clock.ahead = 3599
    assert authorizer.ask(browser, route=ROUTE) is None
    assert authorizer.ask(browser) is None
    assert browser.get("/me", FETCH).status == 401


def test_importing_the_authorizer_loads_neither_framework_nor_sdk() -> None:
    program = (
        "import sys\n"
        "import functions.authorizer.app\n"
        "print('\\n'.join(sorted(name.partition('.')[0] for name in sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={
            "LOGTO_ENDPOINT": "https://tenant.logto.app",
            "LOGTO_APP_ID": "app",
            "LOGTO_APP_SECRET": "secret",
            "TABLE_NAME": "table",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    loaded = set(done.stdout.split())
    assert "botocore" in loaded
    heavy = {"fastapi", "starlette", "mangum", "logto", "pydantic", "aiohttp", "jwt", "jinja2"}
    heavy |= {"asyncio", "boto3"}
    assert not heavy & loaded


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"requestContext": None},
        {"requestContext": {"domainName": DOMAIN}},
        {"headers": None, "cookies": None},
        {"headers": {"cookie": 7}, "cookies": [1, None]},
        {"cookies": ["__Host-session=" + "\ud800" * 43]},
        {"headers": {"authorization": "Bearer " + "\u2603" * 10}},
        {"headers": {"authorization": ""}},
        {"routeKey": 7},
    ],
)
def test_event_of_any_shape_is_denied(authorizer: Authorizer, change: dict[str, object]) -> None:
    event = authorizer_event() | change if change else {}
    assert authorizer.handler(event, None) == {"isAuthorized": False}


@pytest.mark.invariant(17)
def test_request_is_denied_if_the_table_fails(product: Product) -> None:
    class Failing:
        meta = product.client.meta

        def __getattr__(self, name: str) -> object:
            raise OSError("no network")

    browser = product.browser()
    product.sign_in(browser)
    with started_authorizer(product, client=Failing()) as authorizer:
        assert authorizer.ask(browser) is None
