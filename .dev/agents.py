"""The page of the agents: its tables of the supported and of the unsupported ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patcher.patches.harnesses import HARNESSES

PAGE = Path(__file__).resolve().parent.parent / "patcher" / "agents" / "README.md"
RUNS = PAGE.with_name("runs.json")
BEGIN, END = "<!-- agents: made by `python3 .dev generate` -->\n", "<!-- /agents -->\n"
UNSUPPORTED = (
    ("opencode, Kilo, pi", "run plugins in JavaScript or TypeScript, no hook command: each needs a plugin of ours"),
    ("Cline CLI", "runs one executable file for each event instead of a command, and leaves a daemon running"),
    ("Continue", "runs no hook, although its code has them (1.5.47)"),
    ("Amp, Auggie, Cursor, Qoder", "do not run without an account, so nothing could be tested"),
    ("Crush", "cannot be installed from npm alone: its package downloads the program from another host (0.96.1)"),
)
"""Agents that are not supported, and why."""
_CLAUDE = (
    "by upstream | sub-agents' by upstream; the main agent's yes, where no hook reports them"
    " | the identifier of the call or the prompt"
    " | slash commands while no hook reports them; calls in a session whose hooks (old versions) do not name calls"
)


def page() -> str:
    """The page, with its tables of today.

    `runs.json` has the runs of `python3 .dev lab agents`: `agent`, `version`, `upstream`, `runs`, `wrong`.
    """
    runs = json.loads(RUNS.read_text(encoding="utf-8"))
    head, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    tables = "\n".join([*_supported(runs), "", *_unsupported()])
    return f"{head}{begin}\n{tables}\n\n{end}{tail}"


def _supported(runs: list[dict[str, Any]]) -> Iterator[str]:
    yield "| agent | live, from hooks | from transcripts | a call's reports join by | missing | real sessions |"
    yield "|---|---|---|---|---|---|"
    yield f"| Claude Code | {_CLAUDE} | {_real(runs, 'claude')} |"
    for row in HARNESSES:
        facts = row.facts
        real = _real(runs, row.provider) or "see `lab codex_lane`"
        yield f"| {row.title} | {facts.hooks} | {facts.transcripts} | {facts.join} | {facts.unknown} | {real} |"


def _real(runs: list[dict[str, Any]], agent: str) -> str:
    return "; ".join(_run(run) for run in runs if run["agent"] == agent)


def _run(run: dict[str, Any]) -> str:
    outcome = f"{run['wrong']} of {run['runs']} wrong" if run["wrong"] else f"{run['runs']}, all correct"
    return f"{run['version']} on {run['upstream']}: {outcome}"


def _unsupported() -> Iterator[str]:
    yield "| not supported | why |"
    yield "|---|---|"
    yield from (f"| {agents} | {reason} |" for agents, reason in UNSUPPORTED)
