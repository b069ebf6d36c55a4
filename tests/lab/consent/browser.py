"""A real Chromium on the page."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from patcher.prove import Sidecar

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WHY_NOT = f"there is no Chromium at {CHROMIUM}; set CHROMIUM to one"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-lcd-text",
]
PATIENCE_MS = 10_000.0


def there_is_chromium() -> bool:
    """Whether browser tests can run here."""
    return os.access(CHROMIUM, os.X_OK)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def address(sidecar: Sidecar) -> str:
    """Where the page is."""
    return f"http://localhost:{sidecar.port}/codex-hooks"


@contextlib.contextmanager
def page_of(browser: Browser, sidecar: Sidecar, **context: Any) -> Iterator[Page]:
    """The page, once it knows the state. context: as of `Browser.new_context`: colour scheme, viewport."""
    surroundings = browser.new_context(**context)
    try:
        page = surroundings.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address(sidecar))
        page.wait_for_selector('section[aria-busy="false"]')
        yield page
    finally:
        surroundings.close()


def wait_for_state(page: Page, state: str) -> None:
    """Until the page shows this state by itself."""
    page.wait_for_selector(f'section[data-state="{state}"]')
