"""Readers of agents' transcripts: recorded sessions of real agents, both roads, alone and through the ledger."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from patcher.patches.harnesses import HARNESSES
from tests.javascript.test_javascript import lay_out_tree, node_with_sqlite

HERE = Path(__file__).parents[1]
SUITES = HERE / "js" / "agent-cli"
SAMPLES = Path(os.environ.get("AGENT_SAMPLES") or HERE.parent.parent / "shared" / "agent-samples")
ROWS = {
    harness.provider: {
        "events": dict(harness.events),
        "fields": dict(harness.fields),
        "spellings": harness.spellings,
    }
    for harness in HARNESSES
}


@pytest.mark.parametrize("suite", sorted(path.name for path in SUITES.glob("*.test.mjs")))
def test_readers_of_recorded_sessions(suite: str, tmp_path: Path) -> None:
    node = node_with_sqlite()
    if node is None:
        pytest.skip("no Node of 22.5 or later; install the `prove` extra")
    env = {name: value for name, value in os.environ.items() if name not in {"NODE_OPTIONS", "NODE_TEST_CONTEXT"}}
    env |= {"SIDECAR_TREE": str(lay_out_tree(tmp_path)), "AGENT_SAMPLES": str(SAMPLES), "AGENT_ROWS": json.dumps(ROWS)}
    command = [node, "--test", "--test-reporter=spec", str(SUITES / suite)]
    result = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tests 0" not in result.stdout, result.stdout
