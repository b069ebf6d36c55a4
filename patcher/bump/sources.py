"""Pins, anchors and edits as the text of a declaration, laid out as the formatter lays them out."""

from patcher.model import Anchor, Edit, Pin, Scope, Versions

_STEP = "    "


def import_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: as the linter sorts them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def pin_source(pin: Pin) -> list[str]:
    """The lines of a pin."""
    return [
        "Pin(",
        f'{_STEP}tokens="{pin.tokens}",',
        f'{_STEP}text="{pin.text}",',
        f"{_STEP}line={pin.line},",
        "),",
    ]


def anchor_source(anchor: Anchor, comment: str) -> list[str]:
    """The lines of an anchor, its pins below one comment."""
    inner = [f"scope={_scope_source(anchor.scope)},", f"pattern={_quoted(anchor.pattern)},"]
    inner += [f"{name}={_quoted(value)}," for name in ("target", "containing") if (value := getattr(anchor, name))]
    inner += [f"{name}={value}," for name in ("before", "after") if (value := getattr(anchor, name))]
    inner += [f"versions={versions_source(anchor.versions)},"] if anchor.versions != Versions() else []
    pins = [f"{_STEP}# {comment}", *(f"{_STEP}{line}" for pin in anchor.pins for line in pin_source(pin))]
    return ["Anchor(", *(f"{_STEP}{line}" for line in [*inner, "pins=(", *pins, "),"]), "),"]


def edit_source(edit: Edit, comment: str) -> list[str]:
    """The lines of an edit with a range of versions."""
    anchors = [f"{_STEP}{line}" for anchor in edit.anchors for line in anchor_source(anchor, comment)]
    inner = [
        f"file={_quoted(edit.file)},",
        f"place=Place.{edit.place.name},",
        f"template={_quoted(edit.template)},",
        f"versions={versions_source(edit.versions)},",
        "anchors=(",
        *anchors,
        "),",
    ]
    return ["Edit(", *(f"{_STEP}{line}" for line in inner), "),"]


def _scope_source(scope: Scope) -> str:
    if scope.kind == "module":
        return "MODULE"
    if scope.kind == "route":
        verb, _, path = scope.name.partition(" ")
        return f"route({_quoted(verb)}, {_quoted(path)})"
    return f"function({_quoted(scope.name)})"


def versions_source(versions: Versions) -> str:
    """A range of versions as an expression."""
    bounds = [f'{name}="{value}"' for name in ("since", "until") if (value := getattr(versions, name))]
    return f"Versions({', '.join(bounds)})"


def _quoted(text: str) -> str:
    """A string literal as the formatter writes it: double quotes, unless single ones take fewer escapes."""
    escaped = text.replace("\\", "\\\\")
    if text.count('"') > text.count("'"):
        return "'" + escaped.replace("'", "\\'") + "'"
    return '"' + escaped.replace('"', '\\"') + '"'
