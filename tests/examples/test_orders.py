"""The example route in the product's own template, behind the real authorizer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.orders.app import handler as orders
from harness.functions import TOKEN_SETTINGS, started_authorizer
from harness.product import DOMAIN, Product, started_product
from local.gateway import Gateway
from local.logto.contoso import default_tenant
from local.logto.server import running
from local.sam import with_example
from local.serving import listen, serving
from local.template import parse_template, read_template, routes_of

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "orders"


@pytest.fixture
def product(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    settings = {**TOKEN_SETTINGS, "BASE_URL": f"https://{DOMAIN}"}
    with (
        running(default_tenant(f"https://{DOMAIN}")) as stand_in,
        started_product(stand_in, **settings) as started,
    ):
        yield started


@pytest.fixture
def client(product: Product) -> Iterator[httpx.Client]:
    """A client of the API that the template with the example describes."""
    with started_authorizer(product) as authorizer:
        handlers = {"app.handler": orders, "functions.authorizer.app.handler": authorizer.handler}

        def invoke(name: str, event: dict[str, Any], seconds: float) -> Any:
            return handlers[name](event, None)

        sockets = listen(("127.0.0.1",), 0)
        url = f"http://localhost:{sockets[0].getsockname()[1]}"
        routes = routes_of(parse_template(with_example("orders")))
        gateway = Gateway(routes, invoke, base_url=url, log=lambda line: None)
        with (
            serving(gateway, sockets, name="gateway"),
            httpx.Client(base_url=url, trust_env=False) as started,
        ):
            yield started


def cookies_of(product: Product) -> dict[str, str]:
    browser = product.browser()
    product.sign_in(browser)
    return browser.jar


def test_request_without_a_session_is_refused(client: httpx.Client) -> None:
    assert client.get("/orders").status_code == 401
    forged = {"cookie": f"__Host-session={'A' * 43}"}
    assert client.get("/orders", headers=forged).status_code == 403


def test_request_with_a_session_gets_its_own_orders(client: httpx.Client, product: Product) -> None:
    jar = cookies_of(product)
    header = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
    answer = client.get("/orders", headers=header)
    assert answer.status_code == 200
    assert answer.json() == {
        "customer": "Alice Example",
        "orders": [{"id": 1, "ordered_by": "alice0000001", "roles": ["buyer"]}],
    }
    assert answer.headers["cache-control"] == "no-store"


def test_ended_session_is_refused_at_once(client: httpx.Client, product: Product) -> None:
    jar = cookies_of(product)
    header = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
    assert client.get("/orders", headers=header).status_code == 200
    product.client.delete_item(TableName=product.table_name, Key=session_key(product))
    assert client.get("/orders", headers=header).status_code == 403


def test_separate_stack_imports_the_exported_authorizer() -> None:
    template = read_template(FOLDER / "template.yaml")
    authorizer = template["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]
    used = authorizer["SessionAuthorizer"]["FunctionArn"]["Fn::ImportValue"]
    own = read_template(FOLDER.parent.parent / "template.yaml")
    exported = own["Outputs"]["SessionAuthorizerArn"]["Export"]["Name"]
    assert used.replace("${SignInStack}", "") == exported.replace("${AWS::StackName}", "")


def session_key(product: Product) -> dict[str, Any]:
    rows = product.client.scan(TableName=product.table_name)["Items"]
    (row,) = [row for row in rows if row["pk"]["S"].startswith("session#")]
    return {name: row[name] for name in ("pk", "sk")}
