"""Whether a page of ours can be read and used, measured in a real Chromium."""

from pathlib import Path
from typing import Any

import pytest

from tests.lab.consent.browser import WHY_NOT, there_is_chromium

in_chromium = pytest.mark.skipif(not there_is_chromium(), reason=WHY_NOT)

CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = color.map((part) => part / 255).map((p) => (p <= 0.03928 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backOf = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const back = rgb(getComputedStyle(at).backgroundColor);
      if (back[3] === 255) return back;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.getClientRects().length || node.closest("script")) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(backOf(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, node.tagName + "." + node.className + ": " + node.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""

CONTROLS = """() => [...document.querySelectorAll("a[href], summary, button, input, [tabindex='0']")]
  .filter((each) => each.checkVisibility())
  .map((each, number) => (each.dataset.number = String(number)))"""
FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return {
    number: document.activeElement.dataset.number ?? null,
    tag: document.activeElement.tagName,
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: document.activeElement.getBoundingClientRect().bottom > 0,
  };
}"""


def open_all(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def assert_readable(page: Any, file: Path, scheme: str, width: int) -> None:
    """Opened in full: contrast, width, scheme, and not a word to anybody."""
    said: list[str] = []
    page.on("request", lambda request: said.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    open_all(page)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 20 and [each for each in found if each[0] < 4.5] == []
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page itself never scrolls sideways"
    assert said == [file.as_uri()], "one request, for the page, and nothing said"


def assert_tab_reaches_everything(page: Any) -> int:
    """Every control that is shown gets the focus with Tab, once and visibly; how many there are."""
    wanted = page.evaluate(CONTROLS)
    got = []
    for _ in wanted:
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"] and focus["inside"], f"the focus is not to be seen on {focus['tag']} {focus['number']}"
        got.append(focus["number"])
    assert sorted(got, key=int) == wanted
    return len(wanted)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))
