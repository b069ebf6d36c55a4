"""The standard streams: whatever the caller made of them, the work is done and the exit code says so."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from patcher.errors import EXIT_IO
from tests.support import ROOT, SMALL, Ended, environment, snapshot

PROGRAM = f"{shlex.quote(sys.executable)} -m patcher"
VERBS = {
    "list": 0,
    "explain harness_column": 0,
    "explain nothing": 2,
    "check": 0,
    "check --upstream nowhere": 5,
    "check --fly": 2,
    "diff": 0,
    "verify built": 0,
    "verify nowhere": 5,
    "revert built --out pristine": 0,
    "build --out built": 0,
    "build --out fresh": 0,
    "doctor --tree built --codex-home none --port 1": 1,
    "matrix --upstream repository --jobs 1": 0,
    "bump --upstream repository --to v1.2.0": 0,
    "--help": 0,
    "build --help": 0,
    "--version": 0,
}
CLOSED = [">&-", "2>&-", "0<&- 2>&-", "0<&- >&- 2>&-", "2>/dev/full"]
ON_STDERR_ONLY = ("verify built", "verify nowhere", "revert", "build --out built", "explain nothing", "check --fly")


def shell(command: str, cwd: Path, **changes: str) -> Ended:
    """What a shell makes of `SP VERB …`. `ODD` is a name that is not UTF-8."""
    script = command.replace("SP", PROGRAM).replace("ODD", r"$'b\xe9'")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env=environment(HOME=str(cwd), **changes),
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def is_clean(ended: Ended) -> bool:
    return not any(sign in ended.out + ended.err for sign in ("Traceback", "Exception ignored", "error[bug]"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a generated tree and a clone of the builtin sidecar."""
    made = tmp_path_factory.mktemp("place")
    git = "git -c user.name=t -c user.email=t@example.invalid"
    sidecar = shlex.quote(str(ROOT / "fixtures/sidecar"))
    script = f"SP build --out built && cp -r {sidecar} repository && cd repository && git init -q && git add -A"
    assert shell(f"{script} && {git} commit -qm one && git tag v1.2.0", made).code == 0
    return made


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_stream_that_is_closed_or_full_does_not_change_how_a_run_ends(place: Path, verb: str) -> None:
    found = {}
    for redirected in CLOSED:
        before = set(snapshot(place))
        ended = shell(f"SP {verb} {redirected}", place)
        made = {path.split("/")[0] for path in set(snapshot(place)) - before}
        assert is_clean(ended), redirected
        found[redirected] = ended.code
        assert made <= {"fresh", "pristine", ".fresh.lock"}, "a closed descriptor went to no file of anybody's"
        shell("rm -rf fresh pristine", place)
    assert found == dict.fromkeys(CLOSED, VERBS[verb])


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_stdout_on_a_full_disk_is_said_in_one_line(place: Path, verb: str) -> None:
    ended = shell(f"SP {verb} >/dev/full", place)
    shell("rm -rf fresh pristine", place)
    silent = verb.startswith(ON_STDERR_ONLY) or VERBS[verb] in {2, 5}
    assert is_clean(ended) and ended.code == (VERBS[verb] if silent else VERBS[verb] or 5)
    lines = [line for line in ended.err.splitlines() if "No space left" in line]
    wanted = f"error[stdout-unwritable]: No space left on device; the exit code without this is {VERBS[verb]}"
    assert lines == ([] if silent else [wanted])


def test_what_was_to_be_written_is_there_all_the_same(tmp_path: Path) -> None:
    ended = shell("SP build --out out --report report.json >&- 2>&-", tmp_path)
    assert ended.code == 0 and shell("SP verify out", tmp_path).code == 0
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is True


def test_a_reader_that_has_gone_does_not_hide_that_a_check_stopped(tmp_path: Path) -> None:
    SMALL.write(tmp_path / "small")
    assert shell("SP check --upstream small | true; exit ${PIPESTATUS[0]}", tmp_path).code == 3


def test_a_stdout_that_does_not_wait_gets_everything(tmp_path: Path) -> None:
    """A parent may have made the pipe non-blocking, as Node does; and it reads later than we write."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "patcher", "diff"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    )
    os.close(writer)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    with open(reader, "rb") as stream:
        got = stream.read()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert got.decode() == shell("SP diff", tmp_path).out


# --- encodings ---------------------------------------------------------------------------------------------------

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NOT_UTF_8 = os.fsdecode(b"b\xe9")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A directory with an upstream whose path is not UTF-8, and a file in it whose name is not ASCII."""
    target = tmp_path / NOT_UTF_8
    subprocess.run(["cp", "-r", ROOT / "fixtures/sidecar", target], check=True)
    (target / "server/données.js").write_text("module.exports = '✓';\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "verb",
    [
        "check --upstream ODD",
        "check --upstream ODD --format json",
        "check --upstream ODD/nowhere --format github",
        "diff --upstream ODD",
        "explain harness_column --upstream ODD",
        "explain ✓",
        "build --upstream ODD --out out-✓",
        "verify ODD",
        "list",
        "doctor --tree ODD --codex-home ODD --port 1",
        "matrix --upstream ODD",
    ],
)
def test_an_ascii_locale_does_what_utf_8_does(odd: Path, verb: str) -> None:
    found = {}
    for name, changes in {"ascii": ASCII, "utf-8": {"LC_ALL": "C.UTF-8"}}.items():
        ended = shell(f"SP {verb}", odd, **changes)
        assert is_clean(ended)
        shown = ended.out + ended.err
        if name == "ascii" and "json" not in verb and "github" not in verb and "diff" not in verb:
            assert shown.isascii()
        tree = snapshot(odd / "out-✓") if (odd / "out-✓").is_dir() else {}
        found[name] = (ended.code, tree, ended.out if "diff" in verb or "json" in verb else "")
        subprocess.run(["rm", "-rf", odd / "out-✓"], check=True)
    assert found["ascii"] == found["utf-8"] and found["utf-8"][0] in {0, 1, 2, 5}


@pytest.mark.parametrize("changes", [ASCII, {"PYTHONIOENCODING": "ascii"}, {}], ids=["locale", "stdout", "UTF-8"])
@pytest.mark.parametrize("missing", ["", "/nowhere"], ids=["is there", "is not"])
def test_a_path_that_is_not_utf_8_is_in_a_report_that_can_be_read(
    odd: Path, changes: dict[str, str], missing: str
) -> None:
    ended = shell(f"SP matrix --upstream ODD{missing} --report r.json --html r.html --markdown r.md", odd, **changes)
    assert ended.code == 5 and is_clean(ended)
    [error] = json.loads((odd / "r.json").read_text(encoding="utf-8"))["errors"]
    assert "b\\xe9" in error["where"] + error["message"]
    for name in ("r.html", "r.md"):
        assert "b\\xe9" in (odd / name).read_text(encoding="utf-8").replace("\\\\", "\\")


def test_json_on_stdout_is_json_whatever_the_terminal(odd: Path) -> None:
    ended = shell("SP check --upstream ODD/é --format json", odd, PYTHONIOENCODING="ascii")
    assert json.loads(ended.out)["errors"][0]["where"] == "b\\xe9/é"


# --- other ways to run Python --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["explain harness_column", "--help", "build --help", "list"])
def test_python_without_docstrings_says_the_same(tmp_path: Path, verb: str) -> None:
    plain = shell(f"SP {verb}", tmp_path)
    assert plain.code == 0 and shell(f"{PROGRAM.replace(' -m', ' -OO -m')} {verb}", tmp_path) == plain


@pytest.mark.slow
@pytest.mark.parametrize("verb", [verb for verb, code in VERBS.items() if code in {0, 1}])
def test_nothing_is_left_open(place: Path, verb: str) -> None:
    ended = shell(f"{PROGRAM.replace(' -m', ' -O -W error -X dev -m')} {verb}", place)
    shell("rm -rf fresh pristine", place)
    assert ended.code == VERBS[verb] and is_clean(ended) and "Warning" not in ended.err


# --- a working directory that somebody has deleted -----------------------------------------------------------------


@pytest.mark.parametrize(
    "verb",
    ["build", "check --report r.json", "list --html p.html", "check --upstream .", "revert a --out b", "series new a"],
)
def test_a_deleted_working_directory_is_named(tmp_path: Path, verb: str) -> None:
    ended = shell(f"mkdir gone && cd gone && rmdir ../gone && SP {verb}", tmp_path)
    assert ended.code == EXIT_IO and is_clean(ended)
    assert ended.err.startswith("error[disk-failed]: the working directory has been deleted\n  hint: `cd` into")


def test_what_needs_no_working_directory_works_without_one(tmp_path: Path) -> None:
    out = shlex.quote(str(tmp_path / "out"))
    ended = shell(f"mkdir gone && cd gone && rmdir ../gone && SP build --out {out} && SP verify {out}", tmp_path)
    assert ended.code == 0
