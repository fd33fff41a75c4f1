"""Bearer tokens at the authorizer: access tokens of configured resources, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey

from harness.functions import (
    RESOURCE,
    ROUTE,
    TOKEN_SETTINGS,
    Authorizer,
    authorizer_event,
    started_authorizer,
)
from tests.hostile.forged_tokens import encoded, hmac_with, unsigned
from tests.hostile.provider import ES384, KEYS, RS256, SUBJECT, Answer
from tests.hostile.scene import SESSION, Scene
from tests.hostile.waiting import STALL, impatient


@pytest.fixture
def authorizer(scene: Scene) -> Iterator[Authorizer]:
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as started:
        yield started


def claims(scene: Scene, **changes: Any) -> dict[str, Any]:
    """Return the claims of a valid access token; None removes one."""
    now = int(scene.process.clock())
    values = {
        "iss": scene.provider.issuer,
        "aud": RESOURCE,
        "sub": SUBJECT,
        "client_id": "another-client",
        "scope": "read:orders",
        "jti": "x",
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def signed(scene: Scene, key: Any = ES384, *, typ: str = "at+jwt", **changes: Any) -> str:
    return scene.provider.signed(claims(scene, **changes), key, typ=typ)


def ask(authorizer: Authorizer, token: str, **named: Any) -> dict[str, Any] | None:
    return authorizer.ask(None, headers={"authorization": f"Bearer {token}"}, **named)


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_valid_token_is_allowed_with_its_scopes(
    scene: Scene, authorizer: Authorizer, typ: str
) -> None:
    context = ask(authorizer, signed(scene, typ=typ))
    assert context is not None
    assert (context["sub"], context["scopes"]) == (SUBJECT, ["read:orders"])
    assert context["client_id"] == "another-client"


RULES = {
    "ALLOWED_ORGANIZATIONS": "an-organization",
    "ALLOWED_ROLES": "a-role",
    "ALLOWED_EMAIL_DOMAINS": "example.test",
}


def test_access_rules_do_not_apply_to_bearer_tokens(scene: Scene) -> None:
    """A bearer token is checked by its audience and scopes."""
    settings = {**TOKEN_SETTINGS, **RULES}
    with started_authorizer(scene.process, settings, limits=scene.limits) as authorizer:
        context = ask(authorizer, signed(scene))
        assert context is not None
        assert context["scopes"] == ["read:orders"]
        assert ask(authorizer, signed(scene, aud="https://api.example.test/other")) is None


def test_machine_is_identified_by_its_subject(scene: Scene, authorizer: Authorizer) -> None:
    """Logto's tokens for machine-to-machine applications have the application's id as `sub`."""
    context = ask(authorizer, signed(scene, sub="machine", client_id="machine"))
    assert context is not None
    assert context["sub"] == context["client_id"] == "machine"
    names = ("name", "email", "tenant_id", "session_id_hash")
    assert [context[name] for name in names] == [""] * len(names)
    lists = ("organizations", "organization_roles", "roles", "groups")
    assert [context[name] for name in lists] == [[]] * len(lists)


def test_organization_of_a_token_is_in_the_context(scene: Scene, authorizer: Authorizer) -> None:
    context = ask(authorizer, signed(scene, organization_id="contosoorg01"))
    assert context is not None
    assert context["organizations"] == ["contosoorg01"]


CLAIMS: dict[str, dict[str, Any]] = {
    **{f"{name} missing": {name: None} for name in ("iss", "aud", "sub", "iat", "exp")},
    "iss of another provider": {"iss": "https://evil.test/oidc"},
    "aud of the application": {"aud": "local-app"},
    "aud of another resource": {"aud": "https://api.example.test/other"},
    "aud a list": {"aud": [RESOURCE]},
    "aud with a slash": {"aud": f"{RESOURCE}/"},
    "aud an object": {"aud": {RESOURCE: 1}},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 7},
    "sub with a line break": {"sub": "a\nb"},
    "expired": {"exp": 1_700_000_000, "iat": 1_699_999_000},
    "exp absurd": {"exp": 1e30},
    "exp text": {"exp": "9999999999"},
    "iat in the future": {"iat": 4_000_000_000, "exp": 4_000_000_600},
    "nbf in the future": {"nbf": 4_000_000_000},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_token_with_invalid_claims_is_denied(
    scene: Scene, authorizer: Authorizer, name: str
) -> None:
    assert ask(authorizer, signed(scene, **CLAIMS[name])) is None


STRANGE = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})
FORGERIES: dict[str, Callable[[Scene], str]] = {
    "typ of an ID token": lambda scene: signed(scene, typ="JWT"),
    "typ of a logout token": lambda scene: signed(scene, typ="logout+jwt"),
    "another key under the same kid": lambda scene: signed(scene, STRANGE),
    "an algorithm that is not announced": lambda scene: signed(scene, RS256),
    "none": lambda scene: unsigned({"alg": "none", "typ": "at+jwt"}, claims(scene)),
    "HMAC with the secret": lambda scene: hmac_with(b"local-app-secret")(
        scene.provider, claims(scene)
    ),
    "signature missing": lambda scene: signed(scene).rpartition(".")[0] + ".",
    "claims exchanged": lambda scene: ".".join(
        (
            signed(scene).split(".")[0],
            encoded(claims(scene, sub="somebody-else")),
            signed(scene).split(".")[2],
        )
    ),
    "an opaque token": lambda scene: "x" * 43,
    "an ID token": lambda scene: scene.provider.signed(scene.provider.good_claims("n")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_is_denied(scene: Scene, authorizer: Authorizer, name: str) -> None:
    assert ask(authorizer, FORGERIES[name](scene)) is None


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "bearer x.y.z",
        "BEARER\t{}",
        " Bearer  ",
        "Bearer {} x",
        "Bearer {},Bearer {}",
    ],
)
def test_bearer_header_without_a_valid_token_is_not_saved_by_a_session(
    scene: Scene, authorizer: Authorizer, header: str
) -> None:
    browser = scene.signed_in()
    assert SESSION in browser.jar
    given = {"authorization": header.replace("{}", signed(scene))}
    assert authorizer.ask(browser, headers=given) is None
    assert authorizer.ask(None, headers=given) is None  # here no answer is cached by cookie


@pytest.mark.parametrize(
    "header",
    ["", " ", "Basic {}", "{}", "Token {}", "Negotiate {}", "Bearer{}", "Bearer={}", "DPoP {}"],
)
def test_header_of_another_scheme_is_ignored(
    scene: Scene, authorizer: Authorizer, header: str
) -> None:
    """Browsers and proxies add such headers by themselves."""
    browser = scene.signed_in()
    given = {"authorization": header.replace("{}", signed(scene))}
    assert authorizer.ask(browser, headers=given) is not None
    assert authorizer.ask(None, headers=given) is None
    event = authorizer_event(cookies=browser.cookies, headers=given)
    assert event["identitySource"] == browser.cookies
    assert authorizer.handler(event, None)["isAuthorized"] is True


SOURCES = {
    "a cookie and the route": (["theme=dark", f"ANY {ROUTE}"], False),
    "the session's cookie": ([f"{SESSION}=x"], False),
    "the token itself": (["{token}", f"ANY {ROUTE}"], True),
    "none": ([], True),
    "no list": (None, True),
}


@pytest.mark.parametrize("name", SOURCES)
def test_answer_that_would_be_kept_by_another_source_is_a_denial(
    scene: Scene, authorizer: Authorizer, name: str
) -> None:
    """API Gateway would allow the next request by the cookie alone, without any token."""
    sources, allowed = SOURCES[name]
    bearer = f"Bearer {signed(scene)}"
    event = authorizer_event(route=ROUTE, cookies=["theme=dark"], headers={"authorization": bearer})
    event["identitySource"] = sources and [s.replace("{token}", bearer) for s in sources]
    assert authorizer.handler(event, None)["isAuthorized"] is allowed


def test_token_for_another_resource_is_denied_on_this_route(
    scene: Scene, authorizer: Authorizer
) -> None:
    """A token that is forwarded must be for the route's own resource."""
    token = signed(scene)
    assert ask(authorizer, token, route="/organization") is None
    relayed = ask(authorizer, token, route=ROUTE)
    assert relayed is not None
    assert relayed["access_token"] == token


@pytest.mark.parametrize(
    "answer",
    [Answer(status=500), Answer(reset=True), pytest.param(Answer(pause=STALL), marks=impatient)],
)
def test_unreachable_keys_deny_until_they_are_back(
    scene: Scene, authorizer: Authorizer, answer: Answer
) -> None:
    scene.provider.responders[KEYS] = lambda form: answer
    assert ask(authorizer, signed(scene)) is None
    scene.provider.responders.clear()
    assert ask(authorizer, signed(scene)) is not None
