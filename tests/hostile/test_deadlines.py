"""Time runs out: what is given up then, what is done nevertheless, and in which order."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.browser import read_answer
from harness.functions import (
    ROUTE,
    TOKEN_SETTINGS,
    started_authorizer,
    started_notifications,
)
from harness.product import DOMAIN, started_process
from harness.tables import dump
from local.http_event import http_event
from shared.clock import Deadline, Timer
from shared.oidc.http_client import HttpClient, Response
from tests.hostile.provider import DISCOVERY, REVOCATION, SUBJECT, Answer, as_json
from tests.hostile.scene import SESSION, Scene, Witnessed
from tests.hostile.waiting import STALL

HERE = {"origin": f"https://{DOMAIN}", "accept": "text/html"}


@pytest.mark.limits(page_seconds=0)
def test_limit_of_a_page_makes_it_unavailable(scene: Scene) -> None:
    reply = scene.browser().get("/sign-in")
    scene.unavailable(reply)
    assert reply.status == 503


def test_limit_of_a_sign_out_is_its_own(scene: Scene) -> None:
    """It continues after the limit of a page."""
    browser = scene.signed_in()
    with started_process(
        scene.provider.url,
        table_name=scene.process.table_name,
        limits=replace(scene.limits, page_seconds=0),
    ) as other:
        hurried = Witnessed(other.handler, domain=DOMAIN, jar=dict(browser.jar))
        assert hurried.post("/sign-out", HERE).status == 303
    assert scene.who(browser) is None


def test_limit_of_the_authorizer_denies_and_keeps_the_session(scene: Scene) -> None:
    browser = scene.signed_in()
    with started_authorizer(
        scene.process, limits=replace(scene.limits, authorizer_seconds=0)
    ) as hurried:
        assert hurried.ask(browser) is None
    with started_authorizer(scene.process, limits=scene.limits) as patient:
        assert patient.ask(browser) is not None


def test_limit_of_a_message_is_an_error_that_a_repetition_repairs(scene: Scene) -> None:
    browser = scene.signed_in()
    created = datetime.fromtimestamp(scene.process.clock() + 1, UTC).isoformat()
    event = {"event": "User.Deleted", "createdAt": created, "data": {"id": SUBJECT}}
    with started_notifications(
        scene.process, limits=replace(scene.limits, message_seconds=0)
    ) as hurried:
        assert hurried.webhook(event) == 503
    assert scene.who(browser) == SUBJECT
    with started_notifications(scene.process, limits=scene.limits) as patient:
        assert patient.webhook(event) == 200
    assert scene.who(browser) is None


@pytest.mark.limits(sign_out_provider_seconds=0.2)
def test_revocation_that_hangs_is_logged_and_the_sign_out_succeeds(scene: Scene) -> None:
    """The revocation is given up before its answer."""
    browser = scene.signed_in()
    scene.provider.responders[REVOCATION] = lambda _: Answer(pause=STALL)
    assert browser.post("/sign-out", HERE).status == 303
    written = scene.printed()
    assert "grant not revoked" in written
    assert not [secret for secret in scene.canaries() if secret in written]


@pytest.mark.limits(
    sign_out_provider_seconds=0.2, metadata_fresh_seconds=600, metadata_stale_seconds=601
)
def test_end_of_session_page_that_cannot_be_found_in_time_is_not_waited_for(scene: Scene) -> None:
    """Discovery would answer after the limit."""
    browser = scene.signed_in()
    document = scene.provider.metadata(scene.provider._document())
    scene.provider.responders[DISCOVERY] = lambda _: as_json(document, pause=STALL)
    scene.process.clock.ahead = 1000
    reply = browser.post("/sign-out", HERE)
    assert reply.status == 200
    assert SESSION not in browser.jar


def test_every_session_ends_before_logto_is_asked(scene: Scene) -> None:
    browsers = [scene.signed_in(), scene.signed_in()]
    left: list[int] = []

    def note(_: Mapping[str, str]) -> Answer:
        rows = dump(scene.process.client, scene.process.table_name)
        left.append(sum("seen_at" in row for row in rows))
        return Answer()

    scene.provider.responders[REVOCATION] = note
    cookies = [f"{SESSION}={browser.jar[SESSION]}" for browser in browsers]
    event = http_event("POST", "/sign-out", headers=HERE, cookies=cookies, domain=DOMAIN)
    assert read_answer(scene.process.handler(event, None)).status == 303
    assert left == [0, 0]


def listings(scene: Scene) -> list[str]:
    """Return the sessions that are listed."""
    rows: list[Any] = dump(scene.process.client, scene.process.table_name)
    return [row["sk"]["S"] for row in rows if row["sk"]["S"] != "-"]


def with_sid(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "sid": "a-session-at-logto"}


def test_sign_out_leaves_no_listing(scene: Scene) -> None:
    scene.provider.claims = with_sid
    browser = scene.signed_in()
    assert len(listings(scene)) == 2
    assert browser.post("/sign-out", HERE).status == 303
    assert listings(scene) == []


def test_sign_in_leaves_no_listing_of_the_previous_session(scene: Scene) -> None:
    scene.provider.claims = with_sid
    browser = scene.signed_in()
    before = set(listings(scene))
    assert scene.finish(scene.begin(browser)).status == 302
    after = listings(scene)
    assert len(after) == 2
    assert not before & set(after)


@pytest.mark.limits(refresh_backoff_seconds=0.05, refresh_wait_seconds=0.5)
def test_rotated_token_is_stored_although_time_has_run_out(scene: Scene) -> None:
    """With the spent token in the row, the next refresh would find no grant."""
    scene.provider.clock = scene.process.clock
    scene.provider.rotates = True
    gone = [0.0]

    class LateHttp(HttpClient):
        """The answer of the token endpoint comes with the end of the request's time."""

        def post_form(self, url: str, form: Mapping[str, str], *, deadline: Deadline) -> Response:
            response = super().post_form(url, form, deadline=deadline)
            gone[0] = scene.limits.authorizer_seconds
            return response

    browser = scene.signed_in()
    with started_authorizer(
        scene.process,
        TOKEN_SETTINGS,
        limits=scene.limits,
        http=LateHttp(limits=scene.limits, clock=scene.process.clock),
        timer=Timer(monotonic=lambda: time.monotonic() + gone[0]),
    ) as late:
        assert late.ask(browser, route=ROUTE) is not None
    scene.process.clock.ahead += scene.limits.lease_seconds + 1
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as next_one:
        assert next_one.ask(browser, route=ROUTE) is not None
    assert len(set(scene.provider.redeemed)) == len(scene.provider.redeemed) == 2
    assert not scene.provider.grant_ended
