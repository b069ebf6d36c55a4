"""`python3 .dev lab simulate_agents [--seeds N]`: sessions of all agents, mixed in one sidecar, or the seed that fails.

Hooks are lost and delivered twice, transcripts are written before, between and after them, in pieces that end within a
line, or not at all; the sidecar is killed now and then. Every tenth session is one of Codex, every tenth of Claude Code.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patcher import pipeline
from patcher.agents.judgement import problems
from patcher.agents.simulated import AGENTS, Hook, SimulatedAgent, Step, Write, forwarded
from patcher.prove import Sidecar, dependencies_for, find_node, lay_out
from patcher.prove.queries import listed, settled
from patcher.prove.sample import SampleSession

BATCH = 100
SHOWN = 3
PATIENCE = 30.0
WAYS = ("both", "both", "both", "hooks", "transcript", "lossy", "doubled", "late")


@dataclass
class Played:
    """One session: what has been delivered of it."""

    seed: int
    way: str
    agent: SimulatedAgent
    todo: list[Step] = field(default_factory=list)
    delivered: list[Hook] = field(default_factory=list)

    @property
    def imported(self) -> bool:
        """Whether its transcript was written."""
        return self.way != "hooks"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every row is as it must be, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python3 .dev lab simulate_agents", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, metavar="N", help="how many sessions; default 2000")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed; default 0")
    parser.add_argument("--upstream", default="builtin", help="a spec as of `sidecar-patcher build`")
    options = parser.parse_args(argv)
    build = pipeline.check(options.upstream)
    node = find_node()
    began, total, failures = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="agents-") as work:
        modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
        tree = lay_out(build.tree, work, modules)
        for first in range(options.first, options.first + options.seeds, BATCH):
            seeds = range(first, min(first + BATCH, options.first + options.seeds))
            with Sidecar(tree, node, work=work, env={"AGENT_POLL_MS": "100"}) as sidecar:
                for line in batch(sidecar, seeds, total):
                    failures += 1
                    if failures <= SHOWN:
                        print(line)
    print(
        f"{total['sessions']} sessions of {len(AGENTS)} agents, {total['codex']} of Codex and {total['claude']} of Claude"
        f" Code, {total['rows']} rows: {total['twice']} twice, {total['lost']} lost, {total['harness']} under a wrong"
        f" harness, {total['phantoms']} sessions that nobody had ({total['kills']} kills, {time.monotonic() - began:.0f} s)"
    )
    return 1 if failures else 0


def batch(sidecar: Sidecar, seeds: Sequence[int], total: Counter[str]) -> Iterator[str]:
    """Play these seeds, mixed; a line for each session that is not as it must be."""
    chance = random.Random(seeds[0])
    played = [play(seed, sidecar.home) for seed in seeds if seed % 10 not in {8, 9}]
    others = [other(seed, sidecar, total) for seed in seeds if seed % 10 in {8, 9}]
    kills = sorted(chance.sample(range(sum(len(each.todo) for each in played)), k=3))
    done = 0
    while waiting := [each for each in played if each.todo]:
        step(chance.choice(waiting), sidecar, chance)
        done += 1
        if kills and done >= kills[0]:
            kills.pop(0)
            sidecar.kill()
            sidecar.start()
            total["kills"] += 1
    settled(lambda: [line for each in played for line in wrong(each, sidecar)[:1]], PATIENCE)
    sessions = listed_all(sidecar)
    expected = {each.agent.id: each.agent.provider for each in played} | dict(others)
    total["sessions"] += len(played)
    total["phantoms"] += len(sessions.keys() - expected.keys())
    misplaced = {key for key, harness in expected.items() if sessions.get(key) != harness}
    total["harness"] += len(misplaced)
    if phantoms := sessions.keys() - expected.keys():
        yield f"seeds {seeds[0]} to {seeds[-1]}: sessions that nobody had: {sorted(phantoms)[:3]}"
    yield from (f"{key} is {sessions.get(key)}, not {expected[key]}" for key in sorted(misplaced))
    for each in played:
        found = wrong(each, sidecar)
        total["rows"] += len(rows_of(each, sidecar))
        for line in found:
            have, _, should = line.rpartition(" rows, not ")
            total["twice" if int(have.rpartition(" ")[2]) > int(should) else "lost"] += 1
        if found:
            yield f"seed {each.seed} ({each.agent.harness.title}, {each.way}): {'; '.join(found[:4])}"


def play(seed: int, home: str) -> Played:
    """The session of a seed, and in which order what it does arrives."""
    chance = random.Random(seed)
    agent = AGENTS[seed % len(AGENTS)](home, seed=str(seed))
    agent.play(turns=chance.randint(1, 4))
    way = chance.choice(WAYS)
    hooks = [each for each in agent.steps if isinstance(each, Hook)]
    writes = [each for each in agent.steps if isinstance(each, Write)]
    if way == "lossy":
        hooks = [each for each in hooks if chance.random() < 0.7]
    if way == "doubled":
        hooks = [each for each in hooks for _ in range(chance.randint(1, 2))]
    hooks, writes = ([], writes) if way == "transcript" else (hooks, [] if way == "hooks" else writes)
    todo: list[Step] = [*writes, *hooks] if way == "late" else mixed(hooks, writes, chance)
    return Played(seed, way, agent, todo)


def mixed(hooks: Sequence[Step], writes: Sequence[Step], chance: random.Random) -> list[Step]:
    """Both in their own order, at random places of each other."""
    turns = [*([0] * len(hooks)), *([1] * len(writes))]
    chance.shuffle(turns)
    streams = (iter(hooks), iter(writes))
    return [next(streams[turn]) for turn in turns]


def step(played: Played, sidecar: Sidecar, chance: random.Random) -> None:
    """The next thing that arrives of a session."""
    now = played.todo.pop(0)
    if isinstance(now, Hook):
        played.delivered.append(now)
        if body := forwarded(played.agent.harness, now.payload):
            sidecar.post_hook(body["hook_type"], body["data"])
        return
    os.makedirs(os.path.dirname(now.path), exist_ok=True)
    cut = chance.randrange(len(now.text)) if chance.random() < 0.2 else 0
    with open(now.path, "w" if now.whole else "a", encoding="utf-8") as file:
        file.write(now.text[:cut])
        file.flush()
        if cut:
            time.sleep(0.02)  # the sidecar may look now
        file.write(now.text[cut:])


def other(seed: int, sidecar: Sidecar, total: Counter[str]) -> tuple[str, str]:
    """A session of Codex or of Claude Code, from its hooks: its id and its harness."""
    if seed % 10 == 8:
        codex = SampleSession(str(seed), codex_home=sidecar.codex_home)
        for payload in codex.hooks:
            sidecar.post_hook(payload["hook_event_name"], {**payload, "__provider": "codex"})
        total["codex"] += 1
        return codex.id, "codex"
    session = f"claude-{seed}"
    for event in ("SessionStart", "UserPromptSubmit", "Stop"):
        sidecar.post_hook(event, {"session_id": session, "cwd": "/p", "prompt": "hi", "hook_event_name": event})
    total["claude"] += 1
    return session, "claude"


def rows_of(played: Played, sidecar: Sidecar) -> list[dict[str, Any]]:
    return sidecar.rows("SELECT event_type, data FROM events WHERE session_id = ?", played.agent.id)


def wrong(played: Played, sidecar: Sidecar) -> list[str]:
    return problems(played.agent, rows_of(played, sidecar), hooks=played.delivered, imported=played.imported)


def listed_all(sidecar: Sidecar) -> Mapping[str, str]:
    """The harness of each session, as the filter of the list says it."""
    harnesses = ("claude", "codex", *(kind.provider for kind in AGENTS))
    return {key: name for name in set(harnesses) for key in listed(sidecar, f"harness={name}&limit=1000")}


if __name__ == "__main__":
    sys.exit(main())
