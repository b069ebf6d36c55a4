"""`python -m tests.simulate [--seeds N] [--seed N] [--naive] [--timeline]`: 0 events twice, 0 lost, or the seed."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from patcher import pipeline
from patcher.model import Tree
from patcher.prove import dependencies_for, find_node, lay_out
from patcher.testing.simulator import Scenario
from tests.simulate.batch import Batch, Ran, sidecar_for
from tests.simulate.naive import Counts, naive

BATCH = 50
SHOWN = 3
RECYCLED_AFTER = 500  # scenarios on one sidecar


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, metavar="N", help="how many scenarios; default 2000")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed; default 0")
    parser.add_argument("--seed", type=int, metavar="N", help="only this one")
    parser.add_argument("--naive", action="store_true", help="also what the naive key makes of the same deliveries")
    parser.add_argument("--timeline", action="store_true", help="with --seed: what happens when")
    parser.add_argument("--upstream", default="builtin", help="a spec as of `sidecar-patcher build`")
    parser.add_argument("--node", help="the Node to run it on")
    args = parser.parse_args(argv)
    seeds = range(args.first, args.first + args.seeds) if args.seed is None else range(args.seed, args.seed + 1)
    if args.timeline and args.seed is not None:
        print(Scenario.from_seed(args.seed).timeline())
    began = time.monotonic()
    total: Counter[str] = Counter()
    baseline = Counts()
    failures = []
    for ran in run(seeds, patched(args.upstream), node=args.node):
        verdict = ran.verdict
        total.update(
            events=verdict.events, twice=len(verdict.twice), lost=len(verdict.lost), misnamed=len(verdict.misnamed),
            repeated=verdict.repeated, merged=verdict.merged, kills=ran.scenario.kills,
        )  # fmt: skip
        if args.naive:
            baseline += naive(ran.scenario)
        if verdict.problems:
            failures.append(ran)
            if len(failures) <= SHOWN:
                show(ran, timeline=args.seed is None)
    said = f"{len(seeds)} scenarios, {total['events']} events: {total['twice']} twice, {total['lost']} lost"
    said += f", {total['misnamed']} with a wrong `capture`" if total["misnamed"] else ""
    print(f"{said} ({time.monotonic() - began:.0f} s; killed in {sum_of_kills(total)})")
    print(f"  known: {total['repeated']} second deliveries of events without an identifier are rows of their own")
    print(f"  known: {total['merged']} prompts equal to another of their turn, told by hooks alone, share its row")
    if args.naive:
        print(f"naive key, same deliveries: {baseline.twice} twice, {baseline.lost} lost")
    if failures:
        again = ", ".join(str(ran.scenario.seed) for ran in failures[:20])
        print(f"{len(failures)} scenarios failed; seeds {again}")
    return 1 if failures else 0


def sum_of_kills(total: Counter[str]) -> str:
    return f"{total['kills']} places with kill -9"


def show(ran: Ran, *, timeline: bool) -> None:
    """A failure: the seed, what is wrong, the timeline, and how to see it again."""
    print(f"\nseed {ran.scenario.seed} failed")
    for problem in ran.verdict.problems[:10]:
        print(f"  {problem}")
    if timeline:
        print(ran.scenario.timeline())
    print(f"again: python -m tests.simulate --seed {ran.scenario.seed} --timeline\n", flush=True)


def patched(upstream: str) -> Tree:
    """The generated tree of an upstream. Raises what the pipeline raises."""
    build = pipeline.check(upstream)
    assert build.ok, f"sidecar-patcher check --upstream {upstream} says why it cannot be patched"
    return pipeline.output(build)


def run(seeds: range, tree: Tree, *, node: str | None = None) -> Iterator[Ran]:
    """All scenarios, in batches of one number of kills; a new sidecar now and then."""
    groups: dict[int, list[int]] = defaultdict(list)
    for seed in seeds:
        groups[Scenario.from_seed(seed).kills].append(seed)
    batches = [
        group[start : start + BATCH] for _, group in sorted(groups.items()) for start in range(0, len(group), BATCH)
    ]
    runtime = find_node(node)
    modules = dependencies_for(tree["package.json"].data, node=runtime, command="sidecar-patcher prove")
    with tempfile.TemporaryDirectory(prefix="simulate-") as work, Progress(len(seeds)) as progress:
        directory = lay_out(tree, work, modules)
        per_sidecar = RECYCLED_AFTER // BATCH
        for start in range(0, len(batches), per_sidecar):
            with sidecar_for(directory, runtime) as sidecar:
                for batch in batches[start : start + per_sidecar]:
                    results = Batch(sidecar, batch).run()
                    progress.advance(len(results), sum(bool(ran.verdict.problems) for ran in results))
                    yield from results


class Progress:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self.bar = None
        self.failed = 0
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self.bar = Bar(*columns, TextColumn("{task.description}"), console=Console(stderr=True))
            self.task = self.bar.add_task("0 failed", total=total)

    def __enter__(self) -> "Progress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def advance(self, count: int, failed: int) -> None:
        self.failed += failed
        if self.bar:
            self.bar.update(self.task, advance=count, description=f"{self.failed} failed")


if __name__ == "__main__":
    sys.exit(main())
