"""From a generated tree back to the pristine bytes, by its markers, judged by its manifest."""

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
    """The tree that upstream shipped: our files and the built client left out, payloads taken out.

    The client's sources are not in a generated tree: there is nothing of them to revert.

    Raises `ManifestUnreadable`, and `NotReversible` where the tree was edited or the bytes that come out are wrong.
    """
    content = generated.read(directory)
    edited = [
        f"{path} ({what})" for what, path in generated.differences(directory, content["files"]) if what != "added"
    ]
    if edited:
        raise NotReversible(f"the tree is not as it was built: {', '.join(edited)}", where=directory, hint=REBUILD)
    if not all(isinstance(entry.get("status"), str) and _is_known(entry) for entry in content["files"]):
        raise ManifestUnreadable("the manifest has no digests of the pristine files", where=directory)
    before = {entry["path"]: entry for entry in content["files"] if entry["status"] not in _OURS}
    tree = _load(directory, content)
    return {path: _reverted(path, tree[path], entry, directory) for path, entry in before.items()}


def _is_known(entry: Mapping[str, Any]) -> bool:
    return entry["status"] in _OURS or isinstance(entry.get("before"), str)


def _reverted(path: str, file: File, entry: Mapping[str, Any], directory: str) -> File:
    expected = entry["before"]
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


def _load(directory: str, content: Mapping[str, Any]) -> Tree:
    """The files that the manifest names, read from the directory."""
    tree = {}
    for entry in content["files"]:
        with open(generated.on_disk(directory, entry["path"]), "rb") as stream:
            tree[entry["path"]] = File(stream.read(), bool(entry["executable"]))
    return tree


def write_new(tree: Tree, out: str) -> None:
    """Write `tree` to a directory that must not hold anything yet. Raises `OutputNotOurs`, `OutputUnwritable`."""
    if os.path.lexists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise OutputNotOurs("expected an empty directory or none", where=out, hint=ELSEWHERE)
    write(tree, os.path.abspath(out))
