"""Recognise our hooks in Codex's files: their command runs our handler. Leaf module."""

import re
from collections.abc import Iterator

HANDLER = "codex-hook-handler.js"
_OURS = re.compile(rf"""(?:^|[\s"'/\\=]){re.escape(HANDLER)}(?:$|[\s"'])""")


def is_ours(command: object) -> bool:
    """Whether a hook's command runs our handler, by its complete file name."""
    return isinstance(command, str) and bool(_OURS.search(command))


def events_in(hooks: object) -> list[str]:
    """The event of each handler of ours in the `hooks` of a hooks file or a config; none in any other shape."""
    return list(_events(hooks))


def _events(hooks: object) -> Iterator[str]:
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        for group in groups if isinstance(groups, list) else ():
            handlers = group.get("hooks") if isinstance(group, dict) else None
            for handler in handlers if isinstance(handlers, list) else ():
                if isinstance(handler, dict) and is_ours(handler.get("command")):
                    yield event
