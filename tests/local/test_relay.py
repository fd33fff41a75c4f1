"""The relay of the local gateway: it authorizes, maps headers, and changes nothing else."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path_

from harness.ports import free_ports
from local import relay
from local.authorizers import SECONDS, Authorizer
from local.environments import InvocationFailed
from local.gateway import Gateway
from local.relay import Relay
from local.serving import listen, serving
from local.template import Route, read_template, routes_of

TOKEN, HEADER = "the-token-of-the-context", "X-Forwarded-Access-Token"
MAPPINGS = {
    f"overwrite:header.{HEADER}": "$context.authorizer.access_token",
    "remove:header.Cookie": "''",
}


@dataclass(slots=True)
class Upstream:
    """The upstream server: the requests that it received, and its answer."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    answer: Response = field(default_factory=lambda: Response("from upstream"))

    async def serve(self, request: Request) -> Response:
        self.requests.append(
            {
                "method": request.method,
                "path": request.scope["raw_path"].decode(),
                "query": request.url.query,
                "headers": request.headers,
                "names": [name.decode() for name, _ in request.headers.raw],
                "body": await request.body(),
            }
        )
        if request.url.path.endswith("/slow"):
            await asyncio.sleep(1)
        return self.answer


@dataclass(slots=True)
class Decision:
    """The authorizer's next answer, and the events that it received."""

    answer: Any = field(
        default_factory=lambda: {"isAuthorized": True, "context": {"access_token": TOKEN}}
    )
    events: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, handler: str, event: dict[str, Any], seconds: float) -> Any:
        assert (handler, seconds) == ("authorizer", SECONDS)
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def decision() -> Decision:
    return Decision()


@contextmanager
def gateway(
    url: str, decision: Decision, *, identity: tuple[str, ...] = ()
) -> Iterator[httpx.Client]:
    sockets = listen(("127.0.0.1",), 0)
    port = sockets[0].getsockname()[1]
    route = Route(
        method="ANY",
        path="/api/{proxy+}",
        relay=Relay.of(f"{url}/{{proxy}}", MAPPINGS),
        authorizer=Authorizer(handler="authorizer", identity_headers=identity),
    )
    made = Gateway((route,), decision.invoke, base_url="http://signin.test", log=lambda _: None)
    with (
        serving(made, sockets, name="gateway"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def client(upstream: Upstream, decision: Decision) -> Iterator[httpx.Client]:
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app = Starlette(routes=[Path_("/{path:path}", upstream.serve, methods=methods)])
    sockets = listen(("127.0.0.1",), 0)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    with serving(app, sockets, name="upstream"), gateway(url, decision) as started:
        yield started


def test_access_token_is_forwarded(client: httpx.Client, upstream: Upstream) -> None:
    assert client.get("/api/orders").text == "from upstream"
    (sent,) = upstream.requests
    assert sent["headers"][HEADER] == TOKEN


@pytest.mark.parametrize("name", [HEADER, HEADER.lower(), HEADER.upper()])
def test_client_cannot_forge_the_token_header(
    client: httpx.Client, upstream: Upstream, name: str
) -> None:
    client.get("/api/orders", headers=[(name, "forged"), (name, "twice"), ("X-Other", "kept")])
    (sent,) = upstream.requests
    assert sent["headers"].getlist(HEADER) == [TOKEN]
    assert sent["headers"]["x-other"] == "kept"


@pytest.mark.parametrize("context", [{}, None, {"access_token": 7}, {"access_token": None}])
def test_without_a_token_the_header_is_absent(
    client: httpx.Client, upstream: Upstream, decision: Decision, context: object
) -> None:
    """Neither is the client's own header forwarded."""
    decision.answer = {"isAuthorized": True, "context": context}
    client.get("/api/orders", headers={HEADER: "forged"})
    (sent,) = upstream.requests
    assert HEADER.lower() not in sent["names"]


def test_cookies_are_not_forwarded(
    client: httpx.Client, upstream: Upstream, decision: Decision
) -> None:
    client.get("/api/orders", headers=[("Cookie", "__Host-session=x"), ("cookie", "b=2")])
    (sent,) = upstream.requests
    assert "cookie" not in sent["names"]
    assert decision.events[0]["cookies"] == ["__Host-session=x", "b=2"]


def test_other_headers_are_forwarded(client: httpx.Client, upstream: Upstream) -> None:
    given = {"authorization": "Bearer own", "accept": "text/x", "x-many": "1", "te": "trailers"}
    client.get("/api/orders", headers=given)
    (sent,) = upstream.requests
    assert sent["headers"]["authorization"] == "Bearer own"
    assert sent["headers"]["accept"] == "text/x"
    assert "te" not in sent["names"]
    assert sent["headers"]["host"].startswith("127.0.0.1:")


@pytest.mark.parametrize("value", ["Zoë 日本".encode(), b"Zo\xeb", b"\xff\xfe", b"caf\x82", b""])
def test_header_in_any_encoding_is_forwarded_and_returned_as_sent(
    client: httpx.Client, upstream: Upstream, value: bytes
) -> None:
    upstream.answer.raw_headers.append((b"x-answer", value))
    answer = client.get("/api/orders", headers=[(b"X-Name", value), (b"Cookie", b"a=" + value)])
    (sent,) = upstream.requests
    assert (b"x-name", value) in sent["headers"].raw
    assert "cookie" not in sent["names"]
    assert (b"x-answer", value) in answer.headers.raw


def test_context_in_any_language_is_forwarded_as_utf_8(
    client: httpx.Client, upstream: Upstream, decision: Decision
) -> None:
    decision.answer = {"isAuthorized": True, "context": {"access_token": "tökén 日本"}}
    assert client.get("/api/orders").status_code == 200
    (sent,) = upstream.requests
    assert (HEADER.lower().encode(), "tökén 日本".encode()) in sent["headers"].raw


def test_context_that_no_header_can_hold_is_502(
    client: httpx.Client, upstream: Upstream, decision: Decision
) -> None:
    decision.answer = {"isAuthorized": True, "context": {"access_token": "a\r\nx-forged: 1"}}
    assert client.get("/api/orders").status_code == 502
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/api/orders", "/orders", ""),
        ("/api/a/b/c/", "/a/b/c/", ""),
        ("/api/a%2Fb", "/a%2Fb", ""),
        ("/api/a%20b", "/a%20b", ""),
        ("/api/%C3%A9", "/%C3%A9", ""),
        ("/api/orders?a=1&a=2&b=%2F%26&c", "/orders", "a=1&a=2&b=%2F%26&c"),
        ("/api/orders?x=a+b%2Bc", "/orders", "x=a+b%2Bc"),
    ],
)
def test_path_and_query_are_forwarded_as_sent(
    client: httpx.Client, upstream: Upstream, target: str, path: str, query: str
) -> None:
    client.get(target)
    (sent,) = upstream.requests
    assert (sent["path"], sent["query"]) == (path, query)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_method_is_forwarded(client: httpx.Client, upstream: Upstream, method: str) -> None:
    assert client.request(method, "/api/orders").status_code == 200
    assert upstream.requests[0]["method"] == method


def test_body_is_forwarded(client: httpx.Client, upstream: Upstream) -> None:
    body = bytes(range(256)) * 100
    client.post("/api/orders", content=body, headers={"content-type": "application/x-thing"})
    (sent,) = upstream.requests
    assert sent["body"] == body
    assert sent["headers"]["content-type"] == "application/x-thing"
    assert sent["headers"]["content-length"] == str(len(body))


def test_answer_of_the_upstream_is_returned(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = Response(
        b"\x00\xff" * 50, 418, {"x-one": "1", "content-type": "image/png", "etag": '"a"'}
    )
    upstream.answer.headers.append("set-cookie", "a=1")
    upstream.answer.headers.append("set-cookie", "b=2")
    answer = client.get("/api/orders")
    assert (answer.status_code, answer.content) == (418, b"\x00\xff" * 50)
    assert (answer.headers["x-one"], answer.headers["etag"]) == ("1", '"a"')
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_redirect_is_returned_to_the_client(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = Response(b"", 302, {"location": "http://127.0.0.1:9/elsewhere"})
    answer = client.get("/api/orders")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")
    assert len(upstream.requests) == 1


def test_upstream_that_is_down_is_502(decision: Decision) -> None:
    with gateway(f"http://127.0.0.1:{free_ports(1)[0]}", decision) as client:
        answer = client.get("/api/orders")
    assert (answer.status_code, answer.json()) == (502, {"message": "Bad Gateway"})


def test_slow_upstream_is_503(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "SECONDS", 0.2)
    answer = client.get("/api/slow")
    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})


DENIALS: dict[str, tuple[Any, int]] = {
    "no": ({"isAuthorized": False}, 403),
    "no, with a context": ({"isAuthorized": False, "context": {"access_token": TOKEN}}, 403),
    "a failure": (InvocationFailed(timed_out=False), 500),
    "no answer in time": (InvocationFailed(timed_out=True), 500),
    "nothing": (None, 500),
    "a word": ("yes", 500),
    "a true word": ({"isAuthorized": "true"}, 500),
    "one": ({"isAuthorized": 1}, 500),
    "a policy": ({"principalId": "x", "policyDocument": {}}, 500),
    "a context that is not one": ({"isAuthorized": True, "context": [1]}, 500),
}


@pytest.mark.parametrize("name", DENIALS)
def test_denied_request_does_not_reach_the_upstream(
    client: httpx.Client, upstream: Upstream, decision: Decision, name: str
) -> None:
    decision.answer, status = DENIALS[name]
    assert client.get("/api/orders").status_code == status
    assert upstream.requests == []


def test_without_what_identifies_the_caller_the_authorizer_is_not_called(
    decision: Decision,
) -> None:
    with gateway("http://127.0.0.1:9", decision, identity=("Cookie",)) as client:
        assert client.get("/api/orders").status_code == 401
        assert client.get("/api/orders", headers={"x": "y"}).json() == {"message": "Unauthorized"}
    assert decision.events == []


def test_authorizer_gets_the_event_of_payload_2(client: httpx.Client, decision: Decision) -> None:
    client.post("/api/orders/1?a=1", content=b"secret", headers={"x-one": "1"})
    (event,) = decision.events
    assert (event["type"], event["version"]) == ("REQUEST", "2.0")
    assert event["routeKey"] == "ANY /api/{proxy+}"
    assert event["routeArn"].endswith("/$default/POST/api/orders/1")
    assert (event["rawPath"], event["rawQueryString"]) == ("/api/orders/1", "a=1")
    assert event["headers"]["x-one"] == "1"
    assert not {"body", "isBase64Encoded"} & set(event)


RESERVED = (
    *("Authorization", "authorization", "Connection", "Content-Length", "Origin", "Via", "TE"),
    *("Transfer-Encoding", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto"),
    *("x-amz-date", "x-amzn-trace-id", "apigw-x", "access-control-allow-origin", "Proxy-X"),
)


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("action", ["overwrite", "append", "remove"])
def test_mapping_of_reserved_headers_is_refused(action: str, name: str) -> None:
    """API Gateway refuses to deploy such a mapping, so the local gateway does not start."""
    with pytest.raises(ValueError, match="restricted"):
        Relay.of("http://upstream.test/{proxy}", {f"{action}:header.{name}": "'x'"})


@pytest.mark.parametrize(
    "key", ["overwrite:path", "set:header.x", "header.x", "", "append:query.a"]
)
def test_mapping_of_anything_but_request_headers_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="mapping"):
        Relay.of("http://upstream.test/{proxy}", {key: "'x'"})


ORIGINS = ("https://api.example.com", "https://api.example.com:8443", "https://A-1.example")
NOT_ORIGINS = (
    *("https://api.example.com/", "https://api.example.com/v1", "https://api.example.com/v1/.."),
    *("https://api.example.com//", "https://api.example.com?a=b", "https://api.example.com#a"),
    *("https://user@api.example.com", "https://api.example.com\\v1", "https://{proxy}.example"),
    *("https://", "https://api example.com", "ftp://api.example.com", "api.example.com"),
    *("https://api.example.com:", "https://api.example.com:x", "https://api.example.com%2Fv1"),
)


@pytest.mark.parametrize("url", [*ORIGINS, *NOT_ORIGINS])
def test_only_an_origin_is_accepted_as_upstream_by_template_and_relay(url: str) -> None:
    """`..` in the path of a request could leave a path of the upstream's own."""
    declared = read_template(Path("template.yaml"))["Parameters"]["UpstreamUrl"]
    accepted = url in ORIGINS
    assert bool(re.fullmatch(declared["AllowedPattern"], url)) is accepted
    if accepted:
        Relay.of(f"{url}/{{proxy}}", MAPPINGS)
        return
    with pytest.raises(ValueError, match="origin"):
        Relay.of(f"{url}/{{proxy}}", MAPPINGS)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:80"]
)
def test_upstream_on_this_machine_may_be_plain_http(url: str) -> None:
    assert Relay.of(f"{url}/{{proxy}}", MAPPINGS).uri == f"{url}/{{proxy}}"


def test_template_forwards_the_token_and_removes_the_cookie() -> None:
    """These tests use the mappings of `template.yaml`."""
    template = read_template(Path("template.yaml"))
    (found,) = [r for r in routes_of(template, upstream="http://up.test") if r.relay]
    assert found.key == "ANY /api/{proxy+}"
    assert found.relay == Relay.of("http://up.test/{proxy}", MAPPINGS)
    assert found.authorizer is not None
    assert not [r for r in routes_of(template) if r.relay]
