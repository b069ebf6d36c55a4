"""`python3 .dev lab simulate [--seeds N] [--only KIND]`: rows, tokens and facts as they happened, or the seed.

Prints for each kind of scenario how many events are there twice, how many are lost, in how many sessions the tokens are
not what the responses cost, and how many facts of sessions are wrong.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from patcher import pipeline
from patcher.model import Tree
from patcher.prove import dependencies_for, find_node, lay_out
from patcher.testing.simulator import APART, KINDS, Scenario
from tests.lab.simulate.batch import Batch, Ran, sidecar_for
from tests.lab.simulate.naive import Counts, naive
from tests.lab.simulate.zstd import Compressor

BATCH = 50
SHOWN = 3
RECYCLED_AFTER = 500  # scenarios on one sidecar


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, metavar="N", help="how many scenarios; default 2000")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed; default 0")
    parser.add_argument("--seed", type=int, metavar="N", help="only this one")
    parser.add_argument("--only", metavar="KIND", choices=sorted(KINDS), help=f"one of: {', '.join(KINDS)}")
    parser.add_argument("--naive", action="store_true", help="also what the naive key makes of the same deliveries")
    parser.add_argument("--timeline", action="store_true", help="with --seed: what happens when")
    parser.add_argument("--upstream", default="builtin", help="a spec as of `sidecar-patcher build`")
    parser.add_argument("--node", help="the Node to run it on")
    args = parser.parse_args(argv)
    seeds = range(args.first, args.first + args.seeds) if args.seed is None else range(args.seed, args.seed + 1)
    if args.timeline and args.seed is not None:
        print(Scenario.from_seed(args.seed, kind=args.only or "").timeline())
    began = time.monotonic()
    total: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    baseline = Counts()
    failures = []
    for ran in run(seeds, patched(args.upstream), node=args.node, kind=args.only or ""):
        counts = counted(ran)
        total.update(counts)
        kinds[ran.scenario.kind].update(counts)
        if args.naive:
            baseline += naive(ran.scenario)
        if ran.verdict.problems:
            failures.append(ran)
            if len(failures) <= SHOWN:
                show(ran, timeline=args.seed is None, only=args.only)
    table(kinds)
    said = f"{len(seeds)} scenarios, {total['events']} events: {total['twice']} twice, {total['lost']} lost"
    said += f", {total['misnamed']} with a wrong `capture`" if total["misnamed"] else ""
    said += f"; tokens wrong in {total['tokens']} of {total['sessions']} sessions, facts wrong: {total['facts']}"
    print(f"{said} ({time.monotonic() - began:.0f} s; killed in {sum_of_kills(total)})")
    print(f"  known: {total['repeated']} second deliveries of events without an identifier are rows of their own")
    print(f"  known: {total['merged']} prompts equal to another of their turn, told by hooks alone, share its row")
    if args.naive:
        print(f"naive key, same deliveries: {baseline.twice} twice, {baseline.lost} lost")
    if failures:
        again = ", ".join(str(ran.scenario.seed) for ran in failures[:20])
        print(f"{len(failures)} scenarios failed; seeds {again}")
    return 1 if failures else 0


def counted(ran: Ran) -> Counter[str]:
    """What there is to count of one scenario."""
    verdict = ran.verdict
    lists = {name: len(getattr(verdict, name)) for name in ("twice", "lost", "misnamed", "tokens", "facts")}
    more = {"repeated": verdict.repeated, "merged": verdict.merged, "kills": ran.scenario.kills}
    return Counter(
        scenarios=1, failed=bool(verdict.problems), events=verdict.events, sessions=len(ran.scenario.sessions),
        **lists, **more,
    )  # fmt: skip


def table(kinds: dict[str, Counter[str]]) -> None:
    """A line for each kind that there was."""
    columns = ("scenarios", "failed", "events", "twice", "lost", "misnamed", "sessions", "tokens", "facts")
    print(f"{'kind':<24}" + " ".join(f"{name:>9}" for name in columns))
    for kind, counts in kinds.items():
        if counts["scenarios"]:
            print(f"{kind:<24}" + " ".join(f"{counts[name]:>9}" for name in columns))


def sum_of_kills(total: Counter[str]) -> str:
    return f"{total['kills']} places with kill -9"


def show(ran: Ran, *, timeline: bool, only: str | None) -> None:
    """A failure: the seed, what is wrong, the timeline, and how to see it again."""
    print(f"\nseed {ran.scenario.seed} failed")
    for problem in ran.verdict.problems[:10]:
        print(f"  {problem}")
    if timeline:
        print(ran.scenario.timeline())
    kind = f' --only "{only}"' if only else ""
    print(f"again: python -m tests.lab.simulate --seed {ran.scenario.seed}{kind} --timeline\n", flush=True)


def patched(upstream: str) -> Tree:
    """The generated tree of an upstream. Raises what the pipeline raises."""
    build = pipeline.check(upstream)
    assert build.ok, f"sidecar-patcher check --upstream {upstream} says why it cannot be patched"
    return pipeline.output(build)


def run(seeds: range, tree: Tree, *, node: str | None = None, kind: str = "", size: int = BATCH) -> Iterator[Ran]:
    """All scenarios, in batches (of this size) of what happens to the sidecar in them; a new sidecar now and then."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for seed in seeds:
        scenario = Scenario.from_seed(seed, kind=kind)
        groups[scenario.kills, scenario.kind if scenario.kind in APART else ""].append(seed)
    batches = [
        (apart, group[start : start + size])
        for (_, apart), group in sorted(groups.items())
        for start in range(0, len(group), size)
    ]
    runtime = find_node(node)
    modules = dependencies_for(tree["package.json"].data, node=runtime, command="sidecar-patcher prove")
    with (
        tempfile.TemporaryDirectory(prefix="simulate-") as work,
        Progress(len(seeds)) as progress,
        Compressor(runtime) as compressor,
    ):
        directory = lay_out(tree, work, modules)
        per_sidecar = RECYCLED_AFTER // size
        for start in range(0, len(batches), per_sidecar):
            with sidecar_for(directory, runtime) as sidecar:
                for apart, batch in batches[start : start + per_sidecar]:
                    results = Batch(sidecar, batch, compressor, kind=kind, apart=apart).run()
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
