"""A tool call that fails has its end: its hook is installed, recorded as the end, and does not disturb an older Claude.

Claude Code before 2.0.56 runs no hook at all if its settings name one that it does not have. If the newest transcript
is from such a version, the hook is not installed, and an existing one of ours is removed; one of the user's stays.
"""

import json
import os
import subprocess
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.directories import scrubbed_environment
from patcher.prove.sidecar import NotSeen, Sidecar

_SESSION = "0c1a0de1-0000-4000-8000-000000000001"
_HOOK = "PostToolUseFailure"
_TIMEOUT = 20.0
_CONSENT = "./server/lib/agent-hooks/claude.js"  # of the series `consent`: the user has to have said so
_INSTALL = (
    f'if (require("fs").existsSync("{_CONSENT}")) require("{_CONSENT}").choose(); '
    'process.exitCode = require("./scripts/install-hooks").installHooks(true) ? 0 : 1'
)
_STRANGER = {"hooks": [{"type": "command", "command": "true"}]}


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        call = {"tool_name": "Bash", "tool_input": {"command": "false"}, "tool_use_id": "toolu_fails"}
        for hook, fields in (("PreToolUse", call), (_HOOK, {**call, "error": "Exit code 1"}), ("Stop", {})):
            sidecar.post_hook(hook, {"session_id": _SESSION, "hook_event_name": hook, **fields})
        rows = sidecar.rows("SELECT * FROM events WHERE session_id = ? AND tool_name = 'Bash' ORDER BY id", _SESSION)
        said = [f"the call has the rows {', '.join(row['event_type'] for row in rows) or 'none'}"]
        ended = [row["event_type"] for row in rows] == ["PreToolUse", "PostToolUse"] and "Exit code" in rows[1]["data"]

        fresh = _installed(bed, sidecar)
        _write_transcript(sidecar, "2.0.55")
        older = _installed(bed, sidecar, stranger=True)
        _write_transcript(sidecar, "2.0.56")
        newer = _installed(bed, sidecar)
    beside = f"{older[0]} beside Claude Code 2.0.55, {newer[0]} beside 2.0.56"
    said.append(f"our entries of `{_HOOK}`: {fresh[0]}, {beside}")
    kept = older[1] == newer[1] == 1
    said.append(f"a stranger's entry {'stays' if kept else 'does not stay'}")
    return Observation(green=ended and (fresh[0], older[0], newer[0]) == (1, 0, 1) and kept, said="; ".join(said))


def _installed(bed: TestBed, sidecar: Sidecar, *, stranger: bool = False) -> tuple[int, int]:
    """Run upstream's installer. Returns how many entries of the hook are ours, and how many are not."""
    path = os.path.join(sidecar.claude_home, "settings.json")
    if stranger:
        settings = _read(path)
        settings["hooks"].setdefault(_HOOK, []).append(_STRANGER)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)
    done = subprocess.run(
        [bed.node.path, "-e", _INSTALL],
        cwd=bed.tree,
        env={**scrubbed_environment(sidecar.home), "CCAM_FORCE_HOST": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise NotSeen(f"upstream's installer ended with {done.returncode}: {done.stderr.decode()[-300:]}")
    entries = _read(path)["hooks"].get(_HOOK, [])
    ours = sum("hook-handler.js" in json.dumps(entry) for entry in entries)
    return ours, len(entries) - ours


def _read(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        return dict(json.load(file))


def _write_transcript(sidecar: Sidecar, version: str) -> None:
    """The newest transcript, of a session that this version of Claude Code had."""
    path = os.path.join(sidecar.claude_home, "projects", "-home-user-project", f"of-{version}.jsonl")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"type": "system", "version": version}) + "\n")
    older = {"2.0.55": 1_700_000_000, "2.0.56": 1_700_000_001}[version]
    os.utime(path, (older, older))


CONTRACT = Contract(
    id="claude_failed_call_has_its_end",
    summary="A failed tool call of Claude Code has its end, and an older Claude Code still runs its hooks.",
    patches=("claude_failed_calls",),
    observe=_observe,
)
