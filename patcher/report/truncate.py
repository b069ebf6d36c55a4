"""A page made shorter, step by step, until it is a comment that GitHub takes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

LIMIT = 65_536
"""Of the body of a comment or a pull request, in characters; counted as UTF-16 does, which never counts fewer."""
_ROOM = 536  # for a line that whoever posts it puts in front
_ROWS = 40
_Names = dict[str, Any]


def fitted(names: Mapping[str, Any], rendered: Callable[[Mapping[str, Any]], str]) -> str:
    """The text of the first of ever shorter pages that fits; each says what it leaves out.

    names: as `patcher.page.render` gives them to a template.
    """
    text = ""
    for each in _shorter({**names, "left_out": []}):
        text = rendered(each)
        if _size(text) <= LIMIT - _ROOM:
            return text
    return _cut(text)


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shorter(names: _Names) -> Iterator[_Names]:
    """The least missed goes first: what fits, then old refs, then stops from the last one on."""
    yield names
    names = _without(names, "what else is new in the scopes", {"scope_diff": None})
    yield names
    names = _without(names, "the windows of what fits", {"windows": []})
    yield names
    names = _with_newest_rows(names)
    yield names
    stops = sum(len(items) for _, items in names["groups"])
    for count in range(1, stops + 1):
        yield _without_last(names, count)


def _without(names: _Names, said: str, change: Mapping[str, Any]) -> _Names:
    groups = [
        (heading, [item if item["stops"] else {**item, **change} for item in items])
        for heading, items in names["groups"]
    ]
    changed = groups != list(names["groups"])
    return {**names, "groups": groups, "left_out": [*names["left_out"], *([said] if changed else [])]}


def _with_newest_rows(names: _Names) -> _Names:
    grid = names["grid"]
    older = len(grid.get("refs", ())) - _ROWS
    if older <= 0:
        return names
    left_out = [*names["left_out"], f"{older} older refs of the table"]
    return {**names, "grid": {**grid, "refs": grid["refs"][older:]}, "left_out": left_out}


def _without_last(names: _Names, count: int) -> _Names:
    groups, left = [], sum(len(items) for _, items in names["groups"]) - count
    for heading, items in names["groups"]:
        kept = items[:left]
        left -= len(kept)
        groups += [(heading, kept)] if kept else []
    said = f"{count} {'place' if count == 1 else 'places'} from the end"
    return {**names, "groups": groups, "left_out": [*names["left_out"], said]}


def _cut(text: str) -> str:
    """The lines that fit, of a page without fences: what is left without any item is lines that stand alone."""
    note = "\n\n> Cut here, because GitHub takes no more than 65,536 characters."
    kept, size = [], _size(note)
    for line in text.splitlines():
        size += _size(line) + 1
        if size > LIMIT - _ROOM:
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + note + "\n"
