"""Runs the installer's node tests with the counts of the issue, and asks real Codex versions whether trust survives."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from patcher.node.find import find_node
from tests.javascript.test_javascript import lay_out_tree
from tests.lab.drift.nodejs import Unavailable
from tests.lab.hooks_bench import accepted, trust

_SUITES = Path(__file__).parents[2] / "js"
_UNSET = ("CODEX_HOME", "DASHBOARD_DATA_DIR", "DASHBOARD_DB_PATH", "DASHBOARD_CODEX_HOOKS", "NODE_OPTIONS")


def _run(suite: str, tree: Path, counts: dict[str, str]) -> int:
    env = {name: value for name, value in os.environ.items() if name not in _UNSET}
    env |= {"SIDECAR_TREE": str(tree), "HOME": str(tree), **counts}
    command = [find_node().path, "--test", "--test-reporter=spec", str(_SUITES / suite)]
    return subprocess.run(command, env=env, cwd=tree, check=False).returncode


def _trust() -> int:
    try:
        results = [trust.observe(version) for version in trust.versions()]
    except Unavailable as error:
        sys.stdout.write(f"trust: skipped, {error}\n")
        return 0
    for said, _ in results:
        sys.stdout.write(f"{said}\n")
    return int(not all(ok for _, ok in results))


def _accepted(number: int, seed: int, only: int | None) -> int:
    code = 0
    try:
        for said, ok in accepted.observe(number, seed, only):
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            code = code if ok else 1
    except Unavailable as error:
        sys.stdout.write(f"accepted: skipped, {error}\n")
    return code


def main() -> int:
    """Exit code 1 when anything is not as it must be."""
    options = argparse.ArgumentParser(prog="python -m tests.lab.hooks_bench", description=__doc__)
    options.add_argument("--cases", type=int, default=5000, help="random hooks files")
    options.add_argument("--rounds", type=int, default=200, help="times two processes enable and disable at once")
    options.add_argument("--accepted", type=int, metavar="N", help="only hold N contents against what Codex accepts")
    options.add_argument("--seed", type=int, default=1, help="of those contents")
    options.add_argument("--content", type=int, metavar="NUMBER", help="only this one of them")
    options.add_argument("--trust-only", action="store_true", help="only ask Codex")
    given = options.parse_args()
    if given.accepted is not None:
        return _accepted(given.accepted, given.seed, given.content)
    code = _trust()
    if given.trust_only:
        return code
    counts = {
        "HOOKS_CASES": str(given.cases),
        "HOOKS_ROUNDS": str(given.rounds),
        "HOOKS_STRIDE": "1",
        "HOOKS_MOUNT": "1",
    }
    with tempfile.TemporaryDirectory(prefix="hooks-bench-") as made:
        tree = lay_out_tree(Path(made))
        codes = [_run(suite, tree, counts) for suite in ("hooks-disk.test.mjs", "hooks-text.test.mjs")]
    return int(any(codes) or code)


if __name__ == "__main__":
    raise SystemExit(main())
