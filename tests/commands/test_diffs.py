"""The diff is one that `git apply` takes, and what comes out is what a build makes: bytes and modes."""

import os
import subprocess
import tempfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from patcher import pipeline
from patcher.commands import diffs
from patcher.model import Build, Patch
from tests.support import APP, APP_FILE, SMALL, CommandLine, PatchMaker, Tree, snapshot

BREAKS = ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r", "\ufeff", "é", "+", "-", "\\"]
NAMES = [
    "a b.js",
    'q"uote.js',
    "back\\slash.js",
    "é.js",
    "tab\t.js",
    "new\nline.js",
    "bell\a.js",
    " lead.js",
    "a -> b.js",
]


def applied(upstream: Tree, diff: str) -> dict[str, tuple[bytes, bool]]:
    """What `git apply` makes of a tree, in a repository of its own."""
    with tempfile.TemporaryDirectory() as made:
        upstream.write(Path(made))
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        git = ["git", "-C", made]
        subprocess.run([*git, "init", "-q"], check=True, env=environment)
        data = diff.encode("utf-8", "surrogateescape")
        done = subprocess.run([*git, "apply", "-"], input=data, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return {path: file for path, file in snapshot(made).items() if not path.startswith(".git/")}


def built(build: Build) -> dict[str, tuple[bytes, bool]]:
    return {path: (file.data, file.executable) for path, file in build.tree.items()}


def holds(upstream: Tree, series: tuple[Patch, ...]) -> None:
    build = pipeline.check_upstream(upstream.upstream, series)
    assert build.ok, [str(each) for each in build.findings]
    assert applied(upstream, "".join(diffs.diff(upstream.upstream, series, ()))) == built(build)


@hypothesis.given(
    comments=st.lists(st.text(st.sampled_from(BREAKS), max_size=4), min_size=4, max_size=4),
    ends=st.sampled_from(["\n", "\r\n"]),
    final=st.sampled_from(["", "\n", "\n\n", "\f", "\r"]),
    bom=st.booleans(),
    executable=st.booleans(),
)
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_next_to_odd_line_breaks(
    bench: PatchMaker, comments: list[str], ends: str, final: str, *, bom: bool, executable: bool
) -> None:
    lines = APP.rstrip("\n").split("\n")
    for at, comment in zip((3, 4, 5, 6), comments, strict=True):
        lines[at] += f" /* {comment} */"
    text = ("\ufeff" if bom else "") + ends.join(lines).replace(" // keep it", "") + final
    upstream = Tree({**SMALL.files, APP_FILE: text}, executable=frozenset({APP_FILE} if executable else ()))
    holds(upstream, (bench.audit(),))


@pytest.mark.parametrize("name", NAMES)
def test_names_are_quoted_as_git_does(bench: PatchMaker, name: str) -> None:
    """Two files whose names are odd: one that is added, and one that is patched."""
    path = f"server/{name}"
    upstream = SMALL.having({path: APP})
    edited = bench.edit("store.save(session, total)", "console.log(session);", file=path)
    holds(upstream, (bench.patch("audit", edited, overlays=(bench.overlay(f"server/new-{name}", "1;\n"),)),))


def test_a_name_that_is_not_utf_8_is_quoted(bench: PatchMaker) -> None:
    name = os.fsdecode(b"server/caf\xe9.js")
    edited = bench.edit("store.save(session, total)", "console.log(session);", file=name)
    diff = "".join(diffs.diff(SMALL.having({name: APP}).upstream, (bench.patch("audit", edited),), ()))
    assert diff.startswith('diff --git "a/server/caf\\351.js" "b/server/caf\\351.js"\n--- "a/server/caf\\351.js"\n')


@pytest.mark.parametrize("executable", [True, False])
@pytest.mark.parametrize("text", ["", "1;", "1;\n", "\r", "\ufeff1;\r\n"], ids=ascii)
def test_an_added_file_has_its_mode(bench: PatchMaker, text: str, executable: bool) -> None:
    overlay = bench.overlay("server/new.js", text, executable=executable)
    holds(SMALL, (bench.patch("audit", overlays=(overlay,)),))


@pytest.mark.parametrize("executable", [True, False])
def test_a_patched_file_keeps_its_mode(bench: PatchMaker, executable: bool) -> None:
    holds(Tree(SMALL.files, executable=frozenset({APP_FILE} if executable else ())), (bench.audit(),))


def test_bytes_of_a_file_come_out_as_they_are(cli: CommandLine, bench: PatchMaker) -> None:
    """Not UTF-8, and no patch of ours touches it: it is not in the diff at all."""
    upstream = SMALL.having({"server/latin.js": b"// caf\xe9\n"})
    diff = "".join(diffs.diff(upstream.upstream, (bench.audit(),), ()))
    assert "latin" not in diff and applied(upstream, diff)["server/latin.js"] == (b"// caf\xe9\n", False)


def test_a_plain_diff_has_payloads_and_no_markers_in_every_layer(bench: PatchMaker) -> None:
    first = bench.insert("first", "store.save(session, total)", "console.log(1);")
    spliced = SMALL.run(first).changed[APP_FILE]
    second = bench.insert("second", "console.log(1)", "console.log(2);", requires=("first",), on=spliced)
    build = SMALL.run(first, second).build
    expected = APP.replace("// keep it\n", "// keep it\n  console.log(1);\n  console.log(2);\n")
    assert build.plain[APP_FILE].data.decode() == expected
    text = "".join(diffs.diff(SMALL.upstream, (first, second), (), plain=True))
    assert "sidecar-patcher" not in text
    only = "".join(diffs.diff(SMALL.upstream, (first, second), ("second",), plain=True))
    assert [line for line in only.splitlines() if line[:1] in "+-"][2:] == ["+  console.log(2);"]
