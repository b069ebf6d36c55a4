"""The command: what it writes, what it says, that it does so again only for what changed, and what it refuses."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patcher.adopt import files
from patcher.adopt.run import _sync
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, EXIT_IO, EXIT_USAGE
from patcher.model import File, Upstream
from tests.adopt.test_kinds import SERVER, upstream, written
from tests.support import CommandLine, Ended, refusal, snapshot

EDITED = SERVER.replace("const when", "app.on(1);\n  const when").replace("  first: 1,\n", "  first: 3,\n")


class Fork:
    """A pristine tree, the same with changes, and the command that adopts them."""

    def __init__(self, folder: Path, command: CommandLine) -> None:
        self.folder = folder
        self.command = command
        self.pristine = written(folder / "pristine", upstream())
        self.series = folder / "acme"

    def edited(self, changes: dict[str, str | bytes | None], executable: tuple[str, ...] = ()) -> Path:
        tree = dict(upstream().tree)
        for path, data in changes.items():
            if data is None:
                del tree[path]
            else:
                bits = data.encode() if isinstance(data, str) else data
                tree[path] = File(bits, path in executable or (path in tree and tree[path].executable))
        there = self.folder / "edited"
        subprocess.run(["rm", "-rf", str(there)], check=True)
        written(there, Upstream("agent-dashboard", "1.2.0", "directory", tree))
        return there

    def adopt(self, *more: str | Path) -> Ended:
        words = ["--upstream", self.pristine, "--series", str(self.series), "--report", str(self.folder / "r.json")]
        return self.command("adopt", *words, *more)

    def changed(self, changes: dict[str, str | bytes | None], *more: str) -> Ended:
        return self.adopt("--edited", str(self.edited(changes)), *more)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "r.json").read_text())
        return found

    @property
    def statuses(self) -> dict[str, str]:
        return {each["path"]: each["status"] for each in self.report["adopt"]["files"]}

    def reason(self, path: str) -> str:
        [found] = [each["reason"] for each in self.report["adopt"]["files"] if each["path"] == path]
        return str(found)


@pytest.fixture
def fork(tmp_path: Path, cli: CommandLine) -> Fork:
    return Fork(tmp_path, cli)


def test_a_fork_becomes_a_series_that_builds_and_comes_out_again(fork: Fork, tmp_path: Path) -> None:
    ended = fork.changed({"server/start.js": EDITED, "server/own.js": "exports.own = 1;\n"})
    assert ended.code == EXIT_DONE, ended.err
    assert fork.statuses == {"server/own.js": "overlay", "server/start.js": "identical"}
    assert fork.report["adopt"]["hunks"] == {"total": 2, "adopted": 2}
    assert "2 of 2 hunks adopted, in 2 edits" in ended.out
    out, back = tmp_path / "out", tmp_path / "back"
    series = ("--series", str(fork.series))
    assert fork.command("build", "--upstream", fork.pristine, *series, "--out", out).code == EXIT_DONE
    assert fork.command("verify", out).code == EXIT_DONE
    assert fork.command("revert", out, "--out", back).code == EXIT_DONE
    assert (back / "server/start.js").read_text() == SERVER


def test_what_has_no_comments_is_taken_out_by_the_manifest(fork: Fork, tmp_path: Path) -> None:
    words = upstream().tree["server/words.json"].data.decode()
    changes: dict[str, str | bytes | None] = {
        "server/words.json": words.replace('"Open"', '"Open it"'),
        "server/run.sh": "#!/bin/sh\nexec run\n",
    }
    assert fork.changed(changes).code == EXIT_DONE
    assert fork.statuses == {"server/run.sh": "override", "server/words.json": "identical"}
    out, back, twice = tmp_path / "out", tmp_path / "back", tmp_path / "twice"
    series = ("--series", str(fork.series))
    assert fork.command("build", "--upstream", fork.pristine, *series, "--out", out).code == EXIT_DONE
    assert json.loads((out / "server/words.json").read_text())["words"]["open"] == "Open it"
    assert fork.command("revert", out, "--out", back).code == EXIT_DONE
    assert (back / "server/words.json").read_text() == words
    assert (back / "server/run.sh").read_bytes() == b"#!/bin/sh\necho run\n"
    assert fork.command("build", "--upstream", out, *series, "--out", twice).code == EXIT_DONE
    assert (twice / "server/words.json").read_bytes() == (out / "server/words.json").read_bytes()


def test_an_edited_file_without_markers_is_tampered(fork: Fork, tmp_path: Path) -> None:
    words = upstream().tree["server/words.json"].data.decode()
    assert fork.changed({"server/words.json": words.replace('"Open"', '"Open it"')}).code == EXIT_DONE
    out, series = tmp_path / "out", ("--series", str(fork.series))
    assert fork.command("build", "--upstream", fork.pristine, *series, "--out", out).code == EXIT_DONE
    (out / "server/words.json").write_text(words.replace('"Open"', '"Shut it"'))
    ended = fork.command("check", "--upstream", out, *series)
    assert ended.code == 3
    assert "what we made of this file has been edited" in ended.out + ended.err
    assert fork.command("verify", out).code == EXIT_DIFFERENT
    assert fork.command("revert", out, "--out", tmp_path / "back").code != EXIT_DONE


def test_again_changes_only_what_changed(fork: Fork) -> None:
    fork.changed({"server/start.js": EDITED})
    first = snapshot(fork.series)
    assert fork.changed({"server/start.js": EDITED}).code == EXIT_DONE
    assert snapshot(fork.series) == first
    assert fork.report["adopt"]["series"]["written"] == []
    more = EDITED.replace("app.close();\n  return", "return")
    assert fork.changed({"server/start.js": more}).code == EXIT_DONE
    names = set(fork.report["adopt"]["series"]["written"])
    assert names and not names & {path for path in first if "const_when" in path or "limits" in path}
    assert fork.changed({"server/start.js": SERVER.replace("  first: 1,\n", "  first: 3,\n")}).code == EXIT_DONE
    assert any("const_when" in path for path in fork.report["adopt"]["series"]["removed"])
    assert not any("const_when" in path for path in snapshot(fork.series))


def test_what_the_author_wrote_stays(fork: Fork) -> None:
    fork.changed({"server/start.js": EDITED})
    entry = fork.series / "series.py"
    own = entry.read_text().replace("patches=adopted.PATCHES", "patches=(*adopted.PATCHES,)")
    entry.write_text(own)
    (fork.series / "templates" / "mine.js").write_text("1;\n")
    assert fork.changed({"server/start.js": SERVER.replace("listening", "ready")}).code == EXIT_DONE
    assert entry.read_text() == own
    assert (fork.series / "templates" / "mine.js").exists()


def test_a_diff_is_as_good_as_a_tree(fork: Fork, tmp_path: Path) -> None:
    there = fork.edited({"server/start.js": EDITED, "server/own.js": "exports.own = 1;\n"})
    words = ["git", "diff", "--no-index", "--binary", "pristine", "edited"]
    text = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).stdout.decode()
    (tmp_path / "a.diff").write_text(text.replace("a/pristine/", "a/").replace("b/edited/", "b/"))
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    by_diff = snapshot(fork.series)
    subprocess.run(["rm", "-rf", str(fork.series)], check=True)
    assert fork.adopt("--edited", there).code == EXIT_DONE
    assert snapshot(fork.series) == by_diff


def test_every_file_that_is_not_expressed_is_named(fork: Fork) -> None:
    changes: dict[str, str | bytes | None] = {
        "server/start.js": EDITED,
        "server/words.json": None,
        "server/new.bin": b"\0\1",
        "server/package-lock.json": "{}\n",
        "server/__tests__/a.test.js": "1;\n",
        "client/src/Page.tsx": "export const Page = 1;\n",
    }
    ended = fork.changed(changes)
    assert ended.code == EXIT_DIFFERENT
    assert fork.statuses == {
        "client/src/Page.tsx": "does-not-travel",
        "server/__tests__/a.test.js": "does-not-travel",
        "server/new.bin": "not-expressed",
        "server/package-lock.json": "not-expressed",
        "server/start.js": "identical",
        "server/words.json": "not-expressed",
    }
    assert fork.reason("server/words.json") == "it was deleted: a series cannot take a file away"
    assert fork.reason("server/new.bin") == "it is new, and binary: a payload is text"
    assert fork.reason("server/package-lock.json").startswith("it is a lock file")
    assert "`--client` takes its sources along" in fork.reason("client/src/Page.tsx")
    for path in changes:
        assert path in ended.out or fork.statuses[path] == "identical"


def test_a_mode_alone_cannot_be_expressed(fork: Fork) -> None:
    there = fork.edited({"server/start.js": SERVER}, executable=("server/start.js",))
    assert fork.adopt("--edited", there).code == EXIT_DIFFERENT
    assert fork.reason("server/start.js") == "it was made executable: a payload changes text, and nothing else"


@pytest.mark.parametrize("name", ["class.js", "import.js", "files.js", 'q"uote.js', 'tr"""iple.js', "new\nline.js"])
def test_a_file_may_be_named_as_no_module_can(fork: Fork, name: str) -> None:
    (Path(fork.pristine) / "server" / name).write_text("exports.one = 1;\n")
    there = fork.edited({f"server/{name}": "exports.one = 2;\n", "server/own.js": "exports.own = 1;\n"})
    assert fork.adopt("--edited", there).code == EXIT_DONE
    assert fork.statuses == {f"server/{name}": "identical", "server/own.js": "overlay"}


def test_nothing_changed_is_nothing_to_do(fork: Fork) -> None:
    ended = fork.changed({})
    assert (ended.code, fork.report["adopt"]["files"]) == (EXIT_DONE, [])
    assert "changes nothing of agent-dashboard 1.2.0" in ended.out


# --- bad input -------------------------------------------------------------------------------------------------


def refused(fork: Fork, ended: Ended, code: str, exit_code: int, said: str) -> None:
    assert ended.code == exit_code, ended.err
    [error] = fork.report["errors"]
    assert error["code"] == code
    assert said in error["message"]
    assert error["hint"]
    assert not fork.series.exists()
    assert "Traceback" not in ended.err


def test_a_tree_of_another_package(fork: Fork) -> None:
    ended = fork.changed({"package.json": '{"name": "other", "version": "1.2.0"}\n'})
    refused(fork, ended, "upstream-not-agent-dashboard", EXIT_IO, "expected agent-dashboard, found 'other'")


def test_a_directory_that_is_no_tree(fork: Fork, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = "expected agent-dashboard, found a tree without a package.json"
    refused(fork, fork.adopt("--edited", tmp_path / "empty"), "upstream-not-agent-dashboard", EXIT_IO, said)


def test_a_tree_that_is_not_there(fork: Fork, tmp_path: Path) -> None:
    refused(fork, fork.adopt("--edited", tmp_path / "none"), "upstream-unreadable", EXIT_IO, "no such directory")


def test_a_tree_of_another_version(fork: Fork) -> None:
    changes: dict[str, str | bytes | None] = {path: file.data + b"\n" for path, file in upstream().tree.items()}
    changes["package.json"] = '{"name": "agent-dashboard", "version": "2.0.0", "files": ["*"]}\n'
    ended = fork.changed(changes)
    said = "expected edits of agent-dashboard 1.2.0 (directory), found 2.0.0, and"
    refused(fork, ended, "edited-another-version", EXIT_IO, said)


def test_a_tree_that_we_have_built(fork: Fork) -> None:
    ended = fork.changed({"sidecar-patcher.json": "{}\n"})
    refused(fork, ended, "edited-generated-tree", EXIT_IO, "found one that was built: it has sidecar-patcher.json")


def test_a_fork_may_have_a_version_of_its_own(fork: Fork) -> None:
    package = '{"name": "agent-dashboard", "version": "1.2.1", "files": ["*"]}\n'
    assert fork.changed({"package.json": package}).code == EXIT_DONE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a diff, found none in it"),
        ("no diff\n", "expected a diff, found none in it"),
        (
            "--- a/server/start.js\n+++ b/server/start.js\n@@ -1 +1 @@\n-nothing\n+something\n",
            "it does not apply to this upstream: patch failed: server/start.js:1",
        ),
        ("--- a/none.js\n+++ b/none.js\n@@ -1 +1 @@\n-a\n+b\n", "it does not apply to this upstream: none.js"),
        ("--- a/../x.js\n+++ b/../x.js\n@@ -0,0 +1 @@\n+b\n", "it does not apply to this upstream: invalid path"),
        (
            (
                "diff --git a/a.bin b/a.bin\nnew file mode 100644\nindex 0000000..1111111\n"
                "Binary files /dev/null and b/a.bin differ\n"
            ),
            "it names a binary file without its content",
        ),
    ],
)
def test_a_diff_that_does_not_apply(fork: Fork, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.diff").write_text(text)
    refused(fork, fork.adopt("--diff", tmp_path / "a.diff"), "diff-unusable", EXIT_IO, said)


def test_a_diff_that_is_not_there(fork: Fork, tmp_path: Path) -> None:
    refused(fork, fork.adopt("--diff", tmp_path / "none"), "diff-unusable", EXIT_IO, "No such file")


def test_a_directory_of_something_else_is_not_written_to(fork: Fork) -> None:
    fork.series.mkdir()
    (fork.series / "notes.txt").write_text("mine\n")
    ended = fork.changed({"server/start.js": EDITED})
    assert (ended.code, fork.report["errors"][0]["code"]) == (EXIT_USAGE, "series-not-adoptable")
    assert snapshot(fork.series).keys() == {"notes.txt"}


def test_a_file_is_no_place_for_a_series(fork: Fork) -> None:
    fork.series.write_text("mine\n")
    ended = fork.changed({"server/start.js": EDITED})
    assert (ended.code, fork.report["errors"][0]["code"]) == (EXIT_USAGE, "series-not-adoptable")
    assert fork.series.read_text() == "mine\n"


@pytest.mark.parametrize("name", ["codex", "consent"])
def test_a_series_has_no_name_of_ours(fork: Fork, name: str) -> None:
    """`--series codex` would mean ours, and not what was adopted."""
    fork.series = fork.folder / name
    refused(fork, fork.changed({}), "series-not-adoptable", EXIT_USAGE, f"found {name}, which is one of ours")


def test_a_disk_on_which_not_all_can_be_written_changes_nothing(fork: Fork) -> None:
    assert fork.changed({"server/start.js": EDITED}).code == EXIT_DONE
    (fork.series / "pins.json.new").mkdir()  # what is written nearly last, cannot be
    before = snapshot(fork.series)
    ended = fork.changed({"server/own.js": "exports.own = 1;\n"})
    assert ended.code == EXIT_IO and f"{fork.series}: cannot be written: Is a directory" in ended.err
    assert snapshot(fork.series) == before


def test_of_a_new_series_that_cannot_be_written_nothing_stays(tmp_path: Path) -> None:
    changes = {"series.py": b"", "patches/a.py.new/b.py": b"", "patches/a.py": b""}
    assert refusal(_sync, str(tmp_path / "acme"), changes).code == "disk-failed"
    assert list(tmp_path.iterdir()) == []


def test_a_series_that_does_not_list_what_is_adopted_is_told_how(fork: Fork) -> None:
    fork.series.mkdir()
    entry = fork.series / "series.py"
    entry.write_text('from patcher.model import Series\n\nSERIES = Series("acme")\n')
    ended = fork.changed({"server/start.js": EDITED})
    [error] = fork.report["errors"]
    assert (ended.code, error["code"]) == (EXIT_USAGE, "series-not-adoptable")
    assert "`from .patches import adopted`" in error["hint"]
    assert snapshot(fork.series).keys() == {"series.py"}


def test_either_a_tree_or_a_diff(fork: Fork) -> None:
    assert fork.adopt().code == EXIT_USAGE
    assert fork.adopt("--edited", "a", "--diff", "b").code == EXIT_USAGE


# --- diff --plain ----------------------------------------------------------------------------------------------


def test_a_plain_diff_gives_the_edited_bytes_to_git(fork: Fork, tmp_path: Path) -> None:
    words = upstream().tree["server/words.json"].data.decode()
    changes: dict[str, str | bytes | None] = {
        "server/start.js": EDITED,
        "server/words.json": words.replace('"Open"', '"Open it"'),
        "server/own.js": "exports.own = 1;\n",
    }
    assert fork.changed(changes).code == EXIT_DONE
    ended = fork.command("diff", "--plain", "--upstream", fork.pristine, "--series", str(fork.series))
    assert ended.code == EXIT_DONE and "sidecar-patcher" not in ended.out
    (tmp_path / "plain.diff").write_text(ended.out)
    clone = tmp_path / "pristine"
    for command in (["init", "-q"], ["apply", "--whitespace=nowarn", str(tmp_path / "plain.diff")]):
        subprocess.run(["git", "-C", str(clone), *command], check=True)
    for path, data in changes.items():
        assert (clone / path).read_text() == data


def test_a_file_whose_result_differs_is_named(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is a build of the series: what it does not give back is said, whatever `adopt` believed."""
    whole = files.adopt

    def wrong(path: str, both: Any) -> files.Adopted:
        found = whole(path, both)
        payloads = tuple(replace(each, text=each.text + " ") for each in found.payloads)
        return replace(found, payloads=payloads)

    monkeypatch.setattr(files, "adopt", wrong)
    assert fork.changed({"server/start.js": EDITED}).code == EXIT_DIFFERENT
    assert fork.statuses == {"server/start.js": "partial"}
    assert fork.reason("server/start.js") == "what comes out differs from the edited file"


@pytest.mark.parametrize("missing", ["pins.json", "patches/adopted/__init__.py", "patches/adopted/start.py"])
def test_a_run_that_was_killed_is_mended_by_the_next(fork: Fork, missing: str) -> None:
    """Of two files that belong together only one was written: the next run writes the other."""
    fork.changed({"server/start.js": EDITED})
    whole = snapshot(fork.series)
    (fork.series / missing).unlink()
    if missing == "pins.json":
        (fork.series / missing).write_text("{}")
    assert fork.changed({"server/start.js": EDITED}).code == EXIT_DONE
    assert snapshot(fork.series) == whole


def test_what_is_wrong_with_the_authors_own_is_said_and_nothing_is_written(fork: Fork) -> None:
    fork.changed({"server/start.js": EDITED})
    (fork.series / "series.py").write_text("from .patches import adopted\nSERIES = 1\n")
    before = snapshot(fork.series)
    ended = fork.changed({"server/start.js": SERVER.replace("listening", "ready")})
    [error] = fork.report["errors"]
    assert (ended.code, error["code"]) == (EXIT_USAGE, "series-invalid")
    assert error["where"] == str(fork.series / "series.py")
    assert snapshot(fork.series) == before


def test_pins_that_are_damaged_are_said(fork: Fork) -> None:
    fork.changed({"server/start.js": EDITED})
    (fork.series / "pins.json").write_text("{")
    ended = fork.changed({"server/start.js": EDITED})
    assert (ended.code, fork.report["errors"][0]["code"]) == (EXIT_IO, "pins-unreadable")
    assert fork.report["errors"][0]["where"] == str(fork.series / "pins.json")


@pytest.mark.parametrize(
    "recorded",
    [None, 1, [1], [[1]], [[{}]], [[{"site": "a.b", "start": -1, "end": 2, "was": ""}]],
     [[{"site": "a.b", "start": 5, "end": 2, "was": ""}]], [[{"site": "a.b", "start": 0, "end": 10**9, "was": ""}]],
     [[{"site": "a.b", "start": 0, "end": 0, "was": "\ud800"}]], [[{"site": 1, "start": "0", "end": 0, "was": ""}]]],
)  # fmt: skip
def test_a_damaged_record_in_the_manifest_is_said(fork: Fork, tmp_path: Path, recorded: object) -> None:
    words = upstream().tree["server/words.json"].data.decode()
    assert fork.changed({"server/words.json": words.replace('"Open"', '"Open it"')}).code == EXIT_DONE
    out, series = tmp_path / "out", ("--series", str(fork.series))
    assert fork.command("build", "--upstream", fork.pristine, *series, "--out", out).code == EXIT_DONE
    manifest = json.loads((out / "sidecar-patcher.json").read_text())
    [entry] = [each for each in manifest["files"] if "recorded" in each]
    entry["recorded"] = recorded
    (out / "sidecar-patcher.json").write_text(json.dumps(manifest))
    for words_of_it in (["revert", out, "--out", tmp_path / "back"], ["check", "--upstream", out, *series]):
        ended = fork.command(*words_of_it)
        assert ended.code in {3, EXIT_IO}, ended.err
        assert "error[" in ended.out + ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "back").exists()
