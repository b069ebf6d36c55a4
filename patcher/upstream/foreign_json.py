"""Read JSON from an untrusted source: deep nesting is refused before it can exhaust Python's stack. Leaf module."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:  # an up-to-date build uses this module, and importing `typing` takes long
    from typing import Any

_DEEPEST = 200  # nested lists and objects; Python's own limit is near 1,000, also for printing


def loads(data: "bytes | str") -> "Any":
    """The document. Raises `ValueError`: not JSON, not UTF-8, or nested too deeply."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level = [document]
    for _ in range(_DEEPEST):
        containers = (each for each in level if isinstance(each, dict | list))
        level = [inner for each in containers for inner in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return document
    raise ValueError("it is nested too deeply")
