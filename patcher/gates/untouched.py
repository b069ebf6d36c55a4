"""Outside the splices, every byte is the one that was there; files without a splice are copies."""

from collections.abc import Iterator

from patcher.gates.problem import Problem
from patcher.model import Build, Layer


def check(build: Build) -> Iterator[Problem]:
    """Walk the recorded splices through both texts of each layer, without looking at markers."""
    for layer in build.layers:
        if not _only_splices(layer):
            yield Problem(layer.file, "bytes outside the splices have changed")
    patched = {layer.file for layer in build.layers}
    for path, file in build.upstream.tree.items():
        if path not in patched and build.tree.get(path) != file:
            yield Problem(path, "no splice is in this file, and yet it is not the file that upstream ships")


def _only_splices(layer: Layer) -> bool:
    before = after = 0
    for splice in sorted(layer.splices, key=lambda each: each.order):
        length = splice.start - before
        if layer.before[before : splice.start] != layer.after[after : after + length]:
            return False
        after += length
        if not layer.after.startswith(splice.text, after):
            return False
        before, after = splice.end, after + len(splice.text)
    return layer.before[before:] == layer.after[after:]
