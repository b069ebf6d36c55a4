"""A spec taken apart: where the ref begins, and what of a URL is never shown."""

import json
from pathlib import Path

import pytest

from patcher.errors import PatcherError
from patcher.errors.text import printable, without_secret
from patcher.upstream.materialize import materialize
from patcher.upstream.spec import is_local, repository_of, split
from tests.support import SMALL, CommandLine, Repository, Says, refusal

SECRET = "s3cr3t"


# --- where the ref begins --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "repository", "ref"),
    [
        pytest.param("g@v1", "g", "v1", id="plain"),
        pytest.param("g@agent-dashboard@1.2.0", "g", "agent-dashboard@1.2.0", id="a tag of changesets"),
        pytest.param("g@feat/@scope/x", "g", "feat/@scope/x", id="a branch with a scope"),
        pytest.param("g@HEAD@{1}", "g", "HEAD@{1}", id="the reflog"),
        pytest.param("g@@", "g", "@", id="HEAD's short name"),
        pytest.param("my @ re po.git@v1", "my @ re po.git", "v1", id="a path with @ and blanks"),
        pytest.param("my @ re po.git@a@b", "my @ re po.git", "a@b", id="both"),
        pytest.param("@scope/g@v1", "@scope/g", "v1", id="a folder with a scope"),
        pytest.param("./g@v1", "./g", "v1", id="a relative path"),
        pytest.param("plain@b@v1", "plain@b", "v1", id="the longer one is the repository"),
        pytest.param("both@b@v1", "both@b", "v1", id="both are repositories: the longer"),
        pytest.param("short@x@v1", "short", "x@v1", id="the longer one is no repository"),
        pytest.param("g@", "g", "", id="no ref"),
        pytest.param("g", "g", "", id="no @"),
        pytest.param("@v1", "@v1", "", id="no repository"),
        pytest.param("", "", "", id="nothing"),
        pytest.param("gone@v1", "gone", "v1", id="nothing there"),
        pytest.param("gone@a@1", "gone", "a@1", id="nothing there, and an @ in the ref"),
        pytest.param("x/@scope/gone@v1", "x/@scope/gone", "v1", id="nothing there, and an @ in the path"),
        pytest.param("https://h/a/b.git@v1", "https://h/a/b.git", "v1", id="a URL"),
        pytest.param("https://h/a/b@x@1", "https://h/a/b", "x@1", id="a URL, and an @ in the ref"),
        pytest.param("https://h/@a/b@v1", "https://h/@a/b", "v1", id="a URL, and a scope in the path"),
        pytest.param("https://h/a@b/c.git@v1", "https://h/a@b/c.git", "v1", id="a URL, and an @ in a name"),
        pytest.param("https://u:p@h/a/b.git@v1", "https://u:p@h/a/b.git", "v1", id="a URL with a user"),
        pytest.param("https://u:p@h/a/b.git", "https://u:p@h/a/b.git", "", id="a URL with a user and no ref"),
        pytest.param("https://u:p@h", "https://u:p@h", "", id="a URL that is a host"),
        pytest.param("ssh://git@h:22/a.git@v1", "ssh://git@h:22/a.git", "v1", id="ssh"),
        pytest.param("git@h:a/b.git@v1", "git@h:a/b.git", "v1", id="user@host:path"),
        pytest.param("git@h:a/b@x@1", "git@h:a/b", "x@1", id="user@host:path, and an @ in the ref"),
        pytest.param("git@h:a/b", "git@h:a/b", "", id="user@host:path and no ref"),
        pytest.param("file:///a/b@v1", "file:///a/b", "v1", id="file"),
    ],
)
def test_where_the_ref_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, repository: str, ref: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("g", "my @ re po.git", "@scope/g", "plain@b", "both", "both@b", "short"):
        (tmp_path / name / ".git").mkdir(parents=True)
    for name in ("plain", "short@x"):
        (tmp_path / name).mkdir()
    assert split(spec) == (repository, ref)


def test_a_spec_of_many_signs_takes_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split("@" * 100_000)[0] == "@"
    assert refusal(materialize, "x@" * 100_000).exit_code == 5


@pytest.mark.parametrize(
    ("spec", "local"),
    [
        ("a/b", True),
        ("C:/a", True),
        ("https://h/a", False),
        ("git@h:a", False),
        ("SSH://h/a", False),
        ("a@b/c:d", True),
    ],
)
def test_what_is_local(spec: str, local: bool) -> None:  # noqa: FBT001
    assert is_local(spec) == local


@pytest.mark.parametrize(
    ("spec", "ref", "repository"),
    [
        ("g@a@1", "a@1", "g"),
        ("https://h/g@v1", "v1", ""),
        ("dir", "directory", ""),
        ("@v1", "v1", ""),
        ("a.tgz", "x", ""),
    ],
)
def test_the_repository_of_a_spec_whose_ref_is_known(spec: str, ref: str, repository: str) -> None:
    assert repository_of(spec, ref) == repository


@pytest.mark.parametrize("ref", ["agent-dashboard@1.2.0", "feat/@scope/x", "HEAD@{0}", "HEAD@{1}", "@"])
def test_a_ref_with_an_at_in_every_command(cli: CommandLine, repository: Repository, tmp_path: Path, ref: str) -> None:
    repository.git("tag", "agent-dashboard@1.2.0")
    repository.git("branch", "feat/@scope/x")
    repository.commit(SMALL.having({"server/z.js": "1;\n"}), "v1.2.1")
    spec = repository.at(ref)
    assert materialize(spec).ref == ref
    for words in (["check"], ["build", "--out", tmp_path / "out"], ["explain", "stamp_harness"]):
        assert cli(*words, "--upstream", spec).code in {0, 3}, words
    assert cli("matrix", "--upstream", repository.path, "--refs", ref).code == 0
    hint = json.loads(cli("check", "--upstream", spec, "--format", "json").out)["errors"][0]["hint"]
    assert f"bump --upstream {repository.path} --to " in hint


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        pytest.param("g@", "expected a ref after the `@`, found none", "give PATH@REF", id="a repository"),
        pytest.param("https://h/g.git", "expected a ref after the URL, found none", "give URL@REF", id="a URL"),
        pytest.param("git@h:g.git", "expected a ref after the URL, found none", "give URL@REF", id="another URL"),
    ],
)
def test_a_ref_that_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g").mkdir()
    assert Says.of(refusal(materialize, spec)) == Says("upstream-no-such-ref", 5, message, hint, spec)


# --- what is never shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("https://u:s3cr3t@h:1/x@v1", "https://***@h:1/x@v1", id="user and password"),
        pytest.param("https://s3cr3t@h/x@v1", "https://***@h/x@v1", id="a token alone"),
        pytest.param("HTTPS://u:s3cr3t@h/x", "HTTPS://***@h/x", id="in capitals"),
        pytest.param("https://u:s3@cr3t@h/x", "https://***@h/x", id="an @ in it"),
        pytest.param("https://u:s3/cr3t@h/x@v1", "https://u:***@h/x@v1", id="a slash in it"),
        pytest.param("https://u:s3cr3t@", "https://***@", id="no host"),
        pytest.param("ssh://git:s3cr3t@h/x", "ssh://git:***@h/x", id="ssh with a password"),
        pytest.param("https://h/x?access_token=s3cr3t@v1", "https://h/x?***@v1", id="in the query"),
        pytest.param("https://h/x?a=1&t=s3cr3t b", "https://h/x?*** b", id="second in the query"),
        pytest.param("fatal: unable to access 'https://u:s3cr3t@h/': no", "fatal: unable to access 'https://***@h/': no",
                     id="in what git says"),
        pytest.param("https://u:s3cr3t@h https://v:s3cr3t@i/y", "https://***@h https://***@i/y", id="two"),
    ],
)  # fmt: skip
def test_a_secret_is_not_shown(text: str, shown: str) -> None:
    assert without_secret(text) == shown
    assert SECRET not in str(PatcherError(text, where=text, hint=text))


@pytest.mark.parametrize(
    "text",
    ["https://h/a/b.git@v1", "https://h:8080/a@v1", "https://[::1]:80/x@v1", "ssh://git@h/a@v1", "git@h:a/b@v1",
     "file:///a/b@v1", "https://h/@scope/a@v1", "see https://h/x and me@example.invalid", "a?b=c", "x://"],
)  # fmt: skip
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert without_secret(text) == text


@pytest.mark.parametrize("text", ["https://u:" + "x/" * 60_000, "x://y:" * 20_000, "https://" + "a@" * 50_000])
def test_a_long_text_takes_no_time(text: str) -> None:
    without_secret(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("café", "café"), ("caf\udce9", "caf\\xe9"), ("caf\udcc3\udca9", "café"), ("\ud800", "\\ud800")],
)
def test_every_text_can_be_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


COMMANDS = [
    pytest.param(["check"], "@v1.2.0", id="check"),
    pytest.param(["check"], "", id="check, the ref forgotten"),
    pytest.param(["check"], "?access_token=s3cr3t@v1", id="check, in the query"),
    pytest.param(["build", "--out", "out"], "@v1.2.0", id="build"),
    pytest.param(["prove"], "@v1.2.0", id="prove"),
    pytest.param(["explain", "stamp_harness"], "@v1.2.0", id="explain"),
    pytest.param(["diff"], "@v1.2.0", id="diff"),
    pytest.param(["bump", "--to", "v1", "--html", "r.html", "--markdown", "r.md"], "", id="bump"),
    pytest.param(["matrix", "--html", "r.html", "--markdown", "r.md"], "", id="matrix"),
]


@pytest.mark.parametrize(("words", "ref"), COMMANDS)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_secret_is_in_nothing_that_a_command_says_or_writes(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], ref: str, form: str
) -> None:
    """Nobody listens at that port, so that git says something of its own."""
    monkeypatch.chdir(tmp_path)
    judging = [] if words[0] in {"explain", "diff"} else ["--report", "r.json", "--format", form]
    ended = cli(*words, "--upstream", f"https://user:{SECRET}@127.0.0.1:1/x.git{ref}", *judging)
    written = "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert ended.code == 5
    assert SECRET not in ended.out + ended.err + written
    assert "127.0.0.1" in ended.out + ended.err


@pytest.mark.parametrize("spec", ["https://h/\0@v1", "git@h:\0@v1", "https://h/\ud800@v1", "here/\ud800@v1"], ids=ascii)
def test_text_that_no_path_and_no_word_of_a_command_can_have(spec: str) -> None:
    error = refusal(materialize, spec)
    forms = "`builtin`, a directory, a .tgz, or REPOSITORY@REF"
    expected = printable(f"expected {forms}, found text that no path or URL can have: {spec!a}")
    assert (error.code, error.message, error.hint) == ("upstream-unreadable", expected, f"give {forms}")
