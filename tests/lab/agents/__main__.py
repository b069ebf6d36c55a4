"""`python3 .dev lab agents`: real agent CLIs, offline, on a patched sidecar; each event one row.

Each CLI is fetched with npm, once, into `~/.cache/sidecar-patcher/npm-dev`. Then this process leaves the network: what
it starts reaches nothing but this machine, and the model is a script.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict

from patcher.errors import PatcherError
from tests.lab.agents.agents import AGENTS
from tests.lab.agents.lane import Ground, Outcome, play
from tests.lab.agents.loopback import only_loopback
from tests.lab.agents.roads import ROADS
from tests.lab.agents.scenarios import SCENARIOS, Run
from tests.lab.agents.stage import AgentFailed
from tests.lab.drift import nodejs

_REF = "v1.4.8"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every row is as it must be, or no CLI can be had; 1 when one is not; 2 for a bad call.

    With `--fetch`: 3 when a CLI cannot be had.
    """
    options = _parser().parse_args(argv)
    try:
        node = nodejs.node()
        agents = [AGENTS[name] for name in options.agents or AGENTS]
        wanted = [
            (agent, version, agent.command(version, node))
            for agent in agents
            for version in options.version or (agent.newest, agent.older)[: 2 if options.all else 1]
        ]
    except nodejs.Unavailable as error:
        sys.stderr.write(f"skipped: real agents: {error}\n")
        return 3 if options.fetch else 0
    if options.fetch:
        for agent, version, _ in wanted:
            print(agent.name, version)
        return 0
    work = os.path.realpath(tempfile.mkdtemp(prefix="agents-lane-"))
    try:
        ground = Ground.made(
            options.upstream,
            node,
            work,
            pristine=options.pristine,
            latency=options.latency,
            record=os.path.abspath(options.record) if options.record else "",
        )
        if reason := only_loopback():
            sys.stderr.write(f"the network stays within reach: {reason}\n")
        outcomes = [
            _said(options.format, play(Run(agent, version, command, SCENARIOS[name], ROADS[road], number), ground))
            for agent, version, command in wanted
            for name in options.only or SCENARIOS
            for road in _roads(options.road)
            for number in range(1, options.runs + 1)
        ]
    except (PatcherError, AgentFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if options.keep:
            sys.stderr.write(f"kept: {work}\n")
        else:
            shutil.rmtree(work, ignore_errors=True)
    wrong = sum(bool(outcome.problems) for outcome in outcomes)
    if options.format == "json":
        runs = [{**asdict(outcome), **asdict(outcome.found), "problems": outcome.problems} for outcome in outcomes]
        for run in runs:
            del run["found"]
        report = {"schema": 1, "upstream": options.upstream.rpartition("@")[2], "runs": runs}
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    else:
        sys.stdout.write(f"{len(outcomes)} runs, {wrong} wrong, on {options.upstream}\n")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 .dev lab agents", description=__doc__)
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO")
    names = ", ".join(SCENARIOS)
    parser.add_argument("agents", metavar="AGENT", nargs="*", choices=[[], *AGENTS], help=", ".join(AGENTS))
    parser.add_argument("--version", metavar="V", action="append", help="default: the newest that is known to work")
    parser.add_argument("--all", action="store_true", help="the newest and an older version")
    parser.add_argument("--only", metavar="SCENARIO", action="append", choices=list(SCENARIOS), help=names)
    parser.add_argument(
        "--upstream",
        metavar="SPEC",
        default=f"{repository}@{_REF}" if repository else "builtin",
        help=f"the sidecar (default: {_REF} of $SIDECAR_UPSTREAM_REPO, else builtin)",
    )
    parser.add_argument("--pristine", action="store_true", help="the tree before the patches, to see what they mend")
    parser.add_argument(
        "--road",
        metavar="ROAD",
        action="append",
        choices=[*ROADS, "all"],
        help=f"by which the sidecar hears of it (default: both): {', '.join(ROADS)}, all",
    )
    parser.add_argument("--latency", metavar="S", type=float, default=0.0, help="seconds before the model answers")
    parser.add_argument("--runs", metavar="N", type=int, default=1, help="how often each scenario runs")
    parser.add_argument("--record", metavar="DIR", help="copy each run's hook payloads, transcripts and rows there")
    parser.add_argument("--fetch", action="store_true", help="fetch the CLIs, print them, and run nothing")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="json: one report, at the end")
    parser.add_argument("--keep", action="store_true", help="leave homes, records and transcripts, and say where")
    return parser


def _roads(asked: Sequence[str] | None) -> Sequence[str]:
    return list(ROADS) if asked and "all" in asked else asked or ["both"]


def _said(form: str, outcome: Outcome) -> Outcome:
    if form == "json":
        return outcome
    found = outcome.found
    numbers = f"{found.calls:3} calls {found.rows:3} rows {found.twice:2} twice {found.lost:2} lost"
    more = f"{found.sessions} sessions {outcome.hooks:3} hooks {outcome.seconds:5.1f} s"
    verdict = "WRONG" if outcome.problems else "ok"
    sys.stdout.write(
        f"{outcome.agent:<8} {outcome.version:<9} {outcome.scenario:<10} {outcome.road:<10} {numbers} {more}  {verdict}\n"
    )
    for problem in outcome.problems:
        sys.stdout.write(f"    {problem}\n")
    sys.stdout.flush()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
