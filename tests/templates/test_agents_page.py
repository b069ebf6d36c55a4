"""The other agents on the page of the Codex hooks, in a real Chromium: a switch each, by mouse and keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from patcher.prove import Sidecar
from tests.lab.consent.browser import WHY_NOT, address, chromium, page_of, there_is_chromium

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not there_is_chromium(), reason=WHY_NOT)]
MINE = "// mine\n{\n}\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def home(patched_sidecar: Sidecar) -> Path:
    """A home with Qwen Code and Gemini CLI in it, and without Copilot."""
    home = Path(patched_sidecar.home)
    for name in (".qwen", ".gemini"):
        (home / name).mkdir(exist_ok=True)
        (home / name / "settings.json").write_text(MINE)
    return home


@pytest.fixture
def page(browser: Browser, patched_sidecar: Sidecar, home: Path) -> Iterator[Page]:
    assert home
    with page_of(browser, patched_sidecar) as opened:
        opened.wait_for_selector("#agents li")
        yield opened


def in_state(agent: str, state: str) -> str:
    return f'#agents li[data-agent="{agent}"][data-state="{state}"]'


def test_a_row_for_each_agent_that_is_here_and_a_line_for_the_others(page: Page) -> None:
    assert page.locator("#agents label").all_inner_texts() == ["Qwen Code", "Gemini CLI"]
    assert (
        page.locator("#absent").inner_text()
        == "Not found on this machine: GitHub Copilot CLI (copilot), Factory droid (droid)."
    )
    assert page.get_by_role("switch", name="Qwen Code").get_attribute("aria-checked") == "false"


def test_a_switch_by_mouse_and_by_keyboard(page: Page, home: Path) -> None:
    file = home / ".qwen" / "settings.json"
    page.get_by_text("Qwen Code", exact=True).click()  # its name is its label
    page.wait_for_selector(in_state("qwen", "ready"))
    assert page.get_by_role("switch", name="Qwen Code").get_attribute("aria-checked") == "true"
    assert file.read_text().count("qwen-hook-handler.js") == 10
    page.get_by_role("switch", name="Qwen Code").focus()
    page.keyboard.press("Space")
    page.wait_for_selector(in_state("qwen", "off"))
    assert file.read_text() == MINE
    assert page.evaluate("document.activeElement.id") == "switch-qwen"


def test_what_is_in_the_way_is_named_with_what_to_do(page: Page, home: Path) -> None:
    file = home / ".gemini" / "settings.json"
    file.write_text(json.dumps({"hooksConfig": {"enabled": False}}))
    page.get_by_role("switch", name="Gemini CLI").click()
    page.wait_for_selector(in_state("gemini", "problem"))
    said = page.locator(in_state("gemini", "problem")).inner_text()
    assert f"Gemini CLI runs no hooks of ours: hooksConfig.enabled in {file} is false." in said
    assert "Set it to true, then type: node scripts/agent-hooks.js enable gemini" in said
    page.get_by_role("switch", name="Gemini CLI").click()
    page.wait_for_selector(in_state("gemini", "off"))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_cut_off_in_a_narrow_window(
    browser: Browser, patched_sidecar: Sidecar, home: Path, scheme: str
) -> None:
    assert home
    with page_of(browser, patched_sidecar, viewport={"width": 280, "height": 640}, color_scheme=scheme) as page:
        page.wait_for_selector("#agents li")
        assert page.evaluate("document.documentElement.scrollWidth") == 280


def test_another_site_does_not_flip_an_agent(browser: Browser, patched_sidecar: Sidecar, home: Path) -> None:
    """A page of another port of this machine: the browser itself sends the request."""
    other = browser.new_context().new_page()
    other.goto(f"{address(patched_sidecar)}".replace("localhost", "127.0.0.1"))
    said = other.evaluate(
        """port => fetch(`http://localhost:${port}/api/agent-hooks/qwen`,
          { method: "PUT", headers: { "Content-Type": "application/json" }, body: '{"enabled": true}' })
          .then(answer => answer.status, error => error.name)""",
        patched_sidecar.port,
    )
    assert (said, (home / ".qwen" / "settings.json").read_text()) == ("TypeError", MINE)
