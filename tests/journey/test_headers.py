"""Every answer has security headers, and HSTS if the domain belongs to the deployment."""

from collections.abc import Iterator

import pytest

from harness.browser import FETCH, NAVIGATION
from harness.functions import started_notifications
from harness.product import Product, started_product
from local.http_event import http_event
from local.logto.server import StandIn

OWN = "https://login.example.com"
HSTS = "strict-transport-security"
EVERYWHERE = {
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}
REQUESTS = [
    ("GET", "/", NAVIGATION),
    ("GET", "/me", FETCH),
    ("GET", "/sign-in", NAVIGATION),
    ("GET", "/callback?state=x", NAVIGATION),
    ("GET", "/nowhere", NAVIGATION),
    ("DELETE", "/", FETCH),
    ("POST", "/sign-out", {"origin": "https://evil.example"}),
]


@pytest.fixture
def own(stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in, BASE_URL=OWN) as started:
        yield started


@pytest.mark.parametrize(("method", "target", "headers"), REQUESTS)
def test_every_answer_has_security_headers_and_hsts(
    own: Product, method: str, target: str, headers: dict[str, str]
) -> None:
    reply = own.browser().send(method, target, headers)
    assert set(reply.headers) >= EVERYWHERE
    assert reply.headers[HSTS] == "max-age=31536000"


def test_answer_to_a_malformed_event_has_hsts(own: Product) -> None:
    event = http_event("POST", "/sign-in", body="x")
    event["body"] = "no base64"
    answer = own.handler(event, None)
    assert answer["statusCode"] == 400
    assert HSTS in answer["headers"]


def test_answers_to_messages_have_hsts(own: Product) -> None:
    with started_notifications(own) as notifications:
        for path in ("/backchannel-logout", "/nowhere"):
            assert HSTS in notifications.handler(http_event("POST", path), None)["headers"]


def test_answers_on_the_domain_of_api_gateway_have_no_hsts(product: Product) -> None:
    assert HSTS not in product.browser().get("/").headers
    with started_notifications(product) as notifications:
        answer = notifications.handler(http_event("POST", "/backchannel-logout"), None)
        assert HSTS not in answer["headers"]
