"""Calls of an API through the relay: suspended users are refused at the next call."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.steps import sign_in
from tests.support.up import Up

NewContext = Callable[..., BrowserContext]
_FETCH = """async ([path, options]) => {
  const answer = await fetch(path, options);
  return {status: answer.status, body: await answer.json()};
}"""


def fetch(page: Page, path: str, **options: Any) -> dict[str, Any]:
    """Fetch a path of this origin from a script in the page; status and body."""
    answer: dict[str, Any] = page.evaluate(_FETCH, [path, options])
    return answer


def console(context: BrowserContext, stack: Up) -> Page:
    page = context.new_page()
    page.goto(f"http://localhost:{stack.ports['LOGTO_PORT']}/console")
    return page


def test_api_gets_a_verified_token_and_no_cookie(
    new_context: NewContext, complaints: list[str]
) -> None:
    page = new_context().new_page()
    page.goto("/")
    # Without any cookie API Gateway refuses the request by itself.
    assert fetch(page, "/api/orders")["status"] == 401
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    answer = fetch(page, "/api/orders/1?open=true")
    assert answer["status"] == 200
    echo = answer["body"]
    assert (echo["method"], echo["path"], echo["query"]) == ("GET", "/orders/1", "open=true")
    assert echo["cookie_received"] is False
    assert echo["claims"]["sub"] == "alice0000001"
    assert echo["claims"]["aud"] == "https://api.example.test/orders"
    assert echo["claims"]["scope"] == "read:orders write:orders"
    posted = fetch(page, "/api/orders", method="POST", body="12345")
    assert (posted["status"], posted["body"]["body_bytes"]) == (200, 5)
    forged = fetch(page, "/api/orders", headers={"X-Forwarded-Access-Token": "mine"})
    assert forged["body"]["claims"]["sub"] == "alice0000001"
    complaints[:] = [text for text in complaints if "401" not in text]


def test_suspended_user_is_refused_at_the_next_call(
    new_context: NewContext, stack: Up, complaints: list[str]
) -> None:
    page = new_context().new_page()
    sign_in(page, "Grace Many-Groups")
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Many-Groups")
    assert fetch(page, "/api/orders")["status"] == 200
    administrator = console(new_context(), stack)
    administrator.get_by_role("button", name="Suspend Grace Many-Groups").click()
    reinstate = administrator.get_by_role("button", name="Reinstate Grace Many-Groups")
    expect(reinstate).to_be_visible()
    try:
        assert fetch(page, "/api/orders")["status"] == 403
        page.goto("/")
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    finally:
        reinstate.click()
        expect(administrator.get_by_role("button", name="Suspend Grace")).to_be_visible()
    complaints[:] = [text for text in complaints if "403" not in text]


def test_sign_out_everywhere_ends_sessions_in_every_browser(new_context: NewContext) -> None:
    pages = [new_context().new_page() for _ in range(2)]
    for page in pages:
        sign_in(page, "Noor No-Mail")
        expect(page.get_by_role("heading", level=1)).to_have_text("Noor No-Mail")
    pages[0].get_by_role("button", name="End my sessions everywhere").click()
    expect(pages[0].get_by_role("link", name="Sign in")).to_be_visible()
    pages[1].reload()
    expect(pages[1].get_by_role("link", name="Sign in")).to_be_visible()
