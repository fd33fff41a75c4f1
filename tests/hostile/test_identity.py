"""Identity: issuer and subject together, and never an e-mail address."""

import json
from collections.abc import Callable

import pytest

from harness.browser import FETCH, NAVIGATION
from harness.product import DOMAIN
from shared.store.keys import op_session_digest, organization_digest, subject_digest
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import Scene, Witnessed

pytestmark = pytest.mark.invariant(19)

HERE = {**NAVIGATION, "sec-fetch-site": "same-origin", "origin": f"https://{DOMAIN}"}
ADDRESS = "mallory@evil.test"


def signed_in_as(scene: Scene, subject: str, email: str) -> Witnessed:
    """Return the browser of a user with this subject and this address."""
    scene.provider.claims = lambda claims: {**claims, "sub": subject, "email": email}
    attempt = scene.begin()
    assert scene.finish(attempt).status == 302
    identity = json.loads(attempt.browser.get("/me", FETCH).body)
    assert (identity["sub"], identity["email"]) == (subject, email)
    return attempt.browser


def test_two_subjects_with_one_address_are_two_users(scene: Scene) -> None:
    first, second = (signed_in_as(scene, name, ADDRESS) for name in (SUBJECT, "another"))
    first.post("/sign-out?everywhere=true", HERE)
    assert scene.who(first) is None
    assert scene.who(second) == "another"


def test_subject_whose_address_changes_stays_one_user(scene: Scene) -> None:
    first, second = (signed_in_as(scene, SUBJECT, email) for email in (ADDRESS, "new@evil.test"))
    first.post("/sign-out?everywhere=true", HERE)
    assert scene.who(first) is None
    assert scene.who(second) is None


@pytest.mark.parametrize("named", [subject_digest, op_session_digest, organization_digest])
def test_subject_of_another_issuer_is_another_user(named: Callable[[str, str], str]) -> None:
    issuer = "https://tenant.logto.app/oidc"
    assert named(issuer, SUBJECT) != named("https://other.logto.app/oidc", SUBJECT)
    assert named(issuer, SUBJECT) != named(f"{issuer}{SUBJECT[0]}", SUBJECT[1:])
