"""The agent command lines that the sidecar is taught: one row each, one handler rendered from each row."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Harness:
    """One agent CLI. Facts of the `codex` row: `CODEX.md` sections 4, 5 and 10.

    `provider` is the value of `__provider` in a forwarded payload and of `sessions.harness`; `handler` is
    the file name below `scripts/`. Each `*_keys` names the payload's spellings of one identifier, first
    match wins.
    """

    provider: str
    title: str
    handler: str
    session_keys: tuple[str, ...]
    turn_keys: tuple[str, ...]
    tool_keys: tuple[str, ...]


HARNESSES = (
    Harness(
        provider="codex",
        title="OpenAI Codex CLI",
        handler="codex-hook-handler.js",
        session_keys=("session_id",),
        turn_keys=("turn_id",),
        tool_keys=("tool_use_id",),
    ),
)
