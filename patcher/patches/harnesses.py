"""The agent command lines that the sidecar is taught: one row each, one handler rendered from each row."""

from dataclasses import dataclass

from patcher.model import Line


@dataclass(frozen=True)
class Harness:
    """One agent CLI. The facts of the `codex` row are in `patcher/codex/README.md`.

    `provider` is the value of `__provider` in a forwarded payload and of `sessions.harness`; `handler` is
    the file name below `scripts/`. Each `*_keys` names the payload's spellings of one identifier, first
    match wins. `native_line` is the line of upstream that has a handler of its own by that name, None where none has.
    """

    provider: str
    title: str
    handler: str
    session_keys: tuple[str, ...]
    turn_keys: tuple[str, ...]
    tool_keys: tuple[str, ...]
    native_line: Line | None = None


HARNESSES = (
    Harness(
        provider="codex",
        title="OpenAI Codex CLI",
        handler="codex-hook-handler.js",
        session_keys=("session_id",),
        turn_keys=("turn_id",),
        tool_keys=("tool_use_id",),
        native_line=Line.V2,
    ),
)


def places_of(harness: Harness) -> tuple[tuple[str, Line | None], ...]:
    """Where the generated tree has the harness's handler, and on which line of upstream; None for every line.

    The base name is the same everywhere: it is what an installed hook is known by. Where upstream has a file of that
    name in `scripts/`, ours stands one folder deeper.
    """
    shallow, deep = f"scripts/{harness.handler}", f"scripts/harness/{harness.handler}"
    if harness.native_line is None:
        return ((shallow, None),)
    return tuple((deep if line is harness.native_line else shallow, line) for line in (Line.V1, Line.V2))


def handler_path(provider: str, line: Line) -> str:
    """Where a tree generated from this line of upstream has the handler. Raises `KeyError` for no such provider."""
    rows = {harness.provider: harness for harness in HARNESSES}
    return next(path for path, on in places_of(rows[provider]) if on in {None, line})
