"""Events of any shape become valid answers; nothing a client sends decides the origin."""

import asyncio
import dataclasses
import os
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.auth.application import Handler, make_handler
from harness.browser import Browser, read_answer
from harness.patience import PATIENT
from local.http_event import http_event
from shared.clock import Deadline
from shared.observability import observer
from shared.services import Services
from shared.settings import Settings
from shared.store.dynamodb import TableClient

SETTINGS = Settings(
    logto_endpoint="https://tenant.logto.app", logto_app_id="app", table_name="sessions"
)


LOOP = asyncio.new_event_loop()


def _never(*_: Any) -> Any:
    raise AssertionError("this request needs neither table nor provider")


def handler_with(base_url: str | None = None) -> Handler:
    return make_handler(
        Services(
            settings=dataclasses.replace(SETTINGS, base_url=base_url),
            limits=PATIENT,
            observer=observer("auth"),
            clock=lambda: 1_800_000_000.0,
            random=os.urandom,
            deadline=Deadline.after(0),
            table=cast(TableClient, None),
            provider=_never,
            make_logto=_never,
            make_revocation_queue=_never,
            close_connections=_never,
        ),
        LOOP,
    )


HANDLER = handler_with()

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)
_names = st.sampled_from(
    [
        "version",
        "rawPath",
        "rawQueryString",
        "headers",
        "cookies",
        "body",
        "isBase64Encoded",
        "requestContext",
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_names, _json), st.dictionaries(_names, st.none(), max_size=2))
def test_any_event_gets_an_answer(changes: dict[str, Any], missing: dict[str, None]) -> None:
    event = {**http_event("GET", "/nowhere"), **changes}
    for name in missing:
        event.pop(name, None)
    reply = read_answer(HANDLER(event, None))
    assert 200 <= reply.status < 600
    assert reply.headers["x-correlation-id"]


@pytest.mark.invariant(18)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"forwarded": "host=evil.example"},
        {"x-forwarded-proto": "http"},
        {"x-original-host": "evil.example", "x-forwarded-prefix": "//evil.example"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_header_does_not_change_the_url_in_the_answer(headers: dict[str, str]) -> None:
    reply = Browser(HANDLER).get("/me", headers)
    assert reply.status == 401
    assert '"sign_in_url":"https://signin.example.test/sign-in"' in reply.body
    assert "evil" not in reply.body


def test_cookies_of_the_event_win_over_a_cookie_header() -> None:
    event = http_event("GET", "/me", headers={"cookie": "__Host-session=x"}, cookies=["a=b"])
    assert read_answer(HANDLER(event, None)).status == 401


def test_body_that_is_not_base64_is_a_400() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    event = http_event("POST", "/sign-in", headers=form)
    event |= {"body": "%%%", "isBase64Encoded": True}
    assert read_answer(HANDLER(event, None)).status == 400


def test_event_without_a_domain_is_answered_as_misconfigured() -> None:
    event = http_event("GET", "/")
    del event["requestContext"]["domainName"]
    reply = read_answer(HANDLER(event, None))
    assert reply.status == 500
    assert "misconfigured" in reply.body


def test_stage_is_a_prefix_on_api_gateways_own_domain() -> None:
    domain = "abc.execute-api.eu-central-1.amazonaws.com"
    reply = Browser(HANDLER, domain=domain, stage="prod").get("/prod/me", {})
    assert f'"sign_in_url":"https://{domain}/prod/sign-in"' in reply.body
    home = Browser(HANDLER, domain=domain, stage="prod").get("/prod/")
    assert 'href="/prod/sign-in"' in home.body


def test_configured_base_url_wins_over_the_event() -> None:
    handler = handler_with("https://login.example.com/auth")
    reply = Browser(handler, stage="prod").get("/auth/me", {})
    assert '"sign_in_url":"https://login.example.com/auth/sign-in"' in reply.body


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "x"])
def test_another_method_at_the_callback_is_refused(method: str) -> None:
    reply = Browser(HANDLER).send(method, "/callback?code=a&state=b", {})
    assert reply.status == 405
    assert not reply.set_cookies


def test_every_answer_has_the_security_headers() -> None:
    for target in ("/", "/me", "/nowhere", "/assets/style.css", "/callback"):
        headers = Browser(HANDLER).get(target).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")
        expected = "immutable" if target.startswith("/assets") else "no-store"
        assert expected in headers["cache-control"]


def test_program_gets_problem_json_and_a_person_a_page() -> None:
    program = Browser(HANDLER).get("/callback", {"accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"
    person = Browser(HANDLER).get("/callback")
    assert person.headers["content-type"].startswith("text/html")
    assert person.headers["x-correlation-id"] in person.body
    assert "JKJaXmPLvHcESHA=" in person.body


def test_me_is_json_even_for_a_navigation() -> None:
    reply = Browser(HANDLER).get("/me")
    assert reply.status == 401
    assert reply.headers["content-type"] == "application/problem+json"
