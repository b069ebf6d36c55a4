"""Trust, read a second time: what `hooks.json` and `config.toml` say of it, written apart from the generated tree's.

The facts, measured on Codex 0.146.0 and 0.169.0, are in `patcher/codex/README.md`. The doctor asks the tree; this is
what the tree's answer is compared with.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from patcher.codex.version import HOOK_SINCE, TRUST_SINCE
from patcher.doctor.entries import is_ours

_MATCHER_IGNORED = frozenset({"UserPromptSubmit", "Stop", "Interrupt"})
_LEAVING = frozenset({"SessionEnd", "Interrupt"})  # a second by default, three at most
_DEFAULT_TIMEOUT = 600
_HASHED = ("statusMessage",)


@dataclass(frozen=True)
class Entry:
    """A handler of ours in a hooks file. place: `<event>:<group>:<index>`, the end of its key."""

    event: str
    place: str
    hash: str


def snake(event: str) -> str:
    """The event's name in keys and hashes: `PreToolUse` is `pre_tool_use`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


def entries_in(hooks: object) -> list[Entry]:
    """Our handlers in the `hooks` of a hooks file or of a config; what has another shape has none."""
    return list(_entries(hooks))


def _entries(hooks: object) -> Iterator[Entry]:
    for event, groups in _items(hooks):
        for group_index, group in enumerate(groups if isinstance(groups, list) else ()):
            handlers = group.get("hooks") if isinstance(group, dict) else None
            for index, handler in enumerate(handlers if isinstance(handlers, list) else ()):
                if isinstance(handler, dict) and is_ours(handler.get("command")):
                    place = f"{snake(event)}:{group_index}:{index}"
                    yield Entry(event, place, hash_of(event, group.get("matcher"), handler))


def _items(hooks: object) -> list[tuple[str, Any]]:
    return list(hooks.items()) if isinstance(hooks, dict) else []


def hash_of(event: str, matcher: object, handler: Mapping[str, Any]) -> str:
    """What Codex, not on Windows, calls the `currentHash` of a command handler."""
    hashed = {
        "type": "command",
        "command": handler["command"],
        "async": handler.get("async", False),
        "timeout": _timeout(event, handler.get("timeout")),
        **{name: handler[name] for name in _HASHED if isinstance(handler.get(name), str)},
    }
    whole: dict[str, Any] = {"event_name": snake(event), "hooks": [hashed]}
    if isinstance(matcher, str) and event not in _MATCHER_IGNORED:
        whole["matcher"] = matcher
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = text.encode("utf-8", "surrogatepass")  # half of a surrogate pair: Codex does not load such a file
    return f"sha256:{sha256(data).hexdigest()}"


def _timeout(event: str, asked: object) -> int:
    if not isinstance(asked, int):
        return 1 if event in _LEAVING else _DEFAULT_TIMEOUT
    return min(3, max(1, asked)) if event in _LEAVING else max(1, asked)


def state_of(entry: Entry, states: Mapping[str, Any], paths: Sequence[str]) -> str:
    """`trusted`, `untrusted`, `modified` or `disabled`.

    states: `[hooks.state]` of the config. paths: the spellings of the hooks file's path, the likeliest first.
    """
    held: Any = next((states[key] for path in paths if (key := f"{path}:{entry.place}") in states), {})
    if not isinstance(held, dict):
        return "untrusted"
    if held.get("enabled") is False:
        return "disabled"
    if "trusted_hash" not in held:
        return "untrusted"
    return "trusted" if held["trusted_hash"] == entry.hash else "modified"


def unknown_to(version: tuple[int, ...] | None, states: Mapping[str, str]) -> set[str]:
    """The events that the user's Codex does not have: it never lists them, so nobody can trust them.

    states: the state of each event of ours. version: None when it is not known; then events younger than the others
    count as unknown when no trust is kept for them and for none that is younger still.
    """
    if version is not None:
        return {event for event in states if version < (0, HOOK_SINCE[event])}
    young = {event for event in states if HOOK_SINCE[event] > TRUST_SINCE}
    older = [state for event, state in states.items() if event not in young]
    if not older or any(state != "trusted" for state in older):
        return set()
    newest = max((HOOK_SINCE[event] for event in young if states[event] != "untrusted"), default=TRUST_SINCE)
    return {event for event in young if HOOK_SINCE[event] > newest}
