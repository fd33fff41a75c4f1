"""Browser: sign-outs that another site asks for, and sign-outs while something is down."""

import pytest

from harness.browser import NAVIGATION, read_answer
from harness.product import DOMAIN
from local.http_event import http_event
from tests.hostile.provider import DISCOVERY, REVOCATION, SUBJECT, Answer
from tests.hostile.scene import SESSION, Scene
from tests.hostile.waiting import STALL, impatient

ORIGIN = f"https://{DOMAIN}"
FOREIGN = {
    "another site": {"origin": "https://evil.test"},
    "a sibling domain": {"origin": "https://other.example.test"},
    "the domain above": {"origin": "https://example.test"},
    "a domain below": {"origin": f"https://a.{DOMAIN}"},
    "a look-alike": {"origin": f"https://{DOMAIN}.evil.test"},
    "the same host in plain http": {"origin": f"http://{DOMAIN}"},
    "the same host on another port": {"origin": f"{ORIGIN}:444"},
    "null": {"origin": "null"},
    "capitals": {"origin": ORIGIN.upper()},
    "with a path": {"origin": f"{ORIGIN}/"},
    "two origins": {"origin": f"{ORIGIN}, https://evil.test"},
    "no origin, cross-site": {"sec-fetch-site": "cross-site"},
    "no origin, same-site": {"sec-fetch-site": "same-site"},
    "an unknown word": {"sec-fetch-site": "elsewhere"},
    "another origin that claims to be ours": {
        "origin": "https://evil.test",
        "sec-fetch-site": "same-origin",
    },
    "forwarded as ours": {"origin": "https://evil.test", "x-forwarded-host": "evil.test"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_post_of_another_origin_is_refused(scene: Scene, name: str) -> None:
    browser = scene.signed_in()
    reply = browser.post("/sign-out", {"accept": "text/html", **FOREIGN[name]})
    assert reply.status == 403
    assert reply.set_cookies == ()
    assert scene.who(browser) == SUBJECT
    assert scene.provider.count(REVOCATION) == 0


@pytest.mark.parametrize("name", [n for n in FOREIGN if n != "null"])
def test_link_of_another_site_gets_a_confirmation_page(scene: Scene, name: str) -> None:
    """The form of the page is posted from this origin."""
    browser = scene.signed_in()
    reply = browser.get("/sign-out", {**NAVIGATION, **FOREIGN[name]})
    assert reply.status == 200
    assert reply.set_cookies == ()
    assert '<form method="post" action="/sign-out">' in reply.body
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-frame-options"] == "DENY"
    assert scene.who(browser) == SUBJECT
    out = browser.post("/sign-out", {"origin": ORIGIN, "sec-fetch-site": "same-origin"})
    assert out.status == 303
    assert scene.who(browser) is None


@pytest.mark.invariant(12)
@pytest.mark.parametrize("where", [REVOCATION, DISCOVERY])
@pytest.mark.parametrize(
    "answer",
    [Answer(status=500), Answer(reset=True), pytest.param(Answer(pause=STALL), marks=impatient)],
)
def test_session_ends_with_the_provider_down(scene: Scene, where: str, answer: Answer) -> None:
    """The session here ends nevertheless."""
    browser = scene.signed_in()
    old = browser.jar[SESSION]
    scene.provider.responders[where] = lambda _: answer
    scene.process.clock.ahead = 3590
    out = browser.post("/sign-out", {"origin": ORIGIN})
    assert out.status == 303
    assert SESSION not in browser.jar
    browser.jar[SESSION] = old
    assert scene.who(browser) is None


CACHES = {
    "nothing": {"metadata_fresh_seconds": 600, "metadata_stale_seconds": 601},
    "what is old": {"metadata_fresh_seconds": 600},
    "what is fresh": {},
}


@pytest.mark.invariant(12)
@pytest.mark.parametrize(
    "known",
    [pytest.param(name, marks=pytest.mark.limits(**changes)) for name, changes in CACHES.items()],
)
@pytest.mark.limits(sign_out_provider_seconds=0.2)
def test_session_ends_while_the_provider_hangs(scene: Scene, known: str) -> None:
    """The answer is that of a successful sign-out."""
    browser = scene.signed_in()
    old = browser.jar[SESSION]
    for path in (DISCOVERY, REVOCATION):
        scene.provider.responders[path] = lambda _: Answer(pause=STALL)
    scene.process.clock.ahead += 0 if known == "what is fresh" else 1790
    assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead += 0 if known == "what is fresh" else 1790
    out = browser.post("/sign-out", {"origin": ORIGIN, "accept": "text/html"})
    assert out.status == (200 if known == "nothing" else 303)
    assert "not been signed out" not in out.body
    assert SESSION not in browser.jar
    browser.jar[SESSION] = old
    scene.provider.responders.clear()
    assert scene.who(browser) is None


def test_sign_out_ends_here_if_the_provider_has_no_end_session_page(scene: Scene) -> None:
    scene.provider.metadata = lambda document: {
        name: value for name, value in document.items() if name != "end_session_endpoint"
    }
    browser = scene.signed_in()
    out = browser.post("/sign-out", {"origin": ORIGIN, "accept": "text/html"})
    assert out.status == 200
    assert SESSION not in browser.jar
    assert scene.provider.count(REVOCATION) == 1


def test_every_session_cookie_that_is_sent_is_ended(scene: Scene) -> None:
    """It is unknown which one is the browser's, so each is ended."""
    browsers = [scene.signed_in(), scene.signed_in()]
    cookies = [f"{SESSION}={browser.jar[SESSION]}" for browser in browsers]
    event = http_event(
        "POST", "/sign-out", headers={"origin": ORIGIN}, cookies=cookies, domain=DOMAIN
    )
    assert read_answer(scene.process.handler(event, None)).status == 303
    assert [scene.who(browser) for browser in browsers] == [None, None]
    assert scene.provider.count(REVOCATION) == 2


def test_everywhere_from_a_session_that_timed_out_ends_the_others(scene: Scene) -> None:
    """The record opens with the cookie, so the request is the user's."""
    asking, other = scene.signed_in(), scene.signed_in()
    scene.process.clock.ahead = scene.process.services.settings.session_idle_seconds - 10
    assert scene.who(other) == SUBJECT
    scene.process.clock.ahead += 20
    assert [scene.who(browser) for browser in (asking, other)] == [None, SUBJECT]
    out = asking.post("/sign-out?everywhere=true", {"origin": ORIGIN})
    assert out.status == 303
    assert scene.who(other) is None


@pytest.mark.invariant(16)
def test_hint_goes_only_to_the_provider(scene: Scene) -> None:
    browser = scene.signed_in()
    out = browser.post("/sign-out", {"origin": ORIGIN})
    assert out.location.startswith(f"{scene.provider.issuer}/session/end?")
    assert "id_token_hint=" in out.location
    assert out.headers["referrer-policy"] == "no-referrer"
