"""Chromium, driven by Playwright, for contracts about a page. It connects to this machine only."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from patcher.errors import BrowserMissing
from patcher.prove.sidecar import NotObserved

if TYPE_CHECKING:
    from playwright.sync_api import Page

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--no-default-browser-check"),
)
_HINT = "install Chromium and `pip install playwright`, or leave the contracts of the client out: no `--client`"
VARIABLE = "SIDECAR_BROWSER"


def find_browser() -> str:
    """The path of Chromium: `$SIDECAR_BROWSER`, else on PATH. Raises `BrowserMissing`, also without Playwright."""
    try:
        import playwright.sync_api  # noqa: F401 - only to check that it is installed
    except ImportError as error:
        raise BrowserMissing("the Python package `playwright` is not installed", hint=_HINT) from error
    named = os.environ.get(VARIABLE)
    found = next((path for name in ([named] if named else _NAMES) if (path := shutil.which(name))), None)
    if found is None:
        looked = f"{VARIABLE}={named} is not a program" if named else f"none of {', '.join(_NAMES)} is on PATH"
        raise BrowserMissing(f"there is no Chromium: {looked}", hint=_HINT)
    return found


@contextlib.contextmanager
def page(home: str, *, scheme: str = "dark") -> Iterator["Page"]:
    """A page of a new browser in English, with its files below `home`. scheme: `dark` or `light`.

    Raises `BrowserMissing`, and `NotObserved` where Playwright raises inside the block, for example on a timeout.
    """
    from playwright.sync_api import Error, sync_playwright

    env: dict[str, str | float | bool] = {**os.environ, "HOME": home}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=list(_FLAGS), env=env)
        try:
            yield browser.new_context(
                locale="en-US", color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce"
            ).new_page()
        except Error as error:
            raise NotObserved(f"the page did not follow: {error.message.splitlines()[0]}") from error
        finally:
            browser.close()
