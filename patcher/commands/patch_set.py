"""The content of the page of `list --html`: the changes that each patch makes in an upstream."""

import argparse
import ast
from collections.abc import Mapping, Sequence
from typing import Any

from patcher import apply
from patcher.commands import diffs
from patcher.model import Build, Contract, Patch, Series, Upstream, Verdict, patches_of
from patcher.upstream.materialize import materialize


def patch_set(options: argparse.Namespace, series: Sequence[Series]) -> dict[str, Any]:
    """The fields of the page: `upstream`, `series`, `patches`, `totals`.

    patches: `[{id, summary, series, why, requires, verdict, message, changes, added, contracts}]`.
    changes: `[{file, lines: [{tone, text}]}]`, a diff of upstream's files; added: `[{path, lines}]`;
    contracts: `[{id, summary}]`, what proves it.
    """
    upstream = materialize(options.upstream, client=options.client)
    patches = patches_of(series, client=options.client)
    build = apply.apply_series(upstream, patches)
    contracts = {contract.id: contract for each in series for contract in (*each.contracts, *each.client_contracts)}
    found = [_patch(upstream, build, patches, patch, contracts) for patch in patches]
    changed = {path for path, file in build.tree.items() if path not in build.added and file != upstream.tree.get(path)}
    return {
        "upstream": upstream.label,
        "series": [each.label for each in series],
        "patches": found,
        "totals": {"patches": len(found), "changed": len(changed), "added": len(build.added)},
    }


def why(patch: Patch) -> str:
    """The docstring of a patch's module, from its source, because `python -OO` removes it."""
    with open(patch.origin.source, encoding="utf-8") as stream:
        return ast.get_docstring(ast.parse(stream.read())) or ""


def _patch(
    upstream: Upstream, build: Build, patches: Sequence[Patch], patch: Patch, contracts: Mapping[str, Contract]
) -> dict[str, Any]:
    finding = next(each for each in build.findings if each.patch == patch.id)
    goes_in = not build.stopped and finding.verdict is not Verdict.SUPERSEDED
    lines = "".join(diffs.diff(upstream, patches, [patch.id])).splitlines() if goes_in else []
    ours = {overlay.path for overlay in patch.overlays_for(upstream.line)} if goes_in else set()
    return {
        "id": patch.id,
        "summary": patch.summary,
        "series": patch.origin.series,
        "why": why(patch),
        "requires": list(patch.requires),
        "verdict": str(finding.verdict),
        "message": finding.message,
        "changes": [each for each in _files(lines) if each["file"] not in ours],
        "added": [{"path": path, "lines": build.added[path].data.count(b"\n")} for path in sorted(ours)],
        "contracts": [
            {"id": name, "summary": contracts[name].summary} for name in patch.contracts if name in contracts
        ],
    }


def _files(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of a unified diff by file, with a tone for each line."""
    found: list[dict[str, Any]] = []
    for line in lines:
        if line.startswith("diff --git "):
            found.append({"file": "", "lines": []})
        elif line.startswith("+++ "):
            found[-1]["file"] = line[4:].removeprefix("b/")
        elif found and found[-1]["file"]:
            tone = {"+": "new", "-": "gone", "@": "muted"}.get(line[:1], "")
            found[-1]["lines"].append({"tone": tone, "text": line})
    return found
