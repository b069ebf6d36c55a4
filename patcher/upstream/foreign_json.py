"""JSON that somebody else wrote: read so that no depth of nesting can exhaust Python's stack. Leaf module."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:  # an up-to-date build comes this way, and `typing` is not free
    from typing import Any

_DEEPEST = 200  # lists and objects in each other: Python itself ends near 1,000, also when it prints them


def loads(data: "bytes | str") -> "Any":
    """The document. Raises `ValueError`: not JSON, not UTF-8, or nested too deeply."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level = [document]
    for _ in range(_DEEPEST):
        level = [inner for each in level if isinstance(each, dict | list) for inner in _inside(each)]
        if not level:
            return document
    raise ValueError("it is nested too deeply")


def _inside(holder: "dict[str, Any] | list[Any]") -> "Any":
    return holder.values() if isinstance(holder, dict) else holder
