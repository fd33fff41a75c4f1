"""The search at the end of every hostile test finds what it looks for."""

import pytest

from tests.hostile.scene import SESSION, Scene

pytestmark = pytest.mark.invariant(16)


def test_secret_in_the_log_is_found(scene: Scene) -> None:
    secret = scene.provider.canary("logged")
    scene.process.services.observer.event("as it happens", detail=secret)
    with pytest.raises(AssertionError, match="logged"):
        scene.search()


def test_cookie_in_a_metric_is_found(scene: Scene) -> None:
    browser = scene.signed_in()
    scene.process.services.observer.count("SignInFailed", reason=browser.jar[SESSION])
    with pytest.raises(AssertionError, match="logged"):
        scene.search()


def test_secret_in_an_answer_is_found(scene: Scene) -> None:
    """The home page shows the user's name on purpose; in this test it counts as a secret."""
    browser = scene.signed_in()
    shown = "Mallory of the evil provider"
    scene.provider.secrets.add(shown)
    browser.get("/")
    with pytest.raises(AssertionError, match="answered"):
        scene.search()
    scene.provider.secrets.discard(shown)
