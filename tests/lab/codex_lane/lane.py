"""One scenario of one Codex, beside a sidecar of its own, and what came of it."""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patcher import pipeline
from patcher.model import Build
from patcher.prove import Node, NotSeen, Sidecar, SidecarFailed, dependencies_for, lay_out, proof
from patcher.prove.queries import listed
from patcher.prove.sidecar import POLL_MS, eventually
from tests.lab.codex_lane.codex import Codex, CodexFailed
from tests.lab.codex_lane.expected import (
    Compared,
    Expected,
    compare,
    compare_events,
    events_asked_for,
    roots_of,
    thread_of,
    tokens_of,
)  # fmt: skip
from tests.lab.codex_lane.model_server import ModelServer
from tests.lab.codex_lane.scenarios import Scenario

_LONGEST_WAIT = 15.0
_SETTLED = 6 * POLL_MS / 1000  # a row that comes a second time has come by then


@dataclass
class Outcome:
    """A row of the table. problems: what is wrong, each with its row; empty when nothing is."""

    version: str
    scenario: str
    hooks: int = 0
    expected: int = 0
    told: int = 0
    joined: int = 0
    compared: Compared | None = None
    sessions: int = 0
    tokens: str = "-"
    handler_seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ground:
    """The patched tree and the handler, laid out in a directory of ours."""

    tree: str
    handler: str
    node: Node
    work: str

    @classmethod
    def made(cls, spec: str, node: Node, work: str) -> "Ground":
        """Build `spec`, and lay it out below `work`. Raises `PatcherError`."""
        build: Build = pipeline.check(spec)
        if not build.ok:
            raise CodexFailed(f"{spec} does not build: `python -m patcher check --upstream {spec}` says why")
        modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
        tree = lay_out(build.tree, os.path.join(work, "patched"), modules)
        return cls(tree, os.path.join(tree, *proof.codex_handler(build).split("/")), node, work)


def play(version: str, program: str, scenario: Scenario, ground: Ground) -> Outcome:
    """Run a scenario to its end. Whatever goes wrong is a problem of its outcome."""
    outcome = Outcome(version, scenario.name)
    directory = os.path.join(ground.work, version, scenario.name)
    codex = Codex(program, directory, ground.node, ground.handler)
    try:
        with ModelServer(scenario.scripts()) as model, _sidecar(codex, ground, directory) as sidecar:
            codex.configure(port=model.port, model=scenario.model, more=scenario.config)
            if scenario.threads:
                codex.trust_hooks()
            scenario.drive(codex, sidecar)
            codex.wait_for_hooks()
            outcome.problems += model.problems
            _keep(model.requests, os.path.join(directory, "requests.json"))
            _judge(outcome, scenario, codex, sidecar, model)
            if outcome.problems:
                outcome.problems.append(f"the sidecar's log ends: {sidecar.log()[-400:]}")
    except (CodexFailed, SidecarFailed, NotSeen) as error:
        outcome.problems.append(str(error))
    return outcome


def _keep(what: object, path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(what, file, indent=1)


@contextlib.contextmanager
def _sidecar(codex: Codex, ground: Ground, directory: str) -> Iterator[Sidecar]:
    with Sidecar(ground.tree, ground.node, work=directory, env={"CODEX_HOME": codex.home}) as sidecar:
        codex.sidecar_port = sidecar.port
        yield sidecar


def _judge(outcome: Outcome, scenario: Scenario, codex: Codex, sidecar: Sidecar, model: ModelServer) -> None:
    hooks = codex.hooks()
    outcome.hooks = len(hooks)
    outcome.handler_seconds = [hook.seconds for hook in hooks if hook.code is not None]
    told = [hook.payload for hook in hooks if codex.heard(hook)]
    files = list(codex.rollouts().values())
    answers = [(served.thread, served.items) for served in model.served]
    if scenario.threads:
        roots = roots_of(codex.asked, answers)
        ends = {thread_of(lines) for lines in files if "task_complete" in json.dumps(lines)}
        ends |= {str(payload["session_id"]) for payload in told if payload["hook_event_name"] == "Stop"}
        events = events_asked_for(codex.asked, answers, told, ends=ends)
        outcome.expected = events.total()

        def now() -> Compared:
            return compare_events(events, sidecar.rows("SELECT * FROM events"))
    else:
        roots = {thread_of(lines): _root_of(lines) for lines in files}
        expected = Expected.of(told, files)
        outcome.expected, outcome.joined = expected.union.total(), expected.joined
        outcome.told = sum(expected.rollout.values())

        def now() -> Compared:
            return compare(expected, sidecar.rows("SELECT * FROM events"))

    cost = tokens_of(((served.thread, served.model, served.cost) for served in model.served), roots)
    eventually(lambda: now().ok and not _wrong_tokens(sidecar, cost), _LONGEST_WAIT)
    time.sleep(_SETTLED)
    outcome.compared = now()
    outcome.sessions = len(set(roots.values()))
    wrong = _wrong_tokens(sidecar, cost)
    outcome.tokens = "wrong" if wrong else "equal"
    outcome.problems += [*outcome.compared.said, *wrong, *_of_the_handler(codex), *_of_the_session(sidecar, roots)]
    came = {hook.payload["hook_event_name"] for hook in hooks}
    outcome.problems += [f"the scenario shows nothing: no {event} hook came" for event in set(scenario.needs) - came]
    if hooks and not scenario.hooks:
        outcome.problems.append("hooks came, though they are off")


def _wrong_tokens(sidecar: Sidecar, cost: Mapping[tuple[str, str], tuple[int, int, int]]) -> list[str]:
    """Sessions whose totals are not what the model's answers cost."""
    rows = sidecar.rows("SELECT * FROM token_usage")
    columns = ("input_tokens", "cache_read_tokens", "output_tokens")
    found = {(row["session_id"], row["model"]): tuple(row[name] for name in columns) for row in rows}
    return [
        f"session {key[0]}: its tokens of {key[1]} are {found.get(key)}, not {cost.get(key)}"
        for key in sorted({*found, *cost})
        if found.get(key) != cost.get(key)
    ]


def _of_the_handler(codex: Codex) -> list[str]:
    """The handler's promises to the turn: exit code 0, and silence. One that Codex ended says nothing of them."""
    return [
        f"the handler ended with {hook.code} and printed {hook.output[:200]!r} on {hook.payload['hook_event_name']}"
        for hook in codex.hooks()
        if hook.code is not None and (hook.code != 0 or hook.output)
    ]


def _of_the_session(sidecar: Sidecar, roots: Mapping[str, str]) -> list[str]:
    """There is one session, of Codex, for each root thread."""
    rows: dict[str, dict[str, Any]] = listed(sidecar, "limit=1000")
    said = [
        f"session {id_} has harness {row.get('harness')}" for id_, row in rows.items() if row.get("harness") != "codex"
    ]
    wanted = set(roots.values())
    if set(rows) != wanted:
        said.append(f"the sessions are {sorted(rows)}, not {sorted(wanted)}")
    return said


def _root_of(lines: Sequence[Any]) -> str:
    meta = lines[0]["payload"]
    return str(meta.get("session_id") or meta["id"])
