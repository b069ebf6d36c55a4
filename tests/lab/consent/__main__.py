"""The figures and the pictures of our pages: `python3 .dev lab consent WHAT [--upstream SPEC] [--runs N]`.

WHAT: `refusals`, `flips` and `screenshots` of the consent page; `dashboard`, pictures of what is ours in upstream's own.
"""

import argparse
import sys
import tempfile

from patcher import pipeline
from patcher.node.find import Node
from patcher.prove import Sidecar, dependencies_for, find_node, lay_out
from tests.lab.consent import browser, dashboard, flips, refusals, screenshots

_A_SECOND = 1000


def _tree(spec: str, node: Node, work: str) -> str:
    build = pipeline.check(spec)
    package = build.upstream.tree["package.json"].data
    modules = dependencies_for(package, node=node, install=True, command="")
    return lay_out(pipeline.output(build), work, modules)


def _refusals(tree: str, node: Node) -> bool:
    with Sidecar(tree, node) as sidecar:
        found = refusals.attack_all(sidecar)
    sys.stdout.write(refusals.table(found))
    for each in found:
        if not each.ok:
            sys.stdout.write(f"  NOT REFUSED: {each.request.group}: {each.request.name}: {each.got.status}\n")
    return all(each.ok for each in found)


def _flips(tree: str, node: Node, runs: int) -> bool:
    with browser.chromium() as chromium:
        found = flips.measure(chromium, tree, node, runs)
    for name, milliseconds in found.items():
        sys.stdout.write(flips.shown(name, milliseconds))
    return max(value for each in found.values() for value in each) < _A_SECOND


def main() -> int:
    """Exit code 1 when a figure is not what it must be; 2 without a browser."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.consent", description=__doc__)
    parser.add_argument("what", choices=("refusals", "flips", "screenshots", "dashboard"))
    parser.add_argument("--upstream", default="builtin", metavar="SPEC")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    if options.what != "refusals" and not browser.there_is_chromium():
        sys.stderr.write(f"{browser.WHY_NOT}\n")
        return 2
    node = find_node()
    with tempfile.TemporaryDirectory(prefix="consent-", ignore_cleanup_errors=True) as work:
        if options.what == "dashboard":
            dashboard.take(options.upstream, node, work)
            return 0
        tree = _tree(options.upstream, node, work)
        if options.what == "refusals":
            return 0 if _refusals(tree, node) else 1
        if options.what == "flips":
            return 0 if _flips(tree, node, options.runs) else 1
        with browser.chromium() as chromium:
            screenshots.take(chromium, tree, node)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
