"""Journeys in a browser: sign-in through the connector, a second tab, sign-out, going back."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.steps import sign_in
from tests.support.up import Up

Picture = Callable[[Page, str], None]
NewContext = Callable[..., BrowserContext]


@pytest.mark.parametrize("javascript", [True, False])
def test_sign_in_and_sign_out(
    new_context: NewContext, stack: Up, picture: Picture, javascript: bool
) -> None:
    context = new_context(java_script_enabled=javascript)
    page = context.new_page()
    sign_in(page)
    expect(page).to_have_url(f"{stack.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    expect(page.get_by_text("alice@contoso.com")).to_be_visible()
    picture(page, "home-signed-in")

    second = context.new_page()
    second.goto("/")
    expect(second.get_by_role("heading", level=1)).to_have_text("Alice Example")

    page.get_by_role("button", name="Sign out").click()
    if not javascript:
        page.get_by_role("button", name="Sign out").click()  # Logto's page, which submits itself
    expect(page).to_have_url(f"{stack.url}/")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()

    page.go_back()
    page.reload()
    expect(page.get_by_text("alice@contoso.com")).to_have_count(0)
    second.reload()
    expect(second.get_by_role("link", name="Sign in")).to_be_visible()
    assert not [c for c in context.cookies(stack.url) if c.get("name") == session_name(stack)]


def session_name(stack: Up) -> str:
    """Return the name of the session cookie, which has the port of its stack in it."""
    return f"session-{urlsplit(stack.url).port}"


def test_sign_out_ends_the_session_at_logto_too(new_context: NewContext) -> None:
    page = new_context().new_page()
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("button", name="Continue with Contoso")).to_be_visible()


def test_cookie_is_invisible_to_scripts(new_context: NewContext, stack: Up) -> None:
    context = new_context()
    page = context.new_page()
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    (cookie,) = [c for c in context.cookies(stack.url) if c.get("name") == session_name(stack)]
    assert cookie.get("httpOnly") is True
    assert cookie.get("sameSite") == "Lax"
    assert cookie.get("expires") == -1
    assert "session" not in page.evaluate("document.cookie")


def test_two_tabs_can_sign_in_at_once(new_context: NewContext, stack: Up) -> None:
    context = new_context()
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto("/sign-in?connector=contoso00001")
    for page in (first, second):
        page.get_by_role("button", name="Alice Example").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")


def test_registered_account_is_signed_in(new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill("New Person")
    page.get_by_label("E-mail address").fill(f"person{id(page)}@else.test")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New Person")


def test_cancelling_at_entra_goes_back_to_logto(new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto("/sign-in?connector=contoso00001")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Continue with Contoso")).to_be_visible()


def test_suspended_user_gets_a_page_that_says_so(new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto("/sign-in?connector=contoso00001")
    page.get_by_role("button", name="Sam Suspended").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This account is suspended")


def test_sign_out_link_of_another_site_asks_first(
    new_context: NewContext, stack: Up, picture: Picture
) -> None:
    context = new_context()
    page = context.new_page()
    sign_in(page)
    context.route(
        "http://other.test/",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<a href="{stack.url}/sign-out">A prize</a>'
        ),
    )
    page.goto("http://other.test/")
    page.get_by_role("link", name="A prize").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out?")
    picture(page, "sign-out")
    page.get_by_role("link", name="Stay signed in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    page.goto("http://other.test/")
    page.get_by_role("link", name="A prize").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_picture_that_cannot_load_leaves_the_initials(
    new_context: NewContext, picture: Picture, complaints: list[str]
) -> None:
    page = new_context().new_page()
    sign_in(page, "Bob Example")
    avatar = page.locator(".avatar")
    image = avatar.locator("img")
    expect(image).to_have_count(1)
    page.wait_for_function("document.querySelector('.avatar img').complete")
    assert image.evaluate("image => image.naturalWidth") == 0
    picture(page, "home-without-picture")
    broken = avatar.screenshot()
    image.evaluate("image => image.remove()")
    assert avatar.screenshot() == broken
    complaints[:] = [text for text in complaints if "Failed to load resource" not in text]
