"""After a failed write in the middle of a rollout, each row is written exactly once (v2.0.0 and later).

The database refuses one row: the end of a turn, a tool call, or the position up to which tool calls were read. A full
disk or a kill has the same effect on the rest of the batch, but at a moment that a test cannot choose.
"""

import sqlite3
import time
from contextlib import closing
from functools import partial

from patcher.model import Line
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import SEVERAL_POLLS_S, Sidecar

_PATIENCE = 5.0
_REFUSED = {
    "the end of a turn": ("events", "NEW.event_type = 'codex_task_complete'"),
    "a tool call": ("events", "NEW.event_type = 'codex_tool_call'"),
    "how far tool calls were read": ("codex_tool_ingest_state", "1"),
}


def _observe(bed: TestBed) -> Observation:
    wrong = []
    with bed.sidecar() as sidecar:
        for what, (table, when) in _REFUSED.items():
            codex = SampleSession(f"refused: {what}", codex_home=sidecar.codex_home)
            refuse = "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            _run(sidecar, f"CREATE TRIGGER refuse BEFORE INSERT ON {table} WHEN {when} {refuse}")
            bed.write_rollout(codex.rollout_path, codex.rollout)
            time.sleep(SEVERAL_POLLS_S)
            _run(sidecar, "DROP TRIGGER refuse")
            problems = settled(partial(_problems, sidecar, codex), _PATIENCE)
            if problems:
                rows = counted(len(events_of(sidecar, codex.id)), "row")
                wrong.append(f"{what}, {rows}: {'; '.join(problems[:3])}")
    said = ". ".join(wrong) or f"{', '.join(_REFUSED)}: once it can be written, each row and each token is there once"
    return Observation(green=not wrong, said=f"the database refused for a while: {said}")


def _run(sidecar: Sidecar, statement: str) -> None:
    with closing(sqlite3.connect(sidecar.database_path, timeout=10)) as db, db:
        db.execute(statement)


def _problems(sidecar: Sidecar, codex: SampleSession) -> list[str]:
    [booked] = sidecar.rows("SELECT SUM(input_tokens) AS input FROM token_usage WHERE session_id = ?", codex.id)
    said = codex.native_problems(events_of(sidecar, codex.id))
    used, _ = codex.used()
    return said + ([] if booked["input"] == used else [f"{booked['input']} input tokens, not {used}"])


CONTRACT = Contract(
    id="failed_batch_is_told_once",
    summary="After a failed write in the middle of a rollout, each row is written exactly once.",
    patches=("read_rollouts_whole",),
    observe=_observe,
    line=Line.V2,
)
