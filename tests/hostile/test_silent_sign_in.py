"""A silent sign-in (`prompt=none`) says whether the user is signed in, and hides no attack."""

from collections.abc import Iterator

import pytest

from harness.product import DOMAIN, started_process
from tests.hostile.leaving import Leaving, leaving
from tests.hostile.provider import REVOCATION
from tests.hostile.scene import SESSION, Scene

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


@pytest.mark.invariant(6)
@pytest.mark.parametrize("changes", [{"nonce": "another"}, {"aud": "another"}, {"sub": None}])
def test_id_token_that_fails_a_check_is_a_page(scene: Scene, changes: dict[str, object]) -> None:
    scene.provider.claims = lambda claims: {**claims, **changes}
    scene.refused(scene.finish(scene.begin(query=SILENT)))


@pytest.mark.invariant(10)
def test_userinfo_of_another_user_is_a_page(scene: Scene) -> None:
    scene.provider.userinfo = lambda answer: {**answer, "sub": "another"}
    settings = {"LOGTO_SCOPES": "identities"}
    with started_process(scene.provider.url, settings=settings, limits=scene.limits) as process:
        scene.process = process
        scene.refused(scene.finish(scene.begin(query=SILENT)))
