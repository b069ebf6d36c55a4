"""`python3 .dev lab bench_load`: many agents fire hooks at once while their rollouts are followed.

The same posts hit the pristine and the patched tree, side by side: latency and processor time as ratios, and what became
of each event. Rollouts are looked at once a second, as in a user's sidecar; the contracts look ten times as often.
Loopback only, bounded in time, and it stops by itself.
"""

import argparse
import json
import os
import random
import resource
import statistics
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from patcher import pipeline
from patcher.prove import Sidecar, SidecarFailed, both_beds, dependencies_for, find_node

HANDLER = "scripts/codex-hook-handler.js"
PAUSE_SECONDS = 0.1
AS_FOR_USERS = {"CODEX_POLL_MS": "1000"}


@dataclass
class Agent:
    """One Codex session: what it posted, what it wrote to its rollout, and what came back."""

    sidecar: Sidecar
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    expected: set[tuple[str, str]] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(self, until: float) -> None:
        """Call tools until the time is over; every event goes both roads, the hook first."""
        path = self._rollout()
        with open(path, "a", encoding="utf-8", buffering=1) as rollout:
            turn = str(uuid.uuid4())
            self._write(rollout, "session_meta", id=self.session, session_id=self.session, cwd="/tmp", source="exec")
            self._write(rollout, "turn_context", turn_id=turn, cwd="/tmp", model="gpt-5.5")
            while time.monotonic() < until:
                call = f"call_{uuid.uuid4().hex}"
                arguments = json.dumps({"cmd": "echo hi"})
                self._post("PreToolUse", turn, call)
                self._write(
                    rollout,
                    "response_item",
                    type="function_call",
                    name="exec_command",
                    arguments=arguments,
                    call_id=call,
                )
                self._post("PostToolUse", turn, call, tool_response="hi")
                output = "Process exited with code 0\nOutput:\nhi"
                self._write(rollout, "response_item", type="function_call_output", call_id=call, output=output)
                time.sleep(random.uniform(0, 2 * PAUSE_SECONDS))

    def _rollout(self) -> str:
        folder = os.path.join(self.sidecar.codex_home, "sessions", *time.strftime("%Y/%m/%d").split("/"))
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, f"rollout-{time.strftime('%Y-%m-%dT%H-%M-%S')}-{self.session}.jsonl")

    def _write(self, rollout: Any, kind: str, **payload: object) -> None:
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        rollout.write(json.dumps({"timestamp": stamp, "type": kind, "payload": payload}) + "\n")

    def _post(self, event: str, turn: str, call: str, **more: object) -> None:
        self.expected.add((event, call))
        data: dict[str, object] = {
            "session_id": self.session,
            "turn_id": turn,
            "hook_event_name": event,
            "tool_name": "Bash",
            "cwd": "/tmp",
        }
        data |= {"tool_use_id": call, "tool_input": {"command": "echo hi"}, "__provider": "codex", **more}
        began = time.monotonic()
        try:
            reply = self.sidecar.post_hook(event, data)
        except (OSError, SidecarFailed):
            return  # the sidecar is down: the hook is missed, and the rollout will tell
        self.seconds.append(time.monotonic() - began)
        if reply.status != 200:
            self.refused.append(f"{reply.status} {str(reply.json)[:120]}")


@dataclass(frozen=True)
class Figures:
    """What one tree made of the load."""

    posts: int
    p95: float  # seconds
    cpu: float  # seconds of the processor for each post, with all that the sidecar does besides
    refused: list[str]
    lost: int
    twice: int


def load(sidecar: Sidecar, agents: int, seconds: float, kills: int) -> Figures:
    """Run the load; with `kills`, the sidecar is killed (`kill -9`) and started again that often, at random times."""
    before = _children_cpu()
    with sidecar:
        crowd = [Agent(sidecar) for _ in range(agents)]
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=agent.run, args=(until,), daemon=True) for agent in crowd]
        for thread in threads:
            thread.start()
        for moment in sorted(random.uniform(0.1, 0.9) * seconds for _ in range(kills)):
            time.sleep(max(0.0, until - seconds + moment - time.monotonic()))
            sidecar.kill()
            sidecar.start()
        for thread in threads:
            thread.join()
        lost, twice = _settled(sidecar, crowd)
    times = sorted(second for agent in crowd for second in agent.seconds)
    refused = [line for agent in crowd for line in agent.refused]
    p95 = statistics.quantiles(times, n=20)[-1]
    return Figures(len(times), p95, (_children_cpu() - before) / len(times), refused, lost, twice)


def _children_cpu() -> float:
    """Seconds of the processor that the children which have ended took, killed ones too."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _settled(sidecar: Sidecar, crowd: list[Agent]) -> tuple[int, int]:
    """Events without a row and with two, once the last rollout line has had its time."""
    deadline = time.monotonic() + 20
    while True:
        lost = twice = 0
        for agent in crowd:
            rows: dict[tuple[str, str], int] = {}
            for row in sidecar.rows("SELECT event_type, data FROM events WHERE session_id = ?", agent.session):
                key = (row["event_type"], json.loads(row["data"] or "{}").get("tool_use_id", ""))
                rows[key] = rows.get(key, 0) + 1
            lost += sum(rows.get(key, 0) == 0 for key in agent.expected)
            twice += sum(rows.get(key, 0) > 1 for key in agent.expected)
        if lost + twice == 0 or time.monotonic() > deadline:
            return lost, twice
        time.sleep(0.5)


def main() -> int:
    """Exit code 0 when the patched tree lost nothing, doubled nothing and refused nobody."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench_load", description=__doc__)
    parser.add_argument("--upstream", default="builtin", metavar="SPEC")
    parser.add_argument("--agents", type=int, default=22)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="kill -9 and restart the patched one N times")
    options = parser.parse_args()
    build, node = pipeline.check(options.upstream), find_node()
    package = build.upstream.tree["package.json"].data
    modules = dependencies_for(package, node=node, install=True)
    handler = build.added[HANDLER].data.decode()
    made = both_beds(build.upstream.tree, build.tree, node=node, node_modules=modules, handler_source=handler)
    with made as (pristine, patched):
        before = load(pristine.sidecar(env=AS_FOR_USERS), options.agents, options.seconds, 0)
        after = load(patched.sidecar(env=AS_FOR_USERS), options.agents, options.seconds, options.kills)
    print(f"{options.agents} agents, {options.seconds:g} s each, {options.kills} kills of the patched sidecar")
    for name, figures in (("pristine", before), ("patched", after)):
        busy = sum("BUSY" in line.upper() or "LOCKED" in line.upper() for line in figures.refused)
        print(
            f"  {name:<8}  {figures.posts} posts, p95 {figures.p95 * 1000:.1f} ms, {figures.cpu * 1000:.2f} ms of CPU each, {len(figures.refused)} refused "
            f"({busy} busy), {figures.lost} events lost, {figures.twice} twice"
        )
    print(f"  patched / pristine: {after.p95 / before.p95:.2f} in p95, {after.cpu / before.cpu:.2f} in CPU")
    for line in after.refused[:5]:
        sys.stderr.write(f"{line}\n")
    return 1 if after.lost or after.twice or (after.refused and not options.kills) else 0


if __name__ == "__main__":
    raise SystemExit(main())
