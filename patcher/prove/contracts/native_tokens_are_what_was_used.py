"""Where upstream reads rollouts itself, a session is charged with exactly its own tokens (v2.0.0 and later).

Reasoning is part of the output. A fork with a paginated history copies no line, but its running total continues that of
its parent; so does the total of a thread that continues in a second file.
"""

from patcher import model
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.sample import Line, SampleSession
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 5.0
_BEFORE = {"input_tokens": 5_000_000, "cached_input_tokens": 4_000_000, "output_tokens": 70_000}


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        plain = SampleSession("from the beginning", codex_home=sidecar.codex_home)
        fork = SampleSession("a fork", codex_home=sidecar.codex_home)
        bed.write_rollout(plain.rollout_path, plain.rollout)
        bed.write_rollout(fork.rollout_path, [_goes_on_from(_BEFORE, line) for line in fork.rollout])
        sessions = {"a session from its beginning": plain, "a fork": fork}
        used = {name: each.used() for name, each in sessions.items()}
        eventually(lambda: all(_booked(sidecar, each) == each.used() for each in sessions.values()), _PATIENCE)
        booked = {name: _booked(sidecar, each) for name, each in sessions.items()}
    said = ", ".join(f"{name} with {_shown(booked[name])}, and used {_shown(used[name])}" for name in sessions)
    return Observation(green=booked == used, said=f"tokens in and out: {said}")


def _goes_on_from(before: dict[str, int], line: Line) -> Line:
    """The line with the running totals of a file that continues another one."""
    if line["payload"].get("type") != "token_count" or not line["payload"]["info"]:
        return line
    info = line["payload"]["info"]
    total = {name: tokens + before.get(name, 0) for name, tokens in info["total_token_usage"].items()}
    return {**line, "payload": {**line["payload"], "info": {**info, "total_token_usage": total}}}


def _shown(tokens: tuple[int, int]) -> str:
    return "{:,} and {:,}".format(*tokens)


def _booked(sidecar: Sidecar, codex: SampleSession) -> tuple[int, int]:
    sums = "SUM(input_tokens) AS read, SUM(output_tokens) AS written"
    [booked] = sidecar.rows(f"SELECT {sums} FROM token_usage WHERE session_id = ?", codex.id)  # noqa: S608
    return (booked["read"] or 0, booked["written"] or 0)


CONTRACT = Contract(
    id="native_tokens_are_what_was_used",
    summary="A Codex session is charged with its own tokens, each once.",
    patches=("charge_tokens_used",),
    observe=_observe,
    line=model.Line.V2,
)
