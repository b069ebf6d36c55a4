"""The pictures of the pages: each state of the page, dark as the dashboard is, and one of them light and narrow."""

import os
import re
import sys
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from patcher.node.find import Node
from patcher.prove import Sidecar
from tests.lab.consent.browser import page_of, wait_for_state
from tests.lab.consent.png import smaller
from tests.lab.consent.states import sidecar_in
from tests.support import ROOT

FOLDER = ROOT / ".github" / "screenshots"
_WIDE = {"width": 720, "height": 500}
_NARROW = {"width": 320, "height": 640}


@dataclass(frozen=True)
class Picture:
    """One file. name: without `.png`; state: of the page."""

    name: str
    state: str
    scheme: str = "dark"
    narrow: bool = False

    @property
    def context(self) -> dict[str, Any]:
        """How the browser shows it."""
        viewport = _NARROW if self.narrow else _WIDE
        return {"color_scheme": self.scheme, "viewport": viewport, "reduced_motion": "reduce", "device_scale_factor": 1}


PICTURES = (
    *(
        Picture(state, state)
        for state in (
            "off",
            "waiting-for-trust",
            "feature-off",
            "ready",
            "receiving",
            "silent",
            "broken",
            "forced-off",
            "gone",
        )
    ),
    Picture("light", "waiting-for-trust", "light"),
    Picture("narrow", "waiting-for-trust", narrow=True),
)


AGENTS = (
    Picture("agents", "off"),
    Picture("agents-light", "off", "light"),
    Picture("agents-narrow", "off", narrow=True),
)
"""With three other agents in the home: one that is on, one that is off, and one whose hooks are switched off."""


def _take_agents(browser: Browser, tree: str, node: Node) -> None:
    with sidecar_in("off", tree, node) as sidecar:
        for name in (".qwen", ".copilot", ".gemini"):
            os.makedirs(os.path.join(sidecar.home, name), exist_ok=True)
        with open(os.path.join(sidecar.home, ".gemini", "settings.json"), "w", encoding="utf-8") as file:
            file.write('{"hooksConfig": {"enabled": false}}')
        for agent in ("qwen", "gemini"):
            sidecar.request("PUT", f"/api/agent-hooks/{agent}", {"enabled": True})
        for picture in AGENTS:
            with page_of(browser, sidecar, **picture.context) as page:
                page.wait_for_selector('#agents li[data-state="ready"]')
                data = smaller(_photograph(page, sidecar))
            (FOLDER / f"{picture.name}.png").write_bytes(data)
            sys.stdout.write(f"{os.path.relpath(FOLDER / picture.name, ROOT)}.png  {len(data):,} bytes\n")


def take(browser: Browser, tree: str, node: Node) -> None:
    """Write every picture into `FOLDER`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    _take_agents(browser, tree, node)
    for picture in PICTURES:
        with sidecar_in(picture.state, tree, node) as sidecar, page_of(browser, sidecar, **picture.context) as page:
            if picture.state == "gone":
                sidecar.stop()
            wait_for_state(page, picture.state)
            if picture.state == "receiving":
                page.get_by_text("Last event 3 s ago").wait_for()
            data = smaller(_photograph(page, sidecar))
        (FOLDER / f"{picture.name}.png").write_bytes(data)
        sys.stdout.write(f"{os.path.relpath(FOLDER / picture.name, ROOT)}.png  {len(data):,} bytes\n")


def _photograph(page: Page, sidecar: Sidecar) -> bytes:
    """The page with a user's own folders in it, and not those of a test."""
    base = re.escape(os.path.dirname(sidecar.home))
    page.evaluate(
        """base => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode;
            node.data = node.data.replace(new RegExp(base + "/home/", "g"), "~/")
              .replace(new RegExp(base + "/data/", "g"), "~/.claude/agent-dashboard/");
          }
        }""",
        base,
    )
    return page.locator("main").screenshot(animations="disabled")
