"""`python3 .dev lab bench_rollouts`: what it costs to follow rollout files, as ratios.

A line appended to a small file and to a large one; a poll over few idle files and over many; a first import beside a
bare `JSON.parse` of the same lines. Everything is generated, in a folder that is gone afterwards.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from patcher import pipeline
from patcher.errors import PatcherError
from patcher.node.find import find_node
from patcher.prove.directories import lay_out, scrubbed_environment

_MEASURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure.mjs")
_LONGEST = 900
_MB = 1024**2


class Failed(Exception):
    """A measurement ended badly."""


class Lab:
    """The patched builtin sidecar, and a place for files; every measurement is a process of its own."""

    def __init__(self, scratch: str) -> None:
        self._node = find_node().path
        self._scratch = scratch
        build = pipeline.check("builtin")
        if not build.ok:
            raise Failed("builtin does not build: `python -m patcher check` says why")
        self._tree = lay_out(pipeline.output(build), scratch, None)

    def measure(self, home: str, what: str, *arguments: int, data: str = "data") -> dict[str, Any]:
        """Run one measurement over the Codex home of that name, with its database."""
        root = os.path.join(self._scratch, home)
        os.makedirs(root, exist_ok=True)
        env = scrubbed_environment(root)
        os.makedirs(os.path.join(root, "tmp"), exist_ok=True)
        env |= {"CODEX_HOME": os.path.join(root, ".codex"), "DASHBOARD_DATA_DIR": os.path.join(root, data)}
        command = [self._node, "--no-warnings", _MEASURE, self._tree, what, *map(str, arguments)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_LONGEST, check=False)
        if done.returncode != 0:
            raise Failed(f"{what}: {done.stderr.strip()[-600:] or 'it said nothing'}")
        measured: dict[str, Any] = json.loads(done.stdout)
        return measured

    def drop(self, home: str) -> None:
        import shutil

        shutil.rmtree(os.path.join(self._scratch, home), ignore_errors=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything was measured; 1 when something failed; 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench_rollouts", description=__doc__)
    parser.add_argument("--full", action="store_true", help="500 MB and 1 GB instead of 50 MB and 100 MB")
    parser.add_argument("--only", choices=("append", "idle", "import"), help="one of the three")
    options = parser.parse_args(argv)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    parts = {"append": _append, "idle": _idle, "import": _import}
    try:
        with tempfile.TemporaryDirectory(prefix="sidecar-patcher-rollouts-") as scratch:
            lab = Lab(scratch)
            for name, part in parts.items():
                if options.only in (None, name):
                    part(lab, options.full)
    except (Failed, PatcherError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _append(lab: Lab, full: bool) -> None:
    costs = {}
    print("\none line appended to a file that has been imported, median of 41:")
    for megabytes in (5, 500 if full else 50):
        costs[megabytes] = lab.measure(f"append-{megabytes}", "append", megabytes * _MB, 41)
        lab.drop(f"append-{megabytes}")
        one = costs[megabytes]
        print(
            f"  {megabytes:4} MB  {one['ms']:6.2f} ms, {one['cpu']:6.2f} ms of CPU  (first import {one['first']:,.0f} ms)"
        )
    small, large = costs.values()
    print(f"  ratio    {large['ms'] / small['ms']:.2f} in time, {large['cpu'] / small['cpu']:.2f} in CPU")


def _idle(lab: Lab, full: bool) -> None:
    del full
    costs = {}
    print("\none poll over idle files, 10 in a day's folder, after a restart:")
    for count in (200, 2000):
        home = f"idle-{count}"
        lab.measure(home, "generate", count, 4096, 10)
        lab.measure(home, "import")
        costs[count] = lab.measure(home, "idle", 180)
        lab.drop(home)
        one = costs[count]
        print(
            f"  {one['files']:5} files  {one['cpu']:6.3f} ms of CPU  (all seen {one['firstLook']:,.0f} ms after the start)"
        )
    print(f"  ratio        {costs[2000]['cpu'] / costs[200]['cpu']:.2f}")


def _import(lab: Lab, full: bool) -> None:
    count = 100 if full else 10
    size = 10 * _MB
    print(f"\nfirst import of {count} files of {size // _MB} MB:")
    total = lab.measure("import", "generate", count, size, 5)["bytes"]
    lab.measure("import", "bare")  # the files are in the page cache from here on
    bare = lab.measure("import", "bare")
    ours = lab.measure("import", "import")
    again = lab.measure("import", "bare")
    lab.drop("import")
    bare_ms = (bare["ms"] + again["ms"]) / 2
    bare_cpu = (bare["cpu"] + again["cpu"]) / 2
    print(f"  bare JSON.parse  {total / _MB / bare_ms * 1000:6.0f} MB/s  ({bare['lines']:,} lines; before and after)")
    print(f"  import           {total / _MB / ours['ms'] * 1000:6.0f} MB/s  ({ours['events']:,} events)")
    print(f"  ratio            {bare_ms / ours['ms']:6.2f} in time, {bare_cpu / ours['cpu']:.2f} in CPU")
    print(
        f"  memory           {ours['peak']:6.0f} MB at its peak, {ours['early']:.0f} MB in the first quarter: {ours['peak'] / ours['early']:.2f}"
    )
    print(f"  longest stall    {ours['stall']:6.0f} ms of the event loop")


if __name__ == "__main__":
    sys.exit(main())
