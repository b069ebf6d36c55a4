"""Removing the payloads by their markers returns the pristine bytes."""

from collections.abc import Iterator

from patcher import markers
from patcher.gates.problem import Problem
from patcher.javascript import has_markers
from patcher.model import Build


def check(build: Build) -> Iterator[Problem]:
    """`revert` in memory, file by file, on the result of the last layer."""
    recorded = build.recorded()
    for path in {layer.file: None for layer in build.layers}:
        text = build.tree[path].data.decode()
        text = markers.unsplice(text, path)[0] if has_markers(path, build.tree[path].data) else text
        text, _ = markers.restored(text, recorded.get(path, ()), path)
        if text.encode() != build.upstream.tree[path].data:
            yield Problem(path, "taking the payloads out does not give the pristine bytes")
