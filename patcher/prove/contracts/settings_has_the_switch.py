"""The dashboard's settings have the switch directly below the Claude hooks; it works by mouse and by keyboard."""

import time
from typing import TYPE_CHECKING

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import hooks_of
from patcher.prove.sidecar import Sidecar, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

LABEL = "Codex CLI session tracking (experimental)"
_MAX_FLIP_S = 1.0
_LOAD_TIMEOUT_MS = 15_000.0
_CLAUDE_HOOKS = "Hook Configuration"
_WELCOMES = ("splash-shown-v1", "provider-onboarding-shown-v1")  # `SplashScreen.tsx` of v1.4.0 and of v2.0.0
PREPARED = "localStorage.setItem('i18nextLng', 'en');" + "".join(
    f"sessionStorage.setItem('{key}', '1');" for key in _WELCOMES
)
"""Script to run before the application: English, and no welcome screens."""
_HANDLER = "codex-hook-handler.js"


def _observe(bed: TestBed) -> Observation:
    from patcher.prove.browser import page

    with bed.sidecar() as sidecar, page(sidecar.home) as browser:
        browser.add_init_script(PREPARED)
        browser.goto(f"http://127.0.0.1:{sidecar.port}/settings")
        heading = browser.get_by_role("heading", name=_CLAUDE_HOOKS, exact=True)
        heading.wait_for(state="attached", timeout=_LOAD_TIMEOUT_MS)
        switch = browser.get_by_role("switch", name=LABEL)
        if not eventually(switch.count, 3):
            return Observation(green=False, said=f"the settings have the Claude hooks and no switch `{LABEL}`")
        below = _is_right_below(heading, switch)
        took = [_flip(sidecar, browser, switch, key=key) for key in ("", "Space", "Enter")]
    place = "right below the Claude hooks" if below else "NOT right below the Claude hooks"
    steps = ["a click puts the hooks in place", "Space takes them out", "Enter puts them in place again"]
    timings = "; ".join(f"{step} in {_seconds(seconds)}" for step, seconds in zip(steps, took, strict=True))
    green = below and all(seconds is not None and seconds < _MAX_FLIP_S for seconds in took)
    return Observation(green=green, said=f"the settings have the switch {place}; {timings}")


def _is_right_below(heading: "Locator", switch: "Locator") -> bool:
    """Whether the section of the switch is the next element after the section of the heading, and drawn below it."""
    inside = "(node, other) => node.closest('section').nextElementSibling === other.closest('section')"
    upper, lower = heading.bounding_box(), switch.bounding_box()
    drawn = upper is not None and lower is not None and upper["y"] < lower["y"]
    return bool(heading.evaluate(inside, switch.element_handle())) and drawn


def _flip(sidecar: Sidecar, browser: "Page", switch: "Locator", *, key: str) -> float | None:
    """Flip the switch; returns the seconds until `hooks.json` and the switch agree, None after 5 s."""
    wanted = switch.get_attribute("aria-checked") != "true"
    began = time.monotonic()
    if key:
        switch.focus()
        browser.keyboard.press(key)
    else:
        switch.click()

    def agrees() -> bool:
        installed = _HANDLER in (hooks_of(sidecar) or "")
        return installed == wanted and switch.get_attribute("aria-checked") == str(wanted).lower()

    return time.monotonic() - began if eventually(agrees, 5) else None


def _seconds(seconds: float | None) -> str:
    return "more than 5 s" if seconds is None else f"{seconds:.2f} s"


CONTRACT = Contract(
    id="settings_has_the_switch",
    summary="The dashboard's settings have the switch of the Codex hooks below the Claude hooks, and it works.",
    patches=("settings_switch",),
    observe=_observe,
)
