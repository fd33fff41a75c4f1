"""Chromium and the whole local stack, as a newcomer runs it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.needs import chromium
from tests.support.up import ROOT, Up, up

PICTURES = ROOT / ".screenshots"
"""Screenshots of the last run, which are not part of the repository."""
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def stack() -> Iterator[Up]:
    chromium()  # skip before anything is started
    with up({"BRAND_NAME": "Northwind"}) as program:
        program.wait_for("Ctrl-C stops everything")
        yield program


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """The browser's errors and warnings on the product's pages: at the end there must be none."""
    return []


@pytest.fixture
def new_context(
    browser: Browser, stack: Up, complaints: list[str]
) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts, each with a new profile."""
    contexts: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and stack.url in message.location.get("url", ""):
            complaints.append(message.text)

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=stack.url, **options)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Save a screenshot of a page."""
    PICTURES.mkdir(exist_ok=True)

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)

    return keep
