"""The gateway: it makes events and sends answers as API Gateway does."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.environments import InvocationFailed
from local.gateway import MAX_BODY_BYTES, Gateway
from local.serving import listen, serving
from local.template import Route, read_template, routes_of
from tests.local import handlers

ROUTES = (
    *(Route(method="GET", path=path, handler="echo") for path in ("/", "/fixed/path")),
    Route(method="GET", path="/answer", handler="answer"),
    Route(method="GET", path="/nonsense", handler="nonsense"),
    Route(method="GET", path="/fail", handler="fail"),
    Route(method="GET", path="/slow", handler="slow"),
    Route(method="POST", path="/form", handler="echo"),
    Route(method="GET", path="/assets/{name}", handler="echo"),
    Route(method="ANY", path="/api/{proxy+}", handler="echo"),
)


class Context:
    function_name = "test"

    def get_remaining_time_in_millis(self) -> int:
        return 1000


def invoke(handler: str, event: dict[str, Any], seconds: float) -> Any:
    if handler in ("fail", "slow"):
        raise InvocationFailed(timed_out=handler == "slow")
    return getattr(handlers, handler)(event, Context())


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def client(log: list[str]) -> Iterator[httpx.Client]:
    sockets = listen(("127.0.0.1",), 0)
    port = sockets[0].getsockname()[1]
    gateway = Gateway(ROUTES, invoke, base_url=f"http://localhost:{port}", log=log.append)
    with (
        serving(gateway, sockets, name="gateway"),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"host": f"localhost:{port}"},
            trust_env=False,
        ) as started,
    ):
        yield started


def event(response: httpx.Response) -> dict[str, Any]:
    made: dict[str, Any] = response.json()["event"]
    return made


def test_get_becomes_an_event_of_payload_2(client: httpx.Client) -> None:
    made = event(
        client.get(
            "/?a=1&b=%2F&a=2",
            headers=[("X-Many", "1"), ("X-Many", "2"), ("Cookie", "one=1; two=2")],
        )
    )
    assert made["version"] == "2.0"
    assert made["routeKey"] == "GET /"
    assert made["rawPath"] == "/"
    assert made["rawQueryString"] == "a=1&b=%2F&a=2"
    assert made["queryStringParameters"] == {"a": "1,2", "b": "/"}
    assert made["cookies"] == ["one=1", "two=2"]
    assert made["headers"]["x-many"] == "1,2"
    assert "cookie" not in made["headers"]
    assert made["isBase64Encoded"] is False
    assert not {"body", "pathParameters"} & set(made)
    context = made["requestContext"]
    assert set(context) == {
        *("accountId", "apiId", "domainName", "domainPrefix", "http", "requestId", "routeKey"),
        *("stage", "time", "timeEpoch"),
    }
    assert set(context["http"]) == {"method", "path", "protocol", "sourceIp", "userAgent"}
    assert context["stage"] == "$default"


def test_host_header_does_not_change_the_domain(client: httpx.Client) -> None:
    made = event(client.get("/", headers={"host": "evil.test", "x-forwarded-host": "evil.test"}))
    assert made["requestContext"]["domainName"] == "localhost"


@pytest.mark.parametrize("host", [b"[", b"\xe2\x84\x80.test", b"Zo\xeb", b"a b", b""])
def test_host_header_may_be_anything(client: httpx.Client, host: bytes) -> None:
    response = client.get("/?a=1", headers=[(b"Host", host)])
    assert response.status_code == 200
    assert event(response)["rawQueryString"] == "a=1"


def test_header_in_any_encoding_reaches_the_function(client: httpx.Client) -> None:
    made = event(client.get("/", headers=[(b"X-Name", "Zoë".encode())]))
    assert made["headers"]["x-name"].encode("latin-1") == "Zoë".encode()


def test_routes_match_as_in_api_gateway(client: httpx.Client) -> None:
    assert event(client.get("/assets/style.css"))["pathParameters"] == {"name": "style.css"}
    made = event(client.delete("/api/a/b"))
    assert made["routeKey"] == "ANY /api/{proxy+}"
    assert made["pathParameters"] == {"proxy": "a/b"}
    for method, path in (("GET", "/none"), ("POST", "/"), ("HEAD", "/"), ("GET", "/assets/a/b")):
        assert client.request(method, path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        ("application/x-www-form-urlencoded", True),
        ("application/octet-stream", True),
        ("application/json; charset=utf-8", False),
        ("text/plain", False),
    ],
)
def test_body_is_text_or_base64_by_its_content_type(
    client: httpx.Client, kind: str, encoded: bool
) -> None:
    made = event(client.post("/form", content=b"a=\xc3\xa9", headers={"content-type": kind}))
    assert made["isBase64Encoded"] is encoded
    assert made["body"] == (base64.b64encode(b"a=\xc3\xa9").decode() if encoded else "a=é")


def test_answer_of_a_handler_becomes_the_response(client: httpx.Client) -> None:
    response = client.get("/answer")
    assert response.status_code == 201
    assert response.content == b"\x89PNG\x00\xff"
    assert response.headers["content-type"] == "image/png"
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]


@pytest.mark.parametrize(("path", "status"), [("/fail", 500), ("/slow", 503), ("/nonsense", 500)])
def test_failing_function_is_a_5xx_with_a_message(
    client: httpx.Client, path: str, status: int
) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert set(response.json()) == {"message"}


def test_requests_over_the_limits_are_refused(client: httpx.Client) -> None:
    assert client.get("/", headers={"x-long": "x" * 11_000}).status_code == 431
    assert client.post("/form", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


def test_request_by_address_is_redirected_to_localhost(client: httpx.Client) -> None:
    response = client.get("/?a=1", headers={"host": f"127.0.0.1:{client.base_url.port}"})
    assert response.status_code == 307
    assert response.headers["location"] == f"http://localhost:{client.base_url.port}/?a=1"


def test_redirect_to_localhost_keeps_the_target_as_sent(client: httpx.Client) -> None:
    host = {"host": f"127.0.0.1:{client.base_url.port}"}
    response = client.get("/a%0Ab%2Fc?x=%C3%A9", headers=host)
    assert response.headers["location"].endswith("/a%0Ab%2Fc?x=%C3%A9")


def test_log_contains_no_query(client: httpx.Client, log: list[str]) -> None:
    client.get("/?code=secret")
    assert log == ["GET / -> 200"]


def test_log_has_the_path_as_sent(client: httpx.Client, log: list[str]) -> None:
    """A terminal would act on control characters, and may not know every letter."""
    client.get("/%1B%5D0;title%07/%E6%97%A5")
    assert log == ["GET /%1B%5D0;title%07/%E6%97%A5 -> 404"]


def test_routes_are_read_from_the_template() -> None:
    template = read_template(Path("template.yaml"))
    keys = {route.key for route in routes_of(template)}
    assert {"GET /", "GET /callback", "POST /sign-out", "GET /assets/{name}"} <= keys
    assert json.dumps(template)  # fails if there is anything but plain values
