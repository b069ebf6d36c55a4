"""The agent command lines that the sidecar is taught: one row each, one handler rendered from each row."""

from dataclasses import dataclass

from patcher.model import Versions


@dataclass(frozen=True)
class Harness:
    """One agent CLI. Facts of the `codex` row: `CODEX.md` sections 4, 5 and 10.

    `provider` is the value of `__provider` in a forwarded payload and of `sessions.harness`; `handler` is
    the file name below `scripts/`. Each `*_keys` names the payload's spellings of one identifier, first
    match wins. `native_since` is the first upstream version that has a handler of its own by that name, empty where
    none has.
    """

    provider: str
    title: str
    handler: str
    session_keys: tuple[str, ...]
    turn_keys: tuple[str, ...]
    tool_keys: tuple[str, ...]
    native_since: str = ""


HARNESSES = (
    Harness(
        provider="codex",
        title="OpenAI Codex CLI",
        handler="codex-hook-handler.js",
        session_keys=("session_id",),
        turn_keys=("turn_id",),
        tool_keys=("tool_use_id",),
        native_since="2.0.0",
    ),
)


def places_of(harness: Harness) -> tuple[tuple[str, Versions], ...]:
    """Where the generated tree has the harness's handler, and in which upstream versions.

    The base name is the same everywhere: it is what an installed hook is known by. Where upstream has a file of that
    name in `scripts/`, ours stands one folder deeper.
    """
    shallow, deep = f"scripts/{harness.handler}", f"scripts/harness/{harness.handler}"
    if not harness.native_since:
        return ((shallow, Versions()),)
    return (shallow, Versions(until=harness.native_since)), (deep, Versions(since=harness.native_since))


def handler_path(provider: str, version: str) -> str:
    """Where the tree generated from this upstream version has the handler. Raises `KeyError` for no such provider."""
    rows = {harness.provider: harness for harness in HARNESSES}
    return next(path for path, versions in places_of(rows[provider]) if version in versions)
