"""Anchors as the text of a declaration, laid out as the formatter lays them out."""

from patcher.model import Anchor, Scope

_STEP = "    "
_WIDTH = 100
"""Columns that an argument of an anchor has: 120, and it stands 20 further in."""


def import_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: as the linter sorts them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def anchor_source(anchor: Anchor) -> list[str]:
    """The lines of an anchor."""
    inner = [f"scope={_scope_source(anchor.scope)},"]
    for name in ("pattern", "target", "containing"):
        inner += _text_source(name, getattr(anchor, name))
    inner += [f"{name}={value}," for name in ("before", "after") if (value := getattr(anchor, name))]
    inner += [f"file={_quoted(anchor.file)},"] if anchor.file else []
    return ["Anchor(", *(f"{_STEP}{line}" for line in inner), "),"]


def _text_source(name: str, text: str) -> list[str]:
    """The lines of a text argument: one, or the text in parentheses, in as many pieces as it takes."""
    if not text or len(_quoted(text)) <= _WIDTH - len(f"{name}=,"):
        return [f"{name}={_quoted(text)},"] if text else []
    pieces, rest = [], text
    while len(_quoted(rest)) > _WIDTH - len(_STEP):
        end = rest.rfind(" ", 1, _WIDTH - 2 * len(_STEP) - rest.count("\\", 0, _WIDTH)) + 1 or _WIDTH - 40
        pieces.append(rest[:end])
        rest = rest[end:]
    return [f"{name}=(", *(f"{_STEP}{_quoted(piece)}" for piece in [*pieces, rest]), "),"]


def _scope_source(scope: Scope) -> str:
    if scope.kind == "module":
        return "MODULE"
    if scope.kind == "route":
        verb, _, path = scope.name.partition(" ")
        return f"route({_quoted(verb)}, {_quoted(path)})"
    return f"function({_quoted(scope.name)})"


def _quoted(text: str) -> str:
    """A string literal as the formatter writes it: double quotes, unless single ones take fewer escapes."""
    escaped = text.replace("\\", "\\\\")
    if text.count('"') > text.count("'"):
        return "'" + escaped.replace("'", "\\'") + "'"
    return '"' + escaped.replace('"', '\\"') + '"'
