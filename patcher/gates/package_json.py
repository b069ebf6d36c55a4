"""What the nearest `package.json` makes of a file of JavaScript: a CommonJS or an ES module."""

import json
from functools import lru_cache
from typing import NamedTuple

from patcher.model import File, Tree
from patcher.upstream import foreign_json

COMMONJS, MODULE = "commonjs", "module"
HINT = (
    "give the payload or the file of ours a form that runs there, or end the name of our file in `.cjs` or `.mjs`; "
    "upstream's `package.json` is not ours to change"
)
"""What to do about a payload or a file of ours that is for the other kind."""
_ENDINGS = {".cjs": COMMONJS, ".mjs": MODULE}


class Kind(NamedTuple):
    """name: `commonjs` or `module`. by: what decides so, for messages. problem: why Node loads no file there at all."""

    name: str
    by: str
    problem: str = ""

    @property
    def said(self) -> str:
        """The kind, as messages call it."""
        return "an ES module" if self.name == MODULE else "a CommonJS module"


def kind_of(tree: Tree, path: str) -> Kind:
    """The kind of module that Node makes of a file of JavaScript: by its ending, else by the nearest `package.json`."""
    for ending, name in _ENDINGS.items():
        if path.endswith(ending):
            return Kind(name, f"its name ends in {ending}")
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        package = f"{folder}/package.json" if folder else "package.json"
        if package in tree:
            return _described(package, tree[package])
    return Kind(COMMONJS, "no package.json is above it")


@lru_cache(maxsize=16)  # the same few for each file of ours
def _described(path: str, file: File) -> Kind:
    try:
        content = foreign_json.loads(file.data)
    except ValueError as error:
        return Kind(COMMONJS, path, f"{path} is not JSON: {error}")
    declared = content.get("type", "") if isinstance(content, dict) else None
    if not isinstance(declared, str):
        return Kind(COMMONJS, path, f"{path} is not a package: expected an object whose `type` is text")
    if declared == MODULE:
        return Kind(MODULE, f'{path} says "type": "module"')
    return Kind(COMMONJS, f"{path} says {json.dumps({'type': declared})[1:-1] if declared else 'no type'}")
