"""A tree that has payloads of ours already: taken out before the flow, and compared with ours after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import Any
from unicodedata import normalize

from patcher import markers
from patcher.errors import NotReversible
from patcher.javascript import has_markers
from patcher.model import File, Finding, Layer, Overlay, Patch, Recorded, Upstream, Verdict
from patcher.resources import MANIFEST
from patcher.upstream import foreign_json
from patcher.upstream.text import decode

_HINT = "build from a pristine tree, or take our payloads out with `sidecar-patcher revert DIR --out DIR2`"


@dataclass(frozen=True)
class Taken:
    """The tree that was given, the same without anything of ours, and the payloads that were in it.

    made_by: where it is a generated tree, name and version of the series of each patch that its manifest names.
    """

    given: Upstream
    pristine: Upstream
    blocks: Mapping[str, Mapping[str, markers.Block]]
    findings: tuple[Finding, ...]
    made_by: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Upstream's own files, by their paths as macOS and Windows compare them."""
        return {_folded(path): path for path in self.pristine.tree}

    @cached_property
    def folders(self) -> Mapping[str, str]:
        """The folders that these are in, in the same way."""
        return {_folded(folder): folder for path in self.pristine.tree for folder in _folders(path)}


Recordings = Mapping[str, Sequence[Sequence[Recorded]]]
"""By file, what was put in without markers, layer by layer."""


def take_out(upstream: Upstream, series: Sequence[Patch], recorded: Recordings = MappingProxyType({})) -> Taken:
    """Take payloads and files of ours out of a tree. A tree that has none comes back as it is.

    A file is ours where the series puts one of ours and it says so in its head, or where the manifest of the tree, if
    it is a generated one, says that it was added. Any other file is upstream's, whatever is written in it.
    recorded: what a tree in memory has without markers; of a tree on the disk its manifest says that.
    """
    added, findings, told = _added(upstream)
    recorded = recorded or told
    paths = {overlay.path for patch in series for overlay in patch.overlays}
    tree = {}
    for path, file in upstream.tree.items():
        known = added.get(path)
        if path not in paths and known not in {None, file.sha256}:
            findings.append(_tampered("", path, "our file is there, and is not what was built"))
        if known is None and not (path in paths and _says_ours(file)):
            tree[path] = file
    blocks: dict[str, Mapping[str, markers.Block]] = {}
    for path, file in tree.items():
        if markers.BEGIN_MARK not in file.data or not has_markers(path, file.data):
            continue
        try:
            text, found = markers.unsplice(decode(file, path), path)
        except NotReversible as error:
            findings.append(_tampered("", path, error.message))
            continue
        if found:
            tree[path], blocks[path] = replace(file, data=text.encode()), found
    findings += _restored(tree, blocks, recorded)
    untouched = not blocks and len(tree) == len(upstream.tree)
    pristine = upstream if untouched else replace(upstream, tree=tree)
    return Taken(upstream, pristine, blocks, tuple(findings), _made_by(upstream))


def _made_by(upstream: Upstream) -> dict[str, str]:
    try:
        content = foreign_json.loads(upstream.tree[MANIFEST].data)
        labels = {each["name"]: f"{each['name']} {each['version']}".strip() for each in content["series"]}
        return {each["id"]: labels[each["series"]] for each in content["patches"]}
    except (ValueError, KeyError, TypeError):
        return {}


def _restored(
    tree: dict[str, File], blocks: dict[str, Mapping[str, markers.Block]], recorded: Recordings
) -> Iterator[Finding]:
    """Take out of the tree what was put in without markers, and say in `blocks` what was there."""
    for path, layers in recorded.items():
        if path not in tree:
            continue
        try:
            text, found = markers.restored(decode(tree[path], path), layers, path)
        except NotReversible as error:
            yield _tampered("", path, error.message)
            continue
        tree[path] = replace(tree[path], data=text.encode())
        blocks[path] = {**blocks.get(path, {}), **found}


def _added(upstream: Upstream) -> tuple[dict[str, str], list[Finding], Recordings]:
    """What the manifest in the tree says: the digests of what is ours, its own among them, and what has no markers.

    All empty where there is none.
    """
    file = upstream.tree.get(MANIFEST)
    if file is None:
        return {}, [], {}
    told: Recordings = {}
    try:
        content = foreign_json.loads(file.data)
        entries = content["files"] if content["tool"]["name"] == markers.NAME else []
        added = {entry["path"]: entry["after"] for entry in entries if entry["status"] == "added"}
        after = {entry["path"]: entry["after"] for entry in entries}
        told = {entry["path"]: recordings(entry) for entry in entries if "recorded" in entry}
    except (ValueError, KeyError, TypeError):
        entries = []
    if not entries:
        message = f"expected a manifest of ours or no such file, found one of upstream's own ({upstream.label})"
        return {}, [Finding("", MANIFEST, Verdict.DRIFTED, 1, "", message, _HINT)], {}
    edited = [path for path in told if path in upstream.tree and upstream.tree[path].sha256 != after[path]]
    findings = [_tampered("", path, "what we made of this file has been edited") for path in edited]
    kept = {path: layers for path, layers in told.items() if path not in edited}
    return {**added, MANIFEST: file.sha256}, findings, kept


def recordings(entry: Mapping[str, Any]) -> tuple[tuple[Recorded, ...], ...]:
    """What a manifest says of one file. Raises `ValueError`, `KeyError` or `TypeError` for what is not a list of it."""
    found = tuple(tuple(Recorded(**each) for each in layer) for layer in entry["recorded"])
    for each in (each for layer in found for each in layer):
        if not (type(each.start) is type(each.end) is int and type(each.site) is type(each.was) is str):
            raise TypeError("expected offsets and text")
        each.was.encode()
    return found


def judge(
    there: Taken, texts: Mapping[str, str], series: Sequence[Patch], layers: Sequence[Layer]
) -> Iterator[Finding]:
    """For each payload that was there: `applied` when it is what we put there now, else `tampered`.

    A tree of version 0.1 has the number of a site in its patch where later ones have its name.
    """
    fresh = {
        (path, block.id): block.inner
        for path in there.blocks
        for block in markers.unsplice(texts.get(path, ""), path)[1].values()
    }
    for layer in layers:
        unmarked = (splice for splice in layer.splices if not splice.marked)
        fresh.update({(layer.file, splice.site): splice.text.strip() for splice in unmarked})
    known = {patch.id for patch in series}
    named = {f"{patch.id}.{number}": site.id for patch in series for number, site in enumerate(patch.sites)}
    for path, blocks in there.blocks.items():
        for block in blocks.values():
            if block.patch not in known:
                yield _of_others(there, block, path)
            elif fresh.get((path, named.get(block.id, block.id))) == block.inner:
                yield Finding(block.patch, path, Verdict.APPLIED, block.line)
            else:
                message = f"the payload {block.id} is there, and is not what we render"
                yield _tampered(block.patch, path, message, block.line)


def _of_others(there: Taken, block: markers.Block, path: str) -> Finding:
    owner = there.made_by.get(block.patch)
    if owner is None:
        return _tampered(block.patch, path, f"no patch of the series is named {block.patch}", block.line)
    chosen = f"with `--series` name all that made this tree: {', '.join(dict.fromkeys(there.made_by.values()))}"
    message = f"the payload of {block.patch} is there, which is of the series {owner}, and that was not chosen"
    return replace(_tampered(block.patch, path, message, block.line), hint=f"{chosen}; or {_HINT}")


def judge_overlay(there: Taken, patch: Patch, overlay: Overlay, ours: File) -> Finding | None:
    """A finding where the tree has something at the path of ours: ours, an edited one of ours, or upstream's."""
    file = there.given.tree.get(overlay.path)
    if file is not None and file.data == ours.data:
        return Finding(patch.id, overlay.path, Verdict.APPLIED, 1)
    if file is not None and overlay.path not in there.pristine.tree:
        return _tampered(patch.id, overlay.path, "our file is there, and is not what we render")
    found = _in_the_way(there, overlay.path)
    if found is None:
        return None
    path, what = found
    message = f"expected room for our {overlay.path}, found {what} of upstream's own ({there.given.label})"
    hint = f"rename the overlay in `{patch.origin.source or patch.id}`"
    if path == overlay.path:
        hint = f"{hint}; to replace the whole of upstream's file, declare an override: a site with `scope=FILE`"
    return Finding(patch.id, path, Verdict.DRIFTED, 0 if what == "a folder" else 1, "", message, hint)


def _in_the_way(there: Taken, path: str) -> tuple[str, str] | None:
    """What of upstream's leaves no room for a file of ours at this path: where, and what it is."""
    if path in there.pristine.tree:
        return path, "a file"
    for folder in _folders(path):
        if _folded(folder) in there.files:
            return there.files[_folded(folder)], "a file"
    if _folded(path) in there.folders:
        return there.folders[_folded(path)], "a folder"
    if _folded(path) in there.files:
        return there.files[_folded(path)], "a file that is the same one on macOS and Windows"
    return None


def _folders(path: str) -> Iterator[str]:
    yield from accumulate(path.split("/")[:-1], "{}/{}".format)


def _folded(path: str) -> str:
    return normalize("NFC", path).casefold()


def _says_ours(file: File) -> bool:
    return markers.GENERATED in file.data[:1024]


def _tampered(patch: str, path: str, message: str, line: int = 1) -> Finding:
    return Finding(patch, path, Verdict.TAMPERED, line, "", message, _HINT)
