"""Names of adopted patches, from the path of the file, and of sites, from the scope and the item."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from keyword import iskeyword

from patcher.model import FILE, Anchor

_LONGEST = 40
_WORDS = re.compile(r"[A-Za-z]+|\d+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOPS = ("server/", "client/src/", "client/")
FILES, CLIENT_FILES = "files", "client_files"
"""The names of the patches that add files."""


def patch_names(paths: Collection[str], former: Mapping[str, str]) -> dict[str, str]:
    """A name for the patch of each file: its path without a common prefix. former: names of an earlier run, by path."""
    found = {path: former[path] for path in paths if path in former}
    for path in sorted(set(paths) - found.keys()):
        short = next((path.removeprefix(top) for top in _TOPS if path.startswith(top)), path)
        names = (_slug(short.rpartition(".")[0] or short), _slug(short), _slug(path))
        used = {*found.values(), FILES, CLIENT_FILES}
        found[path] = next(
            (name for name in names if name not in used and not iskeyword(name)), f"{_slug(path)}_{len(used)}"
        )
    return found


Names = Mapping[tuple[Anchor, str], str]
"""The name of each site, by its anchor without pins and the reviewed tokens."""


def site_names(anchors: list[Anchor], before: Names) -> list[str]:
    """A name for each site. before: the names of an earlier run, which are kept."""
    kept = [before.get((_bare(anchor), anchor.pins[0].tokens), "") for anchor in anchors]
    used = {name for name in kept if name}
    found = []
    for anchor, name in zip(anchors, kept, strict=True):
        found.append(name or _new(anchor, used))
        used.add(found[-1])
    return found


def known(anchors: Mapping[str, Anchor]) -> Names:
    """The argument `before` of `site_names`. anchors: of a patch, by the names of their sites."""
    return {(_bare(anchor), pin.tokens): name for name, anchor in anchors.items() for pin in anchor.pins}


def _bare(anchor: Anchor) -> Anchor:
    return replace(anchor, pins=())


def _new(anchor: Anchor, used: Collection[str]) -> str:
    if anchor.scope == FILE:
        return "whole"
    scope = "" if anchor.scope.kind == "module" else anchor.scope.name
    name = _slug(f"{scope} {anchor.item}")[:_LONGEST].strip("_") or str(anchor.list or "header")
    number = 2
    numbered = name
    while numbered in used:
        numbered, number = f"{name}_{number}", number + 1
    return numbered


def _slug(text: str) -> str:
    words = _WORDS.findall(_HUMPS.sub(" ", text))
    name = "_".join(word.lower() for word in words)
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")
