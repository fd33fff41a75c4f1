"""Edge: headers that lie, paths and bodies that are odd, events that lack what they should have."""

import base64
import json
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import FETCH, NAVIGATION, read_answer
from harness.functions import started_authorizer, started_notifications
from harness.product import DOMAIN
from harness.tables import dump
from local.http_event import http_event
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import SESSION, Scene

POISON = {
    "host": {"host": "evil.test"},
    "host with a port": {"host": f"{DOMAIN}:444"},
    "x-forwarded-host": {"x-forwarded-host": "evil.test"},
    "x-forwarded-proto": {"x-forwarded-proto": "http"},
    "x-forwarded-port": {"x-forwarded-port": "444"},
    "x-forwarded-prefix": {"x-forwarded-prefix": "//evil.test"},
    "x-forwarded-for": {"x-forwarded-for": "evil.test"},
    "forwarded": {"forwarded": "host=evil.test;proto=http"},
    "x-original-url": {"x-original-url": "/sign-out"},
    "x-rewrite-url": {"x-rewrite-url": "/sign-out"},
    "x-http-method-override": {"x-http-method-override": "POST"},
    "x-original-host": {"x-original-host": "evil.test"},
    "x-amzn-remapped-host": {"x-amzn-remapped-host": "evil.test"},
    "referer": {"referer": "https://evil.test/"},
}


@pytest.mark.invariant(18)
@pytest.mark.parametrize("name", POISON)
def test_poisoned_header_changes_no_url(scene: Scene, name: str) -> None:
    browser = scene.browser()
    headers = {**NAVIGATION, **POISON[name]}
    started = browser.get("/sign-in?return_to=/x", headers)
    assert started.status == 302
    assert f"redirect_uri=https%3A%2F%2F{DOMAIN}%2Fcallback" in started.location
    assert "evil" not in started.location
    refused = browser.get("/me", {**FETCH, **POISON[name]})
    assert json.loads(refused.body)["sign_in_url"] == f"https://{DOMAIN}/sign-in"
    assert all(line.startswith("__Host-") for line in started.set_cookies)


PATHS = {
    "//": 404,
    "//sign-out": 404,
    "/sign-out/": 404,
    "/SIGN-OUT": 404,
    "/%73ign-out": (303, 404),
    "/sign-out%2f": 404,
    "/sign-out%00": 404,
    "/./sign-out": 404,
    "/x/../sign-out": 404,
    "/..%2fsign-out": 404,
    "/sign-out;x": 404,
    "/sign-out.json": 404,
    "/assets/../app.py": 404,
    "/assets/..%2f..%2fapp.py": 404,
    "/assets/%2e%2e%2fstyle.css": 404,
    "/assets/style.css/": 404,
    "/assets/": 404,
    "/docs": 404,
    "/openapi.json": 404,
    "/redoc": 404,
    "/.env": 404,
    "/\u202e": 404,
    "/" + "x" * 9000: 404,
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:24])
def test_odd_path_reaches_no_page(scene: Scene, path: str) -> None:
    browser = scene.signed_in()
    event = http_event(
        "GET", path, headers=NAVIGATION, cookies=[f"{SESSION}={browser.jar[SESSION]}"]
    )
    reply = read_answer(scene.process.handler(event, None))
    expected = PATHS[path]
    assert reply.status in (expected if isinstance(expected, tuple) else (expected,))
    assert "Traceback" not in reply.body
    if reply.status == 404:
        assert scene.who(browser) == SUBJECT


def without(*path: str) -> Any:
    event: dict[str, Any] = http_event("GET", "/me", headers=FETCH)
    inner = event
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return event


def changed(**members: Any) -> Any:
    return {**http_event("GET", "/me", headers=FETCH), **members}


def in_context(**members: Any) -> Any:
    event: dict[str, Any] = http_event("GET", "/me", headers=FETCH)
    event["requestContext"].update(members)
    return event


EVENTS = {
    "no version": without("version"),
    "no headers": without("headers"),
    "no rawPath": without("rawPath"),
    "no rawQueryString": without("rawQueryString"),
    "no method": without("requestContext", "http", "method"),
    "no domain": without("requestContext", "domainName"),
    "no request id": without("requestContext", "requestId"),
    "no stage": without("requestContext", "stage"),
    "headers a list": changed(headers=["accept"]),
    "headers null": changed(headers=None),
    "a header a list": changed(headers={"accept": ["a", "b"]}),
    "a header null": changed(headers={"accept": None}),
    "a header name of bytes that are none": changed(headers={"a b\r\n": "x"}),
    "a header with a line break": changed(headers={"accept": "a\r\nset-cookie: b=c"}),
    "a header not ASCII": changed(headers={"accept": "é\u202e😀"}),
    "cookies text": changed(cookies="a=b"),
    "cookies null": changed(cookies=None),
    "cookies of numbers": changed(cookies=[1, None, {}]),
    "path null": changed(rawPath=None),
    "path without a slash": changed(rawPath="me"),
    "path a number": changed(rawPath=5),
    "query null": changed(rawQueryString=None),
    "query not ASCII": changed(rawQueryString="a=é😀"),
    "query with a lone surrogate": changed(rawQueryString="a=\ud800"),
    "path with a lone surrogate": changed(rawPath="/\ud800"),
    "header with a lone surrogate": changed(headers={"accept": "\ud800"}),
    "cookie with a lone surrogate": changed(cookies=["a=\ud800"]),
    "body a number": changed(body=5),
    "body not base64": changed(body="%%%", isBase64Encoded=True),
    "body base64 without padding": changed(body="YQ", isBase64Encoded=True),
    "body with a lone surrogate": changed(body="\ud800"),
    "base64 flag a word": changed(body="YQ==", isBase64Encoded="yes"),
    "version 1.0": changed(version="1.0", path="/me", httpMethod="GET"),
    "request id with a line break": in_context(requestId="a\r\nb"),
    "request id with markup": in_context(requestId="<script>"),
    "request id a list": in_context(requestId=["x"]),
    "domain with a path": in_context(domainName="evil.test/x"),
    "domain with a user": in_context(domainName="a@evil.test"),
    "domain a number": in_context(domainName=5),
    "stage with a slash": in_context(stage="../x"),
    "method in small letters": in_context(http={"method": "get", "path": "/me"}),
    "method with a line break": in_context(http={"method": "GET\r\n", "path": "/me"}),
    "method a number": in_context(http={"method": 5, "path": "/me"}),
    "an authorizer that lies": in_context(authorizer={"lambda": {"sub": "admin"}}),
}


@pytest.mark.parametrize("name", EVENTS)
def test_event_with_odd_members_gets_a_clean_answer(scene: Scene, name: str) -> None:
    answer = scene.process.handler(EVENTS[name], None)
    json.dumps(answer)  # what the runtime does with it
    reply = read_answer(answer)
    assert reply.status in (400, 401, 404, 405, 500)
    assert "Traceback" not in reply.body
    assert "<script>" not in reply.body
    assert reply.headers["cache-control"] == "no-store"
    assert "\n" not in reply.headers["x-correlation-id"]


NO_REQUESTS = {
    "empty": {},
    "a schedule": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    "a word": "warm",
    "nothing": None,
    "a list": [1],
    "no requestContext": without("requestContext"),
    "no http": without("requestContext", "http"),
    "http a word": in_context(http="GET"),
    "context a list": changed(requestContext=[1]),
}


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_event_with_no_request_is_answered_and_not_counted(scene: Scene, name: str) -> None:
    scene.printed()
    reply = read_answer(scene.process.handler(NO_REQUESTS[name], None))
    assert (reply.status, reply.body) == (200, "{}")
    assert reply.headers["content-type"] == "application/json"
    with started_notifications(scene.process) as notifications:
        reply = read_answer(notifications.handler(NO_REQUESTS[name], None))
        assert (reply.status, reply.body) == (200, "{}")
    with started_authorizer(scene.process) as authorizer:
        assert authorizer.handler(NO_REQUESTS[name], None) == {"isAuthorized": False}
    assert scene.printed() == ""


HOSTS = [
    {"host": host}
    for host in ("evil:abc", "a:b:c", "[::1]:3000", "[", "[::1", "\u2100.com", "", "a b", "x:" + "9" * 5000)
] + [
    {"x-forwarded-port": "abc"},
    {"x-forwarded-port": "9" * 5000},
    {"x-forwarded-proto": "gopher", "host": ""},
    {"x-forwarded-proto": "gopher", "host": "a/b"},
    {"x-forwarded-host": "[", "x-forwarded-proto": "https"},
    {"forwarded": "host=[;proto=gopher"},
]  # fmt: skip


@pytest.mark.invariant(18)
@pytest.mark.parametrize("path", ["/", "/me", "/sign-in", "/callback?x=1", "/nowhere"])
@pytest.mark.parametrize("number", range(len(HOSTS)))
def test_host_that_the_client_says_it_speaks_to_is_not_read(
    scene: Scene, number: int, path: str
) -> None:
    """The answer is the same without such a header."""
    browser = scene.browser()
    plain, told = (browser.get(path, {**NAVIGATION, **more}) for more in ({}, HOSTS[number]))
    assert (told.status, told.headers["content-type"]) == (
        plain.status,
        plain.headers["content-type"],
    )
    assert "evil" not in told.headers.get("location", "")


@pytest.mark.parametrize("encoded", [True, False])
def test_body_of_a_form_is_redirected_as_a_query(scene: Scene, encoded: bool) -> None:
    form = f"iss={scene.provider.issuer}&login_hint=a%40b.test"
    event = http_event("POST", "/sign-in", headers=NAVIGATION)
    event["headers"]["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    event["body"] = base64.b64encode(form.encode()).decode() if encoded else form
    event["isBase64Encoded"] = encoded
    reply = read_answer(scene.process.handler(event, None))
    assert reply.status == 303
    assert reply.set_cookies == ()
    assert reply.location.startswith(f"https://{DOMAIN}/sign-in?")
    assert "login_hint=a%40b.test" in scene.browser().get(reply.location).location


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_body_of_another_type_is_refused(scene: Scene, kind: str) -> None:
    reply = scene.browser().post("/sign-in", {**NAVIGATION, "content-type": kind}, "iss=x")
    scene.refused(reply)


@pytest.mark.parametrize("size", [9_000, 5_000_000])
def test_oversized_body_is_refused(scene: Scene, size: int) -> None:
    reply = scene.browser().post("/sign-in", NAVIGATION, "login_hint=" + "x" * size)
    scene.refused(reply)


QUERIES = [
    "first_screen=a&first_screen=b", "first_screen=%3Cscript%3E", "first_screen=" + "a" * 200,
    "connector=../x", "connector=" + "a" * 200, "connector=a&ssoConnectorId=b", "connector=a%20b",
    "organization_id=%27", "prompt=evil", "ui_locales=de&ui_locales=fr",
    "prompt=none%20login", "prompt=login%20none", "login_hint=" + "x" * 400, "login_hint=%FF",
    "login_hint=a%0d%0ab", "iss=https%3A%2F%2Fevil.test", "iss=" + "x" * 3000,
    "direct_sign_in=sso:evil&connector=%0a", "return_to=/a&return_to=/b",
    "&".join(f"a{n}=" + "x" * 1500 for n in range(8)),
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:28])
def test_malformed_sign_in_query_is_refused(scene: Scene, query: str) -> None:
    browser = scene.signed_in()
    reply = browser.get(f"/sign-in?{query}")
    scene.refused(reply)
    assert scene.who(browser) == SUBJECT


@pytest.mark.parametrize(
    "query",
    ["client_id=evil", "redirect_uri=https://evil.test/", "state=evil", "nonce=evil", "scope=admin",
     "code_challenge=evil", "response_type=token", "resource=https://evil.test", "direct_sign_in=sso:x"],
)  # fmt: skip
def test_parameter_of_the_authorization_request_is_not_passed_on(scene: Scene, query: str) -> None:
    started = scene.browser().get(f"/sign-in?{query}")
    assert started.status == 302
    assert "evil" not in started.location
    assert "direct_sign_in" not in started.location
    assert started.location.count("response_type=") == 1


@pytest.mark.parametrize(
    "query",
    ["x=%00", "x=%FF&x=%FF", "utm=a%0d%0ab", "x=" + "x" * 3000, "&".join(f"a{n}=1" for n in range(200))],
    ids=lambda query: query[:12],
)  # fmt: skip
def test_parameter_that_is_not_read_spoils_no_sign_in(scene: Scene, query: str) -> None:
    assert scene.browser().get(f"/sign-in?{query}&return_to=/x").status == 302
    assert scene.browser().get(f"/me?{query}", FETCH).status == 401
    assert scene.browser().get(f"/signed-out?{query}").status == 302
    browser = scene.signed_in()
    assert browser.post(f"/sign-out?{query}", {"origin": f"https://{DOMAIN}"}, query).status == 303


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("de_DE", "de-DE"), ("de%20en", "de en"), ("de_DE%20de_AT%20de-DE", "de-DE de-AT"),
        ("zh-Hant-TW", "zh-Hant-TW"), ("x-klingon%20i-klingon", "x-klingon i-klingon"),
        ("de_DE.UTF-8%20fr", "fr"), ("de%0d%0aX", "de"), ("%FF%20fr", "fr"), ("q%20C%20%2A", None),
        ("de%20" * 50, "de"), ("a" * 9, None), ("de-" + "abcdefgh-" * 5 + "x", None), ("%00", None), ("", None),
        ("aa ab ac ad ae af ag ah ai aj ak al".replace(" ", "+"), "aa ab ac ad ae af ag ah ai aj"),
    ],
)  # fmt: skip
def test_unknown_locale_is_left_out(scene: Scene, given: str, sent: str | None) -> None:
    started = scene.browser().get(f"/sign-in?ui_locales={given}")
    assert started.status == 302
    asked = parse_qs(urlsplit(started.location).query)
    assert asked.get("ui_locales") == ([sent] if sent else None)


def test_head_is_answered_like_get_without_a_body(scene: Scene) -> None:
    browser = scene.signed_in()
    for path in ("/", "/me", "/signed-out", "/assets/style.css", "/sign-out?return_to=/x"):
        headers = {**NAVIGATION, "sec-fetch-site": "cross-site"}
        got, head = (browser.send(method, path, headers) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (got.status, "")
        assert dict(head.headers) == {**got.headers, "x-correlation-id": ANY}
        assert head.set_cookies == ()
    browser.send("HEAD", "/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
    assert scene.who(browser) == SUBJECT


@pytest.mark.parametrize("path", ["/sign-in", "/callback?state=x"])
def test_head_of_a_page_that_writes_is_refused(scene: Scene, path: str) -> None:
    reply = scene.browser().send("HEAD", path, NAVIGATION)
    assert (reply.status, reply.body, reply.set_cookies) == (405, "", ())
    assert dump(scene.process.client, scene.process.table_name) == []


def test_stage_prefix_is_a_part_of_every_url(scene: Scene) -> None:
    browser = scene.browser()
    browser.domain = "abc.execute-api.eu-central-1.amazonaws.com"
    browser.stage = "prod"
    started = browser.get("/prod/sign-in?return_to=/prod/x")
    assert f"redirect_uri=https%3A%2F%2F{browser.domain}%2Fprod%2Fcallback" in started.location
    assert len(started.set_cookies) == 1
    assert browser.get("/prod/me", FETCH).status == 401
    assert browser.get("/sign-in").status == 302
