"""Many processes over one table: races that only a real table decides, and killed processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.browser import NAVIGATION, Browser, read_answer
from harness.product import DOMAIN
from harness.tables import dump
from local.environments import Environments, InvocationFailed
from local.http_event import http_event
from tests.hostile.provider import SUBJECT, TOKEN, EvilProvider
from tests.hostile.scene import SESSION, Scene

PROCESSES = 20
HANDLER = "tests.hostile.patient.handler"
POINTS = (
    "before-send.dynamodb.DeleteItem",
    "after-call.dynamodb.DeleteItem",
    "before the token request",
    "after the token request",
    "before-send.dynamodb.TransactWriteItems",
    "after-call.dynamodb.TransactWriteItems",
)
"""Where a process dies: `tests.hostile.dying` knows them."""


@pytest.fixture
def environments(scene: Scene) -> Iterator[Environments]:
    started = Environments(scene.variables(), count=PROCESSES)
    try:
        started.check(frozenset({HANDLER}), seconds=120)
        yield started
    finally:
        started.kill()


def event_of(browser: Browser, target: str) -> dict[str, Any]:
    path, _, query = target.partition("?")
    cookies = [f"{name}={value}" for name, value in browser.jar.items()]
    return http_event("GET", path, query, headers=NAVIGATION, cookies=cookies, domain=DOMAIN)


def at_once(environments: Environments, events: list[dict[str, Any]]) -> list[Any]:
    """Return the answers to these events, each by a process of its own, all at the same time."""
    with ThreadPoolExecutor(len(events)) as threads:
        answers = list(
            threads.map(lambda event: environments.invoke(HANDLER, event, seconds=120), events)
        )
    return [read_answer(answer) for answer in answers]


def sessions(scene: Scene) -> int:
    return sum("seen_at" in row for row in dump(scene.process.client, scene.process.table_name))


@pytest.mark.invariant(3)
def test_races_over_one_table_have_one_outcome(scene: Scene, environments: Environments) -> None:
    """One start of twenty processes serves three races: starting them costs more than the races."""
    twenty_identical_callbacks(scene, environments)
    five_tabs_at_once(scene, environments)
    sign_out_against_callbacks(scene, environments)


def twenty_identical_callbacks(scene: Scene, environments: Environments) -> None:
    attempt = scene.begin()
    url = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    scene.provider.requests.clear()
    replies = at_once(environments, [event_of(attempt.browser, url)] * PROCESSES)
    winners = [reply for reply in replies if reply.status == 302]
    assert len(winners) == 1
    assert all(
        reply.status == 400 and not reply.set_cookies for reply in replies if reply not in winners
    )
    assert scene.provider.count(TOKEN) == 1
    assert sessions(scene) == 1
    attempt.browser.keep(winners[0].set_cookies[0])
    assert scene.who(attempt.browser) == SUBJECT
    # The browser is signed in now, so later callbacks are redirected.
    late = at_once(environments, [event_of(attempt.browser, url)] * 5)
    assert {(reply.status, reply.location) for reply in late} == {(302, f"https://{DOMAIN}/")}


def five_tabs_at_once(scene: Scene, environments: Environments) -> None:
    browser = scene.browser()
    events = []
    for _ in range(5):
        attempt = scene.begin(browser)
        code = scene.provider.code_for(attempt.nonce)
        events.append(event_of(browser, attempt.callback(code=code, iss=scene.provider.issuer)))
    replies = at_once(environments, events)
    assert [reply.status for reply in replies] == [302] * 5
    for reply in replies:
        browser.keep(reply.set_cookies[0])
        assert scene.who(browser) == SUBJECT


def sign_out_against_callbacks(scene: Scene, environments: Environments) -> None:
    """In any order, the session that was signed out has ended."""
    for _ in range(5):
        browser = scene.signed_in()
        old = browser.jar[SESSION]
        attempt = scene.begin(browser)
        code = scene.provider.code_for(attempt.nonce)
        callback = event_of(browser, attempt.callback(code=code, iss=scene.provider.issuer))
        out, home = event_of(browser, "/sign-out"), event_of(browser, "/")
        replies = at_once(environments, [callback, out, home, home])
        assert [reply.status for reply in replies[:2]] == [302, 303]
        browser.jar[SESSION] = old
        assert scene.who(browser) is None
        browser.keep(replies[0].set_cookies[0])
        assert scene.who(browser) == SUBJECT


def test_callback_in_many_threads_of_a_process_is_redeemed_once(scene: Scene) -> None:
    attempt = scene.begin()
    url = attempt.callback(code=scene.provider.code_for(attempt.nonce), iss=scene.provider.issuer)
    event = event_of(attempt.browser, url)
    with ThreadPoolExecutor(PROCESSES) as threads:
        answers = threads.map(lambda _: scene.process.handler(event, None), range(PROCESSES))
        replies = [read_answer(answer) for answer in answers]
    assert sorted(reply.status for reply in replies) == [302] + [400] * (PROCESSES - 1)
    assert scene.provider.count(TOKEN) == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_process_leaves_no_partial_session(scene: Scene, point: str) -> None:
    """The next sign-in works, in this browser and with this table."""
    browser = scene.signed_in()
    attempt = scene.begin(browser)
    code = scene.provider.code_for(attempt.nonce)
    url = attempt.callback(code=code, iss=scene.provider.issuer)
    scene.provider.requests.clear()
    dying = Environments(scene.variables(DIE_AT=point), count=1)
    try:
        with pytest.raises(InvocationFailed):
            dying.invoke("tests.hostile.dying.handler", event_of(browser, url), seconds=60)
    finally:
        dying.kill()
    assert scene.provider.count(TOKEN) <= 1
    assert sessions(scene) == 1  # the one before, or the one that was committed whole
    if "after-call.dynamodb.TransactWriteItems" not in point:
        assert scene.who(browser) == SUBJECT
    again = browser.get(url)
    if point == "before-send.dynamodb.DeleteItem":
        assert again.status == 302  # nothing had been consumed
    else:
        assert (again.status, again.set_cookies) in ((400, ()), (302, ()))
    assert scene.provider.count(TOKEN) <= 1
    assert scene.finish(scene.begin(browser)).status == 302
    assert scene.who(browser) == SUBJECT


def test_keys_are_fetched_once_per_process(provider: EvilProvider, scene: Scene) -> None:
    """Metadata and keys are fetched once, not once a sign-in."""
    for _ in range(5):
        scene.signed_in()
    assert sum(path.startswith("/oidc/jwks") for _, path in provider.requests) == 1
