"""What a person names to be written: written through, replaced whole, or refused before anything is done."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from patcher.report import destinations
from patcher.resources import BUILTIN_SIDECAR, MANIFEST
from tests.support import CommandLine, Ended, Repository, environment, snapshot, start, wait_for

FORMS = ("report", "html", "markdown")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))


def shell(script: str) -> Ended:
    done = subprocess.run(
        ["bash", "-c", script.replace("SP", f"{shlex.quote(sys.executable)} -m patcher")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def refused(ended: Ended, code: int, said: str) -> bool:
    return ended.code == code and ended.out == "" and ended.said.startswith(said) and "\n  hint: " in ended.err


# --- what is not a file is written to --------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_fifo_is_written_to(repository: Repository, tmp_path: Path, form: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    ended = shell(f"SP matrix --upstream {repository.path} --{form} fifo")
    reader.join(30)
    assert ended.code == 0 and stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert len(got[0]) > 100 and sorted(os.listdir(tmp_path)) == ["fifo"]


@pytest.mark.parametrize("form", FORMS)
def test_a_device_is_written_to(repository: Repository, tmp_path: Path, form: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device needs root")
    for name, minor in {"null": 3, "full": 7}.items():
        os.mknod(tmp_path / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
    assert shell(f"SP matrix --upstream {repository.path} --{form} null").code == 0
    full = shell(f"SP matrix --upstream {repository.path} --{form} full")
    assert (full.code, full.err) == (5, "error[report-unwritable]: full: No space left on device\n")
    assert all(stat.S_ISCHR((tmp_path / name).stat().st_mode) for name in ("null", "full"))
    assert sorted(os.listdir(tmp_path)) == ["full", "null"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("SP check --report >(cat >got) >/dev/null; sleep 0.5", id="a process"),
        pytest.param("SP check --report /dev/stdout --format github >got", id="stdout to a file"),
        pytest.param("SP check --report /dev/fd/3 3>got >/dev/null", id="a descriptor"),
        pytest.param("SP check --report /dev/stderr >/dev/null 2>got; sed -i '/^would build/d' got", id="stderr"),
        pytest.param(
            "ln -s /proc/self/fd/1 link; SP check --report link --format github | cat >got", id="a link to it"
        ),
    ],
)
def test_a_descriptor_is_written_to(tmp_path: Path, script: str) -> None:
    ended = shell(f"{script}; exit ${{PIPESTATUS[0]}}")
    assert ended.code == 0 and "Traceback" not in ended.err
    assert json.loads((tmp_path / "got").read_text())["ok"] is True


def test_a_report_and_a_text_that_share_a_file_are_both_in_it(tmp_path: Path) -> None:
    assert shell("SP check --report /dev/stdout >got").code == 0
    got = (tmp_path / "got").read_text()
    assert got.startswith('{\n  "schema": 1') and got.endswith("passed\n")


def test_a_reader_of_a_report_that_has_gone_is_no_error() -> None:
    assert shell("SP check --report >(true) >/dev/null; echo $?").out == "0\n"


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_a_link_stays_and_what_it_names_is_written(cli: CommandLine, tmp_path: Path, there: bool) -> None:
    (tmp_path / "folder").mkdir()
    if there:
        (tmp_path / "folder/real.json").write_text("old")
    (tmp_path / "link").symlink_to("folder/real.json")
    assert cli("list", "--report", "link").code == 0
    assert os.readlink(tmp_path / "link") == "folder/real.json"
    assert json.loads((tmp_path / "folder/real.json").read_text())["command"] == "list"
    assert os.listdir(tmp_path / "folder") == ["real.json"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_a_file_keeps_its_mode(cli: CommandLine, tmp_path: Path, mode: int) -> None:
    (tmp_path / "report.json").write_text("old")
    (tmp_path / "report.json").chmod(mode)
    assert cli("list", "--report", "report.json").code == 0
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == mode
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is True


def test_a_new_file_has_the_mode_of_the_umask() -> None:
    assert shell("umask 027; SP list --report r.json; stat -c %a r.json").out.endswith("640\n")


def test_the_longest_name_is_no_trouble(cli: CommandLine, tmp_path: Path) -> None:
    name = "r" * 250 + ".json"
    assert cli("list", "--report", name).code == 0 and os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=["interrupted", "a full disk"])
@pytest.mark.parametrize("step", ["replace", "fchmod"])
def test_a_report_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: type[BaseException]
) -> None:
    (tmp_path / "report.json").write_text("old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(error):
        destinations.write_whole("report.json", "{}")
    assert snapshot(tmp_path) == {"report.json": (b"old", False)}


def test_an_interrupt_while_a_reader_is_waited_for_leaves_nothing(tmp_path: Path) -> None:
    """Nobody reads the FIFO: the run waits, and Ctrl-C ends it, with no file of ours."""
    os.mkfifo(tmp_path / "fifo")
    process = start("-m", "patcher", "list", "--report", "other.json", "--report", "fifo", cwd=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "\ninterrupted; nothing is left half done\n")
    assert os.listdir(tmp_path) == ["fifo"]


def test_a_polite_kill_ends_what_a_shell_sent_into_the_background(tmp_path: Path) -> None:
    """A shell lets its background jobs ignore Ctrl-C: that is no reason to ignore SIGTERM."""
    os.mkfifo(tmp_path / "fifo")
    job = "trap '' INT; exec SP list --report fifo & echo $!; wait $!; echo $?"
    words = ["bash", "-c", job.replace("SP", f"{shlex.quote(sys.executable)} -m patcher")]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), text=True
    ) as bash:
        assert bash.stdout is not None
        pid = int(bash.stdout.readline())
        wait_for(lambda: b"patcher" in Path(f"/proc/{pid}/cmdline").read_bytes())
        with pytest.raises(subprocess.TimeoutExpired):
            bash.wait(1.5)
        os.kill(pid, 15)
        assert bash.stdout.readline() == "130\n"


# --- refused before the work -------------------------------------------------------------------------------------


@pytest.fixture
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """No upstream is read once a destination is refused."""

    def read(*_: object, **__: object) -> None:
        pytest.fail("the work was begun")

    monkeypatch.setattr("patcher.pipeline.materialize", read)


@pytest.mark.usefixtures("nothing_is_done")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("folder", "folder: expected a file, found a directory\n", id="a directory"),
        pytest.param("to-folder", "to-folder: expected a file, found a directory\n", id="a link to a directory"),
        pytest.param("new/", "new/: expected a file, found a directory\n", id="a name that ends as a directory"),
        pytest.param("no/r.json", "no/r.json: its directory does not exist: HERE/no\n", id="no directory"),
        pytest.param("file/r.json", "file/r.json: Not a directory\n", id="a file for a directory"),
        pytest.param("dangling", "dangling: its directory does not exist: HERE/gone\n", id="a link into nowhere"),
        pytest.param("loop", "loop: Too many levels of symbolic links\n", id="a loop of links"),
        pytest.param("r" * 300, f"{'r' * 300}: File name too long\n", id="too long a name"),
        pytest.param("r/" * 3000 + "r", f"{'r/' * 3000}r: File name too long\n", id="too long a path"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused(cli: CommandLine, tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("gone/r.json")
    (tmp_path / "loop").symlink_to("loop")
    before = snapshot(tmp_path)
    expected = f"error[report-unwritable]: {said.replace('HERE', str(tmp_path))}"
    assert refused(cli("check", "--report", path), 5, expected)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("disk", ["read-only disk", "directory of somebody else"])
def test_a_place_that_cannot_be_written_is_refused(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    """`os.access` says so for both; root may write everywhere, so it is told here."""
    monkeypatch.setattr(os, "access", lambda *_: not disk)
    ended = cli("list", "--report", "r.json")
    assert refused(ended, 5, f"error[report-unwritable]: r.json: no permission to write into {tmp_path}\n")


@pytest.mark.usefixtures("nothing_is_done")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["build", "--out", "o", "--report", "o/r.json"], id="an output that is not there yet"),
        pytest.param(["build", "--out", "o", "--report", "o"], id="the output itself"),
        pytest.param(["build", "--report", ".generated/agent-monitor/r.json"], id="the default output"),
        pytest.param(["build", "--out", "o", "--report", "to-o/r.json"], id="by a link"),
        pytest.param(["build", "--out", "to-o", "--report", "o/r.json"], id="an output by a link"),
        pytest.param(["build", "--out", ".", "--report", "r.json"], id="the working directory"),
        pytest.param(["verify", "g", "--report", "g/r.json"], id="a generated tree"),
        pytest.param(["verify", "g", "--report", "to-g/sub/../r.json"], id="a generated tree by a link"),
        pytest.param(["revert", "g", "--out", "o", "--report", "g/r.json"], id="a generated tree to revert"),
        pytest.param(["revert", "g", "--out", "o", "--report", "o/r.json"], id="a pristine tree"),
        pytest.param(["doctor", "--tree", "g", "--report", "g/r.json"], id="a tree to examine"),
    ],
)
def test_a_report_inside_a_generated_tree_is_refused(cli: CommandLine, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "g/sub").mkdir(parents=True)
    (tmp_path / "to-g").symlink_to("g")
    (tmp_path / "to-o").symlink_to("o")
    ended = cli(*arguments)
    assert refused(ended, 2, "error[usage]: ") and "--report is inside the generated tree (" in ended.err
    assert sorted(os.listdir(tmp_path)) == ["g", "to-g", "to-o"] and os.listdir(tmp_path / "g") == ["sub"]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        pytest.param({"report": "r", "html": "r"}, ("report", "html"), id="one name"),
        pytest.param({"report": "r", "markdown": "./sub/../r"}, ("report", "markdown"), id="two names"),
        pytest.param({"html": "r", "markdown": "to-r"}, ("html", "markdown"), id="a link"),
        pytest.param({"html": "to-r", "markdown": "r2"}, ("html", "markdown"), id="a second name of a file"),
    ],
)
def test_two_reports_in_one_file_are_refused(
    cli: CommandLine, repository: Repository, tmp_path: Path, paths: dict[str, str], names: tuple[str, str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "to-r").symlink_to("r")
    if "r2" in paths.values():
        (tmp_path / "r").write_text("old")
        os.link(tmp_path / "r", tmp_path / "r2")
    before = snapshot(tmp_path)
    words = [word for form, path in paths.items() for word in (f"--{form}", path)]
    ended = cli("matrix", "--upstream", repository.path, *words)
    assert refused(ended, 2, "error[usage]: ") and f"--{names[0]} and --{names[1]} are the same file" in ended.err
    assert snapshot(tmp_path) == before


def test_two_reports_into_one_device_are_no_trouble(cli: CommandLine, repository: Repository) -> None:
    assert cli("matrix", "--upstream", repository.path, "--html", "/dev/null", "--report", "/dev/null").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "--upstream", "u.tgz", "--report", "u.tgz"], id="an archive"),
        pytest.param(["check", "--upstream", "upstream", "--report", "upstream/package.json"], id="a file of upstream"),
        pytest.param(
            ["check", "--upstream", "upstream", "--report", "upstream/server/r.json"], id="a new one that counts"
        ),
        pytest.param(["matrix", "--upstream", "clone", "--html", "clone/.git/config"], id="what a clone is"),
        pytest.param(["bump", "--upstream", "clone", "--to", "v1", "--markdown", "clone/.git/x"], id="inside of it"),
        pytest.param(["check", "--upstream", "clone@v1", "--report", "clone/.git/HEAD"], id="by a ref"),
        pytest.param(["matrix", "--upstream", "bare.git", "--report", "bare.git/HEAD"], id="a bare clone"),
        pytest.param(["prove", "--node", "node", "--report", "node"], id="a Node"),
        pytest.param(["check", "--report", BUILTIN_SIDECAR + "/server/db.js"], id="the builtin sidecar"),
    ],
)
def test_a_report_onto_what_is_read_is_refused(cli: CommandLine, upstream: Path, arguments: list[str]) -> None:
    here = upstream.parent
    (here / "u.tgz").write_text("an archive")
    (here / "node").write_text("a program")
    (here / "clone/.git").mkdir(parents=True)
    (here / "clone/.git/config").write_text("settings")
    (here / "bare.git/objects").mkdir(parents=True)
    before = snapshot(here)
    ended = cli(*arguments)
    assert refused(ended, 2, "error[usage]: ") and " would overwrite " in ended.err
    assert snapshot(here) == before


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "--upstream", "upstream", "--report", "upstream/r.json"], id="what never travels"),
        pytest.param(["matrix", "--upstream", "clone", "--report", "clone/r.json"], id="a working tree"),
        pytest.param(["build", "--upstream", "clone@v1.2.0", "--out", "clone/gen"], id="an output in a working tree"),
        pytest.param(["build", "--out", "out", "--report", "out.json"], id="beside the output"),
    ],
)
def test_what_is_only_near_is_not_refused(cli: CommandLine, upstream: Path, arguments: list[str]) -> None:
    shutil.copytree(upstream, upstream.parent / "clone")
    clone = Repository(upstream.parent / "clone")
    clone.git("init", "-q")
    clone.git("add", "-A")
    clone.git("commit", "-qm", "one")
    clone.git("tag", "v1.2.0")
    for _ in range(2):
        assert cli(*arguments).code == 0


@pytest.mark.usefixtures("nothing_is_done")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["build", "--upstream", "u", "--out", "u"], "the output is inside upstream (u)", id="the same"),
        pytest.param(
            ["build", "--upstream", "u", "--out", "u/server/gen"], "the output is inside upstream (u)", id="in"
        ),
        pytest.param(
            ["build", "--upstream", "u", "--out", "to-u/gen"], "the output is inside upstream (u)", id="a link"
        ),
        pytest.param(
            ["build", "--upstream", "to-u", "--out", "u/gen"], "the output is inside upstream", id="to a link"
        ),
        pytest.param(
            ["build", "--upstream", "p/u", "--out", "p"], "upstream (p/u) is inside the output", id="a parent"
        ),
        pytest.param(["build", "--upstream", "p/u.tgz", "--out", "p"], "upstream (p/u.tgz) is inside", id="an archive"),
        pytest.param(["build", "--upstream", "p/c@v1", "--out", "p"], "repository (p/c) is inside", id="a clone"),
        pytest.param(["build", "--upstream", "p/c@v1", "--out", "p/c"], "is inside the output", id="a clone itself"),
        pytest.param(["build", "--upstream", "p/c@v1", "--out", "p/c/.git/x"], "the output is inside", id="in a clone"),
        pytest.param(["build", "--out", BUILTIN_SIDECAR], "the output is inside the builtin sidecar", id="ours"),
        pytest.param(["revert", "g", "--out", "g"], "the output is inside the generated tree (g)", id="onto itself"),
        pytest.param(["revert", "g", "--out", "g/p"], "the output is inside the generated tree (g)", id="into itself"),
        pytest.param(["revert", "p/g", "--out", "p"], "the generated tree (p/g) is inside the output", id="around it"),
    ],
)
def test_an_output_in_what_it_is_made_from_is_refused(
    cli: CommandLine, tmp_path: Path, arguments: list[str], said: str
) -> None:
    for folder in ("u/server", "p/u", "p/c/.git", "g", "p/g"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "p/u.tgz").write_text("an archive")
    (tmp_path / "to-u").symlink_to("u")
    before = sorted(tmp_path.rglob("*"))
    ended = cli(*arguments, "--report", "r.json")
    assert refused(ended, 2, "error[usage]: ") and said in ended.err
    assert json.loads((tmp_path / "r.json").read_text())["ok"] is False
    assert sorted(each for each in tmp_path.rglob("*") if each.name != "r.json") == before


# --- words that are empty ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        *(["build", name, ""] for name in ("--out", "--upstream", "--report", "--node")),
        ["build", "--out="],
        ["check", "--upstream="],
        ["verify", ""],
        ["verify", "x", "--report", ""],
        ["revert", "", "--out", "x"],
        ["revert", "x", "--out", ""],
        ["diff", ""],
        ["explain", ""],
        ["explain", "x", "--upstream", ""],
        ["prove", "--only", ""],
        *(["matrix", "--upstream", ".", name, ""] for name in ("--refs", "--touching", "--require", "--jobs")),
        *(["matrix", "--upstream", ".", name, ""] for name in ("--report", "--html", "--markdown", "--format")),
        ["matrix", "--upstream", ".", "--refs", "v1", ""],
        ["matrix", "--upstream", ""],
        *(["bump", "--upstream", ".", "--to", "x", name, ""] for name in ("--from", "--only", "--accept", "--to")),
        *(["doctor", name, ""] for name in ("--tree", "--port", "--codex-home", "--data-dir")),
        ["list", "--report", ""],
        [""],
    ],
    ids=lambda words: " ".join(words) or "an empty verb",
)
def test_an_empty_word_is_a_usage_error(cli: CommandLine, tmp_path: Path, words: list[str]) -> None:
    ended = cli(*words)
    assert (ended.code, ended.out, os.listdir(tmp_path)) == (2, "", [])
    assert ended.err.startswith("usage: ")


def test_an_empty_output_is_not_the_tree_in_the_working_directory(cli: CommandLine, tmp_path: Path) -> None:
    """Where the working directory is up to date, too."""
    (tmp_path / "g").mkdir()
    os.chdir(tmp_path / "g")
    assert cli("build", "--out", ".").code == 0
    ended = cli("build", "--out", "")
    assert ended.code == 2
    assert "argument --out: expected a value, found an empty word (an unset variable?)" in ended.err


@pytest.mark.parametrize("words", [["build", "--out", "a\0b"], ["build", "--upstream", "a\0b"], ["verify", "\0"]])
def test_a_nul_is_a_usage_error(cli: CommandLine, words: list[str]) -> None:
    ended = cli(*words)
    assert ended.code == 2 and "a value cannot have a NUL character in it" in ended.err


@pytest.mark.parametrize(
    "word", ["a\nb", "-", "--", "~", "a" * 300, "a/" * 3000, "\x1b[31m", "{}", "%s"], ids=lambda word: repr(word[:9])
)
@pytest.mark.parametrize(
    "words",
    [
        ["check", "--upstream=WORD"],
        ["check", "--upstream=WORD@v1"],
        ["verify", "WORD"],
        ["build", "--upstream", "builtin", "--out=WORD/x"],
        ["revert", "WORD", "--out", "o"],
        ["matrix", "--upstream=WORD"],
        ["explain", "WORD"],
        ["prove", "--node=WORD"],
        ["doctor", "--tree=WORD", "--codex-home=WORD", "--port", "1"],
    ],
    ids=" ".join,
)
def test_an_odd_word_is_an_error_of_its_own(cli: CommandLine, tmp_path: Path, words: list[str], word: str) -> None:
    verb, *rest = (each.replace("WORD", word) for each in words)
    ended = cli(verb, "--report=r.json", *rest)
    assert ended.code in {0, 1, 2, 5} and "Traceback" not in ended.err
    assert (tmp_path / "r.json").exists() or ended.err.startswith("usage: ")
    assert not (tmp_path / "a").exists()  # of a path that is too deep, no folder stays


# --- the working directory -----------------------------------------------------------------------------------------


def test_an_empty_working_directory_is_filled_and_stays_the_same(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    os.chdir(tmp_path / "g")
    before = os.stat(".").st_ino
    assert cli("build", "--out", ".").code == 0
    assert (os.stat(".").st_ino, (tmp_path / "g").stat().st_ino) == (before, before)
    assert "LICENSE" in os.listdir() and cli("verify", ".").code == 0
    assert cli("build", "--out", ".").said.startswith("up to date: ")
    assert sorted(os.listdir(tmp_path)) == [".g.lock", "g"]


def test_a_pristine_tree_goes_into_an_empty_working_directory(cli: CommandLine, tmp_path: Path) -> None:
    cli("build", "--out", "g")
    (tmp_path / "p").mkdir()
    os.chdir(tmp_path / "p")
    assert cli("revert", "../g", "--out", ".").code == 0 and "LICENSE" in os.listdir()


@pytest.mark.parametrize("below", [".", "server"], ids=["the tree", "a directory in it"])
def test_a_tree_in_which_somebody_stands_is_not_taken_away(
    cli: CommandLine, upstream: Path, tmp_path: Path, below: str
) -> None:
    cli("build", "--out", "g")
    (upstream / "server/extra.js").write_text("1;\n")
    before = snapshot(tmp_path / "g")
    os.chdir(tmp_path / "g" / below)
    ended = cli("build", "--upstream", upstream, "--out", os.path.relpath(tmp_path / "g"))
    assert refused(ended, 5, "error[output-unwritable]: ") and "contains your shell's working directory" in ended.err
    assert snapshot(tmp_path / "g") == before
    os.chdir(tmp_path)
    assert cli("build", "--upstream", upstream, "--out", "g").code == 0


KILLED = """
import os, sys
from patcher.__main__ import main
real, calls = os.rename, [0]
def rename(source, destination):
    calls[0] += 1
    if calls[0] == int(sys.argv[1]):
        os._exit(9)
    real(source, destination)
os.rename = rename
os._exit(main(["build", "--out", "."]))
"""


@pytest.mark.parametrize("at", range(1, 6))
def test_a_kill_while_the_working_directory_is_filled_is_repaired(cli: CommandLine, tmp_path: Path, at: int) -> None:
    (tmp_path / "g").mkdir()
    os.chdir(tmp_path / "g")
    process = start("-c", KILLED, str(at), cwd=tmp_path / "g")
    process.communicate(timeout=60)
    assert process.returncode == 9 and len(os.listdir()) == at - 1
    assert not (tmp_path / "g" / MANIFEST).exists(), "what is not whole is no generated tree"
    assert cli("build", "--out", ".").code == 0 and cli("verify", ".").code == 0
    assert sorted(os.listdir(tmp_path)) == [".g.lock", "g"]


def test_what_a_person_put_there_after_a_kill_is_kept(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    os.chdir(tmp_path / "g")
    start("-c", KILLED, "4", cwd=tmp_path / "g").communicate(timeout=60)
    (tmp_path / "g/server/mine.js").write_text("mine")
    (tmp_path / "g/LICENSE").write_text("mine")
    assert cli("build", "--out", ".").code == 5
    assert snapshot(tmp_path / "g") == {"LICENSE": (b"mine", False), "server/mine.js": (b"mine", False)}


def test_an_interrupt_while_the_working_directory_is_filled_takes_it_back(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "g").mkdir()
    os.chdir(tmp_path / "g")
    real, calls = os.rename, [0]

    def rename(source: str, destination: str) -> None:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        real(source, destination)

    monkeypatch.setattr(os, "rename", rename)
    assert cli("build", "--out", ".").code == 130
    assert os.listdir() == [] and sorted(os.listdir(tmp_path)) == [".g.lock", "g"]


def test_a_working_directory_that_is_gone_is_an_error_of_its_own(tmp_path: Path) -> None:
    ended = shell("mkdir gone; cd gone; rmdir ../gone; SP build; echo $?; SP list >/dev/null; echo $?")
    assert ended.out == "5\n0\n" and "Traceback" not in ended.err


def test_a_mount_point_is_an_error_of_its_own(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    words = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path / "g")]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a disk needs root")
    try:
        ended = cli("build", "--out", "g")
        assert refused(
            ended, 5, f"error[output-unwritable]: {tmp_path}/g: cannot be written: it, or a directory in it, is"
        )
        assert cli("build", "--out", "g/tree").code == 0
    finally:
        subprocess.run(["umount", str(tmp_path / "g")], check=True)
