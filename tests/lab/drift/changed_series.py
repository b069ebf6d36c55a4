"""Mutations of the series, upstream as it is: a payload that changes nothing, and a place in a file that is no program."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from patcher.model import Position
from patcher.model import Site as Edit
from tests.lab.drift.mutation import Mutation, nowhere
from tests.lab.drift.site import Site

_ORIGINAL = "/*= original =*/"
_NOTHING_NEW = {
    "what stands there": _ORIGINAL,
    "behind a remark": f"/* a remark */ {_ORIGINAL}",
    "before a remark": f"{_ORIGINAL} /* a remark */",
    "on lines of its own": f"\n\n  {_ORIGINAL}\n\n",
}
_NO_CODE = {
    "a line comment": "// a remark that says nothing",
    "a block comment": "/* a remark\n * that says nothing\n */",
    "comments": "/* a remark */\n\n// and another one",
    "nothing": "",
    "blank lines": "\n\n\n",
}
_NO_PROGRAMS = (".json", ".css", ".md", ".html", ".sql", ".txt", ".yml", "")


def changed_series(site: Site) -> Iterator[Mutation]:
    """The series with another edit in the place of the spot's."""
    edit = site.spot.edit
    texts = _NOTHING_NEW if edit.position is Position.REPLACE else _NO_CODE
    for detail, text in texts.items():
        payload = replace(edit, template=_template(f"{edit.position} {detail}", text), templates=_folder())
        yield _made(site, "no-op payload", detail, payload, "gate changes-something")
    for ending in _NO_PROGRAMS:
        path = f"server/drift{ending}"  # the same text: the anchor would be found in it
        moved = replace(edit, file=path, anchors=tuple(replace(anchor, file="") for anchor in edit.anchors))
        made = _made(site, "not a program", ending or "no ending", moved, "file-kind-unsupported")
        yield replace(made, besides={path: site.text})


def _made(site: Site, kind: str, detail: str, edit: Edit, reason: str) -> Mutation:
    return Mutation(
        site.spot.id, kind, detail, site.spot.file, lambda: site.text, nowhere, harmless=False, edit=edit, reason=reason
    )


def _template(name: str, text: str) -> str:
    """The name under which the patcher renders this text."""
    name = f"{name}.j2"
    with open(os.path.join(_folder(), name), "w", encoding="utf-8") as stream:
        stream.write(text)
    return name


@cache
def _folder() -> str:
    made = tempfile.mkdtemp(prefix="sidecar-patcher-drift-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
