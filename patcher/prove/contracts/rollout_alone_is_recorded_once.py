"""With hooks off, the rollout file alone gives every event once: while it grows, when touched, and after a restart."""

import os
import time

from patcher.prove.codex_session import CodexSession, sample
from patcher.prove.contract import Bench, Contract, Observation
from patcher.prove.reading import counted, events_of, harness_of, session_of
from patcher.prove.sidecar import POLL_MS, Sidecar, eventually

_PATIENCE = 5.0
_SEVERAL_LOOKS = 5 * POLL_MS / 1000


def _observe(bench: Bench) -> Observation:
    with bench.sidecar() as sidecar:
        codex = sample("unhooked", codex_home=sidecar.codex_home)
        half = len(codex.rollout) // 2
        bench.write_rollout(codex.rollout_path, codex.rollout[:half])
        if not eventually(lambda: session_of(sidecar, codex.id), _PATIENCE):
            said = f"{_PATIENCE:g} s after the first half of a rollout was written there is no such session"
            return Observation(green=False, said=said)
        bench.write_rollout(codex.rollout_path, codex.rollout[half:])
        problems = {"": _settled(sidecar, codex)}
        if not problems[""]:
            os.utime(codex.rollout_path)
            problems["after the file was touched"] = _still(sidecar, codex)
            sidecar.restart()
            problems["after a restart"] = _still(sidecar, codex)
        session = session_of(sidecar, codex.id)
        events = events_of(sidecar, codex.id)
    if session is None:
        return Observation(green=False, said="a session that the rollout gave is gone after a restart")
    said = f"a rollout of {counted(len(codex.truth), 'event')} gives {counted(len(events), 'row')}"
    wrong = [f"{when} {problem}".strip() for when, found in problems.items() for problem in found]
    said += f", its session's `harness` is {harness_of(session)}; {'; '.join(wrong[:3]) or 'each event has its row'}"
    return Observation(green=not wrong and harness_of(session) == "`codex`", said=said)


def _settled(sidecar: Sidecar, codex: CodexSession) -> list[str]:
    eventually(lambda: not _problems(sidecar, codex), _PATIENCE)
    return _problems(sidecar, codex)


def _still(sidecar: Sidecar, codex: CodexSession) -> list[str]:
    time.sleep(_SEVERAL_LOOKS)
    return _problems(sidecar, codex)


def _problems(sidecar: Sidecar, codex: CodexSession) -> list[str]:
    return codex.problems(events_of(sidecar, codex.id), hooked=False, imported=True)


CONTRACT = Contract(
    id="rollout_alone_is_recorded_once",
    summary="A rollout file without any hook gives a Codex session with one row for each event.",
    patches=("codex_rollouts",),
    observe=_observe,
)
