"""Compare the session rows of the database with the expected tokens, start, folder, agents and status."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patcher.codex.judgement import Judgement


@dataclass(frozen=True)
class Session:
    """The expected fields of one session; None, or no model: cannot be known from what arrived.

    tokens: by model `(fresh, cached, output, written)`. agents: minimum and maximum number of sub-agents.
    over: whether it must have ended.
    """

    id: str
    tokens: Mapping[str, tuple[int, int, int, int]]
    started_at: str | None = None
    cwd: str | None = None
    name: str | None = None
    models: Collection[str] = ()
    agents: tuple[int, int] = (0, 0)
    over: bool = False


@dataclass(frozen=True)
class Stored:
    """The rows of three tables for some sessions and their threads."""

    sessions: Sequence[Mapping[str, Any]]
    agents: Sequence[Mapping[str, Any]]
    usage: Sequence[Mapping[str, Any]]


def judge_sessions(verdict: Judgement, wanted: Iterable[Session], stored: Stored) -> None:
    """Add the differences of tokens and facts to a verdict, and the sessions that must not exist."""
    rows = {row["id"]: row for row in stored.sessions}
    for session in wanted:
        row = rows.pop(session.id, None)
        if row is None:
            verdict.facts.append(f"session {session.id} is not there")
            continue
        _compare_tokens(verdict, session, stored.usage)
        _compare_facts(verdict, session, row, stored.agents)
    verdict.facts += [f"{id_} is a session, and must not be one" for id_ in rows]


def _compare_tokens(verdict: Judgement, session: Session, usage: Iterable[Mapping[str, Any]]) -> None:
    columns = ("input_tokens", "cache_read_tokens", "output_tokens", "cache_write_tokens")
    found = {row["model"]: tuple(row[name] for name in columns) for row in usage if row["session_id"] == session.id}
    found = {model: counts for model, counts in found.items() if any(counts)}
    if found != dict(session.tokens):
        verdict.tokens.append(f"session {session.id} has the tokens {found}, not {dict(session.tokens)}")


def _compare_facts(
    verdict: Judgement, session: Session, row: Mapping[str, Any], agents: Iterable[Mapping[str, Any]]
) -> None:
    def wrong(what: str, is_: object, wanted: object) -> None:
        verdict.facts.append(f"session {session.id}: {what} is {is_!r}, not {wanted!r}")

    for what in ("started_at", "cwd", "name"):
        wanted = getattr(session, what)
        if wanted is not None and row[what] != wanted:
            wrong(what, row[what], wanted)
    if session.models and row["model"] not in session.models:
        wrong("model", row["model"], " or ".join(sorted(session.models)))
    if row["harness"] != "codex":
        wrong("harness", row["harness"], "codex")
    mine = [agent for agent in agents if agent["session_id"] == session.id]
    children = sum(agent["type"] != "main" for agent in mine)
    if not session.agents[0] <= children <= session.agents[1]:
        wrong("the number of its sub-agents", children, "{} to {}".format(*session.agents))
    if session.over:
        open_ = [agent["id"] for agent in mine if agent["status"] not in {"completed", "error"}]
        if row["status"] != "completed" or open_:
            wrong("status", f"{row['status']}, with open agents {open_}" if open_ else row["status"], "completed")
