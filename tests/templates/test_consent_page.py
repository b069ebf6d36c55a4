"""The consent page in a real Chromium, on a running sidecar: flipped, read aloud, made narrow, attacked from next door."""

import http.server
import os
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from patcher.node.find import Node
from patcher.prove import Sidecar
from patcher.prove.cross_origin import PATH
from tests.lab.consent import flips
from tests.lab.consent.browser import WHY_NOT, address, chromium, page_of, there_is_chromium, wait_for_state
from tests.lab.consent.refusals import on_disk
from tests.lab.consent.states import STATES, configure, flip, hook, rollout, sidecar_in, status, trust

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not there_is_chromium(), reason=WHY_NOT)]

LABEL = "Codex CLI session tracking (experimental)"
SAID = {
    "off": "Your Codex sessions are still recorded",
    "waiting-for-trust": "type /hooks",
    "feature-off": "Set hooks = true there (codex_hooks is its old name)",
    "ready": "Your next Codex session is seen from its first prompt on",
    "receiving": "Last event",
    "silent": "nothing arrived from your last session",
    "broken": "tried again at the next start",
    "forced-off": "DASHBOARD_CODEX_HOOKS",
    "gone": "Connection lost",
}
CHECKED = set(STATES) - {"off", "forced-off"}
FIXED = {"forced-off", "gone"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, patched_sidecar: Sidecar) -> Iterator[Page]:
    with page_of(browser, patched_sidecar) as opened:
        yield opened


# --- the switch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(flips.click, id="a click"),
        pytest.param(lambda page: page.get_by_text(LABEL).click(), id="a click on its name"),
        pytest.param(flips.press, id="the space bar"),
        pytest.param(lambda page: page.get_by_role("switch").press("Enter"), id="the enter key"),
    ],
)
def test_it_flips_the_hooks_and_back(act: Callable[[Page], None], page: Page, patched_sidecar: Sidecar) -> None:
    flips.seconds_to_hooks(page, patched_sidecar, act, flips.EVENTS)
    wait_for_state(page, "waiting-for-trust")
    assert page.get_by_role("switch").get_attribute("aria-checked") == "true"
    flips.seconds_to_hooks(page, patched_sidecar, act, 0)
    wait_for_state(page, "off")
    assert page.get_by_role("switch").get_attribute("aria-checked") == "false"


def test_the_tab_key_leads_to_it_and_shows_where_it_is(page: Page) -> None:
    for _ in range(2):  # the way back to the dashboard comes first
        page.keyboard.press("Tab")
    switch = page.get_by_role("switch", name=LABEL)
    assert page.evaluate("document.activeElement.id") == "switch"
    assert switch.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    assert switch.evaluate("each => parseFloat(getComputedStyle(each).outlineWidth)") >= 2


def test_a_file_that_cannot_be_changed_is_told_and_the_choice_is_kept(page: Page, patched_sidecar: Sidecar) -> None:
    hooks = os.path.join(patched_sidecar.codex_home, "hooks.json")
    with open(hooks, "w", encoding="utf-8") as file:
        file.write("{")
    flips.click(page)
    wait_for_state(page, "broken")
    assert hooks in page.locator("#missing").inner_text()
    assert status(patched_sidecar)["enabled"] is True
    with open(hooks, encoding="utf-8") as file:
        assert file.read() == "{"


def test_what_codex_does_not_take_is_listed_with_what_to_type(page: Page, patched_sidecar: Sidecar) -> None:
    """The file can be changed, and is; Codex would load nothing of it, nor start with these settings."""
    with open(os.path.join(patched_sidecar.codex_home, "hooks.json"), "w", encoding="utf-8") as file:
        file.write('{"$schema": "x", "hooks": {}}')
    configure(patched_sidecar, "[tui]\ntheme = 5\n")
    flips.click(page)
    wait_for_state(page, "broken")
    items = page.get_by_role("status").get_by_role("listitem")
    assert "Codex does not load the hooks" in page.get_by_role("heading", level=2).inner_text()
    assert [item.get_by_role("strong").inner_text() for item in items.all()] == [
        "Take $schema out of it.",
        f"Put tui.theme right in {patched_sidecar.codex_home}/config.toml, or take it out; codex says the same when it starts.",
    ]
    assert [each["id"] for each in status(patched_sidecar)["problems"]] == [
        "hooks-file-unknown-root-key",
        "config-value",
    ]


# --- the truth of now ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_shown_in_words(state: str, browser: Browser, sidecar_tree: str, _sidecar_node: Node) -> None:  # noqa: PT019
    with sidecar_in(state, sidecar_tree, _sidecar_node) as sidecar, page_of(browser, sidecar) as page:
        if state == "gone":
            sidecar.stop()
        wait_for_state(page, state)
        assert SAID[state] in page.locator("section").inner_text()
        switch = page.get_by_role("switch", name=LABEL)
        assert switch.get_attribute("aria-checked") == str(state in CHECKED).lower()
        assert switch.is_disabled() == (state in FIXED)


def test_it_changes_by_itself(page: Page, patched_sidecar: Sidecar) -> None:
    page.evaluate("window.stays = true")
    flip(patched_sidecar, enabled=True)
    wait_for_state(page, "waiting-for-trust")
    trust(patched_sidecar)
    wait_for_state(page, "ready")
    hook(patched_sidecar)
    wait_for_state(page, "receiving")
    page.get_by_text("Last event 2 s ago").wait_for()
    page.get_by_text("Last event 3 s ago").wait_for()
    patched_sidecar.stop()
    wait_for_state(page, "gone")
    assert page.evaluate("window.stays") is True


def test_a_screen_reader_is_told_of_a_change_and_not_of_each_second(page: Page, patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    hook(patched_sidecar)
    wait_for_state(page, "receiving")
    page.evaluate("""() => {
      window.told = 0;
      new MutationObserver(() => { window.told += 1; })
        .observe(document.querySelector("[role=status]"), { subtree: true, childList: true, characterData: true });
    }""")
    page.get_by_text("Last event 3 s ago").wait_for()
    assert page.evaluate("window.told") == 0
    flip(patched_sidecar, enabled=False)
    wait_for_state(page, "off")
    assert page.evaluate("window.told") > 0


def test_a_session_that_sent_nothing_is_told_and_one_that_sent_something_is_not(
    page: Page,
    browser: Browser,
    sidecar_tree: str,
    _sidecar_node: Node,  # noqa: PT019
) -> None:
    with sidecar_in("silent", sidecar_tree, _sidecar_node) as sidecar:
        assert status(sidecar)["receiving"]["last_session_hooked"] is False
        hook(sidecar, rollout(sidecar, seconds_ago=60))
        assert status(sidecar)["state"] == "receiving"
        assert status(sidecar)["receiving"]["last_session_hooked"] is True


def test_what_has_arrived_is_known_after_a_restart(patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    hook(patched_sidecar)
    patched_sidecar.wait_for(
        lambda: os.path.exists(os.path.join(patched_sidecar.data_dir, "codex-hooks-seen.json")), 5, "the file"
    )
    patched_sidecar.restart()
    assert status(patched_sidecar)["state"] == "receiving"


# --- looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_text_stands_out_in_dark_and_light(
    scheme: str, browser: Browser, sidecar_tree: str, _sidecar_node: Node
) -> None:  # noqa: PT019
    """At least 4.5 to 1, WCAG 2.2 criterion 1.4.3; 3 to 1 for the switch, 1.4.11."""
    with sidecar_in("waiting-for-trust", sidecar_tree, _sidecar_node) as sidecar:
        with page_of(browser, sidecar, color_scheme=scheme) as page:
            found = {
                selector: page.evaluate(CONTRAST, selector)
                for selector in ("label", "#about", "#text", "#missing li", "#missing code", "summary", "a")
            }
            found["switch"] = page.evaluate(CONTRAST_OF_SWITCH)
    assert {selector: ratio for selector, ratio in found.items() if ratio < (3 if selector == "switch" else 4.5)} == {}


def test_the_schemes_differ(browser: Browser, patched_sidecar: Sidecar) -> None:
    colours = []
    for scheme in ("dark", "light"):
        with page_of(browser, patched_sidecar, color_scheme=scheme) as page:
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(6, 6, 10)", "rgb(244, 244, 248)"]


@pytest.mark.parametrize("state", ["waiting-for-trust", "broken", "feature-off"])
def test_nothing_is_cut_off_in_a_narrow_window(
    state: str, browser: Browser, sidecar_tree: str, _sidecar_node: Node
) -> None:  # noqa: PT019
    narrow = {"width": 320, "height": 640}
    with sidecar_in(state, sidecar_tree, _sidecar_node) as sidecar, page_of(browser, sidecar, viewport=narrow) as page:
        page.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        box = page.get_by_role("switch").bounding_box()
        assert box is not None and box["x"] + box["width"] <= 320


def test_nothing_moves_for_who_does_not_want_it(browser: Browser, sidecar_tree: str, _sidecar_node: Node) -> None:  # noqa: PT019
    with sidecar_in("receiving", sidecar_tree, _sidecar_node) as sidecar:
        for motion, moves in (("no-preference", "pulse"), ("reduce", "none")):
            with page_of(browser, sidecar, reduced_motion=motion) as page:
                assert page.evaluate("getComputedStyle(document.querySelector('.light')).animationName") == moves


# --- what it lets in and out -----------------------------------------------------------------------------------


def test_it_asks_nobody_else_and_breaks_no_rule_of_its_own(browser: Browser, patched_sidecar: Sidecar) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address(patched_sidecar))
    page.wait_for_selector('section[aria-busy="false"]')
    flips.click(page)
    wait_for_state(page, "waiting-for-trust")
    context.close()
    assert problems == []
    origin = f"http://localhost:{patched_sidecar.port}"
    assert {url for url in asked if not url.startswith("data:")} == {
        f"{origin}{each}" for each in ("/codex-hooks", PATH, "/api/agent-hooks")
    }


def test_a_script_that_got_into_the_page_does_not_run(page: Page) -> None:
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.intruded = true";
      document.body.append(script);
    }""")
    assert page.evaluate("window.intruded") is None


@pytest.mark.parametrize("enabled", [False, True], ids=["off", "on"])
def test_another_page_of_this_machine_reads_and_changes_nothing(
    enabled: bool, browser: Browser, patched_sidecar: Sidecar
) -> None:
    flip(patched_sidecar, enabled=enabled)
    before = on_disk(patched_sidecar)
    with stranger() as port:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://localhost:{port}/")
        told = page.evaluate(ATTACK, [f"http://localhost:{patched_sidecar.port}", PATH, not enabled])
        context.close()
    assert {name: what for name, what in told.items() if what != "nothing"} == {}
    assert len(told) == 14
    assert on_disk(patched_sidecar) == before
    assert status(patched_sidecar)["enabled"] is enabled


def stranger() -> "Stranger":
    """A web site on another port."""
    return Stranger()


class Stranger:
    """An empty page, served on a port of its own while it is entered."""

    def __enter__(self) -> int:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self._server.server_port

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Empty(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>another site</title><body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


CONTRAST = """selector => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(each => each / 255)
    .map(each => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const element = document.querySelector(selector);
  let behind = element;
  while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(parse).map(light).sort((a, b) => b - a);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""
CONTRAST_OF_SWITCH = """() => {
  const light = text => text.match(/[\\d.]+/g).slice(0, 3).map(each => each / 255)
    .map(each => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const card = getComputedStyle(document.querySelector(".card")).backgroundColor;
  const ratio = colour => {
    const pair = [colour, card].map(light).sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  };
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("i");
  document.body.append(probe);
  return Math.min(...["--track", "--accent"].map(name => {
    probe.style.color = style.getPropertyValue(name);
    return ratio(getComputedStyle(probe).color);
  }));
}"""
ATTACK = """async ([origin, path, enabled]) => {
  const api = origin + path;
  const body = JSON.stringify({ enabled });
  const json = { "Content-Type": "application/json" };
  const tries = {
    "fetch to read": () => fetch(api).then(answer => answer.text()),
    "fetch to read, opaque": () => fetch(api, { mode: "no-cors" }).then(answer => answer.text()),
    "fetch to read, by another name": () => fetch(api.replace("localhost", "127.0.0.1")).then(answer => answer.text()),
    "fetch of the page": () => fetch(origin + "/codex-hooks").then(answer => answer.text()),
    "fetch to put": () => fetch(api, { method: "PUT", headers: json, body }).then(answer => answer.text()),
    "fetch to put text": () => fetch(api, { method: "PUT", headers: { "Content-Type": "text/plain" }, body }).then(answer => answer.text()),
    "fetch to post text": () => fetch(api, { method: "POST", mode: "no-cors", body }).then(answer => answer.text()),
    "fetch that says PUT": () => fetch(api, { method: "POST", mode: "no-cors", headers: { "X-HTTP-Method-Override": "PUT" }, body }).then(answer => answer.text()),
    beacon: async () => { navigator.sendBeacon(api, new Blob([body], { type: "text/plain" })); return ""; },
    picture: () => new Promise(done => {
      const image = new Image();
      image.onload = () => done("a picture");
      image.onerror = () => done("");
      image.src = api;
    }),
    script: () => new Promise(done => {
      const script = document.createElement("script");
      script.onload = () => done("a script");
      script.onerror = () => done("");
      script.src = api;
      document.head.append(script);
    }),
    form: () => new Promise(done => {
      const frame = document.createElement("iframe");
      frame.name = "sink";
      document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", action: api + "?_method=PUT", target: "sink", enctype: "text/plain" });
      form.innerHTML = `<input name='{"enabled":${enabled},"x":"' value='"}'>`;
      document.body.append(form);
      form.submit();
      setTimeout(() => { try { done(frame.contentDocument ? frame.contentDocument.body.textContent : ""); } catch { done(""); } }, 400);
    }),
    frame: () => new Promise(done => {
      const frame = document.createElement("iframe");
      frame.src = origin + "/codex-hooks";
      document.body.append(frame);
      setTimeout(() => { try { done(frame.contentDocument ? frame.contentDocument.body.textContent : ""); } catch { done(""); } }, 400);
    }),
    window: () => new Promise(done => {
      const other = window.open(api);
      setTimeout(() => { try { done(other && other.document ? other.document.body.textContent : ""); } catch { done(""); } }, 400);
    }),
  };
  const told = {};
  for (const [name, attempt] of Object.entries(tries)) {
    told[name] = await attempt().then(text => text || "nothing", () => "nothing");
  }
  return told;
}"""
