"""Diffs that other tools, settings and mails make: adopted as they mean, or refused; never in part, never elsewhere."""

import os
import subprocess
from pathlib import Path

import pytest

from patcher.errors import EXIT_DONE, EXIT_IO
from tests.adopt.test_adopt import EDITED, Fork, refused
from tests.adopt.test_kinds import SERVER, upstream, written
from tests.support import CommandLine, snapshot

OWN = "exports.own = 1;\n"
NEW_FILE = "--- /dev/null\n+++ b/server/own.js\n@@ -0,0 +1 @@\n+exports.own = 1;\n"
NEW = f"diff --git a/server/own.js b/server/own.js\nnew file mode 100644\n{NEW_FILE}"


@pytest.fixture
def fork(tmp_path: Path, cli: CommandLine) -> Fork:
    return Fork(tmp_path, cli)


class Clone:
    """A repository of the pristine tree, in whose work tree the edits are."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(written(folder / "clone", upstream()))
        self.git("init", "--quiet", ".")
        self.commit()

    def git(self, *words: str) -> bytes:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        return subprocess.run(["git", *author, *words], cwd=self.path, capture_output=True, check=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "edit")

    def edit(self) -> None:
        (self.path / "server/start.js").write_text(EDITED)
        (self.path / "server/own.js").write_text(OWN)
        self.git("add", "--intent-to-add", "--all")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def expected(fork: Fork) -> dict[str, tuple[bytes, bool]]:
    """The series that the edited tree gives."""
    assert fork.adopt("--edited", fork.edited({"server/start.js": EDITED, "server/own.js": OWN})).code == EXIT_DONE
    found = snapshot(fork.series)
    subprocess.run(["rm", "-rf", str(fork.series)], check=True)
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("diff",),
        ("diff", "--no-prefix"),
        ("-c", "diff.mnemonicPrefix=true", "diff"),
        ("diff", "--unified=1"),
        ("diff", "--unified=100000"),
    ],
)
def test_whatever_prefix_and_context_git_is_set_to(fork: Fork, clone: Clone, tmp_path: Path, words: list[str]) -> None:
    clone.edit()
    (tmp_path / "a.diff").write_bytes(clone.git(*words))
    wanted = expected(fork)
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    assert snapshot(fork.series) == wanted


def test_a_byte_order_mark_costs_no_mode_of_the_first_file(fork: Fork, tmp_path: Path) -> None:
    (tmp_path / "a.diff").write_bytes(b"\xef\xbb\xbf" + NEW.replace("100644", "100755").encode())
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    assert "executable=True" in (fork.series / "patches/adopted/files.py").read_text()


def test_several_commits_in_one_mailbox(fork: Fork, clone: Clone, tmp_path: Path) -> None:
    (clone.path / "server/start.js").write_text(SERVER.replace("  first: 1,\n", "  first: 2,\n"))
    clone.commit()
    clone.edit()
    clone.commit()
    (tmp_path / "a.mbox").write_bytes(clone.git("format-patch", "--stdout", "HEAD~2"))
    wanted = expected(fork)
    assert fork.adopt("--diff", tmp_path / "a.mbox").code == EXIT_DONE
    assert snapshot(fork.series) == wanted


def test_a_diff_out_of_a_pipe(fork: Fork) -> None:
    """As in `--diff <(git diff)`."""
    reader, writer = os.pipe()
    os.write(writer, NEW.encode())
    os.close(writer)
    assert fork.adopt("--diff", f"/dev/fd/{reader}").code == EXIT_DONE
    os.close(reader)
    assert (fork.series / "templates/adopted/files/server/own.js").read_text() == OWN


def test_a_diff_of_svn_has_no_prefix(fork: Fork, tmp_path: Path) -> None:
    text = f"Index: server/own.js\n{'=' * 67}\n--- server/own.js\t(nonexistent)\n+++ server/own.js\t(working copy)\n"
    (tmp_path / "a.diff").write_text(f"{text}@@ -0,0 +1 @@\n+{OWN}")
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    assert fork.statuses == {"server/own.js": "overlay"}


def test_a_link_is_the_file_that_it_points_to(fork: Fork, tmp_path: Path) -> None:
    """As in a directory, and as for a build."""
    link = "diff --git a/server/link.js b/server/link.js\nnew file mode 120000\n--- /dev/null\n+++ b/server/link.js\n"
    (tmp_path / "a.diff").write_text(f"{NEW}{link}@@ -0,0 +1 @@\n+own.js\n\\ No newline at end of file\n")
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    assert (fork.series / "templates/adopted/files/server/link.js").read_text() == OWN


def test_a_hunk_that_git_puts_elsewhere_is_told(fork: Fork, clone: Clone, tmp_path: Path) -> None:
    (clone.path / "server/start.js").write_text(f"// one\n// two\n{SERVER}")
    clone.commit()
    (clone.path / "server/start.js").write_text(f"// one\n// two\n{EDITED}")
    (tmp_path / "a.diff").write_bytes(clone.git("diff"))
    ended = fork.adopt("--diff", tmp_path / "a.diff")
    assert ended.code == EXIT_DONE
    assert "note: server/start.js:1: hunk 1 is 2 lines above its line in the diff" in ended.err
    assert len(fork.report["adopt"]["notes"]) == 2


INSERTION = "--- a/server/start.js\n+++ b/server/start.js\n@@ -4,0 +5 @@\n+  middle: 1,\n"
REPLACEMENT = "--- a/server/start.js\n+++ b/server/start.js\n@@ -6 +6 @@\n-}\n+},\n"
COMBINED = (
    "diff --cc server/start.js\nindex e8a6209,e21a761..0000000\n--- a/server/start.js\n+++ b/server/start.js\n"
    "@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n"
)
MODULE = (
    "diff --git a/server/sub b/server/sub\nnew file mode 160000\nindex 0000000..1234567\n--- /dev/null\n"
    f"+++ b/server/sub\n@@ -0,0 +1 @@\n+Subproject commit {'12345678' * 5}\n"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (INSERTION, "the hunk at line 3 has no line of context: nothing says where it goes"),
        (REPLACEMENT, "the hunk at line 3 has no line of context: nothing says where it goes"),
        (NEW + COMBINED, "found a combined diff of server/start.js, which belongs to a merge (line 7)"),
        (NEW + MODULE, "found a submodule, whose files are in another repository (line 8)"),
        (NEW + "Submodule server/sub 0000000...1234567 (new)\n", "found a submodule server/sub, whose files"),
        (NEW_FILE + "Only in mine/server: more.js\n", "it names mine/server/more.js without its content (line 5)"),
        (NEW_FILE + "Binary files a/x.bin and b/x.bin differ\n", "it names b/x.bin without its content (line 5)"),
        (NEW.encode("utf-16"), "expected a diff in UTF-8, found UTF-16"),
        (NEW.replace("\n", "\r\n"), "its own lines end with CRLF (line 1): something has converted it"),
        (
            "Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n" + NEW.replace("=", "=3D"),
            "found a mail, encoded as quoted-printable (line 2)",
        ),
        (
            NEW + "diff --git none.js none.js\nnew file mode 100644\n--- /dev/null\n+++ none.js\n@@ -0,0 +1 @@\n+1;\n",
            "some of its names begin with `a/` and `b/`, and others do not",
        ),
    ],
)
def test_what_git_would_pass_over_or_misplace_is_refused(
    fork: Fork, tmp_path: Path, data: str | bytes, said: str
) -> None:
    (tmp_path / "a.diff").write_bytes(data if isinstance(data, bytes) else data.encode())
    refused(fork, fork.adopt("--diff", tmp_path / "a.diff"), "diff-unusable", EXIT_IO, said)


def test_added_lines_that_look_like_those_are_text(fork: Fork, tmp_path: Path) -> None:
    lines = ["diff --cc x", "Only in a: b", "++ b/x\r", "Content-Transfer-Encoding: base64", "@@ -9 +9 @@"]
    text = NEW.replace("+1 @@\n", "+1,6 @@\n") + "".join(f"+{line}\n" for line in lines)
    (tmp_path / "a.diff").write_text(text.replace("own.js", "own.txt"), newline="")
    assert fork.adopt("--diff", tmp_path / "a.diff").code == EXIT_DONE
    assert (fork.series / "templates/adopted/files/server/own.txt").read_bytes().decode().split("\n")[1:6] == lines


# --- links in an edited tree -----------------------------------------------------------------------------------


def test_a_linked_folder_that_no_build_copies_is_passed_over(fork: Fork) -> None:
    for tree in (Path(fork.pristine), fork.edited({"server/own.js": OWN})):
        (tree / ".agents").mkdir()
        (tree / "docs").symlink_to(".agents")
    assert fork.adopt("--edited", fork.folder / "edited").code == EXIT_DONE
    assert fork.statuses == {"server/own.js": "overlay"}


def test_a_link_to_nothing_is_not_lost_without_a_word(fork: Fork) -> None:
    there = fork.edited({"server/own.js": OWN})
    (there / "server/link.js").symlink_to("none.js")
    refused(fork, fork.adopt("--edited", there), "upstream-dangling-link", EXIT_IO, "is a link to 'none.js'")


@pytest.mark.parametrize("place", ["server/linked", "server"])
def test_a_linked_folder_that_a_build_copies_is_refused(fork: Fork, place: str) -> None:
    there = fork.edited({"server/own.js": OWN})
    if place == "server":
        (there / "server").rename(there / "real")
        (there / "server").symlink_to("real")
    else:
        (there / place).symlink_to(".")
    refused(fork, fork.adopt("--edited", there), "upstream-unsafe-path", EXIT_IO, "a directory is a symlink")
