"""One scenario of one agent, beside a sidecar of its own, and what came of it."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from patcher import pipeline
from patcher.prove import Node, NotSeen, Sidecar, SidecarFailed, dependencies_for, lay_out
from patcher.prove.sidecar import POLL_MS, eventually
from tests.lab.agents.agents import Agent
from tests.lab.agents.judge import Found, judge
from tests.lab.agents.model_server import ModelServer
from tests.lab.agents.scenarios import Scenario
from tests.lab.agents.stage import AgentFailed, Stage

_LONGEST_WAIT = 10.0
_SETTLED = 10 * POLL_MS / 1000  # a row that comes a second time has come by then


@dataclass
class Outcome:
    """A row of the table. problems: what is wrong; empty when nothing is."""

    agent: str
    version: str
    scenario: str
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


def play(agent: Agent, version: str, command: Sequence[str], scenario: Scenario, ground: Ground, run: int) -> Outcome:
    """Run a scenario to its end. Whatever goes wrong is a problem of its outcome."""
    outcome = Outcome(agent.name, version, scenario.name)
    name = f"{agent.name}-{version}-{scenario.name}-{run}"
    directory = os.path.join(ground.work, name)
    os.makedirs(directory)
    began = time.monotonic()
    scripts = _spelled(agent, scenario, os.path.join(directory, "project"))
    try:
        with (
            ModelServer(scripts, ground.latency) as model,
            Sidecar(ground.tree, ground.node, work=directory, env={"CCAM_FORCE_HOST": "1"}) as sidecar,
        ):
            stage = Stage(agent, command, ground.node, sidecar.home, directory, sidecar, model)
            try:
                agent.install(stage)
                scenario.drive(stage)
                _judge(outcome, agent, scenario, stage, pristine=ground.pristine)
            finally:
                outcome.hooks = len(stage.recorded())
                if ground.record:
                    stage.keep(os.path.join(ground.record, name))
            if outcome.problems:
                outcome.problems.append(f"the sidecar's log ends: {sidecar.log()[-400:]}")
    except (AgentFailed, SidecarFailed, NotSeen) as error:
        outcome.problems.append(str(error))
    outcome.seconds = time.monotonic() - began
    return outcome


def _spelled(agent: Agent, scenario: Scenario, project: str) -> dict[str, list[list[tuple[str, dict[str, object]]]]]:
    """The scripts with the tools of this agent."""
    return {
        word: [[deed.tool(agent, project) for deed in step] for step in script]
        for word, script in scenario.scripts.items()
    }


def _judge(outcome: Outcome, agent: Agent, scenario: Scenario, stage: Stage, *, pristine: bool) -> None:
    def now() -> Found:
        return judge(agent, scenario, stage.model.served, stage.sidecar, pristine=pristine)

    eventually(lambda: not now().problems, _LONGEST_WAIT)
    time.sleep(_SETTLED)
    outcome.found = now()
    outcome.problems += [*stage.model.problems, *outcome.found.problems]
    asked = {each.word for each in stage.model.served}
    outcome.problems += [f"nobody asked the model about {word}" for word in scenario.scripts if word not in asked]
