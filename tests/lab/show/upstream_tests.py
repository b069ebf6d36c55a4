"""Upstream's own server tests, on the pristine and on the generated tree: the same tests must pass.

But for those of what a patch forbids, which are named.
"""

import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from patcher import pipeline
from patcher.model import Tree, Verdict
from patcher.prove import dependencies_for, find_node
from patcher.revert import write_new
from patcher.upstream.materialize import materialize

_REASONING = "imports Codex rollouts with tokens, tools, durable transcript access, and native titles"

# What a patch forbids: a page of another port is another origin; and reasoning, of the output already, counted twice.
FORBIDDEN = {
    "local_only": frozenset({"/api/run › allows localhost Origin"}),
    "charge_tokens_used": frozenset({f"POST /api/import/scan-path happy path › {_REASONING}"}),
}
REFS = ("840c518d", "v1.2.0", "v1.3.0", "v1.4.8", "v2.0.3")


def show(repository: str) -> bool:
    """One line for each version; the tests that differ are named."""
    good = True
    for ref in REFS:
        spec = f"{repository}@{ref}"
        before = _run(repository, ref, materialize(spec).tree)
        build = pipeline.check(spec)
        after = _run(repository, ref, build.tree)
        lost, gained = before - after, after - before
        went_in = [found.patch for found in build.findings if found.verdict is not Verdict.SUPERSEDED]
        forbidden = lost & frozenset().union(*(FORBIDDEN.get(patch, frozenset()) for patch in went_in))
        print(f"{ref}: {len(before)} pass on the pristine tree, {len(after)} on the generated one")
        for name in sorted(lost):
            print(f"  lost{', as it is forbidden' if name in forbidden else ''}: {name}")
        for name in sorted(gained):
            print(f"  gained: {name}")
        good &= before == after | forbidden and bool(before)
    return good


def _run(repository: str, ref: str, tree: Tree) -> set[str]:
    """Names of the tests that pass. Home, data and everything else is scratch."""
    node = find_node(None)
    with tempfile.TemporaryDirectory() as scratch:
        root, home = Path(scratch) / "tree", Path(scratch) / "home"
        home.mkdir()
        write_new(tree, str(root))
        _lay_tests_over(repository, ref, root)
        modules = dependencies_for(tree["package.json"].data, node=node, install=True)
        (root / "node_modules").symlink_to(str(modules))
        environment = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        tests = sorted(str(path.relative_to(root)) for path in root.glob("server/__tests__/*.test.js"))
        report = Path(scratch) / "report.xml"
        command = [node.path, "--test", "--test-reporter=junit", f"--test-reporter-destination={report}", *tests]
        subprocess.run(
            command, cwd=root, env={**environment, "HOME": str(home)}, check=False, capture_output=True, timeout=900
        )
        return set(_passing(ET.parse(report).getroot(), ""))


def _lay_tests_over(repository: str, ref: str, root: Path) -> None:
    archive = subprocess.run(
        ["git", "-C", repository, "archive", "--format=tar", ref, "server"], check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as members:
        tests = [member for member in members if "/__tests__" in member.name]
        members.extractall(root, members=tests, filter="data")


def _passing(element: ET.Element, prefix: str) -> "list[str]":
    found = []
    for child in element:
        name = f"{prefix} › {child.get('name')}" if prefix else str(child.get("name"))
        if child.tag == "testsuite":
            found += _passing(child, name)
        elif child.tag == "testcase" and not any(each.tag in {"failure", "skipped", "error"} for each in child):
            found.append(name)
    return found
