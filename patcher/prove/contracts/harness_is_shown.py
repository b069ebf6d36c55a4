"""The dashboard shows the harness of a session and the source of its events: in the list, on its page, on its card.

The tooltip opens by mouse and by keyboard, fits into a narrow window, and closes with Escape. On the v2 line rows come
from the file alone, so there is no tooltip, and upstream's own card shows Codex by its title.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.contracts.settings_has_the_switch import PREPARED
from patcher.prove.mixed_sessions import Known, make_sessions
from patcher.prove.sidecar import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_LOAD_TIMEOUT_MS = 15_000.0
_PATIENCE = 5.0
_NAMES = {"claude": "Claude Code", "codex": "Codex"}
_SOURCES = {"hook": "live", "rollout": "from file", "both": "live + file"}
COLLAPSED = "localStorage.setItem('sidebar-collapsed', 'true')"
"""Without it, the dashboard's navigation takes 240 pixels."""
_BOTH_PROVIDERS = """localStorage.setItem("ccam-data-scope", '{"mode":"all","selected":[],"provider":"both"}');"""
_NARROW, _WIDE = (320, 740), (1280, 720)
_ENOUGH_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_CONTRAST = """node => {
  const parsed = text => text.match(/[\\d.]+/g).map(Number);
  const layers = [];
  for (let at = node; at; at = at.parentElement) layers.unshift(parsed(getComputedStyle(at).backgroundColor));
  const over = (below, [r, g, b, a = 1]) => below.map((part, index) => part * (1 - a) + [r, g, b][index] * a);
  const behind = layers.reduce(over, [255, 255, 255]);
  const light = colour => colour.map(part => part / 255)
    .map(part => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const both = [behind, over(behind, parsed(getComputedStyle(node).color))].map(light);
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""


def _observe(bed: TestBed) -> Observation:
    from patcher.prove.browser import page

    with bed.sidecar() as sidecar, page(sidecar.home) as browser:
        known = make_sessions(bed, sidecar)
        browser.set_default_timeout(_LOAD_TIMEOUT_MS)
        browser.add_init_script(PREPARED + _BOTH_PROVIDERS)
        problems = list(_problems(browser, f"http://127.0.0.1:{sidecar.port}", known, native=bed.native))
    places = "the list and the page show" if bed.native else "the list, the page and the card show"
    labels = ", ".join(dict.fromkeys(f"`{_label(each)}`" for each in known.values()))
    return Observation(green=not problems, said="; ".join(problems[:4]) or f"{places} {labels}, each once")


def _problems(browser: "Page", address: str, known: Mapping[str, Known], *, native: bool) -> Iterator[str]:
    browser.goto(f"{address}/sessions")
    for way, each in known.items():
        row = browser.locator("tr", has_text=each.cwd)
        yield from _shown_once(row, each, f"the row of the session `{way}`")
    if not native:
        yield from _explained(browser, browser.locator("tr", has_text=known["both"].cwd), known["both"])
    for way, each in known.items():
        browser.goto(f"{address}/sessions/{each.id}")
        heading = browser.locator("h2").locator("xpath=../..")
        yield from _shown_once(heading, each, f"the page of the session `{way}`")
    if native:
        return
    browser.set_viewport_size({"width": _NARROW[0], "height": _NARROW[1]})
    browser.evaluate(COLLAPSED)
    browser.reload()
    yield from _explained(browser, heading, each)
    browser.set_viewport_size({"width": _WIDE[0], "height": _WIDE[1]})
    browser.goto(f"{address}/kanban")
    browser.get_by_role("tab", name="Sessions").click()
    for way, each in known.items():
        card = browser.locator(".card-hover", has_text=each.cwd)
        yield from _shown_once(card, each, f"the card of the session `{way}`")


def _label(session: Known) -> str:
    return f"{_NAMES[session.harness]} {_SOURCES[session.capture]}" if session.capture else _NAMES[session.harness]


def _badges(within: "Locator", session: Known) -> "Locator":
    if session.capture:
        return within.get_by_role("button", name=_label(session), exact=True)
    return within.locator("span", has_not=within.page.locator("*")).get_by_text(_label(session), exact=True)


def _shown_once(within: "Locator", session: Known, place: str) -> Iterator[str]:
    if not eventually(lambda: within.count() == 1, _PATIENCE):
        yield f"{place} is not there"
        return
    badges = _badges(within, session)
    if not eventually(lambda: badges.count() == 1 and badges.is_visible(), 2):
        yield f"{place} shows `{_label(session)}` {badges.count()} times"
        return
    for scheme in ("dark", "light"):
        within.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        if (contrast := badges.evaluate(_CONTRAST)) < _ENOUGH_CONTRAST:
            yield f"{place} shows it with a contrast of {contrast:.1f} on a {scheme} desktop"


def _explained(browser: "Page", within: "Locator", session: Known) -> Iterator[str]:
    """The problems of the tooltip of the badge, by mouse and by keyboard."""
    badge = _badges(within, session)
    if not eventually(lambda: badge.count() == 1, _PATIENCE):
        return  # reported by `_shown_once`
    width = browser.evaluate("innerWidth")
    around = badge.bounding_box()
    if around is None or around["x"] + around["width"] > width:
        yield f"the badge does not fit into a window of {width} pixels"
    described = badge.evaluate("node => document.getElementById(node.getAttribute('aria-describedby'))?.textContent")
    tooltip = browser.locator("[data-harness-tooltip]")
    for hand in ("mouse", "keyboard"):
        if hand == "mouse":
            badge.hover()
        else:
            browser.mouse.move(0, 0)
            _tab_to(browser, badge)
        if not eventually(tooltip.count, 2):
            yield f"nothing explains the badge by {hand}"
            continue
        box = tooltip.bounding_box()
        if tooltip.text_content() != described or not described:
            yield f"by {hand} the explanation is {tooltip.text_content()!r}, to a screen reader {described!r}"
        if box is None or box["x"] < 0 or box["x"] + box["width"] > width:
            yield f"the explanation does not fit into a window of {width} pixels"
        browser.keyboard.press("Escape")
        if not eventually(lambda: not tooltip.count(), 2):
            yield f"Escape does not take the explanation away (by {hand})"


def _tab_to(browser: "Page", badge: "Locator") -> None:
    """Move the focus to the badge with the Tab key, from the top of the page."""
    browser.evaluate("document.activeElement.blur()")
    for _ in range(60):
        browser.keyboard.press("Tab")
        if badge.evaluate("node => node === document.activeElement"):
            return


CONTRACT = Contract(
    id="harness_is_shown",
    summary="List, page and card of a session show its harness and how its events came in.",
    patches=("harness_badge",),
    observe=_observe,
)
