"""Another account, in a browser in which Microsoft and Logto remember the first one."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.needs import chromium
from tests.support.up import Up, up

Picture = Callable[[Page, str], None]
NewContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def stack() -> Iterator[Up]:
    """A stack that lets buyers in, straight through the connector: Alice, and not Bob."""
    chromium()  # skip before anything is started
    settings = {
        "LOGTO_DEFAULT_CONNECTOR": "contoso00001",
        "ALLOWED_ROLES": "buyer",
    }
    with up(settings) as program:
        program.wait_for("Ctrl-C stops everything")
        yield program


@pytest.mark.parametrize("javascript", [True, False])
def test_account_that_is_not_allowed_is_exchanged_by_one_click(
    new_context: NewContext, picture: Picture, complaints: list[str], javascript: bool
) -> None:
    page = new_context(java_script_enabled=javascript).new_page()
    page.goto("/sign-in?return_to=%2F%3Fafter%3D1")
    page.get_by_role("button", name="Bob Example").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You do not have access")
    picture(page, "another-account")
    page.get_by_role("button", name="Sign in with another account").click()
    if not javascript:
        page.get_by_role("button", name="Sign out").click()  # Logto's page, which submits itself
    page.get_by_role("button", name="Alice Example").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    assert page.url.endswith("/?after=1")
    complaints[:] = [text for text in complaints if "403" not in text]


def test_button_of_the_account_page_leads_to_the_choice_of_accounts(
    new_context: NewContext,
) -> None:
    page = new_context().new_page()
    page.goto("/sign-in")
    page.get_by_role("button", name="Alice Example").click()
    page.goto("/sign-in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    page.get_by_role("button", name="Use another account").click()
    expect(page.get_by_role("button", name="Bob Example")).to_be_visible()
