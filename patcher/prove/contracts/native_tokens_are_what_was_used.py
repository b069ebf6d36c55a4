"""Where upstream reads rollouts itself, a session is charged with the tokens that it used (v2.0.0 and later).

Reasoning is a part of the output. A fork with a paginated history copies no line, but its running total goes on from
its parent's; so does the total of a thread that goes on in a second file.
"""

from patcher import model
from patcher.prove.codex_session import CodexSession, Line, sample
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 5.0
_BEFORE = {"input_tokens": 5_000_000, "cached_input_tokens": 4_000_000, "output_tokens": 70_000}
_REASONING = 10
_USED = (100, 30)  # fresh input and output of a `sample`; reasoning is within the output

Tokens = tuple[int, int]


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        plain = sample("from the beginning", codex_home=sidecar.codex_home)
        fork = sample("a fork", codex_home=sidecar.codex_home)
        bed.write_rollout(plain.rollout_path, [_counted(line, {}) for line in plain.rollout])
        bed.write_rollout(fork.rollout_path, [_counted(line, _BEFORE) for line in fork.rollout])
        sessions = {"a session from its beginning": plain, "a fork": fork}
        eventually(lambda: all(any(_booked(sidecar, each)) for each in sessions.values()), _PATIENCE)
        booked = {name: _booked(sidecar, each) for name, each in sessions.items()}
    said = ", ".join(f"{name} with {read:,} and {written:,}" for name, (read, written) in booked.items())
    wanted = f"each used {_USED[0]} and {_USED[1]}"
    return Observation(green=set(booked.values()) == {_USED}, said=f"tokens in and out: {said}; {wanted}")


def _counted(line: Line, before: dict[str, int]) -> Line:
    """The line with reasoning in its counts, and with the totals that a file has which goes on from such a one."""
    if line["payload"].get("type") != "token_count":
        return line
    last = {**line["payload"]["info"]["last_token_usage"], "reasoning_output_tokens": _REASONING}
    total = {**last, **{field: last[field] + tokens for field, tokens in before.items()}}
    info = {"total_token_usage": total, "last_token_usage": last}
    return {**line, "payload": {**line["payload"], "info": info}}


def _booked(sidecar: Sidecar, codex: CodexSession) -> Tokens:
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
