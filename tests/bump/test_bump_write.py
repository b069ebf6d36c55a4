"""`bump --write`: a diff of pins and nothing else, whole files at any instant, and a refusal wherever it must not write."""

import difflib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from patcher.bump import files, record, revisions
from patcher.bump.record import with_anchors
from patcher.errors import DeclarationsChanged, DeclarationsReadOnly, DeclarationUnclear
from patcher.model import MODULE, Anchor, Patch, Series, function
from patcher.patches import SERIES
from patcher.prove import find_node
from tests.support import ROOT, Ended, end_all_below, environment, impatient, refusal

PATCHES = ROOT / "patcher/patches"


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

EVERY_SITE = [(patch.id, site.name) for patch in SERIES for site in patch.sites]
ANCHOR = Anchor(function("other"), 'log("it\'s")', before=1)


def declared_in(text: str, patch: str) -> Patch:
    names: dict[str, object] = {"__name__": f"patcher.patches.{patch}"}
    exec(text, names)
    made = names["PATCH"]
    assert isinstance(made, Patch)
    return made


@pytest.mark.parametrize(("patch", "site"), EVERY_SITE)
def test_a_new_anchor_stands_after_the_others(patch: str, site: str) -> None:
    old = source(patch)
    new = with_anchors(old, {site: ANCHOR}, "x.py")
    before, after = declared_in(old, patch), declared_in(new, patch)
    sites = tuple(
        replace(each, anchors=(*each.anchors, ANCHOR)) if each.name == site else each for each in before.sites
    )
    assert after == replace(before, sites=sites)
    rewritten = ("from patcher.model import ", "anchors=(Anchor(")  # the latter: all on one line, which it cannot stay
    assert all(line.startswith(rewritten) for line in added_and_removed(old, new)[1])
    assert is_formatted(new)


def test_a_second_anchor_stands_after_the_first_new_one() -> None:
    later = replace(ANCHOR, scope=MODULE, file="server/other.js")
    new = with_anchors(source("filter_by_harness"), {"filter": ANCHOR}, "x.py")
    twice = with_anchors(new, {"filter": later}, "x.py")
    assert declared_in(twice, "filter_by_harness").sites[0].anchors[1:] == (ANCHOR, later)
    assert is_formatted(twice)


def test_anchors_on_one_line_get_a_line_each() -> None:
    line = '            anchors=(Anchor(function("a"), "b()"), Anchor(function("ä"), "c()")),\n'
    old = 'from patcher.model import Anchor, Patch, Position, Site, function\n\nPATCH = Patch(\n    id="x",\n    summary="",\n'
    old += '    sites=(\n        Site(\n            name="one",\n            file="a.js",\n            position=Position.AFTER,\n'
    old += f'            template="t",\n{line}        ),\n    ),\n)\n'
    new = with_anchors(old, {"one": ANCHOR}, "x.py")
    assert declared_in(new, "x").sites[0].anchors == (*declared_in(old, "x").sites[0].anchors, ANCHOR)
    assert is_formatted(new)


@pytest.mark.parametrize("odd", ["a\u2028b", "a\x0cb", "a\x85b", "über"])
def test_what_only_some_call_a_line_break_moves_no_anchor(odd: str) -> None:
    old = source("harness_column").replace('id="harness_column",', f'id="harness_column",  # {odd}')
    old = old.replace("Sessions know", f"Sessions ({odd}) know")
    new = with_anchors(old, {"statement": ANCHOR}, "x.py")
    statement = next(each for each in declared_in(new, "harness_column").sites if each.name == "statement")
    assert statement.anchors[-1] == ANCHOR
    assert [line for line in old.split("\n") if "import" not in line and line not in new.split("\n")] == []


@pytest.mark.parametrize(
    "text",
    [
        "X = 1\n",
        "PATCH = Patch(sites=SITES)\n",
        'PATCH = Patch(sites=(Site(name="one", anchors=A),))\n',
        'PATCH = Patch(sites=(Site(name="one", anchors=()),))\n',
        'PATCH = Patch(sites=(Site(name="two", anchors=(Anchor(),)),))\n',
        'PATCH = Patch(sites=(Site(name="one", anchors=(Anchor(),)),))\n',
    ],
)
def test_what_is_not_written_out_is_refused(text: str) -> None:
    said = refusal(with_anchors, text, {"one": ANCHOR}, "x.py")
    assert isinstance(said, DeclarationUnclear) and said.message.startswith(
        "expected anchors that are written out, found "
    )


@pytest.mark.parametrize(
    ("reviewed", "between", "then"),
    [
        ("v1.1.1 to v1.4.8", (), "v1.1.1 to v1.5.0"),
        ("v1.4.8", (), "v1.4.8 to v1.5.0"),
        ("v1.1.1 to v1.4.8", ("v1.4.9",), "v1.1.1 to v1.4.8, v1.5.0"),
        ("v1.1.1 to v1.2.0, v1.4.8", (), "v1.1.1 to v1.2.0, v1.4.8 to v1.5.0"),
        ("v1.1.1 to v1.5.0", (), "v1.1.1 to v1.5.0"),
        ("v1.1.1 to v1.4.8: a note, and more", (), "v1.1.1 to v1.5.0: a note, and more"),
        ("v1.1.1: a note", ("v1.4.9",), "v1.1.1, v1.5.0: a note"),
        ("builtin", (), "builtin"),
    ],
)
def test_the_versions_that_a_pin_was_reviewed_for(reviewed: str, between: tuple[str, ...], then: str) -> None:
    assert revisions.extended(reviewed, "v1.5.0", between) == then


# --- files -----------------------------------------------------------------------------------------------------

KILLED_AFTER = """
import os, signal, sys
from patcher.bump import files
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
names = ["0.py", "1.py", "2.py", "pins.json"]
files.write({n: (f"old {n}\\n", f"new {n}\\n" * 2000) for n in names}, sys.argv[1])
"""
NAMES = ["0.py", "1.py", "2.py", "pins.json"]


def test_killed_at_every_step_each_file_is_whole_and_the_pins_come_last(tmp_path: Path) -> None:
    seen = set()
    for steps in range(60):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for name in NAMES:
            (folder / name).write_text(f"old {name}\n")
        done = subprocess.run([sys.executable, "-c", KILLED_AFTER, str(folder), str(steps)], env=environment())
        written = [(folder / name).read_text() for name in NAMES]
        assert all(text in {f"old {n}\n", f"new {n}\n" * 2000} for n, text in zip(NAMES, written, strict=True))
        states = tuple(text[:3] for text in written)
        assert states == tuple(sorted(states)), "a file came before one that goes first"
        seen.add((done.returncode, states))
        rest = {n: (t, f"new {n}\n" * 2000) for n, t in zip(NAMES, written, strict=True) if t.startswith("old")}
        files.write(rest, str(folder))
        assert sorted(os.listdir(folder)) == NAMES, "what a killed run had staged is gone"
        assert all((folder / name).read_text().startswith("new") for name in NAMES)
        if done.returncode == 0:
            break
    assert done.returncode == 0, "more steps than were tried"
    assert (-signal.SIGKILL, ("new", "new", "new", "old")) in seen  # anchors without their pins: a tree that refuses
    assert (-signal.SIGKILL, ("old",) * 4) in seen


def test_an_edited_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("edited\n")
    (tmp_path / "pins.json").write_text("old\n")
    said = refusal(files.write, {"pins.json": ("old\n", "new\n"), "a.py": ("old\n", "new\n")}, str(tmp_path))
    assert isinstance(said, DeclarationsChanged)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.py": "edited\n", "pins.json": "old\n"}


def test_an_installed_wheel_is_not_written_to(tmp_path: Path) -> None:
    ours = Series("codex", home=str(tmp_path / "site-packages/patcher/patches"))
    said = refusal(record.refuse_unless_writable, [ours])
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
    impatient(made)
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


@pytest.mark.long
@pytest.mark.slow
def test_write_is_a_diff_of_pins_and_a_second_time_of_nothing(checkout: Path, upstream: Path, node: None) -> None:
    before = texts(checkout)
    stopped = bump(checkout, upstream)
    assert stopped.code == 3 and "--accept harness_column.statement=1 --write" in stopped.out
    assert texts(checkout) == before
    done = bump(checkout, upstream, "--accept", "harness_column.statement=1", "--write")
    assert done.code == 0 and done.said.endswith("wrote 1 file; read `git diff patcher/patches`\n")
    after = texts(checkout)
    assert {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)} == {"pins.json"}
    old, new = (json.loads(each["pins.json"]) for each in (before, after))
    *kept, pin = new["harness_column.statement"]
    assert (kept, pin["reviewed"]) == (old["harness_column.statement"], "v1.6.0")
    assert list(new) == list(old)
    for site, pins in new.items():
        for then, now in zip(old[site], pins, strict=False):
            assert {**then, "reviewed": ""} == {**now, "reviewed": ""}
            first = then["reviewed"].partition(" to ")[0]
            assert now["reviewed"] in {then["reviewed"], f"{first} to v1.6.0"}
    assert new["capture_columns.migration"][0]["reviewed"] == "v1.1.1 to v1.6.0"
    again = bump(checkout, upstream, "--write")
    assert (again.code, again.said) == (0, "nothing to write: the declarations have it all\n")
    assert texts(checkout) == after


@pytest.mark.long
@pytest.mark.slow
def test_a_red_contract_refuses_and_nothing_is_written(checkout: Path, upstream: Path, node: None) -> None:
    overlay = checkout / "templates/payload/filter_by_harness.js"
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
def test_killed_at_any_moment_every_file_is_whole(checkout: Path, upstream: Path, node: None, tmp_path: Path) -> None:
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
        now = texts(checkout)
        assert {name: text for name, text in now.items() if name in before and name != "pins.json"} == {
            name: text for name, text in before.items() if name != "pins.json"
        }
        assert json.loads(now["pins.json"]).keys() == json.loads(before["pins.json"]).keys()
