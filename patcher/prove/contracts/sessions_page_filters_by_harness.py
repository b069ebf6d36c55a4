"""The page of sessions can be filtered by harness: by mouse, by keyboard, and by its address.

Where upstream does it itself (v2.0.0 and later), a setting chooses the harness for the whole dashboard.
"""

import re
from typing import TYPE_CHECKING

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.contracts.harness_is_shown import COLLAPSED
from patcher.prove.contracts.settings_has_the_switch import PREPARED
from patcher.prove.mixed_sessions import make_sessions
from patcher.prove.sidecar import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from playwright.sync_api import Page

_LOAD_TIMEOUT_MS = 15_000.0
_NARROW = 320
_GROUP = "Filter by harness"
_DASHBOARD_DATA = "Dashboard Data"
_CHOICES = {"Claude Code": "claude", "Codex": "codex"}


def _observe(bed: TestBed) -> Observation:
    from patcher.prove.browser import page

    with bed.sidecar() as sidecar, page(sidecar.home) as browser:
        known = make_sessions(bed, sidecar)
        browser.set_default_timeout(_LOAD_TIMEOUT_MS)
        browser.add_init_script(PREPARED)
        folders = {
            harness: {each.cwd for each in known.values() if each.harness == harness} for harness in _CHOICES.values()
        }
        address = f"http://127.0.0.1:{sidecar.port}"
        problem = _upstreams(browser, address, folders) if bed.native else _ours(browser, address, folders)
    how = "the settings choose the harness" if bed.native else "buttons and the address choose the harness"
    return Observation(green=not problem, said=problem or f"{how}, and the page of sessions shows those of it")


def _ours(browser: "Page", address: str, folders: dict[str, set[str]]) -> str:
    everything = set().union(*folders.values())
    browser.goto(f"{address}/sessions")
    browser.locator("tbody tr").first.wait_for()
    group = browser.get_by_role("group", name=_GROUP)
    if not group.count():
        return f"the page of sessions has no group of buttons `{_GROUP}`"
    if not _lists(browser, everything):
        return f"the page of sessions shows {_shown(browser)} and not {_words(everything)}"

    def choose(name: str, key: str = "") -> None:
        button = group.get_by_role("button", name=name, exact=True)
        if key:
            button.focus()
            browser.keyboard.press(key)
        else:
            button.click()

    steps: list[tuple[str, Callable[[], object], str, Collection[str]]] = [
        ("a click on Codex", lambda: choose("Codex"), "Codex", folders["codex"]),
        ("the address", browser.reload, "Codex", folders["codex"]),
        ("Space on Claude Code", lambda: choose("Claude Code", "Space"), "Claude Code", folders["claude"]),
        ("Enter on All", lambda: choose("All", "Enter"), "All", everything),
    ]
    for what, act, pressed, wanted in steps:
        act()
        if not _lists(browser, wanted):
            return f"after {what} the page shows {_shown(browser)} and not {_words(wanted)}"
        now = [button.text_content() for button in group.get_by_role("button", pressed=True).all()]
        if now != [pressed]:
            return f"after {what} the pressed buttons are {now} and not `{pressed}`"
    browser.set_viewport_size({"width": _NARROW, "height": 740})
    browser.evaluate(COLLAPSED)
    browser.reload()
    group.wait_for()
    box = group.bounding_box()
    if box is None or box["x"] < 0 or box["x"] + box["width"] > _NARROW:
        return f"in a window of {_NARROW} pixels the buttons are at {box}"
    return ""


def _upstreams(browser: "Page", address: str, folders: dict[str, set[str]]) -> str:
    for name, harness in _CHOICES.items():
        browser.goto(f"{address}/settings")
        choices = browser.get_by_role("radiogroup", name=_DASHBOARD_DATA)
        choices.get_by_role("radio", name=re.compile(f"^{name}")).click()
        browser.goto(f"{address}/sessions")
        if not _lists(browser, folders[harness]):
            return f"with {name} in the settings the page shows {_shown(browser)} and not {_words(folders[harness])}"
        if browser.get_by_role("group", name=_GROUP).count():
            return "the page of sessions has buttons of ours as well"
    return ""


def _folders(browser: "Page") -> set[str]:
    return set(browser.locator("tbody tr td[title]").evaluate_all("cells => cells.map(cell => cell.title)"))


def _lists(browser: "Page", wanted: "Collection[str]") -> bool:
    return eventually(lambda: _folders(browser) == set(wanted), 5)


def _shown(browser: "Page") -> str:
    return _words(_folders(browser))


def _words(folders: "Collection[str]") -> str:
    return ", ".join(sorted(folders)) or "nothing"


CONTRACT = Contract(
    id="sessions_page_filters_by_harness",
    summary="The page of sessions has buttons that show the sessions of one harness only.",
    patches=("harness_filter",),
    observe=_observe,
)
