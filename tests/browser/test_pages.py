"""The pages in a browser: accessible in light and dark, usable on a phone, self-contained."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from functions.auth import pages
from tests.browser.steps import sign_in
from tests.support.up import Up, up

Picture = Callable[[Page, str], None]
NewContext = Callable[..., BrowserContext]
PHONE = {"width": 320, "height": 640}


def show(page: Page, name: str) -> None:
    """Open a page of the product."""
    if name == "signed-in":
        sign_in(page, "Grace Many-Groups")
    elif name == "sign-out":
        page.set_extra_http_headers({"sec-purpose": "prefetch"})
        page.goto("/sign-out")
    elif name == "signed-out":
        page.goto("/")
        html = pages.render_signed_out(pages.Brand(name="Northwind"), root="")
        page.set_content(html)
    else:
        page.goto({"home": "/", "error": "/callback?state=x"}[name])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["home", "signed-in", "error", "sign-out", "signed-out"])
def test_page_is_accessible(
    new_context: NewContext,
    picture: Picture,
    complaints: list[str],
    scheme: str,
    name: str,
) -> None:
    page = new_context(color_scheme=scheme, viewport={"width": 1000, "height": 760}).new_page()
    show(page, name)
    picture(page, f"{name}-{scheme}")
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in violations] == []
    if name == "error":
        complaints[:] = [text for text in complaints if "status of 400" not in text]


@pytest.mark.parametrize("name", ["home", "signed-in", "error", "sign-out", "signed-out"])
def test_page_fits_on_a_phone(
    new_context: NewContext, picture: Picture, complaints: list[str], name: str
) -> None:
    page = new_context(viewport=PHONE).new_page()
    show(page, name)
    picture(page, f"{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if name == "error":
        complaints[:] = [text for text in complaints if "status of 400" not in text]


def test_pages_load_nothing_from_other_hosts(new_context: NewContext, stack: Up) -> None:
    page = new_context().new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto("/")
    assert len(requested) == 3  # the page and its two stylesheets; no /favicon.ico
    assert all(url.startswith(stack.url) for url in requested)


@pytest.fixture
def branded() -> Iterator[Up]:
    brand = {"BRAND_NAME": "Fabrikam", "BRAND_ACCENT_COLOUR": "#ffe08a"}
    with up(brand) as program:
        program.wait_for("Ctrl-C stops everything")
        yield program


def test_brand_name_is_on_the_pages(
    stack: Up, branded: Up, new_context: NewContext, picture: Picture
) -> None:
    page = new_context().new_page()
    page.goto(branded.url)
    assert page.get_by_role("heading", level=1).inner_text() == "Fabrikam"
    button = page.get_by_role("link", name="Sign in")
    colour = button.evaluate("element => getComputedStyle(element).backgroundColor")
    assert colour == "rgb(255, 224, 138)"
    assert Axe().run(page).response["violations"] == []
    picture(page, "branded")
