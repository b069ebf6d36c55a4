"""One scenario of one agent, beside a sidecar of its own, and what came of it."""

import os
import time
from dataclasses import dataclass, field

from patcher import pipeline
from patcher.patches.harnesses import HARNESSES, places_of
from patcher.prove import Node, NotSeen, Sidecar, SidecarFailed, dependencies_for, lay_out
from patcher.prove.sidecar import POLL_MS, eventually
from patcher.render import render
from tests.lab.agents.agents import Agent
from tests.lab.agents.judge import Found, judge
from tests.lab.agents.model_server import ModelServer, Step
from tests.lab.agents.scenarios import Run
from tests.lab.agents.stage import AgentFailed, Stage

_LONGEST_WAIT = 10.0
_VARIABLES = {"CCAM_FORCE_HOST": "1", "AGENT_POLL_MS": str(POLL_MS)}  # upstream installs no hooks from a container
_CLAUDES_PATIENCE = 4.0  # `PATIENCE_MS` in `claude-gaps.js`, and a second
_SETTLED = 10 * POLL_MS / 1000  # a row that comes a second time has come by then


@dataclass
class Outcome:
    """A row of the table. problems: what is wrong; empty when nothing is."""

    agent: str
    version: str
    scenario: str
    road: str
    hooks: int = 0
    seconds: float = 0.0
    found: Found = field(default_factory=Found)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ground:
    """A tree, laid out in a directory of ours. latency: of the model, in seconds. record: where runs are copied to."""

    tree: str
    node: Node
    work: str
    pristine: bool = False
    latency: float = 0.0
    record: str = ""

    @classmethod
    def made(
        cls, spec: str, node: Node, work: str, *, pristine: bool = False, latency: float = 0.0, record: str = ""
    ) -> "Ground":
        """Build `spec`, and lay it out below `work`; or what it was built from. Raises `PatcherError`."""
        build = pipeline.check(spec)
        if not build.ok:
            raise AgentFailed(f"{spec} does not build: `python -m patcher check --upstream {spec}` says why")
        modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
        tree = lay_out(build.upstream.tree if pristine else build.tree, os.path.join(work, "tree"), modules)
        return cls(tree, node, work, pristine, latency, record)


def play(run: Run, ground: Ground) -> Outcome:
    """Play it to its end. Whatever goes wrong is a problem of its outcome."""
    outcome = Outcome(run.agent.name, run.version, run.scenario.name, run.road.name)
    directory = os.path.join(ground.work, run.name)
    os.makedirs(directory)
    began = time.monotonic()
    handler = _handler(run.agent, ground)
    try:
        with (
            ModelServer(_spelled(run, os.path.join(directory, "project")), ground.latency) as model,
            Sidecar(ground.tree, ground.node, work=directory, env=_VARIABLES) as sidecar,
        ):
            stage = _stage(run, ground, sidecar, model, handler if run.road.at_once else "")
            try:
                (run.agent.install if run.road.hooks else run.agent.remove)(stage)
                if run.road.killed:
                    killed_at = 2 if run.scenario.ends else 1
                    model.on_answer = lambda number: sidecar.kill() if number == killed_at else None
                run.scenario.drive(stage)
                if run.road.killed:
                    if sidecar.running:
                        raise AgentFailed("the sidecar was not killed: the model was not asked often enough")
                    sidecar.start()
                if not run.road.at_once:
                    _wait_for_rows(sidecar, _CLAUDES_PATIENCE if run.agent.upstreams_own else 0)
                    stage.deliver(handler)
                _judge(outcome, run, stage, ground)
            finally:
                outcome.hooks = len(stage.recorded())
                if ground.record and sidecar.running:
                    stage.keep(os.path.join(ground.record, run.name))
            if outcome.problems:
                outcome.problems.append(f"the sidecar's log ends: {sidecar.log()[-400:]}")
    except (AgentFailed, SidecarFailed, NotSeen) as error:
        outcome.problems.append(str(error))
    outcome.seconds = time.monotonic() - began
    return outcome


def _stage(run: Run, ground: Ground, sidecar: Sidecar, model: ModelServer, handler: str) -> Stage:
    directory = os.path.join(ground.work, run.name)
    home, variables = sidecar.home, {}
    if not run.road.transcript:  # a home that the sidecar does not know, so the handler does not find it by itself
        home, variables = os.path.join(directory, "home"), {"CLAUDE_DASHBOARD_PORT": str(sidecar.port)}
    return Stage(run.agent, run.command, ground.node, home, directory, sidecar, model, handler, variables)


def _wait_for_rows(sidecar: Sidecar, patience: float) -> None:
    """Until the sidecar has read the transcripts: it has rows, and no more come. patience: as long as it does not."""
    time.sleep(patience)
    counts = [-1]

    def settled() -> bool:
        time.sleep(_SETTLED / 2)
        counts.append(len(sidecar.rows("SELECT id FROM events")))
        return counts[-1] == counts[-2] > 0

    eventually(settled, _LONGEST_WAIT)


def _handler(agent: Agent, ground: Ground) -> str:
    """The agent's handler in the tree; rendered beside it where the tree has none. Claude's is upstream's."""
    for row in HARNESSES:
        if row.provider == agent.provider:
            places = [os.path.join(ground.tree, *path.split("/")) for path, _ in reversed(places_of(row))]
            beside = os.path.join(ground.work, row.handler)
            if not any(map(os.path.exists, places)):
                with open(beside, "w", encoding="utf-8") as file:
                    file.write(render("handler/hook-handler.js.j2", harness=row))
            return next(filter(os.path.exists, places), beside)
    return os.path.join(ground.tree, "scripts", "hook-handler.js")


def _spelled(run: Run, project: str) -> dict[str, list[Step]]:
    """The scripts with the tools of this agent."""
    spelled: dict[str, list[Step]] = {}
    for word, script in run.scenario.scripts.items():
        steps = ([tools for deed in step if (tools := deed.tools(run.agent, project))] for step in script)
        spelled[word] = [step for step in steps if step]
    return spelled


def _judge(outcome: Outcome, run: Run, stage: Stage, ground: Ground) -> None:
    def now() -> Found:
        return judge(run, stage, pristine=ground.pristine)

    eventually(lambda: not now().problems, _LONGEST_WAIT)
    time.sleep(_SETTLED)
    outcome.found = now()
    outcome.problems += [*stage.model.problems, *outcome.found.problems]
    asked = {each.word for each in stage.model.served}
    outcome.problems += [f"nobody asked the model about {word}" for word in run.scenario.scripts if word not in asked]
    outcome.problems += [
        f"the handler ended with {ended['code']} and printed {ended['output'][:200]!r}"
        for ended in stage.handled()
        if ended["code"] != 0 or ended["output"]
    ]
    if run.road.hooks != bool(stage.recorded()):
        outcome.problems.append(f"{len(stage.recorded())} hooks came")
