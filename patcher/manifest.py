"""Stage 8: the manifest in the generated tree. Deterministic: sorted, relative POSIX paths, no time, no host."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from patcher import __version__
from patcher.fingerprint import tool_fingerprint
from patcher.generated import SCHEMA
from patcher.model import Build, File, Patch, Recorded, Series, digest, patches_of, tree_digest


def manifest(build: Build, series: Sequence[Series]) -> File:
    """What went in and what came out; two builds of one input give the same bytes on any machine.

    Upstream's identity, the tool's, that of each series in its order, per patch its verdict, pins and payload, per file
    its digests before and after.
    """
    recorded = build.recorded()  # in files without markers: how to take out what was put in
    judged = {finding.patch for finding in build.findings}
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "sidecar-patcher", "version": __version__, "fingerprint": tool_fingerprint()},
        "upstream": {**upstream_identity(build), "source": build.upstream.source},
        "series": [{"name": each.name, "version": each.version, "sha256": each.sha256} for each in series],
        "patches": [
            {**_patch(build, patch), "series": each.name}
            for each in series
            for patch in patches_of([each], client=True)
            if patch.id in judged
        ],
        "files": [
            {
                "path": change.path,
                "status": change.status,
                "before": change.before,
                "after": change.after,
                "executable": build.tree[change.path].executable,
                **({"recorded": _recorded(recorded[change.path])} if change.path in recorded else {}),
            }
            for change in build.changes()
        ],
    }
    if build.built:  # only then, so that a build without the client is the same as ever
        content["client"] = {"dist_sha256": tree_digest(build.built)}
    return File((json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())


def _recorded(layers: tuple[tuple[Recorded, ...], ...]) -> list[list[dict[str, Any]]]:
    return [[asdict(each) for each in layer] for layer in layers]


def _payloads(build: Build, patch: Patch) -> list[str]:
    """What goes in at the sites of a patch, file by file."""
    found = [name for name in build.payloads if f"({patch.id}." in name]
    return [build.payloads[name] for name in sorted(found, key=lambda name: name.rpartition(" (")[0])]


def upstream_identity(build: Build) -> dict[str, str]:
    """Name, version, ref and tree digest, as manifest and report show them."""
    upstream = build.upstream
    return {
        "name": upstream.name,
        "version": upstream.version,
        "ref": upstream.ref,
        "tree_sha256": upstream.tree_sha256,
    }


def _patch(build: Build, patch: Patch) -> dict[str, Any]:
    found = [finding for finding in build.findings if finding.patch == patch.id]
    payload = "\0".join(_payloads(build, patch))
    ours = patch.overlays_for(build.upstream.line)
    overlays = "\0".join(build.added[each.path].sha256 for each in ours if each.path in build.added)
    return {
        "id": patch.id,
        "verdict": str(found[0].verdict),
        "pins": sorted({pin for finding in found for pin in finding.pins}),
        "payload_sha256": digest(f"{payload}\0{overlays}".encode()),
    }
