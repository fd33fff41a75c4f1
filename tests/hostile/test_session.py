"""Browser: session cookies that are planted, forged, doubled or hidden, and what pages answer."""

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import FETCH, NAVIGATION, read_answer
from harness.product import DOMAIN
from harness.tables import dump
from local.http_event import http_event
from shared.session_handle import SessionHandle
from shared.store.keys import ItemKey
from shared.store.records import Session
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import SESSION, Attempt, Scene, Witnessed

OTHER = "A" * 43
SIGNED_OUT: dict[str, list[str]] = {
    "nothing": [],
    "empty": [f"{SESSION}="],
    "flipped": [f"{SESSION}={{flipped}}"],
    "cut short": [f"{SESSION}={{short}}"],
    "with more": [f"{SESSION}={{value}}A"],
    "padded": [f"{SESSION}={{value}}="],
    "quoted": [f'{SESSION}="{{value}}"'],
    "with a space within": [f"{SESSION}={{head}} {{tail}}"],
    "with a NUL": [f"{SESSION}={{value}}\x00"],
    "in another case": [f"{SESSION}={{swapped}}"],
    "percent-encoded": [f"{SESSION}=%{{hex}}{{rest}}"],
    "in the other base64": [f"{SESSION}={{plus}}"],
    "of 10 KB": [f"{SESSION}=" + "x" * 10_000],
    "name in capitals": ["__HOST-SESSION={value}"],
    "name without prefix": ["session={value}"],
    "name with another prefix": ["__Secure-session={value}"],
    "name with a space within": ["__Host- session={value}"],
    "name in other letters": ["__Host-\u017fession={value}"],
    "name percent-encoded": ["__Host%2Dsession={value}"],
    "name as an array": [f"{SESSION}[]={{value}}"],
    "in the value of another": [f"a=b,{SESSION}={{value}}"],
    "in quotes of another": [f'a="x, {SESSION}={{value}}"'],
    "with another that is well-formed": [f"{SESSION}={{value}}", f"{SESSION}={OTHER}"],
    "with another, which comes first": [f"{SESSION}={OTHER}", f"{SESSION}={{value}}"],
    "the other kind of cookie": [f"{SESSION}={{browser}}"],
}
SIGNED_IN: dict[str, list[str]] = {
    "alone": [f"{SESSION}={{value}}"],
    "twice the same": [f"{SESSION}={{value}}", f"{SESSION}={{value}}"],
    "with an empty one": [f"{SESSION}=", f"{SESSION}={{value}}"],
    "with a malformed one": [f"{SESSION}=x", f"{SESSION}={{value}}"],
    "with a malformed one behind": [f"{SESSION}={{value}}", f"{SESSION}=%00"],
    "spaces around": [f"  {SESSION}={{value}}  "],
    "a tab around": [f"\t{SESSION}={{value}}\t"],
    "behind an open quote": ['a="b', f"{SESSION}={{value}}"],
    "behind a bracket": ["a=[b", f"{SESSION}={{value}}"],
    "behind a nameless one": ["=x", f"{SESSION}={{value}}"],
    "behind one without a value": ["x", f"{SESSION}={{value}}"],
    "behind a comma": ["a=b,c", f"{SESSION}={{value}}"],
    "behind an empty one": ["", f"{SESSION}={{value}}"],
    "behind JSON": ['_logto={"appId":"a;b"}', f"{SESSION}={{value}}"],
    "behind bytes that are not text": ["a=\xff\xfe", f"{SESSION}={{value}}"],
    "behind control characters": ["a=\x01\x02", f"{SESSION}={{value}}"],
    "behind a NUL": ["a=\x00", f"{SESSION}={{value}}"],
    "behind attributes": ["$Version=1; Path=/; Domain=x", f"{SESSION}={{value}}"],
    "behind a look-alike": [f"session={OTHER}", f"{SESSION}={{value}}"],
    "behind a look-alike in capitals": [f"__HOST-SESSION={OTHER}", f"{SESSION}={{value}}"],
    "behind a hundred others": [f"a{n}=b" for n in range(100)] + [f"{SESSION}={{value}}"],
    "behind 8 KB": ["a=" + "x" * 8000, f"{SESSION}={{value}}"],
    "behind Logto's own": ["_session=x; _interaction=y", f"{SESSION}={{value}}"],
}


def cookies(browser: Witnessed, templates: list[str]) -> list[str]:
    value = browser.jar[SESSION]
    (other,) = [v for name, v in browser.jar.items() if name != SESSION]
    words = {
        "value": value,
        "flipped": ("A" if value[0] != "A" else "B") + value[1:],
        "short": value[:-1],
        "head": value[:20],
        "tail": value[20:],
        "swapped": value.swapcase(),
        "hex": f"{ord(value[0]):02x}",
        "rest": value[1:],
        "plus": base64.b64encode(base64.urlsafe_b64decode(value + "=") + b"?").decode(),
        "browser": other,
    }

    def filled(template: str) -> str:
        for word, meaning in words.items():
            template = template.replace(f"{{{word}}}", meaning)
        return template

    return [filled(template) for template in templates]


def me_with(scene: Scene, sent: list[str], *, as_header: bool) -> int:
    event = http_event("GET", "/me", headers=FETCH, cookies=None if as_header else sent)
    if as_header:
        event["headers"]["cookie"] = "; ".join(sent)
    reply = read_answer(scene.process.handler(event, None))
    assert reply.set_cookies == ()
    assert reply.headers["cache-control"] == "no-store"
    return reply.status


@pytest.mark.invariant(18)
@pytest.mark.parametrize("as_header", [False, True], ids=["array", "header"])
@pytest.mark.parametrize("name", SIGNED_OUT)
def test_signed_out_with_a_malformed_or_ambiguous_cookie(
    scene: Scene, name: str, as_header: bool
) -> None:
    browser = scene.signed_in()
    sent = cookies(browser, SIGNED_OUT[name])
    assert me_with(scene, sent, as_header=as_header) == 401
    assert scene.who(browser) == SUBJECT


@pytest.mark.invariant(18)
@pytest.mark.parametrize("as_header", [False, True], ids=["array", "header"])
@pytest.mark.parametrize("name", SIGNED_IN)
def test_signed_in_with_any_neighbouring_cookies(scene: Scene, name: str, as_header: bool) -> None:
    browser = scene.signed_in()
    sent = cookies(browser, SIGNED_IN[name])
    assert me_with(scene, sent, as_header=as_header) == 200


@pytest.mark.invariant(5)
def test_planted_session_is_replaced_by_the_sign_in(scene: Scene) -> None:
    """Fixation: the attacker's own cookie in the victim's browser is replaced by the sign-in."""
    attacker, victim = scene.signed_in(), scene.browser()
    planted = victim.jar[SESSION] = attacker.jar[SESSION]
    scene.provider.claims = lambda claims: {**claims, "sub": "victim"}
    scene.finish(scene.begin(victim))
    assert victim.jar[SESSION] != planted
    assert scene.who(victim) == "victim"
    assert scene.who(attacker) is None  # what was planted has ended


@pytest.mark.invariant(5)
def test_sign_in_as_another_user_leaves_nothing_of_the_first(scene: Scene) -> None:
    browser = scene.signed_in()
    first = browser.jar[SESSION]
    scene.provider.claims = lambda claims: {
        **{k: v for k, v in claims.items() if k not in ("name", "email")},
        "sub": "second",
    }
    scene.provider.token_response = lambda answer: {
        k: v for k, v in answer.items() if k != "refresh_token"
    }
    scene.finish(scene.begin(browser))
    identity = json.loads(browser.get("/me", FETCH).body)
    assert (identity["sub"], identity["name"], identity["email"]) == ("second", None, None)
    scene.provider.requests.clear()
    browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
    assert scene.provider.requests == []  # no refresh token of the first user is left to revoke
    browser.jar[SESSION] = first
    assert scene.who(browser) is None


def test_sign_in_that_another_site_began_replaces_the_session(scene: Scene) -> None:
    """Login CSRF, which docs/security.md describes: the previous session ends."""
    browser = scene.signed_in()
    first = browser.jar[SESSION]
    headers = {**NAVIGATION, "sec-fetch-site": "cross-site"}
    started = browser.get("/sign-in?connector=of-the-other", headers)
    asked = parse_qs(urlsplit(started.location).query)
    scene.provider.claims = lambda claims: {**claims, "sub": "other-user"}
    attempt = Attempt(browser=browser, state=asked["state"][0], nonce=asked["nonce"][0])
    assert scene.finish(attempt).status == 302
    assert scene.who(browser) == "other-user"
    browser.jar[SESSION] = first
    assert scene.who(browser) is None


def test_writer_of_sessions_can_become_any_user(
    scene: Scene,
) -> None:
    """As docs/security.md says: sealing protects against readers of the table, not writers."""
    browser, services = scene.signed_in(), scene.process.services
    handle = SessionHandle.of(browser.jar[SESSION])
    item = services.sessions.read_session(handle.key)
    assert item is not None
    own = Session.unseal(item, handle.seal)
    assert own is not None
    sealed = replace(own, subject="anybody").sealed(handle.seal, services.random)
    scene.process.client.update_item(
        TableName=scene.process.table_name,
        Key=ItemKey(handle.key).attributes,
        UpdateExpression="SET sealed = :sealed",
        ExpressionAttributeValues={":sealed": {"B": sealed}},
    )
    assert scene.who(browser) == "anybody"


@pytest.mark.invariant(5)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_beginning_a_sign_in_changes_no_session(scene: Scene, headers: dict[str, str]) -> None:
    browser = scene.signed_in()
    session = browser.jar[SESSION]
    navigates = "sec-fetch-site" in headers and "sec-fetch-dest" not in headers
    reply = browser.get("/sign-in", {**NAVIGATION, **headers})
    assert reply.status == (302 if navigates else 400)
    assert browser.jar[SESSION] == session
    assert scene.who(browser) == SUBJECT


@pytest.mark.parametrize(
    "path", ["/", "/me", "/sign-in", "/callback?state=x", "/sign-out", "/none"]
)
def test_no_answer_is_kept_by_caches(scene: Scene, path: str) -> None:
    browser = scene.signed_in()
    reply = browser.get(path, {**NAVIGATION, "sec-fetch-site": "cross-site"})
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.invariant(15)
@pytest.mark.parametrize(("ahead", "live"), [(3599, True), (3601, False)])
def test_idle_timeout_ends_a_session_whose_item_is_left(
    scene: Scene, ahead: int, live: bool
) -> None:
    browser = scene.signed_in()
    scene.process.clock.ahead = ahead
    assert (scene.who(browser) is not None) is live
    assert sessions(scene) == 1


@pytest.mark.invariant(15)
def test_absolute_timeout_ends_a_session_whose_item_is_left(scene: Scene) -> None:
    browser = scene.signed_in()
    for hour in range(1, 13):
        scene.process.clock.ahead = hour * 3590
        assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead = 43_201
    assert scene.who(browser) is None
    assert sessions(scene) == 1


def test_clock_that_goes_back_ends_nothing_and_extends_nothing(scene: Scene) -> None:
    browser = scene.signed_in()
    scene.process.clock.ahead = -600
    assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead = 43_201
    assert scene.who(browser) is None


def sessions(scene: Scene) -> int:
    rows = dump(scene.process.client, scene.process.table_name)
    return sum(1 for row in rows if "seen_at" in row)


@pytest.mark.parametrize("where", [0, 12, 40, -1], ids=["first", "nonce", "middle", "last"])
@pytest.mark.parametrize("kind", ["session", "transaction"])
def test_edited_ciphertext_does_not_open(scene: Scene, where: int, kind: str) -> None:
    browser = scene.signed_in() if kind == "session" else scene.browser()
    attempt = scene.begin(browser)
    marker = "seen_at" if kind == "session" else "binding"
    for row in scene.process.client.scan(TableName=scene.process.table_name)["Items"]:
        if marker in row:
            sealed = bytearray(bytes(row["sealed"]["B"]))
            sealed[where] ^= 1
            row["sealed"] = {"B": bytes(sealed)}
            scene.process.client.put_item(TableName=scene.process.table_name, Item=row)
    if kind == "session":
        assert scene.who(browser) is None
    else:
        scene.refused(scene.finish(attempt), token_requests=0)


def test_swapped_ciphertexts_do_not_open(scene: Scene) -> None:
    """The row's key is associated data: a row does not open under another's key."""
    one, other = scene.signed_in(), scene.browser()
    scene.provider.claims = lambda claims: {**claims, "sub": "other"}
    scene.finish(scene.begin(other))
    client, table = scene.process.client, scene.process.table_name
    first, second = [r for r in client.scan(TableName=table)["Items"] if "seen_at" in r]
    first["sealed"], second["sealed"] = second["sealed"], first["sealed"]
    for row in (first, second):
        client.put_item(TableName=table, Item=row)
    assert scene.who(one) is None
    assert scene.who(other) is None


@pytest.mark.parametrize("attribute", ["sealed", "seen_at", "expires_at"])
def test_item_that_lacks_an_attribute_is_not_a_session(scene: Scene, attribute: str) -> None:
    browser = scene.signed_in()
    client, table = scene.process.client, scene.process.table_name
    for row in client.scan(TableName=table)["Items"]:
        if "seen_at" in row:
            del row[attribute]
            client.put_item(TableName=table, Item=row)
    assert scene.who(browser) is None


def test_session_too_large_for_an_item_keeps_the_previous_one(scene: Scene) -> None:
    """DynamoDB accepts 400 KB; answers of the provider are limited to less."""
    browser = scene.signed_in()
    scene.provider.token_response = lambda a: {**a, "refresh_token": "r" * 200_000}
    reply = scene.finish(scene.begin(browser))
    assert reply.status in (302, 502)
    assert scene.who(browser) == SUBJECT


COOKIE_PARTS = {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}


def test_cookies_have_exactly_their_attributes(scene: Scene) -> None:
    browser = scene.signed_in()
    browser.get("/sign-out", {**NAVIGATION, "sec-fetch-site": "same-origin"})
    lines = [line for reply in browser.replies for line in reply.set_cookies]
    assert len(lines) == 3
    for line in lines:
        name, *attributes = [part.strip() for part in line.split(";")]
        assert name.startswith("__Host-")
        assert {part for part in attributes if not part.startswith("Max-Age=")} == COOKIE_PARTS
        assert "domain" not in line.lower()
    session = next(
        line for line in lines if line.startswith(f"{SESSION}=") and "Max-Age" not in line
    )
    assert {part.strip() for part in session.split(";")[1:]} == COOKIE_PARTS
    assert DOMAIN not in session
