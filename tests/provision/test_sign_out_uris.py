"""The page after a sign-out, `/signed-out`, is registered at Logto and at Entra."""

import dataclasses

import pytest

from local.logto.tenant import Application
from local.microsoft.entra_tenants import Registration
from provision.steps.registration import accepts_redirect_uri
from tests.provision.operators import BASE_URL, ENTRA_SECRET, Operator

PAGE, HOME = f"{BASE_URL}/signed-out", f"{BASE_URL}/"
STAGING = "https://staging.example.test"
THEIRS = "https://other.example/cb"


def registered(operator: Operator) -> Registration:
    (found,) = operator.entra.registrations.values()
    return found


def callback(operator: Operator) -> str:
    return f"{operator.logto}/callback/contoso00001"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), (HOME, PAGE)),
        ((HOME,), (HOME, PAGE)),
        ((THEIRS, PAGE), (THEIRS, PAGE, HOME)),
        ((PAGE, HOME), (PAGE, HOME)),
    ],
)
def test_uris_at_logto(operator: Operator, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    operator.setup()
    (application,) = operator.tenant.applications.values()
    application.post_logout_redirect_uris = before
    assert operator.setup().code == 0
    assert tuple(application.post_logout_redirect_uris) == after


@pytest.mark.parametrize("before", [(), (HOME,), (PAGE,), (THEIRS, PAGE, HOME)])
def test_teardown_leaves_an_adopted_application_the_uris_it_had(
    operator: Operator, before: tuple[str, ...]
) -> None:
    theirs = Application(
        id="theirs", secret="their-secret", redirect_uris=(), post_logout_redirect_uris=before
    )
    operator.tenant.applications["theirs"] = theirs
    assert operator.setup("--adopt", "theirs").code == 0
    assert {HOME, PAGE} <= set(theirs.post_logout_redirect_uris)
    assert operator.teardown().code == 0
    assert tuple(theirs.post_logout_redirect_uris) == before


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        ([], ["callback", PAGE], "callback, " + PAGE),
        (["callback"], ["callback", PAGE], PAGE),
        ([THEIRS, PAGE], [THEIRS, PAGE, "callback"], "callback"),
        ([PAGE, "callback", THEIRS], [PAGE, "callback", THEIRS], ""),
    ],
)
def test_uris_at_entra(operator: Operator, before: list[str], after: list[str], added: str) -> None:
    operator.setup()
    own = callback(operator)
    found = registered(operator)
    found.members["web"]["redirectUris"] = [uri.replace("callback", own) for uri in before]
    changes = operator.setup("--json").json["changed"]
    assert found.redirect_uris == [uri.replace("callback", own) for uri in after]
    details = [one["detail"] for one in changes if one["what"] == "redirect URI at Entra"]
    assert details == ([added.replace("callback", own)] if added else [])


@pytest.mark.parametrize("there_before", [False, True])
def test_teardown_of_one_deployment_removes_the_uri_that_it_added(
    operator: Operator, there_before: bool
) -> None:
    """The application stays for the other deployment, with that one's URIs."""
    staging, page = operator.elsewhere(STAGING), f"{STAGING}/signed-out"
    operator.setup()
    others = [callback(operator), PAGE, THEIRS, *([page] if there_before else [])]
    registered(operator).members["web"]["redirectUris"] = list(others)
    options = ("--env-file", "staging.env")
    assert staging.setup("--name", "Staging", *options).code == 0
    assert set(registered(operator).redirect_uris) == {*others, page}
    assert staging.teardown(*options).code == 0
    assert registered(operator).redirect_uris == others
    assert "Nothing to change." in operator.setup().out


def test_teardown_removes_its_uri_from_an_application_of_another_connector(
    operator: Operator,
) -> None:
    operator.setup()
    connector = operator.tenant.connectors["contoso00001"]
    operator.tenant.connectors["theirs"] = dataclasses.replace(connector, id="theirs", name="x")
    assert operator.teardown().code == 0
    assert registered(operator).redirect_uris == [callback(operator)]
    assert not [tag for tag in registered(operator).members["tags"] if BASE_URL in tag]


def test_teardown_without_microsoft_names_the_uri_to_remove(operator: Operator) -> None:
    staging = operator.elsewhere(STAGING)
    operator.setup()
    staging.setup("--name", "Staging", "--env-file", "staging.env")
    result = staging.teardown("--env-file", "staging.env", "--manual-entra")
    assert result.code == 0, result.err
    assert f"remove the redirect URI {STAGING}/signed-out from the application" in result.out


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("https://app.example.com/signed-out", True),
        ("https://app.example.com/auth/signed-out", True),
        ("http://localhost:3000/signed-out", True),
        ("http://127.0.0.1:3000/signed-out", True),
        ("http://[::1]:3000/signed-out", False),
        ("http://host.docker.internal:3000/signed-out", False),
    ],
)
def test_uris_that_entra_accepts(uri: str, accepted: bool) -> None:
    assert accepts_redirect_uri(uri) is accepted


def test_setup_leaves_out_a_uri_that_entra_does_not_accept(operator: Operator) -> None:
    local = operator.elsewhere("http://host.docker.internal:3999")
    assert local.setup().code == 0
    assert registered(local).redirect_uris == [callback(local)]
    assert "Nothing to change." in local.setup().out


def test_setup_by_hand_leaves_out_a_uri_that_entra_does_not_accept(operator: Operator) -> None:
    local = operator.elsewhere("http://host.docker.internal:3999")
    local.answers = ["theirs", ENTRA_SECRET]
    result = local.setup("--manual-entra")
    assert result.code == 0, result.err
    assert f"must have the redirect URI, platform Web: {callback(local)}\n" in result.out
    assert "host.docker.internal:3999/signed-out" not in result.err + result.out
