"""From a generated tree back to the pristine bytes, by its markers, checked against its manifest."""

import os
from collections.abc import Mapping
from typing import Any

from patcher import generated
from patcher.errors import ManifestUnreadable, NotReversible, OutputNotOurs
from patcher.existing import recordings
from patcher.javascript import has_markers
from patcher.markers import REBUILD, restored, unsplice
from patcher.model import File, Tree
from patcher.write import ELSEWHERE, write

_OURS = frozenset({"added", "built"})


def pristine(directory: str) -> Tree:
    """The tree that upstream shipped: without our files, the built client and the payloads.

    The sources of the client are not in a generated tree, so they are not reverted.

    Raises `ManifestUnreadable`, and `NotReversible` where the tree was edited or the result has another digest.
    """
    content = generated.read(directory)
    edited = [
        f"{path} ({what})" for what, path in generated.differences(directory, content["files"]) if what != "added"
    ]
    if edited:
        raise NotReversible(f"the tree is not as it was built: {', '.join(edited)}", where=directory, hint=REBUILD)
    if not all(isinstance(entry.get("status"), str) and _is_known(entry) for entry in content["files"]):
        raise ManifestUnreadable("the manifest has no digests of the pristine files", where=directory)
    before = (entry for entry in content["files"] if entry["status"] not in _OURS)
    return {entry["path"]: _reverted(_load(directory, entry), entry, directory) for entry in before}


def _is_known(entry: Mapping[str, Any]) -> bool:
    return entry["status"] in _OURS or isinstance(entry.get("before"), str)


def _reverted(file: File, entry: Mapping[str, Any], directory: str) -> File:
    path, expected = entry["path"], entry["before"]
    if file.sha256 == expected:
        return file
    try:
        layers = recordings(entry) if "recorded" in entry else ()
    except (KeyError, TypeError, ValueError) as error:
        message = f"the manifest cannot say what was put into {path}: {error}"
        raise ManifestUnreadable(message, where=directory, hint=REBUILD) from error
    try:
        text = file.data.decode()
        text = unsplice(text, path)[0] if has_markers(path, file.data) else text
        text, _ = restored(text, layers, path)
    except UnicodeDecodeError as error:
        message = (
            f"expected text with markers, found the byte 0x{error.object[error.start]:02x} at offset {error.start}"
        )
        raise NotReversible(message, where=path, hint=REBUILD) from error
    found = File(text.encode(), file.executable)
    if found.sha256 != expected:
        message = f"expected {expected[:12]}…, found {found.sha256[:12]}… after taking the payloads out"
        raise NotReversible(message, where=path, hint="this is a bug of ours; please report it with the manifest")
    return found


def _load(directory: str, entry: Mapping[str, Any]) -> File:
    with open(generated.on_disk(directory, entry["path"]), "rb") as stream:
        return File(stream.read(), bool(entry["executable"]))


def write_new(tree: Tree, out: str) -> None:
    """Write `tree` to a directory that must be empty or absent. Raises `OutputNotOurs`, `OutputUnwritable`."""
    if os.path.lexists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise OutputNotOurs("expected an empty directory or none", where=out, hint=ELSEWHERE)
    write(tree, os.path.abspath(out))
