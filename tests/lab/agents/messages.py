"""What is asked of a model and what it answers, whatever it is spoken in; and what the ways of speaking have in common."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A call of a tool, as the model asks for it. id: what the server calls it; not every agent keeps that."""

    name: str
    arguments: Mapping[str, Any]
    id: str


@dataclass(frozen=True)
class Usage:
    """The tokens of one answer. `input` has neither `cached` nor anything else in it."""

    input: int
    cached: int
    output: int


@dataclass(frozen=True)
class Asked:
    """What a request asks. turns: `user` with its text, or `model`, in their order. tools: the names of those offered."""

    model: str
    turns: Sequence[tuple[str, str]]
    tools: Collection[str]
    wants_json: bool = False


@dataclass
class Answer:
    """What is to be said: `text`, or calls. The number makes identifiers."""

    number: int
    model: str
    text: str
    calls: Sequence[Call]
    usage: Usage


def asked_in(
    model: object, turns: Iterable[tuple[str, str]], tools: Iterable[Body] | None, *, wants_json: bool = False
) -> Asked:
    names = {str((tool.get("function") or tool).get("name")) for tool in tools or ()}
    return Asked(str(model or ""), list(turns), names, wants_json)


def event_stream(events: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    return "".join(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n" for kind, fields in events)


def data_stream(chunks: Iterable[object]) -> str:
    return "".join(f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n" for chunk in chunks)


def text_of(content: object) -> str:
    """The text of what a user has said; results of tools are not text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )
