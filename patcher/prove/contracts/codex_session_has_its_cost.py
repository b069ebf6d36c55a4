"""The cost of a session equals a sum by hand over its tokens, everywhere; a model without a price is named."""

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patcher.agents.simulated import SimulatedGemini, writes
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import Row, listed
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 5.0
_KINDS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
Tokens = tuple[int, int, int, int]
"""Fresh input, read from a cache, written to it, output."""
_TOKENS = (80_000, 120_000, 0, 30_000)
_WRITTEN = (40_000, 120_000, 40_000, 30_000)
# By hand, in millions of tokens: fresh input, cached input, output. Input that is written to the cache is input too.
_COSTS = {
    "gpt-5.6-terra": 0.04 * 2 + 0.12 * 0.2 + 0.04 * 2.5 + 0.03 * 12,
    "gpt-5.5": 0.08 * 5 + 0.12 * 0.5 + 0.03 * 30,
    "gpt-5.4-mini": 0.08 * 0.75 + 0.12 * 0.075 + 0.03 * 4.5,
    "gpt-5.1-codex": 0.08 * 1.25 + 0.12 * 0.125 + 0.03 * 10,
    "gpt-5-mini-2025-08-07": 0.08 * 0.25 + 0.12 * 0.025 + 0.03 * 2,
    "o3": 0.08 * 2 + 0.12 * 0.5 + 0.03 * 8,
}
_CLAUDE = "claude-haiku-4-5"
_CLAUDE_COST = 0.04 * 1 + 0.12 * 0.1 + 0.04 * 1.25 + 0.03 * 5
_UNPRICED = "kestrel-9"
# It has no price of its own: that of gpt-5 is assumed, and said. On the v2 line see `family_price_is_said`.
_FAMILY = "gpt-5.9-kestrel"
_FAMILY_COST = 0.08 * 1.25 + 0.12 * 0.125 + 0.03 * 10


@dataclass(frozen=True)
class _Session:
    """A session with what it used and its cost in dollars, by hand."""

    id: str
    model: str
    tokens: Tokens
    cost: float


def _stamp() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written_session(bed: TestBed, sidecar: Sidecar, model: str, tokens: Tokens) -> str:
    """Write the rollout of a session that used these tokens of this model. Returns its id."""
    session, stamp = str(uuid.uuid4()), _stamp()
    fresh, cached, written, output = tokens
    used = {
        "input_tokens": fresh + cached + written,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": written,
        "output_tokens": output,
        "reasoning_output_tokens": 0,
        "total_tokens": fresh + cached + written + output,
    }
    info = {"total_token_usage": used, "last_token_usage": used, "model_context_window": 400_000}
    lines = [
        ("session_meta", {"id": session, "session_id": session, "timestamp": stamp, "cwd": "/home/user/project"}),
        ("event_msg", {"type": "task_started", "turn_id": "1"}),
        ("turn_context", {"turn_id": "1", "cwd": "/home/user/project", "model": model}),
        ("event_msg", {"type": "token_count", "info": info}),
    ]
    folder = f"{sidecar.codex_home}/sessions/{datetime.now(UTC):%Y/%m/%d}"
    bed.write_rollout(
        f"{folder}/rollout-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{session}.jsonl",
        [{"timestamp": stamp, "type": kind, "payload": payload} for kind, payload in lines],
    )
    return session


def _claude(sidecar: Sidecar) -> _Session:
    session, stamp = str(uuid.uuid4()), _stamp()
    fresh, cached, written, output = _WRITTEN
    usage = {
        "input_tokens": fresh,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "output_tokens": output,
    }
    message = {"id": "msg_1", "role": "assistant", "model": _CLAUDE, "content": [], "usage": usage}
    line = {"type": "assistant", "uuid": "1", "sessionId": session, "timestamp": stamp, "message": message}
    transcript = os.path.join(sidecar.home, f"{session}.jsonl")
    with open(transcript, "w", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    for hook in ("SessionStart", "Stop"):
        sidecar.post_hook(hook, {"session_id": session, "cwd": "/home/user/claude", "transcript_path": transcript})
    return _Session(session, _CLAUDE, _WRITTEN, _CLAUDE_COST)


def _gemini(sidecar: Sidecar) -> _Session:
    """A session of another agent, whose model has no price."""
    agent = SimulatedGemini(sidecar.home, seed="cost")
    agent.play(turns=1)
    for step in writes(agent):
        os.makedirs(os.path.dirname(step.path), exist_ok=True)
        with open(step.path, "w" if step.whole else "a", encoding="utf-8") as file:
            file.write(step.text)
    fresh, output = agent.tokens
    return _Session(agent.id, agent.model, (fresh, output // 5 * 2, 0, output), 0)


def _tokens(row: Mapping[str, Any], names: tuple[str, ...] = _KINDS) -> Tokens:
    fresh, cached, written, output = (row.get(name) or 0 for name in names)
    return fresh, cached, written, output


def _sum(tokens: list[Tokens]) -> Tokens:
    fresh, cached, written, output = (sum(each) for each in zip(*tokens, strict=True))
    return fresh, cached, written, output


def _cost(sidecar: Sidecar, session: str) -> Row:
    """The API's cost of a session; zero without such a session."""
    reply = sidecar.request("GET", f"/api/pricing/cost/{session}")
    return dict(reply.json) if reply.status == 200 else {"total_cost": 0, "breakdown": []}


def _of_sessions(sidecar: Sidecar, sessions: list[_Session]) -> Iterator[str]:
    """What disagrees with the sum by hand in the list, by time and by price, and on the page of a session."""
    lists = {"the list": listed(sidecar), "the list by price": listed(sidecar, "sort_by=price")}
    for each in sessions:
        expected = round(each.cost, 4)
        for name, rows in lists.items():
            if rows.get(each.id, {}).get("cost") != expected:
                yield f"{each.model} in {name}"
        cost = _cost(sidecar, each.id)
        if cost["total_cost"] != expected or _tokens_of(cost) != each.tokens:
            yield f"{each.model} by its own cost"
        stats = sidecar.request("GET", f"/api/sessions/{each.id}/stats")
        if stats.status != 200 or _tokens(stats.json["tokens"]) != each.tokens:
            yield f"{each.model} on its page"


def _tokens_of(cost: Row) -> Tokens:
    return _sum([(0, 0, 0, 0), *map(_tokens, cost["breakdown"])])


def _of_all(sidecar: Sidecar, sessions: list[_Session]) -> Iterator[str]:
    """What disagrees in the sums of all sessions."""
    expected, tokens = round(sum(each.cost for each in sessions), 4), _sum([each.tokens for each in sessions])
    cost, analytics = sidecar.get("/api/pricing/cost"), sidecar.get("/api/analytics")
    totals = ("total_input", "total_cache_read", "total_cache_write", "total_output")
    days = sum(day["cost"] for day in cost.get("daily_costs", ()))
    agree = {
        "the total": (cost["total_cost"], _tokens_of(cost)) == (expected, tokens),
        "the days": round(days, 4) == expected,
        "analytics": (round(analytics["total_cost"], 4), _tokens(analytics["tokens"], totals)) == (expected, tokens),
    }
    yield from (name for name, is_equal in agree.items() if not is_equal)


def _unnamed(sidecar: Sidecar, named: list[_Session]) -> Iterator[str]:
    """The models that their own cost, or that of all sessions, does not name, or another one beside them."""
    for each in named:
        if [row["model"] for row in _cost(sidecar, each.id).get("unpriced_models", ())] != [each.model]:
            yield each.model
    total = sorted(row["model"] for row in sidecar.get("/api/pricing/cost").get("unpriced_models", ()))
    if total != sorted(each.model for each in named):
        yield f"of all sessions, where {', '.join(total) or 'none'} is"


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar(env={"AGENT_POLL_MS": "100"}) as sidecar:

        def codex(model: str, cost: float, tokens: Tokens = _TOKENS) -> _Session:
            return _Session(written_session(bed, sidecar, model, tokens), model, tokens, cost)

        priced = [
            codex(model, cost, _WRITTEN if model == "gpt-5.6-terra" else _TOKENS) for model, cost in _COSTS.items()
        ]
        named = [codex(_UNPRICED, 0)]
        if not bed.native:  # upstream's own table there, and no sessions of other agents on its pristine tree
            named += [codex(_FAMILY, _FAMILY_COST), _gemini(sidecar)]
        sessions = [*priced, *named, _claude(sidecar)]
        eventually(lambda: all(_tokens_of(_cost(sidecar, each.id)) == each.tokens for each in sessions), _PATIENCE)
        found = {each.model: _cost(sidecar, each.id)["total_cost"] for each in priced}
        differ = [*_of_sessions(sidecar, sessions), *_of_all(sidecar, sessions)]
        unnamed = list(_unnamed(sidecar, named))
    compared = ", ".join(f"{each.model} ${found[each.model]:.4f} (by hand ${each.cost:.4f})" for each in priced)
    said = f"{compared}; the list, each page, the total, the days and analytics "
    said += f"do not agree: {', '.join(differ[:4])}{', …' * (len(differ) > 4)}" if differ else "agree"
    said += f"; not named without a price: {'; '.join(unnamed)}" if unnamed else "; models without a price are named"
    return Observation(green=not differ and not unnamed, said=said)


CONTRACT = Contract(
    id="codex_session_has_its_cost",
    summary="A Codex session costs what OpenAI takes for its tokens, on every page; a model without a price is named.",
    patches=("codex_prices",),
    observe=_observe,
)
