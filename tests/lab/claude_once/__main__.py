"""`python3 .dev lab claude_once`: real Claude Code and its sub-agents, on the pristine sidecar and on the patched one.

Runs alternate between sub-agents at the foreground and the background, a model that answers at once and after 2 s, and
two versions of Claude Code. Each has to be wrong on the pristine tree and right on the patched one. Then sessions
without sub-agents: their rows have to be the same on both, but for the end of a call that failed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from patcher.errors import PatcherError
from tests.lab.agents.agents import AGENTS
from tests.lab.agents.lane import Ground, Outcome, play
from tests.lab.agents.loopback import only_loopback
from tests.lab.agents.roads import ROADS
from tests.lab.agents.scenarios import SCENARIOS, Run
from tests.lab.agents.stage import AgentFailed
from tests.lab.claude_once.rows import Tables, columns_of, comparable, data_of, differences, without
from tests.lab.drift import nodejs

_CLAUDE = AGENTS["claude"]
_ROAD = ROADS["both"]  # hooks, and the transcripts beside them
_KINDS = tuple(product((_CLAUDE.newest, _CLAUDE.older), ("subagent", "background"), (0.0, 2.0)))
_SAME = ("tools", "twins", "failing", "resume", "subagent")
_REF = "v1.4.8"
_COMPARED = 1000
"""The number of a run that is compared: another than those before have."""
_LONGEST = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every run is as it must be, or Claude Code cannot be had; 1 when one is not; 2 for a bad call."""
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO")
    parser = argparse.ArgumentParser(prog="python3 .dev lab claude_once", description=__doc__)
    parser.add_argument("--runs", metavar="N", type=int, default=len(_KINDS), help="runs with sub-agents on each tree")
    default = f"{repository}@{_REF}" if repository else "builtin"
    parser.add_argument(
        "--upstream", metavar="SPEC", default=default, help=f"default: {_REF} of $SIDECAR_UPSTREAM_REPO"
    )
    options = parser.parse_args(argv)
    try:
        node = nodejs.node()
        commands = {version: _CLAUDE.command(version, node) for version in (_CLAUDE.newest, _CLAUDE.older)}
    except nodejs.Unavailable as error:
        sys.stderr.write(f"skipped: real Claude Code: {error}\n")
        return 0
    work = os.path.realpath(tempfile.mkdtemp(prefix="claude-once-"))
    try:
        grounds = []
        for name in ("pristine", "patched"):
            base = os.path.join(work, name)
            os.makedirs(base)
            made = Ground.made(
                options.upstream, node, base, pristine=name == "pristine", record=os.path.join(base, "kept")
            )
            grounds.append(made)
        if reason := only_loopback():
            sys.stderr.write(f"the network stays within reach: {reason}\n")
        wrong = sum(_once(grounds, commands, number) for number in range(options.runs))
        wrong += sum(_same(grounds, commands, name) for name in _SAME)
    except (PatcherError, AgentFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.stdout.write(f"{options.runs} runs with sub-agents on each tree, {len(_SAME)} compared, {wrong} wrong\n")
    return 1 if wrong else 0


def _once(grounds: Sequence[Ground], commands: dict[str, list[str]], number: int) -> bool:
    """One kind of run, on both trees. Returns whether one is not as it must be."""
    version, scenario, latency = _KINDS[number % len(_KINDS)]
    run = Run(_CLAUDE, version, commands[version], SCENARIOS[scenario], _ROAD, number)
    pristine, patched = (play(run, replace(ground, latency=latency)) for ground in grounds)
    twice = pristine.found.twice
    wrong = not twice or bool(patched.problems)
    said = f"pristine {twice} rows too many, patched {patched.found.twice}, {len(patched.problems)} problems"
    _say(f"{number + 1:2} {version} {scenario:<10} {latency:g} s  {said}", patched.problems, wrong)
    return wrong


def _same(grounds: Sequence[Ground], commands: dict[str, list[str]], scenario: str) -> bool:
    """One scenario, compared. What is mended is left out: the calls of sub-agents, and the ends of calls that failed."""
    version = _CLAUDE.newest
    run = Run(_CLAUDE, version, commands[version], SCENARIOS[scenario], _ROAD, _COMPARED)
    tables = [_rows(run, ground, play(run, ground)) for ground in grounds]
    places = [os.path.join(ground.work, run.name) for ground in grounds]
    columns = columns_of(tables[0])  # what only ours has cannot be compared
    told = [
        comparable(without(each, _calls_of_subagents(each)), place, columns)
        for each, place in zip(tables, places, strict=True)
    ]
    found = differences(*told)
    compared = sum(sum(rows.values()) for rows in told[0].values())
    _say(f"   {version} {scenario:<10} {compared} rows compared, {len(found)} differ", found, bool(found))
    return bool(found)


def _rows(run: Run, ground: Ground, outcome: Outcome) -> Tables:
    path = os.path.join(ground.record, run.name, "rows.json")
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError as error:
        raise AgentFailed(f"{outcome.scenario} left no rows: {'; '.join(outcome.problems)}") from error


def _calls_of_subagents(tables: Tables) -> set[str]:
    """The calls that a sub-agent made."""
    payloads = [data_of(event) for event in tables["events"]]
    return {
        data["tool_use_id"] for data in payloads if "tool_use_id" in data and ("agent_id" in data or "imported" in data)
    }


def _say(line: str, problems: Sequence[str], wrong: bool) -> None:
    sys.stdout.write(f"{line}  {'WRONG' if wrong else 'ok'}\n")
    for problem in problems:
        sys.stdout.write(f"    {problem[:_LONGEST]}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
