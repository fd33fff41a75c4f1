"""Browser: callbacks that are replayed, forged, doubled or malformed."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from harness.browser import NAVIGATION
from harness.product import DOMAIN
from harness.tables import dump
from shared.errors import CONFIGURATION_ERRORS, PROVIDER_ERRORS
from tests.hostile.provider import SUBJECT, TOKEN
from tests.hostile.scene import Scene

LONG = "x" * 9000
QUERIES: dict[str, str] = {
    "nothing": "",
    "a question mark": "?",
    "state alone": "state={state}",
    "code alone": "code={code}&iss={iss}",
    "iss alone": "iss={iss}",
    "iss of another provider": "state={state}&code={code}&iss=https%3A%2F%2Fevil.test%2Foidc",
    "iss with a slash": "state={state}&code={code}&iss={iss}%2F",
    "iss empty": "state={state}&code={code}&iss=",
    "iss twice": "state={state}&code={code}&iss={iss}&iss={iss}",
    "iss twice, one wrong": "state={state}&code={code}&iss={iss}&iss=https%3A%2F%2Fevil.test",
    "iss missing though announced": "state={state}&code={code}",
    "iss in capitals": "state={state}&code={code}&iss={ISS}",
    "state twice": "state={state}&state={state}&code={code}&iss={iss}",
    "state twice, one wrong": "state={state}&state=other&code={code}&iss={iss}",
    "state empty": "state=&code={code}&iss={iss}",
    "state cut short": "state={short}&code={code}&iss={iss}",
    "state with more": "state={state}A&code={code}&iss={iss}",
    "state with a NUL": "state={state}%00&code={code}&iss={iss}",
    "state with a space": "state={state}+&code={code}&iss={iss}",
    "state of 9 KB": f"state={LONG}&code={{code}}&iss={{iss}}",
    "state as a list": "state[]={state}&code={code}&iss={iss}",
    "state with its name in capitals": "STATE={state}&code={code}&iss={iss}",
    "state behind a semicolon": "code={code};state={state}&iss={iss}",
    "state padded": "state={state}%3D&code={code}&iss={iss}",
    "state in other letters": "state=%EF%BC%A1{short}&code={code}&iss={iss}",
    "code twice": "state={state}&code={code}&code={code}&iss={iss}",
    "code empty": "state={state}&code=&iss={iss}",
    "code of 9 KB": f"state={{state}}&code={LONG}&iss={{iss}}",
    "code with a line break": "state={state}&code={code}%0D%0Ax&iss={iss}",
    "code with a NUL": "state={state}&code={code}%00&iss={iss}",
    "code not UTF-8": "state={state}&code=%FF%FE&iss={iss}",
    "code not ASCII": "state={state}&code=%C3%A9&iss={iss}",
    "code and error": "state={state}&code={code}&error=access_denied&iss={iss}",
    "code and an empty error": "state={state}&code={code}&error=&iss={iss}",
    "error twice": "state={state}&error=access_denied&error=x&iss={iss}",
    "error, iss of another provider": "state={state}&error=access_denied&iss=https%3A%2F%2Fx.test",
    "error without iss": "state={state}&error=access_denied",
    "a broken escape": "state={state}&code={code}%&iss={iss}%",
    "9 KB elsewhere": f"state={{state}}&code={{code}}&iss={{iss}}&x={LONG}",
    "5000 parameters": "state={state}&code={code}&iss={iss}" + "&x=1" * 5000,
    "5000 other parameters": "state={state}&code={code}&iss={iss}"
    + "".join(f"&x{n}=1" for n in range(5000)),
    "response in a fragment": "#state={state}&code={code}&iss={iss}",
    "encoded ampersands": "state={state}%26code={code}%26iss={iss}",
}


@pytest.mark.invariant(4)
@pytest.mark.parametrize("name", QUERIES)
def test_malformed_query_is_refused_and_leaves_the_transaction(scene: Scene, name: str) -> None:
    """Refused before the token request; the attempt can still be finished."""
    browser = scene.signed_in()
    attempt = scene.begin(browser)
    session, before = browser.jar["__Host-session"], rows(scene)
    scene.provider.requests.clear()
    issuer = scene.provider.issuer
    query = QUERIES[name].format(
        state=attempt.state,
        short=attempt.state[:-1],
        code=scene.provider.code_for(attempt.nonce),
        iss=quote(issuer, safe=""),
        ISS=quote(issuer.upper(), safe=""),
    )
    scene.refused(browser.get(f"/callback?{query}"), token_requests=0)
    assert rows(scene) == before
    assert browser.jar["__Host-session"] == session
    assert scene.finish(attempt).status == 302


UNREAD = {
    "a line break": "error_description=a%0D%0Ab",
    "not UTF-8": "session_state=%FF%FE",
    "a control character": "x=%07%00",
    "twice": "session=a&session=b",
    "a name that is not UTF-8, twice": "%FF=1&%FF=2",
    "longer than a value may be": f"error_uri={'x' * 4000}",
    "three hundred": "&".join(f"x{n}=1" for n in range(300)),
    "a broken escape": "x=%&%=%zz",
    "no name": "=1&=2&&",
    "state in capitals": "STATE=x&Code=y",
}


@pytest.mark.invariant(4)
@pytest.mark.parametrize("name", UNREAD)
def test_parameter_that_is_not_read_spoils_nothing(scene: Scene, name: str) -> None:
    for order in ("{callback}&{extra}", "/callback?{extra}&{query}"):
        attempt = scene.begin()
        code = scene.provider.code_for(attempt.nonce)
        callback = attempt.callback(code=code, iss=scene.provider.issuer)
        query = callback.partition("?")[2]
        url = order.format(callback=callback, query=query, extra=UNREAD[name])
        assert attempt.browser.get(url).status == 302
        assert scene.who(attempt.browser) == SUBJECT


@pytest.mark.parametrize("code", ["a b", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "~" * 2048])
def test_code_of_any_visible_characters_reaches_the_provider(scene: Scene, code: str) -> None:
    attempt = scene.begin()
    scene.provider.nonces[code] = attempt.nonce
    assert scene.finish(attempt, code=code).status == 302
    assert scene.who(attempt.browser) == SUBJECT


INTERACTION = [
    "login_required", "interaction_required", "account_selection_required", "consent_required",
]  # fmt: skip


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("error", INTERACTION)
def test_silent_sign_in_that_needs_the_user_goes_back(
    scene: Scene, error: str, signed_in: bool
) -> None:
    browser = scene.signed_in() if signed_in else scene.browser()
    attempt = scene.begin(browser, "prompt=none&return_to=/reports")
    scene.provider.requests.clear()
    reply = scene.finish(attempt, code=None, error=error)
    assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/reports")
    assert reply.set_cookies == ()
    assert scene.provider.count(TOKEN) == 0
    assert scene.who(browser) == (SUBJECT if signed_in else None)


@pytest.mark.parametrize(
    ("query", "error"),
    [("prompt=login", error) for error in INTERACTION]
    + [("", "login_required"), ("", "server_error"), ("", "access_denied")],
)
def test_other_denial_is_a_page(scene: Scene, query: str, error: str) -> None:
    scene.refused(scene.finish(scene.begin(query=query), code=None, error=error), token_requests=0)


@pytest.mark.parametrize("changes", [{"iss": "https://evil.test"}, {"state": "A" * 43}])
def test_silent_denial_that_is_not_proven_is_a_page(scene: Scene, changes: dict[str, str]) -> None:
    attempt = scene.begin(query="prompt=none&return_to=/reports")
    scene.refused(scene.finish(attempt, code=None, error="login_required", **changes))


def rows(scene: Scene) -> list[dict[str, object]]:
    return dump(scene.process.client, scene.process.table_name)


@pytest.mark.invariant(1)
@pytest.mark.parametrize("state", ["A" * 43, "-" * 43, "_" * 43])
def test_unknown_state_is_refused(scene: Scene, state: str) -> None:
    attempt = scene.begin()
    scene.refused(scene.finish(attempt, state=state), token_requests=0)
    assert scene.finish(attempt).status == 302


@pytest.mark.parametrize("signed_in", [True, False])
def test_state_in_another_case_is_unknown(scene: Scene, signed_in: bool) -> None:
    """It is another, well-formed state that was never issued."""
    attempt = scene.begin(scene.signed_in() if signed_in else None)
    scene.provider.requests.clear()
    state = attempt.state[:-1].swapcase() + attempt.state[-1]
    reply = scene.finish(attempt, state=state)
    if signed_in:
        assert (reply.status, reply.location) == (302, f"https://{DOMAIN}/")
        assert reply.set_cookies == ()
    else:
        scene.refused(reply)
    assert scene.provider.count(TOKEN) == 0
    assert scene.finish(attempt).status == 302


@pytest.mark.invariant(2)
def test_state_of_another_browser_signs_nobody_in(scene: Scene) -> None:
    """An attacker's callback, opened by a victim, does not sign the victim in as the attacker."""
    attacker, victim = scene.begin(), scene.browser()
    scene.begin(victim)
    url = attacker.callback(code=scene.provider.code_for(attacker.nonce), iss=scene.provider.issuer)
    scene.refused(victim.get(url), token_requests=0)
    assert scene.who(victim) is None
    assert attacker.browser.get(url).status == 302


@pytest.mark.invariant(2)
def test_callback_without_a_cookie_leaves_the_transaction(scene: Scene) -> None:
    attempt = scene.begin()
    url = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    scene.refused(scene.browser().get(url), token_requests=0)
    assert attempt.browser.get(url).status == 302


@pytest.mark.invariant(2)
@pytest.mark.parametrize("change", ["flipped", "short", "long", "empty", "other"])
def test_forged_browser_cookie_leaves_the_transaction(scene: Scene, change: str) -> None:
    attempt = scene.begin()
    ((name, value),) = attempt.browser.jar.items()
    flipped = ("A" if value[0] != "A" else "B") + value[1:]
    forged = {"flipped": flipped, "short": value[:-1], "long": value + "A", "empty": ""}
    attempt.browser.jar[name] = forged.get(change, "B" * 43)
    scene.refused(scene.finish(attempt), token_requests=0)
    attempt.browser.jar[name] = value
    assert scene.finish(attempt).status == 302


@pytest.mark.invariant(3)
def test_replayed_callback_of_a_signed_in_browser_goes_home(scene: Scene) -> None:
    attempt = scene.begin()
    url = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    assert attempt.browser.get(url).status == 302
    session = attempt.browser.jar["__Host-session"]
    for _ in range(3):
        again = attempt.browser.get(url)
        assert (again.status, again.location) == (302, f"https://{DOMAIN}/")
    assert attempt.browser.jar["__Host-session"] == session
    assert scene.provider.count(TOKEN) == 1


@pytest.mark.invariant(3)
def test_replayed_callback_after_a_sign_out_is_refused(scene: Scene) -> None:
    attempt = scene.begin()
    url = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    attempt.browser.get(url)
    attempt.browser.get("/sign-out", {"sec-fetch-site": "same-origin", "accept": "text/html"})
    scene.refused(attempt.browser.get(url), token_requests=1)
    assert scene.who(attempt.browser) is None


def test_expired_transaction_in_the_table_is_refused(scene: Scene) -> None:
    attempt = scene.begin()
    scene.process.clock.ahead = 3601
    assert len(rows(scene)) == 1
    scene.refused(scene.finish(attempt), token_requests=0)


@pytest.mark.invariant(4)
def test_error_with_a_wrong_state_leaves_the_transaction(scene: Scene) -> None:
    attempt = scene.begin()
    reply = scene.finish(attempt, code=None, error="access_denied", state="A" * 43)
    scene.refused(reply, token_requests=0)
    assert scene.finish(attempt).status == 302


@pytest.mark.invariant(4)
@pytest.mark.parametrize(
    "error",
    [
        "access_denied",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "<img src=x onerror=alert(1)>",
        "x" * 2000,
        "\u202e",
        "__proto__",
    ],
)
def test_error_with_the_right_state_is_a_page_without_its_text(scene: Scene, error: str) -> None:
    browser = scene.signed_in()
    scene.provider.requests.clear()
    reply = scene.finish(
        scene.begin(browser),
        code=None,
        error=error,
        error_description=f'"><script>alert("{scene.provider.canary("text")}")</script>',
        error_uri="javascript:alert(1)",
    )
    scene.refused(reply, token_requests=0)
    logged = error if error in PROVIDER_ERRORS else "server_error"
    assert f'the OAuth error {logged}"' in scene.printed()
    assert "onerror" not in reply.body
    assert "javascript:" not in reply.body
    assert scene.who(browser) == SUBJECT


NOT_SET_UP = "This sign-in is not set up correctly"


@pytest.mark.invariant(4)
@pytest.mark.parametrize("error", CONFIGURATION_ERRORS)
def test_configuration_error_is_a_problem_and_a_page_that_offers_no_new_start(
    scene: Scene, error: str
) -> None:
    browser = scene.signed_in()
    scene.provider.requests.clear()
    scene.printed()
    description = scene.provider.canary("text")
    reply = scene.finish(
        scene.begin(browser), code=None, error=error, error_description=description
    )
    scene.unavailable(reply, token_requests=0)
    assert reply.status == 502
    assert NOT_SET_UP in reply.body
    assert "/sign-in" not in reply.body
    printed = scene.printed()
    assert f"the OAuth error {error}" in printed
    assert counted(printed, "Problems") == ["configuration_refused"]
    assert counted(printed, "SignInFailed") == ["configuration_refused"]
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(4)
@pytest.mark.parametrize("error", CONFIGURATION_ERRORS)
@pytest.mark.parametrize("forged", ["another state", "another browser", "another issuer", "again"])
def test_forged_configuration_error_is_not_a_problem(scene: Scene, error: str, forged: str) -> None:
    """Anybody can write an `error`: without a pending transaction it says nothing."""
    attempt = scene.begin()
    changes: dict[str, str | None] = {"code": None, "error": error}
    if forged == "another state":
        changes["state"] = "A" * 43
    elif forged == "another browser":
        attempt = replace(attempt, browser=scene.browser())
    elif forged == "another issuer":
        changes["iss"] = "https://evil.test/oidc"
    else:
        scene.finish(attempt, **changes)
    scene.printed()
    scene.refused(scene.finish(attempt, **changes), token_requests=0)
    assert counted(scene.printed(), "Problems") == []


def counted(printed: str, metric: str) -> list[str]:
    """Return the reasons of a metric, in the order in which they were counted."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line["reason"] for line in lines if metric in line]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_method_leaves_the_transaction(scene: Scene, method: str) -> None:
    attempt = scene.begin()
    query = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    reply = attempt.browser.send(method, query, NAVIGATION)
    assert reply.status == 405
    assert reply.set_cookies == ()
    assert scene.provider.count(TOKEN) == 0
    assert attempt.browser.get(query).status == 302


def test_response_by_form_is_refused(scene: Scene) -> None:
    attempt = scene.begin()
    form = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    reply = attempt.browser.post("/callback", NAVIGATION, form.partition("?")[2])
    assert reply.status == 405
    assert scene.provider.count(TOKEN) == 0


@pytest.mark.invariant(2)
def test_five_tabs_finish_in_any_order(scene: Scene) -> None:
    browser = scene.browser()
    attempts = [scene.begin(browser, f"return_to=/tab{n}") for n in range(5)]
    for n in (4, 1, 3, 0, 2):
        assert scene.finish(attempts[n]).location == f"https://{DOMAIN}/tab{n}"
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(2)
def test_fifty_abandoned_attempts_leave_one_small_cookie(scene: Scene) -> None:
    browser = scene.browser()
    attempts = [scene.begin(browser) for _ in range(50)]
    assert sum(len(name) + len(value) for name, value in browser.jar.items()) < 100
    assert scene.finish(attempts[0]).status == 302
    assert scene.finish(attempts[49]).status == 302


def test_two_hundred_planted_browser_cookies_hide_nothing(scene: Scene) -> None:
    """There are more cookies than a condition can name."""
    attempt = scene.begin()
    own = dict(attempt.browser.jar)
    planted = {f"__Host-signin-{n:06d}": f"{n:043d}" for n in range(200)}
    attempt.browser.jar = {**own, **planted}
    assert scene.finish(attempt).status == 302
