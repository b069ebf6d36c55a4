"""The pictures of what stands in the dashboard's own pages: what is ours of them, of a session of each kind.

Everything else on those pages is upstream's, and is hidden before a picture is taken.
"""

import os
import sys
from collections.abc import Mapping

from playwright.sync_api import FloatRect, Locator, Page

from patcher import pipeline
from patcher.client import build_dist, with_client
from patcher.node.find import Node
from patcher.patches.harnesses import handler_path
from patcher.prove import TestBed, dependencies_for, lay_out
from patcher.prove.browser import page
from patcher.prove.contracts.settings_has_the_switch import PREPARED
from patcher.prove.mixed_sessions import Known, make_sessions
from tests.lab.consent.png import smaller
from tests.lab.consent.screenshots import FOLDER
from tests.support import ROOT

_MARGIN = 8
_HIDDEN = "body * { visibility: hidden } .ours, .ours *, [data-harness-tooltip] { visibility: visible !important }"
_TOOLTIP = "[data-harness-tooltip]"


def take(spec: str, node: Node, work: str) -> None:
    """Build the client of this upstream (of the v1 line), and write the pictures into the folder of all pictures."""
    build = pipeline.check(spec, client=True)
    build = with_client(build, build_dist(build.tree, node=node, install=True))
    package = build.upstream.tree["package.json"].data
    modules = dependencies_for(package, node=node, install=True, command="")
    tree = lay_out(pipeline.output(build), os.path.join(work, "tree"), modules)
    handler = os.path.join(tree, *handler_path("codex", build.upstream.line).split("/"))
    bed = TestBed(tree, tree, handler, node, work)
    with bed.sidecar() as sidecar, page(sidecar.home) as browser:
        known = make_sessions(bed, sidecar)
        browser.add_init_script(PREPARED)
        browser.goto(f"http://127.0.0.1:{sidecar.port}/sessions")
        _badges(browser, known)
        _filter(browser)
        browser.goto(f"http://127.0.0.1:{sidecar.port}/sessions/{known['both'].id}")
        _explanation(browser)


def _badges(browser: Page, known: Mapping[str, Known]) -> None:
    rows = [browser.locator("tr", has_text=each.cwd) for each in known.values()]
    badges = [row.get_by_text("Claude Code", exact=True).or_(row.get_by_role("button", name="Codex")) for row in rows]
    _photograph(browser, "harness-badges", badges)


def _filter(browser: Page) -> None:
    group = browser.get_by_role("group", name="Filter by harness")
    group.get_by_role("button", name="Codex").click()
    _photograph(browser, "harness-filter", [group])


def _explanation(browser: Page) -> None:
    badge = browser.get_by_role("button", name="Codex live")
    badge.hover()
    _photograph(browser, "harness-explained", [badge, browser.locator(_TOOLTIP)])


def _photograph(browser: Page, name: str, ours: list[Locator]) -> None:
    """What is ours, as near together as it stands, and nothing else."""
    for each in ours:
        each.wait_for()
        each.evaluate("node => node.classList.add('ours')")
    style = browser.add_style_tag(content=_HIDDEN)
    boxes = [box for each in ours if (box := each.bounding_box())]
    left, top = min(box["x"] for box in boxes) - _MARGIN, min(box["y"] for box in boxes) - _MARGIN
    right, bottom = max(box["x"] + box["width"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
    clip: FloatRect = {"x": left, "y": top, "width": right + _MARGIN - left, "height": bottom + _MARGIN - top}
    data = smaller(browser.screenshot(clip=clip, animations="disabled"))
    style.evaluate("node => node.remove()")
    (FOLDER / f"{name}.png").write_bytes(data)
    sys.stdout.write(f"{os.path.relpath(FOLDER / name, ROOT)}.png  {len(data):,} bytes\n")
