"""Steps that several journeys in a browser share."""

from playwright.sync_api import Page


def sign_in(page: Page, who: str = "Alice Example", button: str = "Sign in") -> None:
    """Sign in from the home page, only by clicks."""
    page.goto("/")
    page.get_by_role("link", name=button).click()
    page.get_by_role("button", name="Continue with Contoso (Microsoft Entra ID)").click()
    page.get_by_role("button", name=who).click()
