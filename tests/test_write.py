"""Stage 7: whatever happens, the target is the whole old tree or the whole new one, and nothing of a person's is lost."""

import errno
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patcher import write as writing
from patcher.errors import EXIT_ANCHOR, EXIT_IO, ContractRefused
from patcher.model import Tree
from patcher.resources import MANIFEST
from patcher.revert import write_new
from patcher.write import refuse_foreign, target, write
from tests.support import Says, generated, refusal, said_by, snapshot, spawn, start, stop, wait_for

OLD = generated({"a.js": "old\n", "server/b.js": "old\n", "only-old.js": "1\n"})
NEW = generated({"a.js": "new\n", "server/b.js": "new\n", "bin/deep/c.sh": "#!/bin/sh\n"}, executable=["bin/deep/c.sh"])
ELSEWHERE = "give another --out, or move the directory away yourself; nothing was touched"


def put(tree: Tree, out: Path) -> None:
    """What the pipeline does with a finished tree."""
    with target(str(out)) as directory:
        write(tree, directory)


def holds(out: Path, tree: Tree) -> bool:
    return snapshot(out) == {path: (file.data, file.executable) for path, file in tree.items()}


@pytest.fixture(params=[pytest.param(True, id="one swap"), pytest.param(False, id="two renames")])
def out(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target, on a system that swaps in one call and on one that cannot."""
    if not request.param:
        monkeypatch.setattr(writing, "_exchange", lambda *_: False)
    return tmp_path / "out"


# --- what is written -------------------------------------------------------------------------------------------


def test_the_first_tree_is_written(out: Path) -> None:
    put(NEW, out)
    assert holds(out, NEW)


def test_a_tree_replaces_an_older_one_of_ours(out: Path) -> None:
    put(OLD, out)
    put(NEW, out)
    assert holds(out, NEW)
    assert sorted(os.listdir(out.parent)) == [".out.lock", "out"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    put(NEW, tmp_path / "deep/er/out")
    assert holds(tmp_path / "deep/er/out", NEW)


def test_an_empty_directory_is_filled(out: Path) -> None:
    out.mkdir()
    put(NEW, out)
    assert holds(out, NEW)


def test_a_relative_target_is_that_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(NEW, Path("out"))
    assert holds(tmp_path / "out", NEW)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177], ids=oct)
def test_the_umask_does_not_show(out: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        put(NEW, out)
    finally:
        os.umask(before)
    modes = {path.relative_to(out).as_posix(): path.stat().st_mode & 0o7777 for path in [out, *out.rglob("*")]}
    folders = {".", "bin", "bin/deep", "server"}
    assert modes == {path: 0o755 if path in folders | {"bin/deep/c.sh"} else 0o644 for path in modes}


def test_what_npm_and_a_running_sidecar_put_there_survives(out: Path) -> None:
    put(OLD, out)
    (out / "data").mkdir()
    (out / "data/dashboard.db").write_bytes(b"SQLite format 3\0")
    put(NEW, out)
    assert (out / "data/dashboard.db").read_bytes() == b"SQLite format 3\0"


def test_links_in_place_of_what_a_sidecar_keeps_stay_links(out: Path, tmp_path: Path) -> None:
    """A sidecar whose rows are on a volume would go on with a copy of them."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume/dashboard.db").write_text("rows")
    put(OLD, out)
    (out / "data").symlink_to(tmp_path / "volume")
    (out / "node_modules").symlink_to(tmp_path / "not there yet")
    put(NEW, out)
    assert (out / "data").readlink() == tmp_path / "volume"
    assert (out / "node_modules").readlink() == tmp_path / "not there yet"
    assert (tmp_path / "volume/dashboard.db").stat().st_nlink == 1


def test_all_that_is_in_data_survives_with_its_modes(out: Path, tmp_path: Path) -> None:
    put(OLD, out)
    (out / "data/logs/empty").mkdir(parents=True)
    (out / "data/logs").chmod(0o700)
    (out / "data").chmod(0o2770)
    (out / "data/backups").symlink_to(tmp_path)
    (out / "data/gone").symlink_to("nowhere")
    if os.getuid() == 0:
        os.chown(out / "data", 1234, 1234)
    before = {path: path.lstat() for path in [out / "data", *(out / "data").rglob("*")]}
    put(NEW, out)
    after = {path: path.lstat() for path in [out / "data", *(out / "data").rglob("*")]}
    assert {path: (each.st_mode, each.st_uid) for path, each in after.items()} == {
        path: (each.st_mode, each.st_uid) for path, each in before.items()
    }


# --- what is refused -------------------------------------------------------------------------------------------


def foreign(out: Path, kind: str) -> None:
    """Put something at the target that is not ours."""
    if kind == "a file":
        out.write_text("mine")
    elif kind.startswith("a link"):
        (out.parent / "real").mkdir()
        out.symlink_to("real" if kind == "a link to a directory" else "nowhere")
    else:
        out.mkdir()
        (out / ("thesis.txt" if kind == "a directory with files" else ".keep")).write_text("mine")


NO_MANIFEST = f"the directory has files, and no {MANIFEST}: it is not a generated tree"
NO_DIRECTORY = "expected a directory of ours or nothing, found a file or link"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("a directory with files", NO_MANIFEST),
        ("a hidden file", NO_MANIFEST),
        ("a file", NO_DIRECTORY),
        ("a link to a directory", NO_DIRECTORY),
        ("a link to nothing", NO_DIRECTORY),
    ],
    ids=lambda value: value if value.startswith("a ") else "",
)
def test_what_is_not_ours_is_left_alone(out: Path, kind: str, message: str) -> None:
    foreign(out, kind)
    before = snapshot(out.parent)
    assert Says.of(refusal(put, NEW, out)) == Says("output-not-ours", EXIT_IO, message, ELSEWHERE, str(out))
    assert {path: each for path, each in snapshot(out.parent).items() if path != ".out.lock"} == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda out: (out / "a.js").write_text("mine"), "a.js (edited)", id="a file was edited"),
        pytest.param(lambda out: (out / "a.js").chmod(0o755), "a.js (edited)", id="a file was made executable"),
        pytest.param(lambda out: (out / "server/b.js").unlink(), "server/b.js (deleted)", id="a file was deleted"),
        pytest.param(lambda out: (out / "notes.txt").write_text("mine"), "notes.txt (added)", id="a file was added"),
        pytest.param(
            lambda out: ((out / "x.js").write_text(""), (out / "a.js").unlink()),
            "a.js (deleted), x.js (added)",
            id="both",
        ),
    ],
)
def test_an_edited_tree_is_left_alone(out: Path, change: object, named: str) -> None:
    put(OLD, out)
    assert callable(change)
    change(out)
    before = snapshot(out)
    message = f"tampered: a person has changed the generated tree: {named}"
    hint = f"`sidecar-patcher verify {out}` lists them; keep what you need elsewhere, delete the directory, build"
    assert Says.of(refusal(put, NEW, out)) == Says("output-tampered", EXIT_ANCHOR, message, hint, str(out))
    assert snapshot(out) == before


def test_no_more_than_ten_edited_files_are_named(out: Path) -> None:
    put(OLD, out)
    for number in range(12):
        (out / f"new-{number:02}.txt").write_text("")
    assert refusal(put, NEW, out).message.endswith("new-09.txt (added) and 2 more")


@pytest.mark.parametrize(
    "points_at",
    [
        pytest.param("server/b.js", id="other bytes"),
        pytest.param("nowhere", id="nothing"),
        pytest.param("twin.js", id="the same bytes"),
    ],
)
def test_a_file_that_became_a_link_is_an_edit(tmp_path: Path, points_at: str) -> None:
    put(generated({"a.js": "1\n", "twin.js": "1\n", "server/b.js": "2\n"}), tmp_path / "out")
    (tmp_path / "out/a.js").unlink()
    (tmp_path / "out/a.js").symlink_to(points_at)
    error = refusal(put, NEW, tmp_path / "out")
    assert (error.code, error.message.rpartition(": ")[2]) == ("output-tampered", "a.js (edited)")


def test_a_broken_manifest_is_refused(out: Path) -> None:
    put(OLD, out)
    (out / MANIFEST).write_text("{")
    assert refusal(refuse_foreign, str(out)).code == "manifest-unreadable"


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        pytest.param(None, False, id="nothing there"),
        pytest.param([], False, id="an empty directory"),
        pytest.param(["x"], True, id="a file in it"),
    ],
)
def test_a_new_directory_must_not_hold_anything(tmp_path: Path, content: list[str] | None, refused: bool) -> None:
    out = tmp_path / "out"
    for name in content or ():
        out.mkdir()
        (out / name).write_text("mine")
    if not refused:
        write_new(NEW, str(out))
        assert holds(out, NEW)
        return
    expected = Says("output-not-ours", EXIT_IO, "expected an empty directory or none", ELSEWHERE, str(out))
    assert Says.of(refusal(write_new, NEW, str(out))) == expected


# --- what goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False], ids=["over an older tree", "where nothing is"])
@pytest.mark.parametrize(
    "error", [ContractRefused("red"), KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")]
)
def test_a_refusal_before_the_swap_changes_nothing(out: Path, there: bool, error: BaseException) -> None:
    if there:
        put(OLD, out)

    def refuse(_: str) -> None:
        raise error

    with pytest.raises(BaseException), target(str(out)) as directory:  # noqa: PT011 - of any kind
        write(NEW, directory, before_swap=refuse)
    assert holds(out, OLD) if there else not out.exists()
    assert not (out.parent / ".out.stage").exists()


def test_the_staged_tree_is_whole_before_the_swap(out: Path) -> None:
    put(OLD, out)
    seen: list[bool] = []
    with target(str(out)) as directory:
        write(NEW, directory, before_swap=lambda stage: seen.append(holds(Path(stage), NEW) and holds(out, OLD)))
    assert seen == [True]


@pytest.mark.parametrize(
    ("number", "said", "hint"),
    [
        (errno.ENOSPC, "the disk is full", "free some space and build again"),
        (errno.EROFS, "the disk is read-only", "give an --out on a writable disk"),
        (errno.EACCES, "no permission to write there", "give an --out that you may write to"),
        (errno.EPERM, "no permission to write there", "give an --out that you may write to"),
        (errno.EIO, "Input/output error", "give another --out"),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_a_disk_that_refuses(out: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, hint: str) -> None:
    """The tests may run as root, whom no permission stops: the refusal is played, at the second file."""
    put(OLD, out)
    opened: list[str] = []

    def refuse(path: str, mode: str) -> object:
        opened.append(path)
        if len(opened) > 1:
            raise OSError(number, os.strerror(number), path)
        return open(path, mode)  # noqa: SIM115

    monkeypatch.setattr(writing, "open", refuse, raising=False)
    message = f"cannot be written: {said}; what was there is unchanged"
    assert Says.of(refusal(put, NEW, out)) == Says("output-unwritable", EXIT_IO, message, hint, str(out))
    assert holds(out, OLD) and not (out.parent / ".out.stage").exists()


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert refusal(put, NEW, tmp_path / "file/out").code == "output-unwritable"


@pytest.mark.parametrize("failing", [1, 2], ids=["the old tree cannot be moved", "the new tree cannot be moved"])
def test_a_rename_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    out, calls = tmp_path / "out", [0]
    put(OLD, out)
    real = os.rename

    def rename(source: str, destination: str) -> None:
        calls[0] += 1
        if calls[0] == failing:
            raise OSError(errno.EBUSY, "Device or resource busy")
        real(source, destination)

    monkeypatch.setattr(writing, "_exchange", lambda *_: False)
    monkeypatch.setattr(os, "rename", rename)
    assert refusal(put, NEW, out).message == (
        "cannot be written: it, or a directory in it, is a mount point or busy; what was there is unchanged"
    )
    assert holds(out, OLD)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB. Only root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    put(OLD, small_disk / "out")
    large = generated({f"server/{number}.js": b"x" * 100_000 for number in range(5)})
    error = refusal(put, large, small_disk / "out")
    assert error.message == "cannot be written: the disk is full; what was there is unchanged"
    assert holds(small_disk / "out", OLD)
    put(NEW, small_disk / "out")
    assert holds(small_disk / "out", NEW)


def test_a_disk_that_is_really_read_only(small_disk: Path) -> None:
    put(OLD, small_disk / "out")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert refusal(put, NEW, small_disk / "out").hint == "give an --out on a writable disk"
    assert holds(small_disk / "out", OLD)


# --- two at once -----------------------------------------------------------------------------------------------


def test_a_second_build_waits_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with target(str(out)) as directory:
        second = start("-m", "patcher", "build", "--out", out)
        assert said_by(second.stderr) == f"another build is writing {out}; waiting for it\n"
        assert second.poll() is None
        write(OLD, directory)
    assert second.wait(timeout=30) == 0
    second.communicate()
    assert (out / "server/index.js").exists()


def test_nothing_is_said_when_nobody_holds_the_target(tmp_path: Path) -> None:
    said: list[str] = []
    with target(str(tmp_path / "out"), said.append):
        pass
    assert said == []


@pytest.mark.slow
def test_many_builds_at_once_leave_one_whole_tree(tmp_path: Path) -> None:
    builds = [start("-m", "patcher", "build", "--out", tmp_path / "out") for _ in range(3)]
    assert [(build.communicate(timeout=60), build.returncode)[1] for build in builds] == [0, 0, 0]
    assert sorted(os.listdir(tmp_path)) == [".out.lock", "out"]


# --- kill -9 ---------------------------------------------------------------------------------------------------

FILES = [f"server/{number // 10}/{number}.js" for number in range(60)]
RED = generated(dict.fromkeys(FILES, "red\n"))
BLUE = generated({**dict.fromkeys(FILES, "blue\n"), "blue-only.js": "1\n"})
WRITER = """
import json, os, sys
from patcher import write as writing
from patcher.model import File

def put(name):
    tree = {path: File(text.encode()) for path, text in trees[name].items()}
    with writing.target(sys.argv[1]) as directory:
        writing.write(tree, directory)

with open(sys.argv[2]) as stream:
    trees = json.load(stream)
"""
PAINTER = f"{WRITER}\nprint('ready', flush=True)\nwhile True:\n    put('red')\n    put('blue')\n"
NO_SWAP = f"{WRITER}\nwriting._exchange = lambda *_: False\n"
KILLED_BETWEEN = f"""{NO_SWAP}
rename = os.rename
def once(source, destination):
    rename(source, destination)
    os._exit(9)
os.rename = once
put('blue')
"""


@pytest.fixture
def paint(tmp_path: Path) -> Path:
    """The trees that the processes write, for them to read."""
    trees = {"red": RED, "blue": BLUE}
    text = json.dumps({name: {path: file.data.decode() for path, file in tree.items()} for name, tree in trees.items()})
    (tmp_path / "paint").mkdir()
    (tmp_path / "paint/trees.json").write_text(text)
    return tmp_path / "paint/trees.json"


def kill_while_painting(out: Path, paint: Path, kills: int, script: str) -> Iterator[None]:
    """Kill a process that writes two trees in turn, each time at another moment."""
    for _ in range(kills):
        painter = start("-c", script, out, paint)
        assert said_by(painter.stdout) == "ready\n"
        time.sleep(random.random() * 0.06)  # noqa: S311
        stop(painter, signal.SIGKILL)
        yield


@pytest.mark.slow
def test_a_kill_leaves_the_whole_old_or_the_whole_new_tree(tmp_path: Path, paint: Path) -> None:
    out = tmp_path / "disk/out"
    put(RED, out)
    for _ in kill_while_painting(out, paint, 40, PAINTER):
        assert holds(out, RED) or holds(out, BLUE)
    put(OLD, out)
    assert holds(out, OLD) and sorted(os.listdir(out.parent)) == [".out.lock", "out"]


@pytest.mark.slow
def test_where_no_swap_exists_the_next_build_repairs(tmp_path: Path, paint: Path) -> None:
    out = tmp_path / "disk/out"
    put(RED, out)
    for _ in kill_while_painting(out, paint, 15, PAINTER.replace(WRITER, NO_SWAP)):
        with target(str(out)):
            assert holds(out, RED) or holds(out, BLUE)
    assert sorted(os.listdir(out.parent)) == [".out.lock", "out"]


def test_a_kill_between_the_two_renames_is_repaired(tmp_path: Path, paint: Path) -> None:
    out = tmp_path / "disk/out"
    put(RED, out)
    killed = start("-c", KILLED_BETWEEN, out, paint)
    killed.communicate(timeout=30)
    assert killed.returncode == 9 and not out.exists()
    with target(str(out)):
        assert holds(out, RED)
    assert sorted(os.listdir(out.parent)) == [".out.lock", "out"]


def test_a_build_that_was_killed_in_its_manifest_is_no_obstacle(out: Path) -> None:
    put(OLD, out)
    (out.parent / ".out.stage").mkdir()
    (out.parent / ".out.stage" / MANIFEST).write_text('{"schema": 1, "fi')
    put(NEW, out)
    assert holds(out, NEW)


def test_a_disk_that_is_full_in_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(OLD, tmp_path / "out")

    def half(path: str, mode: str) -> object:
        if path.endswith(MANIFEST):
            Path(path).write_text("{")
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode)  # noqa: SIM115

    monkeypatch.setattr(writing, "open", half, raising=False)
    assert refusal(put, NEW, tmp_path / "out").message.startswith("cannot be written: the disk is full")


KILLED_BEHIND_THE_SWAP = f"""{WRITER}
writing.keep_node_modules = lambda _, new: os.path.exists(os.path.join(new, "blue-only.js")) and os._exit(9)
put('blue')
"""


def killed_behind_the_swap(out: Path, paint: Path) -> None:
    """The old tree, with its database, is in the stage; the new one is in place."""
    put(RED, out)
    (out / "data").mkdir()
    (out / "data/dashboard.db").write_text("rows")
    killed = start("-c", KILLED_BEHIND_THE_SWAP, out, paint)
    killed.communicate(timeout=30)
    assert killed.returncode == 9 and (out / "blue-only.js").exists()


def test_a_kill_behind_the_swap_does_not_cost_the_database(tmp_path: Path, paint: Path) -> None:
    out = tmp_path / "disk/out"
    killed_behind_the_swap(out, paint)
    put(RED, out)
    assert (out / "data/dashboard.db").read_text() == "rows"


def test_there_is_no_moment_without_the_database(tmp_path: Path, paint: Path) -> None:
    """A sidecar that starts right after the kill must find its rows, or it would begin a new database."""
    out = tmp_path / "disk/out"
    killed_behind_the_swap(out, paint)
    assert (out / "data/dashboard.db").read_text() == "rows"


def test_a_sidecar_that_has_its_database_open_keeps_it(out: Path) -> None:
    put(OLD, out)
    (out / "data").mkdir()
    with (out / "data/dashboard.db").open("a", encoding="utf-8") as database:
        put(NEW, out)
        database.write("written later")
    assert (out / "data/dashboard.db").read_text() == "written later"


def test_an_up_to_date_build_repairs_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert spawn("build", "--out", out).code == 0
    (tmp_path / ".out.stage/node_modules/express").mkdir(parents=True)
    assert spawn("build", "--out", out).code == 0
    assert (out / "node_modules/express").is_dir() and not (tmp_path / ".out.stage").exists()


@pytest.mark.parametrize("name", [".out.stage", ".out.previous"])
def test_what_a_killed_build_left_behind_is_cleared(out: Path, name: str) -> None:
    put(OLD, out)
    (out.parent / name / "server").mkdir(parents=True)
    (out.parent / name / "server/half.js").write_text("hal")
    put(NEW, out)
    assert holds(out, NEW) and sorted(os.listdir(out.parent)) == [".out.lock", "out"]


@pytest.mark.slow
def test_a_killed_build_of_the_real_series_is_repaired(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(6):
        build = start("-m", "patcher", "build", "--out", out)
        time.sleep(0.2 + random.random() * 0.5)  # noqa: S311
        stop(build, signal.SIGKILL)
        assert not out.exists() or (out / MANIFEST).exists()
    build = start("-m", "patcher", "build", "--out", out)
    build.communicate(timeout=30)
    assert build.returncode == 0
    wait_for(lambda: not (tmp_path / ".out.stage").exists())
