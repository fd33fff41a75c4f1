"""A silent sign-in (`prompt=none`) says whether the user is signed in, and shows no error page."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from harness.product import DOMAIN, started_process
from tests.hostile.leaving import Leaving, leaving
from tests.hostile.provider import REVOCATION, SUBJECT, TOKEN, Answer
from tests.hostile.scene import SESSION, Attempt, Scene

SILENT = "prompt=none&return_to=/reports"


@pytest.fixture
def stage(scene: Scene) -> Iterator[Leaving]:
    with leaving(scene) as started:
        yield started


@pytest.mark.invariant(13)
def test_logout_during_a_silent_sign_in_returns_signed_out(stage: Leaving) -> None:
    scene = stage.scene
    attempt = scene.begin(query=SILENT)
    assert stage.log_out(stage.token(sid=None)) == 200
    reply = stage.finish(attempt, "first").replies[-1]
    assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/reports")
    assert reply.set_cookies == ()
    assert SESSION not in attempt.browser.jar
    assert scene.provider.count(REVOCATION) == 1


def returned_signed_out(scene: Scene, attempt: Attempt, **answer: Any) -> None:
    reply = scene.finish(attempt, **answer)
    assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/reports")
    assert reply.set_cookies == ()
    assert SESSION not in attempt.browser.jar


@pytest.mark.invariant(6)
@pytest.mark.parametrize("changes", [{"nonce": "another"}, {"aud": "another"}, {"sub": None}])
def test_id_token_that_fails_a_check_makes_no_session_and_is_logged(
    scene: Scene, changes: dict[str, object]
) -> None:
    scene.provider.claims = lambda claims: {**claims, **changes}
    returned_signed_out(scene, scene.begin(query=SILENT))
    assert "id_token_invalid" in scene.printed()


@pytest.mark.invariant(10)
def test_userinfo_of_another_user_makes_no_session(scene: Scene) -> None:
    scene.provider.userinfo = lambda answer: {**answer, "sub": "another"}
    settings = {"LOGTO_SCOPES": "identities"}
    with started_process(scene.provider.url, settings=settings, limits=scene.limits) as process:
        scene.process = process
        returned_signed_out(scene, scene.begin(query=SILENT))


@pytest.mark.parametrize("error", ["server_error", "access_denied", "temporarily_unavailable"])
def test_error_of_logto_makes_no_session(scene: Scene, error: str) -> None:
    returned_signed_out(scene, scene.begin(query=SILENT), code=None, error=error)
    assert "silent sign-in refused" in scene.printed()


def test_configuration_error_of_a_silent_sign_in_is_a_problem(scene: Scene) -> None:
    returned_signed_out(scene, scene.begin(query=SILENT), code=None, error="invalid_target")
    printed = scene.printed()
    assert "silent sign-in failed" in printed
    assert '"reason":"configuration_refused"' in printed.replace(" ", "")


@pytest.mark.invariant(17)
def test_outage_after_the_callback_makes_no_session(scene: Scene) -> None:
    attempt = scene.begin(query=SILENT)
    scene.provider.responders[TOKEN] = lambda form: Answer(status=503)
    returned_signed_out(scene, attempt)


def test_session_stays_if_a_silent_sign_in_fails(scene: Scene) -> None:
    browser = scene.signed_in()
    attempt = scene.begin(browser, query=SILENT)
    scene.provider.claims = lambda claims: {**claims, "nonce": "another"}
    reply = scene.finish(attempt)
    assert (reply.status, reply.set_cookies) == (302, ())
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(17)
def test_outage_before_it_starts_returns_signed_out(scene: Scene) -> None:
    scene.process.client.meta.events.register("before-send.dynamodb", no_table)
    try:
        browser = scene.browser()
        reply = browser.get(f"/sign-in?{SILENT}")
        assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/reports")
        assert reply.set_cookies == ()
        assert browser.get("/sign-in").status == 503
    finally:
        scene.process.client.meta.events.unregister("before-send.dynamodb", no_table)


def no_table(**_: object) -> None:
    raise EndpointConnectionError(endpoint_url="of the table")
