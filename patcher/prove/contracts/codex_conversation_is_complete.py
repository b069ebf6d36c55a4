"""The conversation of a Codex session: prompts, answers, reasoning, calls and results, each once, in order, in pages.

Where upstream shows it itself (v2.0.0 and later), without the summaries of reasoning.
"""

import os
from collections.abc import Iterator
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.sidecar import Sidecar, eventually

_THREAD = "0199a213-7c31-7a90-8e5b-2f64c1a9d0e7"
_PATIENCE = 5.0
_TURNS = 3


def _lines() -> Iterator[dict[str, Any]]:
    def line(kind: str, **payload: Any) -> dict[str, Any]:
        return {"timestamp": "2026-03-01T10:00:00.000Z", "type": kind, "payload": payload}

    folder = "/home/user/project"
    yield line("session_meta", id=_THREAD, timestamp="2026-03-01T10:00:00.000Z", cwd=folder, cli_version="0.146.0")
    for turn in range(_TURNS):
        call = f"call_{turn}"
        yield line("turn_context", turn_id=f"turn-{turn}", cwd=folder, model="gpt-5.5")
        yield line("event_msg", type="user_message", message=f"question {turn}", images=[])
        yield line("response_item", type="reasoning", summary=[{"type": "summary_text", "text": f"thought {turn}"}])
        arguments = f'{{"cmd": "echo {turn}"}}'
        yield line("response_item", type="function_call", name="exec_command", call_id=call, arguments=arguments)
        ended = f"Process exited with code {turn}\nOutput:\nresult {turn}"
        yield line("response_item", type="function_call_output", call_id=call, output=ended)
        yield line("event_msg", type="agent_message", message=f"answer {turn}")
        answer = [{"type": "output_text", "text": f"answer {turn}"}]
        yield line("response_item", type="message", role="assistant", content=answer)


def _truth(*, native: bool) -> list[str]:
    parts = [
        text
        for turn in range(_TURNS)
        for text in (
            f"text question {turn}",
            f"thinking thought {turn}",
            f"tool_use call_{turn}",
            f"tool_result call_{turn}",
            f"text answer {turn}",
        )
    ]
    return [part for part in parts if not (native and part.startswith("thinking"))]


def _observe(bed: TestBed) -> Observation:
    truth = _truth(native=bed.native)
    with bed.sidecar() as sidecar:
        folder = os.path.join(sidecar.codex_home, "sessions", "2026", "03", "01")
        path = os.path.join(folder, f"rollout-2026-03-01T10-00-00-{_THREAD}.jsonl")
        bed.write_rollout(path, _lines())
        if not eventually(lambda: _shown(sidecar, "?limit=200")[0] == truth, _PATIENCE):
            found, _ = _shown(sidecar, "?limit=200")
            said = f"of {len(truth)} parts of a conversation, {len(found)} are shown: {', '.join(found[:4]) or 'none'}"
            return Observation(green=False, said=said)
        listed = sidecar.get(f"/api/sessions/{_THREAD}/transcripts")["transcripts"]
        last, page = _shown(sidecar, "?limit=4")
        before, _ = _shown(sidecar, f"?limit=4&before={page['first_line']}")
        after, _ = _shown(sidecar, f"?after={page['first_line']}")
    wrong = [
        what
        for what, is_right in (
            ("the main agent is not listed", [each["id"] for each in listed] == ["main"]),
            ("the last page is not the end", last == truth[-len(last) :] and page["has_more"]),
            ("the page before it does not join", before == truth[-len(last) - len(before) : -len(last)] != []),
            ("`after` is not what comes after", after == last[-len(after) :] != last),
        )
        if not is_right
    ]
    said = f"{len(truth)} parts of a conversation are shown in order; {'; '.join(wrong) or 'pages join'}"
    return Observation(green=not wrong, said=said)


def _shown(sidecar: Sidecar, query: str) -> tuple[list[str], dict[str, Any]]:
    reply = sidecar.request("GET", f"/api/sessions/{_THREAD}/transcript{query}")
    page = reply.json if reply.status == 200 and reply.json else {"messages": []}
    parts = [part for message in page["messages"] for part in message["content"]]
    return [f"{part['type']} {part.get('text') or part.get('id')}" for part in parts], page


CONTRACT = Contract(
    id="codex_conversation_is_complete",
    summary="The conversation of a Codex session has every prompt, answer, call and result once, in order, in pages.",
    patches=("codex_conversation",),
    observe=_observe,
)
