"""Readers of agents' transcripts: recorded sessions of real agents, both roads, in a tree of the modules alone."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from patcher.patches.harnesses import HARNESSES
from patcher.render import render
from tests.javascript.test_javascript import node_with_sqlite

HERE = Path(__file__).parents[1]
TEMPLATES = HERE.parent / "templates"
SUITES = HERE / "js" / "agent-cli"
SAMPLES = Path(os.environ.get("AGENT_SAMPLES") or HERE.parent.parent / "shared" / "agent-samples")
SHARED = ("overlay/server/lib/json-values.js",)
ROWS = {
    harness.provider: {
        "events": dict(harness.events),
        "fields": dict(harness.fields),
        "spellings": harness.spellings,
    }
    for harness in HARNESSES
}


def lay_out(tree: Path) -> Path:
    """A tree with the readers and the handlers, and with what they share with other modules."""
    readers = sorted((TEMPLATES / "overlay" / "server" / "lib" / "agent-cli").glob("*.js"))
    for name in (*SHARED, *(path.relative_to(TEMPLATES).as_posix() for path in readers)):
        path = tree / name.removeprefix("overlay/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(name), encoding="utf-8")
    scripts = tree / "scripts"
    scripts.mkdir()
    for harness in HARNESSES:
        handler = render("handler/hook-handler.js.j2", harness=harness)
        (scripts / harness.handler).write_text(handler, encoding="utf-8")
    return tree


@pytest.mark.parametrize("suite", sorted(path.name for path in SUITES.glob("*.test.mjs")))
def test_readers_of_recorded_sessions(suite: str, tmp_path: Path) -> None:
    node = node_with_sqlite()
    if node is None:
        pytest.skip("no Node of 22.5 or later; install the `prove` extra")
    env = {name: value for name, value in os.environ.items() if name not in {"NODE_OPTIONS", "NODE_TEST_CONTEXT"}}
    env |= {"SIDECAR_TREE": str(lay_out(tmp_path)), "AGENT_SAMPLES": str(SAMPLES), "AGENT_ROWS": json.dumps(ROWS)}
    command = [node, "--test", "--test-reporter=spec", str(SUITES / suite)]
    result = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tests 0" not in result.stdout, result.stdout
