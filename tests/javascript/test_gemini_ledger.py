"""Recorded sessions of Gemini CLI through the sidecar's own ledger: each event once, whoever reports it first."""

import itertools
import json
import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.javascript.gemini_sessions import Event, as_forwarded, session
from tests.javascript.test_gemini import EXPECTED, recorded
from tests.javascript.test_javascript import lay_out_tree, node_with_sqlite

# Runs of steps, each in an empty database: a hook that the route gets, or a transcript as it is now.
DRIVER = """
const fs = require("fs");
const path = require("path");
const [tree, home] = process.argv.slice(1);
const lib = name => require(path.join(tree, "server", "lib", name));
const { db } = require(path.join(tree, "server", "db.js"));
const { admit } = lib("agent-cli/ledger");
const { importTranscript } = lib("agent-cli/importer");
const { ensureTables } = lib("agent-cli/checkpoints");
const { openIngress, ingressOf, stampSession } = lib("harness");
const { recordHook } = lib("agent-cli/ledger");
const reader = lib("agent-cli/gemini");

const find = id => db.prepare("SELECT * FROM sessions WHERE id = ?").get(id);

function hook(data) {
  if (!admit(data)) return;
  openIngress(data, () => null);
  const { session_id: id, hook_event_name: eventType, tool_name: toolName = null } = data;
  if (!find(id)) {
    db.prepare("INSERT INTO sessions (id, name, status, harness) VALUES (?, ?, 'active', 'claude')").run(id, id);
    db.prepare("INSERT INTO agents (id, session_id, name) VALUES (?, ?, 'main')").run(`${id}-main`, id);
  }
  stampSession(find(id), ingressOf(data).harness);
  if (!recordHook({ sessionId: id, agentId: `${id}-main`, eventType, toolName, summary: "by hook", data })) throw data;
}

async function transcript([below, text]) {
  const file = path.join(home, below);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { flag: reader.isWhole(below) ? "w" : "a" });
  const { size, mtimeMs } = fs.statSync(file);
  await importTranscript(reader, { file, path: below, stamp: `${size} ${mtimeMs}` });
}

async function run(steps) {
  fs.rmSync(home, { recursive: true, force: true });
  const tables = ["agent_slots", "agent_transcripts", "agent_owners", "events", "token_usage", "agents", "sessions"];
  const there = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map(({ name }) => name);
  for (const table of tables) if (there.includes(table)) db.exec(`DELETE FROM ${table}`);
  for (const [kind, what] of steps) await { hook, transcript }[kind](what);
  const all = table => db.prepare(`SELECT * FROM ${table}`).all();
  return { events: all("events"), sessions: all("sessions"), agents: all("agents"), tokens: all("token_usage") };
}

(async () => {
  ensureTables();
  const results = [];
  for (const steps of JSON.parse(fs.readFileSync(0, "utf8"))) results.push(await run(steps));
  process.stdout.write(JSON.stringify(results));
})();
"""

Step = tuple[str, Any]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out_tree(tmp_path_factory.mktemp("sidecar"))


def play(tree: Path, runs: Sequence[Sequence[Step]]) -> list[dict[str, list[Event]]]:
    """What is in the database after each run."""
    node = node_with_sqlite()
    if node is None:
        pytest.skip("no Node with node:sqlite (22.5 or later); install the `prove` extra")
    command = [node, "-e", DRIVER, str(tree), str(tree / "home")]
    env = {**os.environ, "HOME": str(tree), "NODE_NO_WARNINGS": "1"}
    asked = json.dumps(list(runs))
    run = subprocess.run(command, input=asked, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return list(json.loads(run.stdout))


def hooks_of(name: str) -> list[Step]:
    return [("hook", {**as_forwarded(hook), "__run": f"{at}"}) for at, hook in enumerate(session(name).hooks)]


def looks_of(name: str) -> list[Step]:
    """The transcripts as they grow: a log line by line, a document message by message."""
    looks: list[Step] = []
    for path, records in session(name).files.items():
        if path.endswith(".jsonl"):
            looks += [("transcript", (path, json.dumps(record) + "\n")) for record in records]
            continue
        [document] = records
        messages = document["messages"]
        for at in range(1, len(messages) + 1):
            looks.append(("transcript", (path, json.dumps({**document, "messages": messages[:at]}))))
    return looks


def orders(hooks: list[Step], looks: list[Step]) -> Mapping[str, list[Step]]:
    """A file only grows, but hooks come in any order."""
    alternating = [each for pair in itertools.zip_longest(hooks, looks) for each in pair if each is not None]
    half = len(hooks) // 2, len(looks) // 2
    mixed = []
    for seed in (1, 2):
        chosen = random.Random(seed)  # noqa: S311
        order = chosen.sample([True] * len(hooks) + [False] * len(looks), len(hooks) + len(looks))
        sources = {True: iter(chosen.sample(hooks, len(hooks))), False: iter(looks)}
        mixed.append([next(sources[is_hook]) for is_hook in order])
    return {
        "hooks first": hooks + looks,
        "transcript first": looks + hooks,
        "alternating": alternating,
        "hooks reversed": [*looks, *reversed(hooks)],
        "random 1": mixed[0],
        "random 2": mixed[1],
        "halves": [*hooks[: half[0]], *looks[: half[1]], *hooks[half[0] :], *looks[half[1] :]],
    }


def kinds_of(found: Mapping[str, list[Event]]) -> Counter[str]:
    return Counter(row["event_type"] for row in found["events"])


@recorded
def test_each_event_is_one_row_in_seven_orders_with_doubles(name: str, tree: Path) -> None:
    expected = EXPECTED[name]
    by_order = orders(hooks_of(name), looks_of(name))
    doubled = {f"{order}, hooks twice": [*steps, *hooks_of(name)] for order, steps in by_order.items()}
    runs = {**by_order, **doubled}
    for order, found in zip(runs, play(tree, [*runs.values()]), strict=True):
        kinds = kinds_of(found)
        counts = (kinds["PreToolUse"], kinds["PostToolUse"], kinds["UserPromptSubmit"])
        assert counts == (expected.calls, expected.over, len(expected.prompts)), order
        ends = [hook for hook in session(name).hooks if hook["hook_event_name"] == "SessionEnd"]
        assert kinds["SessionEnd"] <= max(1, len(ends)), order
        assert kinds["SubagentStart"] == kinds["SubagentStop"] == expected.agents, order
        assert [row["harness"] for row in found["sessions"]] == ["gemini"], order
        assert len(found["agents"]) == 1 + expected.agents, order
        assert sum(row["tool_name"] == "complete_task" for row in found["events"]) == 2 * expected.agents
        prompts = [
            json.loads(row["data"])["prompt"] for row in found["events"] if row["event_type"] == "UserPromptSubmit"
        ]
        assert sorted(prompts) == sorted(expected.prompts), order


@recorded
def test_either_side_alone_and_any_part_of_the_hooks_lose_nothing(name: str, tree: Path) -> None:
    hooks, looks = hooks_of(name), looks_of(name)
    expected = EXPECTED[name]
    chosen = random.Random(name)  # noqa: S311
    some = [each for each in hooks if chosen.random() < 0.5]
    alone, file, part = (kinds_of(each) for each in play(tree, [hooks, looks, [*some, *looks]]))
    assert (alone["PreToolUse"], alone["PostToolUse"]) == expected.hooked
    assert alone["UserPromptSubmit"] == file["UserPromptSubmit"] == part["UserPromptSubmit"] == len(expected.prompts)
    for kind, most in (("PreToolUse", expected.calls), ("PostToolUse", expected.over)):
        assert file[kind] <= part[kind] <= most


@pytest.mark.parametrize("name", ["0.38.0-sub", "0.61.0-sub"])
def test_a_sub_agents_calls_are_its_own_whoever_reports_them_first(name: str, tree: Path) -> None:
    """Hooks tell of them as of the session's: the transcript knows better."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"  # what is long over is at rest in any case
    runs = json.loads(
        re.sub("2026-11-26T00:5[24]", now, json.dumps([*orders(hooks_of(name), looks_of(name)).values()]))
    )
    for found in play(tree, runs):
        [child] = [row["id"] for row in found["agents"] if row["type"] == "subagent"]
        calls = Counter(row["tool_name"] for row in found["events"] if row["agent_id"] == child)
        assert calls == {None: 2, "read_file": 2, "glob": 2, "list_directory": 2, "complete_task": 2}
        assert [row["status"] for row in found["agents"] if row["id"] == child] == ["completed"]


@pytest.mark.parametrize("name", ["0.38.0-migrate", "0.26.0-text"])
def test_tokens_of_a_session_that_has_been_copied_count_once(name: str, tree: Path) -> None:
    """A newer version copies the file of an older one, and leaves it there: to another folder, or as a log."""
    looks = looks_of(name)
    copies = [("transcript", (f"tmp/other/chats/{path.rpartition('/')[2]}", text)) for _, (path, text) in looks]
    once, twice = play(tree, [looks, [*looks, *copies]])
    assert once["tokens"] == twice["tokens"]
    [total] = once["tokens"]
    answers = {"0.38.0-migrate": range(1, 8), "0.26.0-text": range(1, 4)}[name]
    assert total["output_tokens"] == sum(5 + number for number in answers)
