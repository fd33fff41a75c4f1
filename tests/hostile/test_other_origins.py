"""What other sites reach: no answer that they may read, and no session by a token of their own."""

from pathlib import Path
from typing import Any

import pytest

from harness.browser import FETCH, NAVIGATION
from harness.functions import started_notifications
from harness.product import DOMAIN
from local.http_event import http_event
from local.template import read_template
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import Scene

ROOT = Path(__file__).resolve().parent.parent.parent
FOREIGN = {
    "another site": {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
    "a sibling domain": {"origin": "https://other.example.test", "sec-fetch-site": "same-site"},
    "null": {"origin": "null", "sec-fetch-site": "cross-site"},
    "this origin": {"origin": f"https://{DOMAIN}", "sec-fetch-site": "same-origin"},
}
REQUESTS = [
    *(
        ("GET", path)
        for path in ("/", "/me", "/sign-in", "/callback?state=x", "/sign-out", "/none")
    ),
    *(("GET", path) for path in ("/signed-out", "/assets/style.css")),
    *(("POST", path) for path in ("/sign-in", "/sign-out")),
    *(("OPTIONS", path) for path in ("/", "/me", "/sign-out", "/sign-in")),
]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_answer_allows_no_origin_to_read_it(
    scene: Scene, method: str, path: str, name: str
) -> None:
    browser = scene.signed_in()
    preflight = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
        "access-control-request-private-network": "true",
    }
    for kind in (FETCH, NAVIGATION):
        headers = {**kind, **FOREIGN[name], **(preflight if method == "OPTIONS" else {})}
        reply = browser.send(method, path, headers)
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert reply.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        if method == "OPTIONS":
            assert reply.status == 405
            assert scene.who(browser) == SUBJECT


def test_answer_to_a_message_allows_no_origin_to_read_it(scene: Scene) -> None:
    with started_notifications(scene.process) as notifications:
        for path in ("/backchannel-logout", "/webhooks/logto"):
            for method in ("POST", "OPTIONS"):
                event = http_event(method, path, headers=FOREIGN["another site"])
                answer = notifications.handler(event, None)
                assert not [name for name in answer["headers"] if name.startswith("access-control")]


def test_api_gateway_adds_no_permission_of_its_own() -> None:
    template: dict[str, Any] = read_template(ROOT / "template.yaml")
    assert "CorsConfiguration" not in template["Resources"]["HttpApi"]["Properties"]
    assert "x-amazon-apigateway-cors" not in str(template["Resources"]["HttpApi"])
    assert "HttpApi" not in template["Globals"]


def test_function_of_the_operators_has_no_route() -> None:
    function = read_template(ROOT / "template.yaml")["Resources"]["AdminFunction"]
    assert "Events" not in function["Properties"]
    assert "FunctionUrlConfig" not in function["Properties"]


@pytest.mark.invariant(6)
@pytest.mark.parametrize("response", ["query", "alone", "form"])
def test_id_token_in_a_callback_begins_no_session(scene: Scene, response: str) -> None:
    """Only the token endpoint's own response counts, even if the token is good."""
    attempt = scene.begin()
    token = scene.provider.signed(scene.provider.good_claims(attempt.nonce))
    url = attempt.callback(id_token=token, iss=scene.provider.issuer)
    scene.provider.requests.clear()
    if response == "form":
        reply = attempt.browser.post("/callback", NAVIGATION, url.partition("?")[2])
    elif response == "alone":
        reply = attempt.browser.get(url)
    else:
        scene.provider.id_token = lambda _: "not.a.token"
        code = scene.provider.code_for(attempt.nonce)
        reply = attempt.browser.get(f"{url}&code={code}")
    scene.refused(reply)
    assert scene.who(attempt.browser) is None


@pytest.mark.invariant(16)
def test_page_whose_url_has_a_code_sends_no_referrer(scene: Scene) -> None:
    """A finished, a refused and a repeated callback, to a person and to a program."""
    for headers in (NAVIGATION, FETCH):
        attempt = scene.begin()
        code = scene.provider.code_for(attempt.nonce)
        url = attempt.callback(code=code, iss=scene.provider.issuer)
        outsider = scene.browser()
        replies = [outsider.get(url, headers), *(attempt.browser.get(url, headers) for _ in "12")]
        assert [reply.status for reply in replies] == [400, 302, 302]
        for reply in replies:
            assert reply.headers["referrer-policy"] == "no-referrer"
            assert code not in f"{reply.headers} {reply.body}"
