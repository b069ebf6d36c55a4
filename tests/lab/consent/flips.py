"""From the flip on the page to the hooks in the user's file, in milliseconds: with a click, and with the keyboard."""

import json
import os
import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page

from patcher.node.find import Node
from patcher.prove import Sidecar
from tests.lab.consent.browser import page_of, wait_for_state
from tests.lab.consent.states import flip, sidecar_in

EVENTS = 11
_LONGEST = 5.0


def hooked(sidecar: Sidecar) -> int:
    """In how many events the user's hooks file has a hook of ours."""
    try:
        with open(os.path.join(sidecar.codex_home, "hooks.json"), encoding="utf-8") as file:
            hooks = json.load(file).get("hooks", {})
    except FileNotFoundError:
        return 0
    return sum("codex-hook-handler.js" in json.dumps(groups) for groups in hooks.values())


def click(page: Page) -> None:
    """Flip with the mouse."""
    page.get_by_role("switch").click()


def press(page: Page) -> None:
    """Flip with the space bar, from wherever the keyboard was."""
    page.get_by_role("switch").focus()
    page.keyboard.press("Space")


def seconds_to_hooks(page: Page, sidecar: Sidecar, act: Callable[[Page], None], wanted: int) -> float:
    """From the act on the page until the file has `wanted` events of ours. Raises `TimeoutError` after 5 s."""
    began = time.perf_counter()
    act(page)
    while hooked(sidecar) != wanted:
        if time.perf_counter() - began > _LONGEST:
            raise TimeoutError(f"{hooked(sidecar)} of {wanted} events are hooked after {_LONGEST:g} s")
        time.sleep(0.001)
    return time.perf_counter() - began


def measure(browser: Browser, tree: str, node: Node, runs: int) -> dict[str, list[float]]:
    """Milliseconds of each run, by what flipped the switch on."""
    found: dict[str, list[float]] = {"click": [], "keyboard": []}
    with sidecar_in("off", tree, node) as sidecar, page_of(browser, sidecar) as page:
        for _ in range(runs):
            for name, act in (("click", click), ("keyboard", press)):
                found[name].append(1000 * seconds_to_hooks(page, sidecar, act, EVENTS))
                wait_for_state(page, "waiting-for-trust")
                flip(sidecar, enabled=False)
                wait_for_state(page, "off")
    return found


def shown(name: str, milliseconds: list[float]) -> str:
    """One line: the median and the worst."""
    middle, worst = statistics.median(milliseconds), max(milliseconds)
    return f"{name:<9} {len(milliseconds)} runs   median {middle:.0f} ms   slowest {worst:.0f} ms\n"
