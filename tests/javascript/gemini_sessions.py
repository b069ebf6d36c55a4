"""Sessions of the real Gemini CLI, recorded on both sides, and what its transcript reader makes of files.

`recordings/` has ours; what the CLI's makers have written is cut out of them. Others are in the shared samples.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from patcher.node.find import find_node
from patcher.patches.harnesses import HARNESSES
from patcher.resources import TEMPLATES

ROW = next(row for row in HARNESSES if row.provider == "gemini")
READER = Path(TEMPLATES, "overlay", "server", "lib", "agent-cli", "gemini.js")
RECORDINGS = Path(__file__).parent / "recordings"
SAMPLES = Path(os.environ.get("AGENT_SAMPLES") or Path(__file__).parents[3] / "shared" / "agent-samples")
LARGEST_STATE = 256 * 1024

# Reads files as the importer does: a log goes on where the last look ended, a document is read anew if it is whole.
DRIVER = """
const reader = require(process.argv[1]);
const parse = text => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
const isRecord = value => value !== null && typeof value === "object" && !Array.isArray(value);
const read = ([path, looks]) => {
  const events = [];
  let state = reader.begin(path);
  for (const text of looks) {
    const whole = reader.isWhole(path);
    const records = (whole ? [text] : text.split("\\n")).map(parse).filter(isRecord);
    if (whole && records.length > 0) state = reader.begin(path);
    for (const record of records) events.push(...reader.take(state, record));
    state = JSON.parse(JSON.stringify(state));
  }
  return { events, state };
};
const { files, hooks } = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({ files: files.map(read), hooks: hooks.map(reader.hook).filter(isRecord) }));
"""

Event = dict[str, Any]
Looks = Sequence[tuple[str, Sequence[str]]]


@dataclass
class Read:
    """What became of one file."""

    events: list[Event]
    state: dict[str, Any]

    @property
    def session(self) -> dict[str, Any]:
        return dict(self.state["session"])


def _drive(files: Looks, hooks: Sequence[Event]) -> dict[str, Any]:
    command = [find_node().path, "-e", DRIVER, str(READER)]
    asked = json.dumps({"files": list(files), "hooks": list(hooks)})
    run = subprocess.run(command, input=asked, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def read(files: Looks) -> list[Read]:
    """Each file with the texts that are found in it, look by look: a log's new lines, or a whole document."""
    found = [Read(**each) for each in _drive(files, [])["files"]]
    assert all(len(json.dumps(each.state)) < LARGEST_STATE for each in found)
    return found


def admitted(hooks: Sequence[Event]) -> list[Event]:
    """Hooks as they are recorded: what the handler sends, and the reader leaves of that."""
    return list(_drive([], [as_forwarded(hook) for hook in hooks])["hooks"])


def text_of(records: Sequence[object]) -> str:
    return "\n".join(json.dumps(record) for record in records) + "\n"


@dataclass(frozen=True)
class Recording:
    """A session: its hooks as the sidecar gets them, and its transcripts."""

    hooks: list[Event]
    files: dict[str, list[Any]]


@cache
def told(name: str) -> list[Read]:
    """What the reader makes of a recording."""
    return read([(path, [text_of(records)]) for path, records in session(name).files.items()])


def as_forwarded(payload: Mapping[str, Any]) -> Event:
    """A hook's payload as the handler sends it: one test holds this against the handler itself."""
    return {**payload, "hook_event_name": dict(ROW.events)[payload["hook_event_name"]], "__provider": "gemini"}


@cache
def recording(name: str) -> Recording:
    """A recording of ours, or of the shared samples."""
    path = RECORDINGS / f"gemini-{name}.json"
    if path.is_file():
        return Recording(**json.loads(path.read_text("utf-8")))
    hooks, lines = (
        [json.loads(line) for line in (SAMPLES / f"gemini-{name}.{side}.jsonl").read_text("utf-8").strip().split("\n")]
        for side in ("hooks", "transcript")
    )
    hooks = [hook["stdin"] for hook in hooks if hook["stdin"]["hook_event_name"] in dict(ROW.events)]
    _, _, below = hooks[0]["transcript_path"].partition("/.gemini/")
    return Recording(hooks, {below: lines})


def session(name: str) -> Recording:
    if not (RECORDINGS / f"gemini-{name}.json").is_file() and not SAMPLES.is_dir():
        pytest.skip(f"the recorded sessions are not at {SAMPLES}")
    return recording(name)
