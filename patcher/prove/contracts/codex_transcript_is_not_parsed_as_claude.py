"""A Codex transcript is never parsed as one of Claude, whatever its lines look like."""

import json
import os

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import session_of
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import NotSeen, eventually

_PATIENCE = 2.0
_CLAUDE_MODEL = "claude-opus-4-7"


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        codex = SampleSession("misread", codex_home=sidecar.codex_home)
        bed.start_session(codex, sidecar)
        if bed.native:  # upstream's own ingest takes the model from the rollout
            bed.write_rollout(codex.rollout_path, codex.rollout[2:3])
        # Not below CODEX_HOME, where an importer would find it: only the hook names it.
        transcript = os.path.join(sidecar.home, f"rollout-{codex.id}.jsonl")
        with open(transcript, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(_claude_line(number)) + "\n" for number in range(3))
        common = {"session_id": codex.id, "transcript_path": transcript, "model": codex.model, "__provider": "codex"}
        sidecar.post_hook("UserPromptSubmit", {**common, "turn_id": "turn-1", "prompt": "hello"})
        sidecar.post_hook("SessionEnd", {**common, "reason": "other"})
        eventually(lambda: (session_of(sidecar, codex.id) or {}).get("model") == codex.model, _PATIENCE)
        booked = sidecar.rows("SELECT model, input_tokens FROM token_usage WHERE session_id = ?", codex.id)
        session = session_of(sidecar, codex.id)
    if session is None:
        raise NotSeen("a Codex hook made no session")
    tokens = ", ".join(f"{row['input_tokens']} input tokens of {row['model']}" for row in booked) or "nothing"
    said = (
        f"a Codex hook's transcript with Claude-shaped lines books {tokens}; the session's model is {session['model']}"
    )
    return Observation(green=not booked and session["model"] == codex.model, said=said)


def _claude_line(number: int) -> dict[str, object]:
    usage = {"input_tokens": 100, "output_tokens": 10}
    message = {"role": "assistant", "model": _CLAUDE_MODEL, "content": [], "usage": usage, "id": f"msg_{number}"}
    return {"type": "assistant", "uuid": f"line-{number}", "timestamp": "2026-11-23T08:00:00.000Z", "message": message}


CONTRACT = Contract(
    id="codex_transcript_is_not_parsed_as_claude",
    summary="The transcript of a Codex hook books no tokens and no model of Claude.",
    patches=("parse_outside_transaction",),
    observe=_observe,
)
