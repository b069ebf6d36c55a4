"""The text of the files of an adopted series: one module for each patch, its payloads, and the pins.

`adopt` writes everything below `patches/adopted/` and `templates/adopted/`, and the next run writes it again.
The rest of the directory is the author's.
"""

import json
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from patcher.adopt import naming
from patcher.adopt.files import Adopted, Payload
from patcher.model import FILE, MODULE, Anchor, Pin, Scope

PATCHES, TEMPLATES = "patches/adopted", "templates/adopted"
_WIDTH = 110
_MAKERS = {"class": "class_", "type": "type_"}  # functions of `patcher.model` whose name is not the kind of the scope
_SERIES = '''"""{title}."""

from patcher.model import Series

from .patches import adopted

SERIES = Series(
    "{name}",
    patches=adopted.PATCHES,
    client_patches=adopted.CLIENT_PATCHES,
)
'''


@dataclass
class Written:
    """The files of a series by path, and the pins of its sites by id."""

    files: dict[str, bytes] = field(default_factory=dict)
    pins: dict[str, tuple[Pin, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """The result of an earlier run: the patch of each file, and by patch the anchor of each site."""

    patches: Mapping[str, str] = field(default_factory=dict)
    anchors: Mapping[str, Mapping[str, Anchor]] = field(default_factory=dict)


def written(found: Sequence[Adopted], upstream: str, known: Known) -> Written:
    """The series that makes these changes. upstream: its version and ref, for the docstrings."""
    out = Written()
    edited = [each for each in found if each.payloads]
    added = [each for each in found if each.file is not None]
    names = naming.patch_names([each.path for each in edited], known.patches)
    for each in edited:
        _patch(out, each, names[each.path], upstream, known.anchors.get(names[each.path], {}))
    for client in (False, True):
        ours = [each for each in added if _is_client(each) is client]
        if ours:
            _overlays(out, ours, "client_files" if client else "files", upstream)
    server = [*([_FILES] if any(not _is_client(each) for each in added) else [])]
    server += [names[each.path] for each in edited if not _is_client(each)]
    clients = [*([_CLIENT_FILES] if any(map(_is_client, added)) else [])]
    clients += [names[each.path] for each in edited if _is_client(each)]
    out.files[f"{PATCHES}/__init__.py"] = _index(sorted(server), sorted(clients)).encode()
    return out


_FILES, _CLIENT_FILES = naming.FILES, naming.CLIENT_FILES


def series_module(name: str, title: str) -> bytes:
    """The module `series.py` of a series that has only adopted patches."""
    return _SERIES.format(name=name, title=title).encode()


def _is_client(each: Adopted) -> bool:
    return each.path.startswith("client/")


def _index(server: Sequence[str], clients: Sequence[str]) -> str:
    lines = ['"""What was adopted, in one place: written by `sidecar-patcher adopt`, and again by the next one."""', ""]
    names = sorted({*server, *clients})
    if names:
        lines += ["from . import (", *(f"    {name}," for name in names), ")", ""]
    for title, group in (("PATCHES", server), ("CLIENT_PATCHES", clients)):
        lines += [f"{title} = (", *(f"    {name}.PATCH," for name in group), ")"] if group else [f"{title} = ()"]
    return "\n".join(lines) + "\n"


def _patch(out: Written, each: Adopted, name: str, upstream: str, before: Mapping[str, Anchor]) -> None:
    anchors = [payload.anchor for payload in each.payloads]
    names = naming.site_names(anchors, naming.known(before))
    ending = os.path.splitext(each.path)[1] or ".js"
    sites: list[str] = []
    for site, payload in zip(names, each.payloads, strict=True):
        template = f"adopted/{name}/{site}{ending}" if payload.text else ""
        if template:
            out.files[f"templates/{template}"] = payload.text.encode()
        sites += _site(site, payload, template)
        out.pins[f"{name}.{site}"] = payload.anchor.pins
    scopes = {maker for anchor in anchors for maker in _makers(anchor.scope)}
    lists = {"ListKind"} if any(anchor.list for anchor in anchors) else set()
    imports = sorted({"Anchor", "Patch", "Position", "Site", *scopes, *lists}, key=lambda each: (each.islower(), each))
    touched = list(dict.fromkeys(str(anchor.scope) for anchor in anchors))
    count = f"{len(anchors)} edits" if len(anchors) > 1 else "one edit"
    shown = re.sub(r'[\x00-\x1f\\"]', "?", each.path)  # within a string
    place = f"Upstream: `{shown}`; if it moves, search for {', '.join(touched[:6])}"
    place = place.replace("\\", "/").replace('"""', "'''")
    lines = [
        f'"""`{shown}`, as it was changed: {count}.',
        "",
        f"Why:      adopted from an edited tree; whoever made the change knows. Upstream was {upstream}.",
        *textwrap.wrap(place, _WIDTH - 1, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False),
        '"""',
        "",
        *_imports(imports),
        "",
        f"FILE_ = {json.dumps(each.path, ensure_ascii=False)}",
        "",
        "PATCH = Patch(",
        f'    id="{name}",',
        f'    summary="{count[0].upper()}{count[1:]} in {shown}, adopted.",',
        "    sites=(",
        *sites,
        "    ),",
        ")",
    ]
    out.files[f"{PATCHES}/{name}.py"] = ("\n".join(lines) + "\n").encode()


def _imports(names: Sequence[str]) -> list[str]:
    line = f"from patcher.model import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return [line]
    return ["from patcher.model import (", *(f"    {name}," for name in names), ")"]


def _site(name: str, payload: Payload, template: str) -> list[str]:
    position = "REPLACE" if template else "DELETE"
    return [
        "        Site(",
        f'            name="{name}",',
        "            file=FILE_,",
        f"            position=Position.{position},",
        f'            template="{template}",',
        *_anchor(payload.anchor),
        "        ),",
    ]


def _anchor(anchor: Anchor) -> list[str]:
    """The lines of the anchor; one where it fits."""
    arguments = [f"scope={_scope(anchor.scope)}"]
    if anchor.list is not None:
        arguments += [f"list=ListKind.{anchor.list.name}", f"item={anchor.item!r}"]
    arguments += [f"{name}={getattr(anchor, name)}" for name in ("before", "after") if getattr(anchor, name)]
    arguments += [f"count={anchor.count}"] if anchor.count > 1 else []
    arguments += [f"pieces={anchor.pieces}"] if anchor.pieces is not None else []
    arguments += ["header=True"] if anchor.header else []
    line = f"            anchors=(Anchor({', '.join(arguments)}),),"
    if len(line) <= _WIDTH:
        return [line]
    return [
        "            anchors=(",
        "                Anchor(",
        *_filled(arguments),
        "                ),",
        "            ),",
    ]


def _filled(arguments: Sequence[str]) -> Iterator[str]:
    line = " " * 20
    for argument in arguments:
        if len(line) + len(argument) > _WIDTH and line.strip():
            yield line.rstrip()
            line = " " * 20
        line += f"{argument}, "
    yield line.rstrip()


def _scope(scope: Scope) -> str:
    if scope == MODULE:
        return "MODULE"
    if scope == FILE:
        return "FILE"
    names = scope.name.split(" ", 1) if scope.kind == "route" else [scope.name]
    arguments = [repr(name) for name in names]
    if scope.within is None:
        return f"{_MAKERS.get(scope.kind, scope.kind)}({', '.join(arguments)})"
    return f'Scope("{scope.kind}", {scope.name!r}, {_scope(scope.within)})'


def _makers(scope: Scope) -> set[str]:
    if scope in {MODULE, FILE}:
        return {"MODULE" if scope == MODULE else "FILE"}
    if scope.within is None:
        return {_MAKERS.get(scope.kind, scope.kind)}
    return {"Scope", *_makers(scope.within)}


def _overlays(out: Written, added: Sequence[Adopted], name: str, upstream: str) -> None:
    lines = [
        f'"""Files of our own: {len(added)}.' if len(added) > 1 else '"""A file of our own.',
        "",
        f"Why:      adopted from an edited tree; whoever added them knows. Upstream was {upstream}.",
        '"""',
        "",
        "from patcher.model import Overlay, Patch",
        "",
        "PATCH = Patch(",
        f'    id="{name}",',
        f'    summary="Adds {len(added)} file{"s" if len(added) > 1 else ""} of our own, adopted.",',
        "    overlays=(",
    ]
    for each in sorted(added, key=lambda found: found.path):
        file = each.file
        template = f"adopted/{name}/{each.path}".removesuffix(".j2")
        out.files[f"templates/{template}"] = file.data if file is not None else b""
        arguments = [f"path={each.path!r}", f"template={template!r}"]
        arguments += ["executable=True"] if file is not None and file.executable else []
        line = f"        Overlay({', '.join(arguments)}),"
        separate = ["        Overlay(", *(f"            {argument}," for argument in arguments), "        ),"]
        lines += [line] if len(line) <= _WIDTH else separate
    lines += ["    ),", ")"]
    out.files[f"{PATCHES}/{name}.py"] = ("\n".join(lines) + "\n").encode()
