"""`python3 .dev lab codex_lane`: real Codex sessions on the patched sidecar; every event one row, whatever its road.

And the tokens of each session are what its answers cost. `--all`: all the versions that differ in what they write, with
threads that one has written and another has migrated. Installs the versions with npm, once, in
`~/.cache/sidecar-patcher/npm-dev`. No account and no network else.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence

from patcher.errors import PatcherError
from tests.lab.codex_lane import codex
from tests.lab.codex_lane.lane import Ground, Outcome, play
from tests.lab.codex_lane.scenarios import SCENARIOS
from tests.lab.drift import nodejs

OLDEST = "0.146.0"
ALL = ("0.89.0", "0.124.0", OLDEST, "0.151.0", "0.169.0")
_REF = "v1.2.0"
_HEAD = (
    "codex",
    "scenario",
    "hooks",
    "rollout",
    "joined",
    "events",
    "rows",
    "twice",
    "lost",
    "sessions",
    "tokens",
    "handler",
    "",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every row is as it must be, or Codex cannot be had; 1 when one is not; 2 for a bad call.

    With `--fetch`: 3 when Codex cannot be had.
    """
    options = _parser().parse_args(argv)
    chosen = [one for one in SCENARIOS if not options.only or one.name in options.only]
    try:
        asked = ALL if options.all else options.version
        programs = {version: codex.binary(version) for version in _versions(asked)}
        node = nodejs.node()
    except nodejs.Unavailable as error:
        sys.stderr.write(f"skipped: the real Codex CLI: {error}\n")
        return 3 if options.fetch else 0
    if options.fetch:
        print(*programs)
        return 0
    work = os.path.realpath(tempfile.mkdtemp(prefix="codex-lane-"))
    try:
        ground = Ground.made(options.upstream, node, work)
        _say(_HEAD)
        outcomes = [
            _said(play(version, program, scenario, ground))
            for version, program in programs.items()
            for scenario in chosen
            if scenario.since <= tuple(int(number) for number in version.split("-")[0].split("."))
            if not scenario.older or options.all or options.only  # `.ci/run` has 240 s for the others
        ]
    except (PatcherError, codex.CodexFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if options.keep:
            sys.stderr.write(f"kept: {work}\n")
        else:
            shutil.rmtree(work, ignore_errors=True)
    wrong = sum(bool(outcome.problems) for outcome in outcomes)
    for version in programs:
        _sum_up(version, [outcome for outcome in outcomes if outcome.version == version])
    sys.stdout.write(f"{len(outcomes)} scenarios, {wrong} wrong, on {options.upstream}\n")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.codex_lane", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO")
    parser.add_argument("--version", metavar="V", action="append", help=f"default: {OLDEST} and npm's newest")
    parser.add_argument("--all", action="store_true", help=", ".join(ALL))
    parser.add_argument("--only", metavar="SCENARIO", action="append", choices=names, help=", ".join(names))
    parser.add_argument(
        "--upstream",
        metavar="SPEC",
        nargs="?",
        default="builtin",
        const=f"{repository}@{_REF}" if repository else None,
        help=f"the sidecar (default: builtin); without SPEC: {_REF} of $SIDECAR_UPSTREAM_REPO",
    )
    parser.add_argument("--fetch", action="store_true", help="fetch the versions, print them, and run nothing")
    parser.add_argument("--keep", action="store_true", help="leave homes, records and rollouts, and say where")
    return parser


def _versions(asked: Iterable[str] | None) -> list[str]:
    wanted = asked or (OLDEST, "newest")
    return list(dict.fromkeys(codex.newest() if version == "newest" else version for version in wanted))


def _said(outcome: Outcome) -> Outcome:
    compared = outcome.compared
    roads = (outcome.told or "-", outcome.joined or "-")
    counts: Sequence[object] = ("-",) * 8
    if compared:
        rows = (compared.rows, compared.twice, compared.lost)
        counts = (outcome.hooks, *roads, outcome.expected, *rows, outcome.sessions)
    times = outcome.handler_seconds
    handler = f"{statistics.median(times) * 1000:.0f} ms" if times else "-"
    _say((outcome.version, outcome.scenario, *counts, outcome.tokens, handler, "WRONG" if outcome.problems else "ok"))
    for problem in outcome.problems:
        sys.stdout.write(f"    {problem}\n")
    sys.stdout.flush()
    return outcome


def _sum_up(version: str, outcomes: Sequence[Outcome]) -> None:
    judged = [(outcome, outcome.compared) for outcome in outcomes if outcome.compared]
    sessions = sum(outcome.sessions for outcome, _ in judged)
    twice, lost = (sum(getattr(compared, name) for _, compared in judged) for name in ("twice", "lost"))
    unequal = sum(outcome.tokens != "equal" for outcome in outcomes)
    tokens = f"tokens not equal in {unequal} scenarios" if unequal else "tokens equal"
    sys.stdout.write(
        f"{version}: {len(outcomes)} scenarios, {sessions} sessions, {twice} twice, {lost} lost, {tokens}\n"
    )


def _say(cells: Iterable[object]) -> None:
    version, scenario, *numbers, verdict = map(str, cells)
    sys.stdout.write(f"{version:<9} {scenario:<24} {' '.join(f'{one:>7}' for one in numbers)}  {verdict}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
