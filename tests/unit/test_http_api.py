"""Origin, address and body of a request: read from API Gateway's fields, never from a header."""

import pytest

from local.http_event import http_event
from shared.web.http_api import HttpApiRequest

DOMAIN = "signin.example.test"
LIES = {
    "host": "evil.test",
    "Host": "evil.test",
    "x-forwarded-host": "evil.test",
    "x-forwarded-proto": "http",
    "X-Forwarded-Port": "444",
    "x-forwarded-for": "203.0.113.9",
    "forwarded": "host=evil.test;proto=http;for=203.0.113.9",
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("base_url", [None, "https://login.example.test/auth"])
def test_header_that_lies_is_never_read(name: str, base_url: str | None) -> None:
    plain = http_event("GET", "/me", domain=DOMAIN)
    told = http_event("GET", "/me", headers={name: LIES[name]}, domain=DOMAIN)
    truth, read = (HttpApiRequest.of(event, base_url=base_url) for event in (plain, told))
    assert read.site.base_url == truth.site.base_url == (base_url or f"https://{DOMAIN}")
    assert (read.source_ip, read.path) == (truth.source_ip, truth.path)
    assert read.source_ip == plain["requestContext"]["http"]["sourceIp"]
    assert name.lower() not in read.headers


@pytest.mark.parametrize("body", ["%%%", "YQ", "YQ==\n%", "\u2603"])
def test_body_that_is_not_base64_is_none(body: str) -> None:
    event = {**http_event("POST", "/sign-in"), "body": body, "isBase64Encoded": True}
    assert HttpApiRequest.of(event, base_url=None).body is None


def test_body_in_base64_is_decoded() -> None:
    event = {**http_event("POST", "/sign-in"), "body": "YQ==", "isBase64Encoded": True}
    assert HttpApiRequest.of(event, base_url=None).body == b"a"
