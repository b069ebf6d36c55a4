"""`bump --write`: a diff of pins and nothing else, whole files at any instant, and a refusal wherever it must not write."""

import ast
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from patcher.bump import declarations, declared, save
from patcher.bump.repin import AddAnchor, AddPin, Comment, repinned
from patcher.errors import DeclarationsChanged, DeclarationsReadOnly, DeclarationUnclear
from patcher.model import MODULE, Anchor, Pin, function
from patcher.patches import SERIES
from patcher.prove import find_node
from tests.support import ROOT, Ended, end_all_below, environment, refusal

PATCHES = ROOT / "patcher/patches"
PIN = Pin("a" * 64, "b" * 64, 77)


def source(patch: str) -> str:
    return (PATCHES / f"{patch}.py").read_text()


def added_and_removed(old: str, new: str) -> tuple[list[str], list[str]]:
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return [each[2:].strip() for each in lines if each[0] == "+"], [
        each[2:].strip() for each in lines if each[0] == "-"
    ]


def is_formatted(text: str) -> bool:
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if ruff is None:
        pytest.skip("ruff is not on this machine")
    commands = ([ruff, "format", "--check", "-"], [ruff, "check", "--select", "I,E501", "-"])
    return all(
        subprocess.run(each, input=text, text=True, capture_output=True, cwd=ROOT).returncode == 0 for each in commands
    )


# --- text ------------------------------------------------------------------------------------------------------

EVERY_ANCHOR = [
    (patch.id, number, index)
    for patch in SERIES
    for number, edit in enumerate(patch.sites)
    for index, _ in enumerate(edit.anchors)
]


@pytest.mark.parametrize(("patch", "number", "index"), EVERY_ANCHOR)
def test_a_pin_more_is_six_lines_more(patch: str, number: int, index: int) -> None:
    old = source(patch)
    new = repinned(old, [AddPin(number, index, PIN, "v9.9.9")], "x.py")
    added, removed = added_and_removed(old, new)
    assert removed == []
    assert sorted(added) == sorted(
        ["# v9.9.9", "Pin(", f'tokens="{PIN.tokens}",', f'text="{PIN.text}",', "line=77,", "),"]
    )
    pins = declared_in(new, patch).sites[number].anchors[index].pins
    before = declared_in(old, patch).sites[number].anchors[index].pins
    assert [pin for pin in pins if pin != PIN] == list(before) and pins.count(PIN) == 1
    assert is_formatted(new)


def declared_in(text: str, patch: str) -> "object":
    names: dict[str, object] = {"__name__": f"patcher.patches.{patch}"}
    exec(text, names)
    return names["PATCH"]


def test_the_builtin_pin_stays_last() -> None:
    old = source("filter_by_harness")
    new = repinned(old, [AddPin(0, 0, PIN, "v9.9.9")], "x.py")
    *versions, builtin = declared.comments(old).values()
    assert list(declared.comments(new).values()) == [*versions, "v9.9.9", builtin] and builtin == "builtin"


def test_a_comment_changes_its_line_only() -> None:
    old = source("harness_column")
    new = repinned(old, [Comment(1, 0, 1, "v1.4.0 to v9.9.9")], "x.py")
    assert added_and_removed(old, new) == (["# v1.4.0 to v9.9.9"], ["# v1.4.0 to v1.4.8"])


ANCHOR = Anchor(function("other"), 'log("it\'s")', (PIN,), before=1)


def test_a_new_anchor_stands_after_the_others() -> None:
    old = source("filter_by_harness")
    new = repinned(old, [AddAnchor(0, ANCHOR, "v9.0.0")], "x.py")
    [first, second] = declared_in(new, "filter_by_harness").sites[0].anchors  # type: ignore[attr-defined]
    assert second == ANCHOR and [first] == [*declared_in(old, "filter_by_harness").sites[0].anchors]  # type: ignore[attr-defined]
    assert is_formatted(new)
    _, removed = added_and_removed(old, new)
    assert removed == ["from patcher.model import Anchor, Site, Patch, Pin, Position, route"]
    later = replace(ANCHOR, scope=MODULE, file="server/other.js")
    twice = repinned(new, [AddAnchor(0, later, "v9.5.0")], "x.py")
    assert declared_in(twice, "filter_by_harness").sites[0].anchors == (first, ANCHOR, later)  # type: ignore[attr-defined]
    assert is_formatted(twice)


@pytest.mark.parametrize(
    "text", ["X = 1\n", "PATCH = Patch(sites=EDITS)\n", "PATCH = Patch(sites=(Site(anchors=A),))\n"]
)
def test_what_is_not_written_out_is_refused(text: str) -> None:
    said = refusal(repinned, text, [AddPin(0, 0, PIN, "v9.9.9")], "x.py")
    assert isinstance(said, DeclarationUnclear) and said.message.startswith(
        "expected pins that are written out, found "
    )


@pytest.mark.parametrize(
    ("comment", "between", "then"),
    [
        ("v1.1.1 to v1.4.8", (), "v1.1.1 to v1.5.0"),
        ("v1.4.8", (), "v1.4.8 to v1.5.0"),
        ("v1.1.1 to v1.4.8", ("v1.4.9",), "v1.1.1 to v1.4.8, v1.5.0"),
        ("v1.1.1 to v1.2.0, v1.4.8", (), "v1.1.1 to v1.2.0, v1.4.8 to v1.5.0"),
        ("v1.1.1 to v1.5.0", (), "v1.1.1 to v1.5.0"),
        ("builtin", (), "builtin"),
    ],
)
def test_the_versions_of_a_comment(comment: str, between: tuple[str, ...], then: str) -> None:
    assert declared.extended(comment, "v1.5.0", between) == then


# --- files -----------------------------------------------------------------------------------------------------

KILLED_AFTER = """
import os, signal, sys
from patcher.bump import save
left = int(sys.argv[2])
def counted(function):
    def call(*given, **named):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*given, **named)
    return call
for name in ("replace", "unlink", "fsync", "open", "close"):
    setattr(os, name, counted(getattr(os, name)))
save.save(sys.argv[1], {f"{n}.py": (f"old {n}\\n", f"new {n}\\n" * 2000) for n in range(4)})
"""


def test_killed_at_every_step_each_file_is_whole_and_the_next_run_ends_it(tmp_path: Path) -> None:
    seen = set()
    for steps in range(60):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for number in range(4):
            (folder / f"{number}.py").write_text(f"old {number}\n")
        done = subprocess.run([sys.executable, "-c", KILLED_AFTER, str(folder), str(steps)], env=environment())
        texts = [(folder / f"{number}.py").read_text() for number in range(4)]
        assert all(text in {f"old {n}\n", f"new {n}\n" * 2000} for n, text in enumerate(texts))
        save.recover(str(folder))
        ended = [(folder / f"{number}.py").read_text()[:3] for number in range(4)]
        assert ended in (["old"] * 4, ["new"] * 4)
        assert sorted(os.listdir(folder)) == ["0.py", "1.py", "2.py", "3.py"]
        seen.add((done.returncode, tuple(text[:3] for text in texts), ended[0]))
        if done.returncode == 0:
            break
    assert done.returncode == 0, "more steps than were tried"
    assert (-signal.SIGKILL, ("new", "new", "old", "old"), "new") in seen  # between two files: completed afterwards
    assert (-signal.SIGKILL, ("old",) * 4, "old") in seen


def test_an_edited_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("edited\n")
    said = refusal(save.save, str(tmp_path), {"a.py": ("old\n", "new\n")})
    assert isinstance(said, DeclarationsChanged)
    assert (tmp_path / "a.py").read_text() == "edited\n" and os.listdir(tmp_path) == ["a.py"]


def test_an_installed_wheel_is_not_written_to(tmp_path: Path) -> None:
    said = refusal(declarations.refuse_unless_ours, str(tmp_path / "site-packages/patcher/patches"))
    assert isinstance(said, DeclarationsReadOnly) and said.exit_code == 5
    assert said.message == "the declarations are part of an installed sidecar-patcher; `--write` changes a checkout"
    assert said.hint == "run it in a checkout of sidecar-patcher: `python3 .dev run sidecar-patcher bump …`"


# --- the whole way, on the builtin sidecar ---------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout's code: what `--write` may change."""
    made = tmp_path / "checkout"
    for name in ("patcher", "templates", "fixtures"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", made)
    return made


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """The builtin sidecar as a repository, and a release with one more export in it."""
    made = tmp_path / "upstream"
    shutil.copytree(ROOT / "fixtures/sidecar", made)
    commit(made, "v1.5.0", {"package.json": lambda text: text.replace(version_of(text), "1.5.0")})
    commit(made, "v1.6.0", {
        "package.json": lambda text: text.replace("1.5.0", "1.6.0"),
        "server/db.js": lambda text: text.replace("module.exports = {", "module.exports = {\n  driftNew: 1,"),
    })  # fmt: skip
    return made


def version_of(text: str) -> str:
    import json

    return str(json.loads(text)["version"])


def commit(folder: Path, tag: str, changes: "dict[str, object]") -> None:
    for path, change in changes.items():
        file = folder / path
        file.write_text(change(file.read_text()))  # type: ignore[operator]
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", tag], check=True)
    subprocess.run([*git, "tag", tag], check=True)


def bump(checkout: Path, upstream: Path, *more: str) -> Ended:
    command = [sys.executable, "-m", "patcher", "bump", "--upstream", str(upstream), "--to", "v1.6.0", *more]
    done = subprocess.run(
        command, cwd=checkout, capture_output=True, text=True, env={**environment(), "PYTHONPATH": str(checkout)}
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def texts(checkout: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (checkout / "patcher/patches").glob("*") if path.is_file()}


@pytest.fixture
def node() -> None:
    from patcher.errors import NodeMissing

    try:
        find_node(None)
    except NodeMissing as error:
        pytest.skip(f"the contracts need a Node: {error.message}")


@pytest.mark.slow
def test_write_is_a_diff_of_pins_and_a_second_time_of_nothing(checkout: Path, upstream: Path, node: None) -> None:
    before = texts(checkout)
    stopped = bump(checkout, upstream)
    assert stopped.code == 3 and "--accept harness_column.statement=1 --write" in stopped.out
    assert texts(checkout) == before
    done = bump(checkout, upstream, "--accept", "harness_column.statement=1", "--write")
    assert done.code == 0 and done.said.endswith("declarations; read `git diff patcher/patches`\n")
    after = texts(checkout)
    assert after.keys() == before.keys()
    for name, text in after.items():
        added, removed = added_and_removed(before[name], text)
        assert {re.sub("v1[.][46][.][08]", "v", line) for line in removed} <= {"# v1.1.1 to v", "# v to v"}
        pins = [line for line in added if not line.startswith("# v")]
        assert len(pins) == (5 if name == "harness_column.py" else 0)
        assert is_formatted(text) if name.endswith(".py") else text == before[name]
    assert "# v1.1.1 to v1.6.0" in after["capture_columns.py"] and "# v1.6.0\n" in after["harness_column.py"]
    again = bump(checkout, upstream, "--write")
    assert (again.code, again.said) == (0, "nothing to write: the declarations have it all\n")
    assert texts(checkout) == after


@pytest.mark.slow
def test_a_red_contract_refuses_and_nothing_is_written(checkout: Path, upstream: Path, node: None) -> None:
    overlay = checkout / "templates/payload/filter_by_harness.js.j2"
    overlay.write_text('if (req.query.never) {\n  where.push("1 = 1");\n}\n')
    before = texts(checkout)
    done = bump(checkout, upstream, "--accept", "harness_column.statement=1", "--write")
    assert done.code == 4 and "red on the patched tree" in done.out
    assert done.said.endswith("nothing was written\n") and texts(checkout) == before


def test_a_stop_that_nobody_accepted_refuses(checkout: Path, upstream: Path) -> None:
    before = texts(checkout)
    done = bump(checkout, upstream, "--write")
    assert done.code == 3 and done.said == "nothing was written\n" and texts(checkout) == before


def test_what_was_not_proven_is_not_written(checkout: Path, upstream: Path) -> None:
    done = bump(checkout, upstream, "--write", "--no-prove")
    assert done.code == 2 and "`--write` writes only what was proven" in done.err


@pytest.mark.slow
def test_killed_at_any_moment_every_declaration_is_whole(
    checkout: Path, upstream: Path, node: None, tmp_path: Path
) -> None:
    before = texts(checkout)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "patcher", "bump", "--upstream", str(upstream), "--to", "v1.6.0"]
    command += ["--accept", "harness_column.statement=1", "--write"]
    chance = random.Random(4)
    for _ in range(4):
        process = subprocess.Popen(
            command, cwd=checkout, env={**environment(), "PYTHONPATH": str(checkout), "TMPDIR": str(scratch)},
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(0.2, 6))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        end_all_below(scratch)
        for name, text in texts(checkout).items():
            if name.endswith(".py"):
                ast.parse(text)
                added, removed = added_and_removed(before[name], text)
                assert all(line.startswith("# v") for line in removed) and len(added) - len(removed) in {0, 6}
