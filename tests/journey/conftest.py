"""A process of the product against the stand-in and moto."""

from collections.abc import Callable, Iterator

import pytest

from harness.product import DOMAIN, Product, started_product
from local.logto.contoso import default_tenant
from local.logto.server import StandIn, running


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running(default_tenant(f"https://{DOMAIN}")) as started:
        yield started


@pytest.fixture
def product(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in) as started:
        yield started


@pytest.fixture
def printed(product: Product, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return a function that returns what was printed since its last call: logs and metrics."""

    def read() -> str:
        return "".join(capfd.readouterr())

    return read
