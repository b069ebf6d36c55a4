"""Upstream's own ingest (v2.0.0 and later) continues on a database of a patched sidecar of the v1 line.

A Codex session that the v1 line has imported in part stays a Codex session: the old rows are unchanged, the rest of the
rollout is imported once, with upstream's event types, and only its tokens are added.
"""

import json
import os
import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import Any

from patcher.model import Line
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, harness_of, session_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import SEVERAL_POLLS_S, Sidecar

_PATIENCE = 5.0
_SCHEMA = """
    ALTER TABLE sessions ADD COLUMN harness TEXT NOT NULL DEFAULT 'claude';
    CREATE INDEX idx_sessions_harness ON sessions(harness);
    ALTER TABLE events ADD COLUMN capture TEXT;
    ALTER TABLE events ADD COLUMN event_key TEXT;
    CREATE UNIQUE INDEX idx_events_key ON events(session_id, event_key);
    CREATE TABLE codex_rollouts (
      path TEXT PRIMARY KEY, name TEXT NOT NULL, session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
      thread_id TEXT, consumed INTEGER NOT NULL, fingerprint TEXT NOT NULL, state TEXT, usage TEXT NOT NULL,
      stamp TEXT, gone_at INTEGER
    );
    CREATE INDEX idx_events_hooked ON events (session_id) WHERE COALESCE(capture, 'hook') <> 'rollout';
"""


def _observe(bed: TestBed) -> Observation:
    with bed.pristine_sidecar() as old:
        old.stop()
        codex, lines_read = _as_the_v1_line_left_it(bed, old)
        with bed.sidecar(existing_data=old.data_dir, env={"CODEX_HOME": old.codex_home}) as sidecar:
            sidecar.restart()
            time.sleep(SEVERAL_POLLS_S)
            again = [row for row in events_of(sidecar, codex.id) if row["event_type"].startswith("codex_")]
            bed.write_rollout(codex.rollout_path, codex.rollout[lines_read:])
            wrong = settled(partial(_problems, sidecar, codex, lines_read), _PATIENCE)
    wrong += [f"{counted(len(again), 'row')} of what the v1 line had read came again"] if again else []
    said = "; ".join(wrong[:4]) or "its Codex session is Codex's, the old rows are as they were, the rest came once"
    return Observation(green=not wrong, said=f"on a database of a patched v1 sidecar: {said}")


def _as_the_v1_line_left_it(bed: TestBed, old: Sidecar) -> tuple[SampleSession, int]:
    """Write a session whose first turn is imported. Returns it, and the number of imported lines."""
    codex = SampleSession("of the v1 line", codex_home=old.codex_home)
    lines_read = codex.first_turn
    bed.write_rollout(codex.rollout_path, codex.rollout[:lines_read])
    agent = f"{codex.id}-main"
    rows = [hook for hook in codex.hooks if hook.get("turn_id") == codex.hooks[1]["turn_id"]]
    counts = [line["payload"] for line in codex.rollout[:lines_read] if line["payload"].get("type") == "token_count"]
    total = next(each["info"]["total_token_usage"] for each in reversed(counts) if each["info"])
    state = json.dumps({"version": 1, "lastTotal": total})
    usage = json.dumps([[codex.model, total]])
    path, size = codex.rollout_path, os.path.getsize(codex.rollout_path)
    with closing(sqlite3.connect(old.database_path)) as db, db:
        db.executescript(_SCHEMA)
        db.execute(
            "INSERT INTO sessions (id, name, status, cwd, model, harness) VALUES (?, 'old', 'active', ?, ?, 'codex')",
            (codex.id, codex.cwd, codex.model),
        )
        db.execute(
            "INSERT INTO agents (id, session_id, name, type, status) VALUES (?, ?, 'Main Agent', 'main', 'working')",
            (agent, codex.id),
        )
        db.executemany(
            "INSERT INTO events (session_id, agent_id, event_type, data, capture, event_key) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (codex.id, agent, hook["hook_event_name"], json.dumps(hook), "both", str(number))
                for number, hook in enumerate(rows)
            ],
        )
        db.execute(
            "INSERT INTO token_usage (session_id, model, input_tokens, output_tokens) VALUES (?, ?, ?, ?)",
            (codex.id, codex.model, *codex.used(lines_read)),
        )
        db.execute(
            "INSERT INTO codex_rollouts VALUES (?, ?, ?, ?, ?, 'x', ?, ?, NULL, NULL)",
            (path, os.path.basename(path), codex.id, codex.id, size, state, usage),
        )
    return codex, lines_read


def _problems(sidecar: Sidecar, codex: SampleSession, lines_read: int) -> list[str]:
    session = session_of(sidecar, codex.id) or {}
    events = events_of(sidecar, codex.id)
    old = [row for row in events if not row["event_type"].startswith("codex_")]
    new = [row["event_type"] for row in events if row["event_type"].startswith("codex_")]
    said = [] if harness_of(session) == "`codex`" == f"`{session.get('provider')}`" else [_whose(session)]
    first = sum(hook.get("turn_id") == codex.hooks[1]["turn_id"] for hook in codex.hooks)
    if len(old) != first or any(row["capture"] != "both" for row in old):
        said.append(f"of {counted(first, 'old row')} {len(old)} are there")
    expected = _rest(codex, lines_read)
    if sorted(new) != expected:
        said.append(f"the rest of the rollout made {counted(len(new), 'row')}, not {len(expected)}")
    booked = sidecar.rows("SELECT SUM(input_tokens) AS input FROM token_usage WHERE session_id = ?", codex.id)
    used, _ = codex.used()
    if booked != [{"input": used}]:
        said.append(f"{booked[0]['input']} input tokens are booked, not {used}")
    agents = [row["id"] for row in sidecar.rows("SELECT id FROM agents WHERE session_id = ?", codex.id)]
    if agents != [f"codex:{codex.id}"]:
        said.append(f"its agents are {', '.join(agents) or 'none'}")
    return said


def _whose(session: dict[str, Any]) -> str:
    return f"its `provider` is `{session.get('provider')}`, its `harness` {harness_of(session)}"


def _rest(codex: SampleSession, lines_read: int) -> list[str]:
    """The types of the rows that upstream makes of the lines that were not imported before."""
    kinds = [(line["type"], line["payload"].get("type")) for line in codex.rollout[lines_read:]]
    calls = sum(kind in {"function_call", "custom_tool_call"} for _, kind in kinds)
    marks = [
        f"codex_{kind}" for line, kind in kinds if line == "event_msg" and kind in {"task_started", "task_complete"}
    ]
    return sorted([*marks, *["codex_tool_call"] * calls])


CONTRACT = Contract(
    id="v1_database_goes_on_natively",
    summary="A database of a patched v1 sidecar goes on: its Codex sessions stay so, and nothing is imported again.",
    patches=("harness_column",),
    observe=_observe,
    line=Line.V2,
)
