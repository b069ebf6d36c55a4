"""What a Codex transcript says never reaches the books of the Claude parser, whatever it looks like."""

import json
import os

from patcher.prove.codex_session import MODEL
from patcher.prove.contract import Bench, Contract, Observation
from patcher.prove.reading import session_of
from patcher.prove.sidecar import NotSeen

_SESSION = "9f50be96-714c-4083-b195-4dcd5d4eb044"
_CLAUDE_MODEL = "claude-opus-4-7"


def _observe(bench: Bench) -> Observation:
    with bench.sidecar() as sidecar:
        # Not below CODEX_HOME: an importer must not find it, so that only the hook leads to it.
        transcript = os.path.join(sidecar.home, f"rollout-{_SESSION}.jsonl")
        with open(transcript, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(_claude_line(number)) + "\n" for number in range(3))
        common = {"session_id": _SESSION, "transcript_path": transcript, "model": MODEL, "__provider": "codex"}
        sidecar.post_hook("UserPromptSubmit", {**common, "turn_id": "turn-1", "prompt": "hello"})
        sidecar.post_hook("SessionEnd", {**common, "reason": "other"})
        booked = sidecar.rows("SELECT model, input_tokens FROM token_usage WHERE session_id = ?", _SESSION)
        session = session_of(sidecar, _SESSION)
    if session is None:
        raise NotSeen("a Codex hook gave no session")
    tokens = ", ".join(f"{row['input_tokens']} input tokens of {row['model']}" for row in booked) or "nothing"
    said = (
        f"a Codex hook's transcript with Claude-shaped lines books {tokens}; the session's model is {session['model']}"
    )
    return Observation(green=not booked and session["model"] == MODEL, said=said)


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
