"""`python3 .dev lab drift`: how often a changed upstream is misapplied silently, or stops needlessly."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from patcher.errors import PatcherError
from patcher.patches import SERIES
from patcher.upstream.materialize import materialize
from tests.lab.drift import corpus, nodejs, prettier, show
from tests.lab.drift.corpus import Outcome, Work
from tests.lab.drift.reference import REFS, NoReference, Reference, reference

_SHOWN_DIFFS = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when nothing was misapplied and nothing stopped needlessly; 1 when something was; 2 for a bad command
    line; 5 when an upstream cannot be read or the series does not go into it unchanged."""
    options = _parser().parse_args(argv)
    specs, skipped = _upstreams(options.upstream)
    skipped += _without_prettier()
    sys.stderr.writelines(f"skipped: {line}\n" for line in skipped)
    found: dict[str, list[Outcome]] = {}
    for spec in specs:
        try:
            unchanged = reference(materialize(spec), SERIES)
        except (PatcherError, NoReference) as error:
            sys.stderr.write(f"{spec}: the unchanged upstream does not build: {error}\n")
            return 5
        todo = corpus.works(corpus.mutations(unchanged, options.seed, options.only))
        found[spec] = _run(unchanged, todo, options.jobs)
        if options.format == "text":
            shown = _details(unchanged, todo, found[spec], options.only) if options.verbose else ()
            sys.stdout.writelines([*shown, f"{spec}\n{show.table(found[spec])}\n\n"])
            sys.stdout.flush()
    if not any(found.values()):
        _parser().error(f"no mutation is named {options.only}")
    sys.stdout.write(show.to_json(found, skipped) if options.format == "json" else _closing(found))
    return int(any(each.result.is_bad for outcomes in found.values() for each in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.drift", description=__doc__)
    spec_help = "`builtin`, a directory, a .tgz, or REPOSITORY@REF; may be repeated (default: builtin, and "
    spec_help += f"{' and '.join(REFS)} of $SIDECAR_UPSTREAM_REPO)"
    parser.add_argument("--upstream", metavar="SPEC", action="append", help=spec_help)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="for what is sampled (default: %(default)s)")
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="mutations whose name, patch.name/kind/detail, matches"
    )
    jobs = min(2, os.cpu_count() or 1)
    parser.add_argument("--jobs", metavar="N", type=int, default=jobs, help="processes (default: %(default)s)")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="a line for each mutation, and the diffs of the first"
    )
    return parser


def _upstreams(given: Sequence[str] | None) -> tuple[list[str], list[str]]:
    if given:
        return list(given), []
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO")
    if not repository:
        return ["builtin"], [f"{' and '.join(REFS)} of the real upstream: SIDECAR_UPSTREAM_REPO is not set"]
    return ["builtin", *(f"{repository}@{ref}" for ref in REFS)], []


def _without_prettier() -> list[str]:
    try:
        nodejs.installed("prettier", prettier.VERSION)
    except nodejs.Unavailable as error:
        return [f"reformatted by prettier: {error}"]
    return []


def _run(unchanged: Reference, todo: list[Work], jobs: int) -> list[Outcome]:
    with _progress(sum(len(work.mutations) for work in todo), unchanged.upstream.label) as advance:
        return corpus.run(unchanged, todo, jobs, advance)


def _details(unchanged: Reference, todo: list[Work], outcomes: list[Outcome], only: str) -> Iterator[str]:
    """A line for each mutation and why, and the diffs of the first few that were asked for by name."""
    for each in outcomes:
        yield f"{each.result}: {each.name}\n" + (f"  {each.why}\n" if each.why else "")
    for work in todo[:_SHOWN_DIFFS] if only != "*" else ():
        yield from _diffs(unchanged, work)


@contextmanager
def _progress(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty() or not total:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda count: progress.advance(task, count)


def _diffs(unchanged: Reference, work: Work) -> Iterator[str]:
    """What the mutation does to upstream, and what the patcher then did to the mutant."""
    mutation = work.mutations[0]
    tree = corpus.mutated(unchanged, mutation)
    series = unchanged.series if mutation.harmless else corpus.all_series(unchanged, mutation)[0]
    build, _ = corpus.attempt(unchanged, tree, series)
    path = mutation.path
    old, new = (one[path].data.decode() if path in one else "" for one in (unchanged.upstream.tree, tree))
    yield from _diff(old, new, f"upstream/{path}", f"mutant/{path}")
    if build is not None and path in build.tree:
        yield from _diff(new, build.tree[path].data.decode(), f"mutant/{path}", f"generated/{path}")


def _diff(old: str, new: str, left: str, right: str) -> Iterator[str]:
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), left, right, lineterm=""):
        yield f"{line}\n"


def _closing(found: dict[str, list[Outcome]]) -> str:
    failures = show.failures(found)
    return f"{failures}\n\n{show.summary(found)}\n" if failures else f"{show.summary(found)}\n"


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: not an error
