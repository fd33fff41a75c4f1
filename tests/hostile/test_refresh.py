"""Refreshes against an evil provider, a failing table, and other processes."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.functions import (
    ROUTE,
    TOKEN_SETTINGS,
    Authorizer,
    authorizer_event,
    started_authorizer,
)
from harness.tables import dump, raw_bytes
from local.environments import Environments, InvocationFailed
from shared.clock import Timer
from shared.session_handle import SessionHandle
from shared.store.dynamodb import connect
from shared.store.keys import ItemKey
from shared.store.records import Lease
from tests.hostile.faults import KINDS, Faults
from tests.hostile.provider import (
    DISCOVERY,
    INTROSPECTION,
    KEYS,
    REVOCATION,
    RS256,
    SUBJECT,
    TOKEN,
    Answer,
    EvilProvider,
    as_json,
)
from tests.hostile.scene import SESSION, Scene
from tests.hostile.waiting import STALL, cases

PROCESSES, AT_ONCE = 10, 5


# No test waits long for a lease or after a failure.
pytestmark = pytest.mark.limits(refresh_backoff_seconds=0.05, refresh_wait_seconds=0.5)


@pytest.fixture
def authorizer(scene: Scene) -> Iterator[Authorizer]:
    scene.provider.clock = scene.process.clock
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as started:
        yield started


Ask = Callable[..., dict[str, Any] | None]


def an_hour_later(scene: Scene, browser: Any) -> None:
    """Let the access token expire while the session stays in use."""
    for _ in range(2):
        scene.process.clock.ahead += 1801
        assert scene.who(browser) == SUBJECT


def expired(scene: Scene, authorizer: Authorizer) -> Any:
    """Return a browser whose access token has expired: its next request has to refresh."""
    browser = scene.signed_in()
    assert authorizer.ask(browser, route=ROUTE) is not None
    an_hour_later(scene, browser)
    scene.provider.requests.clear()
    scene.provider.redeemed.clear()
    return browser


def near_expiry(scene: Scene, authorizer: Authorizer) -> Any:
    """Return a browser whose access token is due for renewal and still valid."""
    browser = scene.signed_in()
    assert authorizer.ask(browser, route=ROUTE) is not None
    scene.process.clock.ahead += 3600 - 30
    scene.provider.requests.clear()
    scene.provider.redeemed.clear()
    return browser


def test_rotated_refresh_token_is_sent_next(scene: Scene, authorizer: Authorizer) -> None:
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    for _ in range(3):
        assert authorizer.ask(browser, route=ROUTE) is not None
        an_hour_later(scene, browser)
    assert len(scene.provider.redeemed) == 3
    assert len(set(scene.provider.redeemed)) == 3
    assert not scene.provider.grant_ended


def test_token_response_without_a_refresh_token_keeps_the_old_one(
    scene: Scene, authorizer: Authorizer
) -> None:
    browser = expired(scene, authorizer)
    scene.provider.token_response = lambda answer: {**answer, "refresh_token": None}
    assert authorizer.ask(browser, route=ROUTE) is not None
    an_hour_later(scene, browser)
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert len(scene.provider.redeemed) == 2
    assert len(set(scene.provider.redeemed)) == 1


@pytest.mark.invariant(9)
def test_invalid_grant_ends_the_session(scene: Scene, authorizer: Authorizer) -> None:
    browser = expired(scene, authorizer)
    scene.provider.grant_ended = True
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.provider.count(TOKEN) == 1
    assert authorizer.ask(browser) is None
    assert scene.who(browser) is None
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.provider.count(TOKEN) == 1


def test_invalid_grant_after_another_process_won_the_lease_ends_nothing(
    scene: Scene, authorizer: Authorizer
) -> None:
    """While this one waits for its answer, another takes the lapsed lease and succeeds."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as other:

        def slow(form: dict[str, str]) -> Answer:
            scene.provider.responders.clear()
            scene.process.clock.ahead += scene.limits.lease_seconds + 1
            assert other.ask(browser, route=ROUTE) is not None
            return as_json({"error": "invalid_grant"}, status=400)

        scene.provider.responders[TOKEN] = slow
        assert authorizer.ask(browser, route=ROUTE) is not None
    assert scene.who(browser) == SUBJECT


def revocable(provider: EvilProvider) -> None:
    """Let a revocation end the grant, as it does at Logto."""

    def revoke(form: dict[str, str]) -> Answer:
        provider.grant_ended = True
        return Answer()

    provider.responders[REVOCATION] = revoke


def another_takes_the_lease(scene: Scene, authorizer: Authorizer, browser: Any) -> None:
    """Let the lease lapse, and another process take it and still hold it."""
    scene.process.clock.ahead += scene.limits.lease_seconds + 1
    now = scene.process.clock()
    lease = Lease(owner="another", until=now + scene.limits.lease_seconds)
    leases = authorizer.services.begin(scene.limits.authorizer_seconds).leases()
    assert leases.take_lease(SessionHandle.of(browser.jar[SESSION]).key, lease, now=now)


@pytest.mark.invariant(8)
@pytest.mark.parametrize("finished", [True, False], ids=["has finished", "is at work"])
def test_slow_holder_writes_and_revokes_nothing_once_another_took_over(
    scene: Scene, authorizer: Authorizer, finished: bool
) -> None:
    """Its token response is used for this request. The grant belongs to the other one by then."""
    browser = expired(scene, authorizer)
    revocable(scene.provider)
    rows: list[Any] = []
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as other:

        def slow(form: dict[str, str]) -> Answer:
            del scene.provider.responders[TOKEN]
            if finished:
                scene.process.clock.ahead += scene.limits.lease_seconds + 1
                assert other.ask(browser, route=ROUTE) is not None
            else:
                another_takes_the_lease(scene, other, browser)
            rows.extend(dump(scene.process.client, scene.process.table_name))
            return scene.provider.tokens(form)

        scene.provider.responders[TOKEN] = slow
        assert authorizer.ask(browser, route=ROUTE) is not None
    assert dump(scene.process.client, scene.process.table_name) == rows
    assert scene.provider.count(REVOCATION) == 0
    an_hour_later(scene, browser)
    assert authorizer.ask(browser, route=ROUTE) is not None


@pytest.mark.invariant(8)
def test_slow_holder_that_was_overtaken_after_rotation_revokes_nothing(
    scene: Scene, authorizer: Authorizer
) -> None:
    """The other one redeems the refresh token that this one has stored."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    revocable(scene.provider)
    others: list[Any] = []

    def overtake(**_: Any) -> None:
        if not others:
            scene.process.clock.ahead += scene.limits.lease_seconds + 1
            others.append(authorizer.ask(browser, route=ROUTE))

    client = connect(scene.limits)
    client.meta.events.register("before-send.dynamodb.TransactWriteItems", overtake)
    with started_authorizer(
        scene.process, TOKEN_SETTINGS, limits=scene.limits, client=client
    ) as slow:
        context = slow.ask(browser, route=ROUTE)
    client.close()
    assert context is not None
    assert others[0] is not None
    assert scene.provider.count(REVOCATION) == 0
    an_hour_later(scene, browser)
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert len(set(scene.provider.redeemed)) == len(scene.provider.redeemed) == 3
    assert not scene.provider.grant_ended


@pytest.mark.invariant(8)
@pytest.mark.parametrize("finished", [True, False], ids=["has finished", "is at work"])
def test_slow_holder_drops_a_rotated_token_once_another_took_over(
    scene: Scene, authorizer: Authorizer, finished: bool
) -> None:
    """The other one finds the old token spent and ends the session; this one writes nothing."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    revocable(scene.provider)
    rows: list[Any] = []
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=scene.limits) as other:

        def slow(form: dict[str, str]) -> Answer:
            del scene.provider.responders[TOKEN]
            answer = scene.provider.tokens(form)
            if finished:
                scene.process.clock.ahead += scene.limits.lease_seconds + 1
                assert other.ask(browser, route=ROUTE) is None
            else:
                another_takes_the_lease(scene, other, browser)
            rows.extend(dump(scene.process.client, scene.process.table_name))
            return answer

        scene.provider.responders[TOKEN] = slow
        assert authorizer.ask(browser, route=ROUTE) is None
    assert dump(scene.process.client, scene.process.table_name) == rows
    assert scene.provider.count(REVOCATION) == 0
    assert (scene.who(browser) is None) == finished


def test_session_deleted_during_a_refresh_takes_its_grant_along(
    scene: Scene, authorizer: Authorizer
) -> None:
    browser = expired(scene, authorizer)
    revocable(scene.provider)

    def deleted(form: dict[str, str]) -> Answer:
        key = SessionHandle.of(browser.jar[SESSION]).key
        scene.process.client.delete_item(
            TableName=scene.process.table_name, Key=ItemKey(key).attributes
        )
        return scene.provider.tokens(form)

    scene.provider.responders[TOKEN] = deleted
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.provider.count(REVOCATION) == 1
    assert scene.provider.grant_ended


OUTAGES: dict[str, Answer] = {
    "429": Answer(status=429),
    "500": Answer(status=500),
    "503": Answer(status=503, body=b"<html>busy</html>"),
    "reset": Answer(reset=True),
    "slow": Answer(pause=STALL),
    "HTML": Answer(body=b"<html>maintenance</html>"),
    "a list": Answer(body=b"[]"),
    "truncated": Answer(body=b'{"access_token": "x', promised=5000),
    "an error page": Answer(status=404, body=b"<html>not here</html>"),
    "endless": Answer(endless=2_000_000),
    "a redirect": Answer(status=307, headers={"location": "http://localhost:9/"}),
}


@pytest.mark.invariant(9)
@pytest.mark.parametrize("kind", cases(OUTAGES))
def test_outage_while_the_token_is_valid_allows(
    scene: Scene, authorizer: Authorizer, kind: str
) -> None:
    browser = near_expiry(scene, authorizer)
    scene.provider.responders[TOKEN] = lambda form: OUTAGES[kind]
    context = authorizer.ask(browser, route=ROUTE)
    assert context is not None
    assert context["access_token"]
    assert scene.provider.count(TOKEN) == 1
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(9)
@pytest.mark.parametrize("kind", cases(OUTAGES))
def test_outage_without_a_valid_token_denies_and_keeps_the_session(
    scene: Scene, authorizer: Authorizer, kind: str
) -> None:
    """The session stays, and requests are allowed again once the provider answers."""
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lambda form: OUTAGES[kind]
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.provider.count(TOKEN) == 1
    assert authorizer.ask(browser) is not None
    assert scene.who(browser) == SUBJECT
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is not None


@pytest.mark.limits(refresh_backoff_seconds=30)
def test_failure_is_followed_by_a_moment_without_requests(
    scene: Scene, authorizer: Authorizer
) -> None:
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lambda form: Answer(status=500)
    for _ in range(5):
        assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.provider.count(TOKEN) == 1
    scene.provider.responders.clear()
    scene.process.clock.ahead += 31
    assert authorizer.ask(browser, route=ROUTE) is not None


def lost(provider: EvilProvider) -> Callable[[dict[str, str]], Answer]:
    """Redeem the token, and lose the answer."""

    def answer(form: dict[str, str]) -> Answer:
        provider.tokens(form)
        return Answer(reset=True)

    return answer


@pytest.mark.invariant(8)
def test_answer_lost_after_rotation_ends_the_session(scene: Scene, authorizer: Authorizer) -> None:
    """Introspection reports that the refresh token is spent, so it is not sent again."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lost(scene.provider)
    assert authorizer.ask(browser, route=ROUTE) is None
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is None
    assert len(scene.provider.redeemed) == 1
    assert scene.provider.count(INTROSPECTION) == 1
    assert scene.who(browser) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_after_rotation_is_not_followed_by_another_redemption(
    scene: Scene, authorizer: Authorizer, status: int
) -> None:
    """A proxy's answer does not show what Logto has done."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)

    def redeem(form: dict[str, str]) -> Answer:
        scene.provider.tokens(form)
        return Answer(status=status)

    scene.provider.responders[TOKEN] = redeem
    assert authorizer.ask(browser, route=ROUTE) is None
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is None
    assert len(scene.provider.redeemed) == 1
    assert scene.provider.count(INTROSPECTION) == 1
    assert not scene.provider.grant_ended


def test_answer_lost_and_credentials_refused_keeps_the_session(
    scene: Scene, authorizer: Authorizer
) -> None:
    """Introspection that refuses this application says nothing about the token."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lost(scene.provider)
    assert authorizer.ask(browser, route=ROUTE) is None
    scene.provider.responders = {
        INTROSPECTION: lambda form: as_json({"error": "invalid_client"}, status=401)
    }
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.who(browser) == SUBJECT
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is None
    assert len(scene.provider.redeemed) == 1
    assert not scene.provider.grant_ended


@pytest.mark.parametrize(
    "error", ["unauthorized_client", "unsupported_grant_type", "invalid_client"]
)
def test_configuration_error_is_a_problem_and_redeems_nothing(
    scene: Scene, authorizer: Authorizer, error: str
) -> None:
    """Logto checks the application before the refresh token, so that is still good."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lambda form: as_json({"error": error}, status=400)
    scene.printed()
    assert authorizer.ask(browser, route=ROUTE) is None
    slug = "client_refused" if error == "invalid_client" else "configuration_refused"
    lines = [json.loads(line) for line in scene.printed().splitlines() if line.startswith("{")]
    assert [line["reason"] for line in lines if "Problems" in line] == [slug]
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert scene.provider.count(INTROSPECTION) == 0


@pytest.mark.invariant(9)
def test_configuration_error_leaves_a_token_that_is_still_valid(
    scene: Scene, authorizer: Authorizer
) -> None:
    browser = near_expiry(scene, authorizer)
    scene.provider.responders[TOKEN] = lambda form: as_json({"error": "invalid_client"}, status=401)
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert "token not refreshed" in scene.printed()


@pytest.mark.limits(metadata_renewal_seconds=0.2)
def test_discovery_that_hangs_leaves_old_metadata_in_use(
    scene: Scene, authorizer: Authorizer
) -> None:
    """The renewal of metadata is given up after a moment, so the refresh still has its time."""
    browser = expired(scene, authorizer)
    scene.provider.responders[DISCOVERY] = lambda form: Answer(pause=STALL)
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert [scene.provider.count(path) for path in (DISCOVERY, TOKEN)] == [1, 1]
    an_hour_later(scene, browser)
    scene.provider.responders.clear()
    assert authorizer.ask(browser, route=ROUTE) is not None


@pytest.mark.limits(metadata_renewal_seconds=0.2)
def test_keys_that_hang_after_rotation_do_not_discard_the_access_token(
    scene: Scene, authorizer: Authorizer
) -> None:
    """Only the ID token cannot be checked at present."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.keys = [RS256]
    scene.provider.responders[KEYS] = lambda form: Answer(pause=STALL)
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert len(scene.provider.redeemed) == 1


@pytest.mark.parametrize("limit", ["lease_needs_seconds", "redeem_needs_seconds"])
def test_table_that_leaves_no_time_begins_no_redemption(
    scene: Scene, authorizer: Authorizer, limit: str
) -> None:
    """A redemption that could not be finished is not begun; a valid token is still used."""
    browser = near_expiry(scene, authorizer)
    changed: Any = {limit: 2 * scene.limits.authorizer_seconds}
    late = replace(scene.limits, **changed)
    with started_authorizer(scene.process, TOKEN_SETTINGS, limits=late) as other:
        assert other.ask(browser, route=ROUTE) is not None
        scene.process.clock.ahead += 60
        assert other.ask(browser, route=ROUTE) is None
    assert scene.provider.count(TOKEN) == 0
    assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert scene.provider.count(INTROSPECTION) == 0


@pytest.mark.invariant(8)
def test_rotated_token_is_stored_before_time_runs_out(scene: Scene, authorizer: Authorizer) -> None:
    """The rotated refresh token is stored first; the next request does the rest."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    gone, updates = [0.0], []

    def run_out(**_: Any) -> None:
        updates.append(1)
        if len(updates) == 2:  # the lease was the first
            gone[0] = scene.limits.authorizer_seconds

    client = connect(scene.limits)
    client.meta.events.register("after-call.dynamodb.UpdateItem", run_out)
    timer = Timer(monotonic=lambda: time.monotonic() + gone[0])
    with started_authorizer(
        scene.process, TOKEN_SETTINGS, limits=scene.limits, client=client, timer=timer
    ) as late:
        assert late.ask(browser, route=ROUTE) is not None
    client.close()
    assert len(updates) == 2
    scene.process.clock.ahead += scene.limits.lease_seconds + 1
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert len(set(scene.provider.redeemed)) == len(scene.provider.redeemed) == 2
    assert not scene.provider.grant_ended


def test_answer_lost_without_rotation_is_redeemed_again(
    scene: Scene, authorizer: Authorizer
) -> None:
    """Introspection reports that the refresh token is still valid."""
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lost(scene.provider)
    assert authorizer.ask(browser, route=ROUTE) is None
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert scene.who(browser) == SUBJECT


def test_answer_lost_while_introspection_says_nothing_ends_the_session(
    provider: EvilProvider, scene: Scene, authorizer: Authorizer
) -> None:
    provider.introspects = False
    provider.rotates = True
    browser = expired(scene, authorizer)
    provider.responders[TOKEN] = lost(provider)
    assert authorizer.ask(browser, route=ROUTE) is None
    provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is None
    assert len(provider.redeemed) == 1
    assert scene.who(browser) is None


def test_answer_lost_with_introspection_down_neither_redeems_nor_ends(
    scene: Scene, authorizer: Authorizer
) -> None:
    """An unknown state is a reason neither to redeem again nor to end the session."""
    browser = expired(scene, authorizer)
    scene.provider.responders[TOKEN] = lost(scene.provider)
    assert authorizer.ask(browser, route=ROUTE) is None
    scene.provider.responders[INTROSPECTION] = lambda form: Answer(status=500)
    for _ in range(3):
        scene.process.clock.ahead += 1
        assert authorizer.ask(browser, route=ROUTE) is None
    assert len(scene.provider.redeemed) == 1
    assert scene.who(browser) == SUBJECT
    scene.provider.responders.clear()
    scene.process.clock.ahead += 1
    assert authorizer.ask(browser, route=ROUTE) is not None


def test_keys_that_fail_after_rotation_leave_the_identity_and_keep_the_token(
    scene: Scene, authorizer: Authorizer
) -> None:
    """The new ID token cannot be checked, so the previous identity stays."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.keys = [RS256]
    scene.provider.responders[KEYS] = lambda form: Answer(status=500)
    scene.provider.claims = lambda claims: {**claims, "name": "Somebody Else"}
    context = authorizer.ask(browser, route=ROUTE)
    assert context is not None
    assert context["name"] == "Mallory of the evil provider"
    an_hour_later(scene, browser)
    scene.provider.responders.clear()
    assert authorizer.ask(browser, route=ROUTE) is not None
    assert len(set(scene.provider.redeemed)) == 2
    assert not scene.provider.grant_ended


CLAIMS: dict[str, dict[str, Any]] = {
    "another sub": {"sub": "somebody-else"},
    "another iss": {"iss": "https://evil.example/oidc"},
    "another aud": {"aud": "another-app"},
    "another nonce": {"nonce": "x"},
    "expired": {"exp": 1_000_000_000},
    "no sub": {"sub": None},
    "a logout token": {"events": {}},
}


@pytest.mark.invariant(10)
@pytest.mark.parametrize("kind", CLAIMS)
def test_token_response_of_another_identity_is_refused(
    scene: Scene, authorizer: Authorizer, kind: str
) -> None:
    browser = expired(scene, authorizer)
    before = scene.provider.secrets.copy()
    scene.provider.claims = lambda claims: {**claims, **CLAIMS[kind]}
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.who(browser) is None
    stored = raw_bytes(scene.process.client, scene.process.table_name)
    assert not any(s.encode() in stored for s in scene.provider.secrets - before)


@pytest.mark.invariant(10)
@pytest.mark.parametrize("kind", ["another sub", "another iss", "no sub"])
def test_identity_is_pinned_while_the_keys_are_down(
    scene: Scene, authorizer: Authorizer, kind: str
) -> None:
    """A token whose signature cannot be checked may be dropped, but not if it names another."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    scene.provider.keys = [RS256]
    scene.provider.responders[KEYS] = lambda form: Answer(status=500)
    scene.provider.claims = lambda claims: {**claims, **CLAIMS[kind]}
    assert authorizer.ask(browser, route=ROUTE) is None
    assert scene.who(browser) is None


@pytest.mark.parametrize("value", [0, 1, 30, -1, 1e30, "3600", None, True, float("1e400")])
def test_any_expires_in_causes_one_refresh(
    scene: Scene, authorizer: Authorizer, value: object
) -> None:
    """A burst of requests costs one refresh."""
    browser = expired(scene, authorizer)
    scene.provider.token_response = lambda answer: {**answer, "expires_in": value}
    if value == float("inf"):
        scene.provider.responders[TOKEN] = lambda form: Answer(
            body=json.dumps({**scene.provider.good_tokens(form), "expires_in": 0})
            .replace('"expires_in": 0', '"expires_in": 1e400')
            .encode()
        )
    for _ in range(5):
        assert authorizer.ask(browser, route=ROUTE) is not None
    assert scene.provider.count(TOKEN) == 1


def test_sign_in_without_a_refresh_token_has_an_identity_and_no_tokens(
    scene: Scene, authorizer: Authorizer
) -> None:
    """No request is made to the token endpoint."""
    scene.provider.token_response = lambda answer: {**answer, "refresh_token": None}
    browser = scene.signed_in()
    scene.provider.requests.clear()
    assert authorizer.ask(browser, route=ROUTE) is None
    assert authorizer.ask(browser) is not None
    assert scene.provider.requests == []


@pytest.mark.invariant(14)
def test_sign_out_during_a_refresh_stays_signed_out(scene: Scene, authorizer: Authorizer) -> None:
    scene.provider.rotates = True
    browser = expired(scene, authorizer)

    def meanwhile(form: dict[str, str]) -> Answer:
        scene.provider.responders.clear()
        signed_out = browser.post("/sign-out", {"sec-fetch-site": "same-origin"})
        assert signed_out.status == 303
        return scene.provider.tokens(form)

    scene.provider.responders[TOKEN] = meanwhile
    old = dict(browser.jar)
    assert authorizer.ask(browser, route=ROUTE) is None
    browser.jar.update(old)
    assert scene.who(browser) is None
    rows = dump(scene.process.client, scene.process.table_name)
    assert not [row for row in rows if "seen_at" in row]


@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("kind", KINDS)
def test_table_failing_at_any_call_causes_no_second_redemption(
    scene: Scene, authorizer: Authorizer, kind: str, call: int
) -> None:
    """Afterwards the session exists or has cleanly ended, and no refresh token was sent twice."""
    scene.provider.rotates = True
    browser = expired(scene, authorizer)
    faults = Faults(scene.process.client)
    faults.arm(kind, lambda number: number == call)
    authorizer.ask(browser, route=ROUTE)
    faults.disarm()
    scene.process.clock.ahead += scene.limits.lease_seconds + 1
    later = authorizer.ask(browser, route=ROUTE)
    assert len(set(scene.provider.redeemed)) == len(scene.provider.redeemed)
    assert not scene.provider.grant_ended
    assert (later is not None) == (scene.who(browser) == SUBJECT)


def test_tokens_item_does_not_open_for_another_session(
    scene: Scene, authorizer: Authorizer
) -> None:
    browsers = [scene.signed_in(), scene.signed_in()]
    for browser in browsers:
        assert authorizer.ask(browser, route=ROUTE) is not None
    client, table = scene.process.client, scene.process.table_name
    rows = [row for row in dump(client, table) if str(row["pk"]).find("token#") >= 0]
    assert len(rows) == 2
    first, second = rows
    client.put_item(TableName=table, Item={**second, "pk": first["pk"]})  # type: ignore[dict-item]
    client.put_item(TableName=table, Item={**first, "pk": second["pk"]})  # type: ignore[dict-item]
    scene.provider.requests.clear()
    contexts = [authorizer.ask(browser, route=ROUTE) for browser in browsers]
    assert all(contexts)
    assert scene.provider.count(TOKEN) == 2  # neither opened, so both tokens were requested again


def event_of(browser: Any) -> dict[str, Any]:
    cookies = [f"{name}={value}" for name, value in browser.jar.items()]
    return authorizer_event(route=ROUTE, cookies=cookies)


@pytest.mark.invariant(8)
def test_fifty_requests_from_ten_processes_cause_one_refresh(
    provider: EvilProvider, scene: Scene
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    provider.rotates = True
    browser = scene.signed_in()
    name = "tests.hostile.five_at_once.handler"
    processes = Environments(scene.variables(**TOKEN_SETTINGS), count=PROCESSES)
    try:
        processes.check(frozenset({name}), seconds=120)
        provider.requests.clear()
        with ThreadPoolExecutor(PROCESSES) as threads:
            events = [event_of(browser)] * PROCESSES
            answers = list(
                threads.map(lambda event: processes.invoke(name, event, seconds=120), events)
            )
    finally:
        processes.kill()
    flat = [answer for several in answers for answer in several]
    assert len(flat) == PROCESSES * AT_ONCE
    assert provider.count(TOKEN) == 1
    assert not provider.grant_ended
    tokens = {answer["context"]["access_token"] for answer in flat if answer["isAuthorized"]}
    assert len(tokens) == 1
    assert all(answer["isAuthorized"] for answer in flat)


POINTS = (
    "before-send.dynamodb.BatchGetItem",
    "after-call.dynamodb.UpdateItem",
    "before the token request",
    "after the token request",
    "before-send.dynamodb.TransactWriteItems",
    "after-call.dynamodb.TransactWriteItems",
)


@pytest.mark.invariant(8)
@pytest.mark.parametrize("rotates", [True, False], ids=["rotating", "not rotating"])
@pytest.mark.parametrize("point", POINTS)
def test_lease_holder_that_dies_causes_no_second_redemption(
    provider: EvilProvider, scene: Scene, authorizer: Authorizer, point: str, rotates: bool
) -> None:
    """The lease lapses in seconds. The next request succeeds, or the session has cleanly ended."""
    provider.rotates = rotates
    browser = scene.signed_in()
    cookie = browser.jar[SESSION]
    provider.requests.clear()
    dying = Environments(scene.variables(**TOKEN_SETTINGS, DIE_AT=point), count=1)
    try:
        with pytest.raises(InvocationFailed):
            dying.invoke("tests.hostile.refreshing.dying", event_of(browser), seconds=60)
    finally:
        dying.kill()
    scene.process.clock.ahead += scene.limits.lease_seconds + 1
    later = authorizer.ask(browser, route=ROUTE)
    redeemed_and_lost = rotates and point in (
        "after the token request",
        "before-send.dynamodb.TransactWriteItems",
    )
    if redeemed_and_lost and point == "after the token request":
        assert later is None
        assert scene.who(browser) is None
    else:
        assert later is not None
        assert scene.who(browser) == SUBJECT
    assert not provider.grant_ended
    if rotates:
        assert len(set(provider.redeemed)) == len(provider.redeemed)
    assert browser.jar[SESSION] == cookie
