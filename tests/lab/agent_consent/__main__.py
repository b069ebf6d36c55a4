"""Real agents beside a sidecar of the series `codex` and `consent`: off no entry and no event, on events, off the bytes."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

from patcher import pipeline
from patcher.node.find import Node
from patcher.prove import Sidecar, dependencies_for, lay_out
from patcher.prove.queries import text_of
from patcher.prove.sidecar import eventually
from patcher.series.load import choose
from tests.lab.agents.agents import AGENTS, Agent
from tests.lab.agents.lane import _spelled
from tests.lab.agents.loopback import only_loopback
from tests.lab.agents.model_server import ModelServer
from tests.lab.agents.roads import ROADS
from tests.lab.agents.scenarios import SCENARIOS, Run
from tests.lab.agents.stage import AgentFailed, Stage
from tests.lab.drift import nodejs

_PATIENCE = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 when an agent is not as the switch says, or cannot be run."""
    options = argparse.ArgumentParser(prog="python3 .dev lab agent_consent", description=__doc__)
    options.add_argument("agents", metavar="AGENT", nargs="*", help=f"default: {', '.join(AGENTS)}")
    options.add_argument("--upstream", default=f"{os.environ.get('SIDECAR_UPSTREAM_REPO', '')}@v1.4.8")
    given = options.parse_args(argv)
    node = nodejs.node()
    agents = [AGENTS[name] for name in given.agents or AGENTS]
    commands = {agent.name: agent.command(agent.newest, node) for agent in agents}
    with tempfile.TemporaryDirectory(prefix="agent-consent-") as work:
        build = pipeline.check(given.upstream, choose(("codex", "consent")))
        if not build.ok:
            sys.stderr.write(f"{given.upstream} does not build\n")
            return 1
        modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
        tree = lay_out(build.tree, os.path.join(work, "tree"), modules)
        only_loopback()
        code = 0
        for agent in agents:
            directory = os.path.join(work, agent.name)
            os.makedirs(directory)
            facts = dict(_facts(agent, commands[agent.name], tree, node, directory))
            wrong = [fact for fact, holds in facts.items() if not holds]
            code |= bool(wrong)
            said = "; ".join(f"{fact}: {'yes' if holds else 'NO'}" for fact, holds in facts.items())
            sys.stdout.write(f"{agent.name} {agent.newest} on {given.upstream.rpartition('@')[2]}: {said}\n")
    return code


def _facts(agent: Agent, command: Sequence[str], tree: str, node: Node, directory: str) -> Iterator[tuple[str, bool]]:
    """What was seen, and whether it is as it must be."""
    scenario = next(iter(SCENARIOS.values()))
    run = Run(agent, agent.newest, command, scenario, next(iter(ROADS.values())), 1)
    scripts = _spelled(run, os.path.join(directory, "project"))
    variables = {"CCAM_FORCE_HOST": "1", "AGENT_POLL_MS": "0"}
    with ModelServer(scripts) as model, Sidecar(tree, node, work=directory, env=variables) as sidecar:
        stage = Stage(agent, command, node, sidecar.home, directory, sidecar, model)
        status = sidecar.request("GET", f"/api/agent-hooks/{agent.provider}").json
        path = status["file"]["path"]
        before = text_of(path)
        try:
            stage.run(scenario.prompts[0])
            yield "off: no entry", text_of(path) == before or "hook-handler.js" not in (text_of(path) or "")
            yield "off: no hook told of it", not _hooked(sidecar)
            before = text_of(path)
            reply = sidecar.request("PUT", f"/api/agent-hooks/{agent.provider}", {"enabled": True})
            yield "on", reply.status == 200 and reply.json["state"] == "ready"
            stage.run(scenario.prompts[0])
            yield "on: hooks told of it", eventually(lambda: _hooked(sidecar), _PATIENCE)
            reply = sidecar.request("PUT", f"/api/agent-hooks/{agent.provider}", {"enabled": False})
            yield "off again: the bytes of before", reply.status == 200 and text_of(path) == before
        except AgentFailed as error:
            yield f"it ran ({str(error)[-300:]})", False


def _hooked(sidecar: Sidecar) -> bool:
    """Whether a tool call has come: no file is read here while the agent runs."""
    return bool(sidecar.rows("SELECT id FROM events WHERE event_type = 'PreToolUse'"))


if __name__ == "__main__":
    raise SystemExit(main())
