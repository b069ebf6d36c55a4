"""The cost of a Codex session equals a sum by hand over its tokens; a model without a price is named."""

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 5.0
_TOKENS = {
    "input_tokens": 200_000,
    "cached_input_tokens": 120_000,
    "cache_write_input_tokens": 0,
    "output_tokens": 30_000,
    "reasoning_output_tokens": 0,
    "total_tokens": 230_000,
}
_WRITTEN = {**_TOKENS, "cache_write_input_tokens": 40_000}
# By hand, in millions of tokens: fresh input, cached input, output. Input that is written to the cache is input too.
_COSTS = {
    "gpt-5.6-sol": 0.04 * 5 + 0.12 * 0.5 + 0.04 * 6.25 + 0.03 * 30,
    "gpt-5.5": 0.08 * 5 + 0.12 * 0.5 + 0.03 * 30,
    "gpt-5.4-mini": 0.08 * 0.75 + 0.12 * 0.075 + 0.03 * 4.5,
    "gpt-5.1-codex": 0.08 * 1.25 + 0.12 * 0.125 + 0.03 * 10,
    "gpt-5-mini": 0.08 * 0.25 + 0.12 * 0.025 + 0.03 * 2,
    "o3": 0.08 * 2 + 0.12 * 0.5 + 0.03 * 8,
}
_UNPRICED = "kestrel-9"


def _rollout(session: str, model: str) -> list[Mapping[str, Any]]:
    stamp = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tokens = _WRITTEN if model == "gpt-5.6-sol" else _TOKENS
    info = {"total_token_usage": tokens, "last_token_usage": tokens, "model_context_window": 400_000}
    lines = [
        ("session_meta", {"id": session, "session_id": session, "timestamp": stamp, "cwd": "/home/user/project"}),
        ("event_msg", {"type": "task_started", "turn_id": "1"}),
        ("turn_context", {"turn_id": "1", "cwd": "/home/user/project", "model": model}),
        ("event_msg", {"type": "token_count", "info": info}),
    ]
    return [{"timestamp": stamp, "type": kind, "payload": payload} for kind, payload in lines]


def _cost(sidecar: Sidecar, session: str) -> Mapping[str, Any]:
    """The API's cost of a session; zero without such a session."""
    reply = sidecar.request("GET", f"/api/pricing/cost/{session}")
    found: Mapping[str, Any] = reply.json if reply.status == 200 else {"total_cost": 0, "breakdown": []}
    return found


def _observe(bed: TestBed) -> Observation:
    sessions = {model: str(uuid.uuid4()) for model in (*_COSTS, _UNPRICED)}
    today = datetime.now(UTC).strftime("%Y/%m/%d")
    with bed.sidecar() as sidecar:
        for model, session in sessions.items():
            name = f"rollout-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{session}.jsonl"
            bed.write_rollout(f"{sidecar.codex_home}/sessions/{today}/{name}", _rollout(session, model))
        eventually(lambda: all(_cost(sidecar, each)["breakdown"] for each in sessions.values()), _PATIENCE)
        costs = {model: _cost(sidecar, session) for model, session in sessions.items()}
        total = sidecar.get("/api/pricing/cost")["total_cost"]
        listed = {row["id"]: row["cost"] for row in sidecar.get("/api/sessions")["sessions"]}
    found = {model: costs[model]["total_cost"] for model in _COSTS}
    expected = {model: round(cost, 4) for model, cost in _COSTS.items()}
    named = [each["model"] for each in costs[_UNPRICED].get("unpriced_models", ())]
    agree = total == round(sum(expected.values()), 4) and all(listed[sessions[each]] == found[each] for each in found)
    compared = ", ".join(f"{model} ${found[model]:.4f} (by hand ${expected[model]:.4f})" for model in found)
    said = f"{compared}; list and total {'agree' if agree else 'do not agree'}"
    said += f"; the model without a price is {'named' if named == [_UNPRICED] else 'not named'}"
    return Observation(green=found == expected and agree and named == [_UNPRICED], said=said)


CONTRACT = Contract(
    id="codex_session_has_its_cost",
    summary="A Codex session costs what OpenAI takes for its tokens, and a model without a price is named.",
    patches=("codex_prices",),
    observe=_observe,
)
