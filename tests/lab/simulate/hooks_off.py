"""`python3 .dev lab simulate.hooks_off`: with no hook, the rows are the rollout's alone, and nothing else differs.

The same rollouts are read by the patched tree, whose hooks stay silent, and by one that never had any: upstream's own
hook route, no handler. Every table must be the same, but for where the files are.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from typing import Any

from patcher import pipeline
from patcher.codex.judgement import judge
from patcher.model import Build, Tree
from patcher.prove import Node, Sidecar, dependencies_for, find_node, lay_out
from patcher.testing.simulator import Scenario
from tests.lab.simulate.batch import sidecar_for

ROUTE = "server/routes/hooks.js"
HANDLER = "scripts/codex-hook-handler.js"
TABLES = ("sessions", "agents", "events", "token_usage", "codex_rollouts")
OF_THE_DATABASE = {"id"}  # of an event: it is counted in the order of writing
PATIENCE = 120.0

Tables = dict[str, list[str]]


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when no row is twice, lost, or told by a hook, and no table differs; else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.simulate.hooks_off", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how many scenarios; default %(default)s")
    parser.add_argument("--upstream", default="builtin", help="a spec as of `sidecar-patcher build`")
    options = parser.parse_args(argv)
    build, node = pipeline.check(options.upstream), find_node()
    assert build.ok, f"sidecar-patcher check --upstream {options.upstream} says why it cannot be patched"
    modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
    silent, wrong = read(pipeline.output(build), options.seeds, node, modules)
    never, _ = read(without_hooks(build), options.seeds, node, modules)
    differ = {table: len(set(silent[table]) ^ set(never[table])) for table in TABLES}
    rows = ", ".join(f"{len(silent[table])} of {table}" for table in TABLES)
    print(f"{options.seeds} scenarios, hooks off, on {options.upstream}: {wrong['events']} events in the rollouts")
    print(f"  {wrong['twice']} twice, {wrong['lost']} lost, {wrong['misnamed']} told by more than the rollout")
    print(f"  beside a tree that never had hooks, rows that differ: {sum(differ.values())} (compared: {rows})")
    return 1 if sum(differ.values()) or wrong["twice"] + wrong["lost"] + wrong["misnamed"] else 0


def without_hooks(build: Build) -> Tree:
    """The generated tree with upstream's own hook route, and without the handler."""
    tree = {**pipeline.output(build), ROUTE: build.upstream.tree[ROUTE]}
    del tree[HANDLER]
    return tree


def read(tree: Tree, seeds: int, node: Node, modules: str | None) -> tuple[Tables, Counter[str]]:
    """What a sidecar makes of the rollouts of the first `seeds` scenarios: its tables, and what is wrong with them."""
    with tempfile.TemporaryDirectory(prefix="hooks-off-") as work:
        with sidecar_for(lay_out(tree, work, modules), node) as sidecar:
            days = [Scenario.from_seed(seed, codex_home=sidecar.codex_home) for seed in range(seeds)]
            files = sum(_write(day) for day in days)
            sidecar.wait_for(lambda: _complete(sidecar) == files, PATIENCE, "the last rollout")
            return {table: _table(sidecar, table) for table in TABLES}, _judged(sidecar, days)


def _write(day: Scenario) -> int:
    for thread in day.codex.threads:
        os.makedirs(os.path.dirname(thread.path), exist_ok=True)
        with open(f"{thread.path}.draft", "wb") as file:
            file.writelines(line.data for line in thread.lines)
        ended = thread.lines[-1].at / 1000
        os.utime(f"{thread.path}.draft", (ended, ended))
        os.rename(f"{thread.path}.draft", thread.path)
    return len(day.codex.threads)


def _complete(sidecar: Sidecar) -> int:
    if not sidecar.rows("SELECT 1 FROM sqlite_master WHERE name = 'codex_rollouts'"):
        return 0
    [row] = sidecar.rows("SELECT COUNT(*) AS n FROM codex_rollouts WHERE stamp IS NOT NULL")
    return int(row["n"])


def _table(sidecar: Sidecar, table: str) -> list[str]:
    dropped = OF_THE_DATABASE if table == "events" else set()
    rows: list[dict[str, Any]] = sidecar.rows(f"SELECT * FROM {table}")
    kept = [sorted((name, str(value)) for name, value in row.items() if name not in dropped) for row in rows]
    return sorted(repr(row).replace(sidecar.codex_home, "~") for row in kept)


def _judged(sidecar: Sidecar, days: list[Scenario]) -> Counter[str]:
    total: Counter[str] = Counter()
    for day in days:
        marks = ", ".join("?" * len(day.sessions))
        rows = sidecar.rows(f"SELECT * FROM events WHERE session_id IN ({marks})", *day.sessions)
        in_file = {index for thread in day.codex.threads for line in thread.lines for index in line.events}
        verdict = judge(day.events, rows, delivered={}, in_file=in_file)
        total.update(twice=len(verdict.twice), lost=len(verdict.lost), misnamed=len(verdict.misnamed))
        total["events"] += verdict.events
    return total


if __name__ == "__main__":
    sys.exit(main())
