"""Stage 1: what an upstream spec may name, what travels from there, and what is refused."""

import gzip
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from patcher.errors import EXIT_IO, UpstreamUnreadable
from patcher.errors.text import printable
from patcher.upstream.materialize import materialize
from patcher.upstream.travels import dependencies
from tests.support import PACKAGE_JSON, SMALL, Repository, Says, Tree, environment, link, refusal, tar

SPECS = "`builtin`, a directory, a .tgz, or REPOSITORY@REF"
GIVE_SPEC = f"give {SPECS}"
WRONG_TREE = "point --upstream at a tree of agent-dashboard, or leave it out for the builtin sidecar"
UNSAFE = "check where this tree comes from; nothing was written"
TRUNCATED = "the archive is truncated or not a gzipped tar; fetch it again"
NO_CLONE = "give the path of a clone; a directory without history is read without `@REF`, and has nothing to bump"
MAY_BRING = "; `git -C {} fetch --tags` brings new ones"
TRAVELS = ["LICENSE", "package.json", "server/app.js", "server/store.js"]
EVERYTHING = SMALL.having(
    {
        "bin/cli.js": "1;\n",
        "scripts/hook.js": "2;\n",
        "README.md": "read me\n",
        "client/src/app.js": "3;\n",
        "docs/guide.md": "4\n",
        "node_modules/express/index.js": "5;\n",
        "server/node_modules/ws/index.js": "6;\n",
        "server/__tests__/app.test.js": "7;\n",
        "server/lib/__tests__/deep.test.js": "8;\n",
        "server/lib/.DS_Store": "9",
        "tools/build.js": "10;\n",
    }
)
EVERYTHING_TRAVELS = [*TRAVELS[:1], "bin/cli.js", "package.json", "scripts/hook.js", *TRAVELS[2:]]


def prefixed(tree: Tree, prefix: str = "package/") -> dict[str, str | bytes]:
    return {f"{prefix}{path}": data for path, data in tree.files.items()}


# --- what a spec may be ----------------------------------------------------------------------------------------


def test_builtin_is_our_own_sidecar() -> None:
    upstream = materialize("builtin")
    assert (upstream.name, upstream.ref, upstream.source) == ("agent-dashboard", "builtin", "")
    assert {"package.json", "server/index.js", "server/db.js"} <= set(upstream.tree)


def test_a_directory_is_read_as_it_is(tmp_path: Path) -> None:
    upstream = materialize(SMALL.write(tmp_path))
    assert (upstream.version, upstream.ref) == ("1.2.0", "directory")
    assert upstream.source == f"directory:{upstream.tree_sha256}"
    assert upstream.tree == SMALL.upstream.tree


@pytest.mark.parametrize(
    ("prefix", "ending"),
    [
        pytest.param("package/", "tgz", id="as npm packs it"),
        pytest.param("agent-dashboard-1.2.0/", "tar.gz", id="as GitHub packs it"),
        pytest.param("./package/", "tgz", id="with a dot before the folder"),
        pytest.param("", "tgz", id="with no folder around it"),
        pytest.param("./", "tgz", id="with a dot only"),
    ],
)
def test_an_archive_is_read_below_its_one_folder(tmp_path: Path, prefix: str, ending: str) -> None:
    upstream = materialize(tar(tmp_path / f"upstream.{ending}", prefixed(SMALL, prefix)))
    assert (upstream.version, upstream.ref) == ("1.2.0", "archive")
    assert upstream.tree == SMALL.upstream.tree


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param("v1.2.0", id="a tag"),
        pytest.param("main", id="a branch"),
        pytest.param("HEAD", id="the head"),
        pytest.param("feature/slash", id="a branch with a slash"),
    ],
)
def test_a_git_ref_is_read_without_a_checkout(repository: Repository, ref: str) -> None:
    repository.git("branch", "feature/slash")
    upstream = materialize(repository.at(ref))
    assert (upstream.version, upstream.ref) == ("1.2.0", ref)
    assert upstream.tree == SMALL.upstream.tree


def test_a_git_tree_is_identified_by_its_object_id(repository: Repository) -> None:
    expected = repository.git("rev-parse", "v1.2.0^{tree}").strip()
    assert materialize(repository.at()).source == f"git-tree:{expected}"


def test_a_commit_id_and_a_bare_repository_are_fine(repository: Repository, tmp_path: Path) -> None:
    commit = repository.git("rev-parse", "HEAD").strip()
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    assert materialize(f"{tmp_path}/bare.git@{commit}").tree == SMALL.upstream.tree


def test_a_git_url_is_fetched(repository: Repository) -> None:
    upstream = materialize(f"file://{repository.at()}")
    assert (upstream.ref, upstream.tree) == ("v1.2.0", SMALL.upstream.tree)


def test_a_work_tree_that_differs_from_the_ref_does_not_matter(repository: Repository) -> None:
    (repository.path / "server/app.js").write_text("edited, not committed")
    assert materialize(repository.at()).tree == SMALL.upstream.tree


def test_settings_of_the_user_do_not_reach_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    crlf = Repository(repository.path).commit(SMALL.having({"server/crlf.js": "a;\r\nb;\n"}), "v1.2.1")
    crlf.git("config", "core.autocrlf", "true")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert materialize(crlf.at("v1.2.1")).tree["server/crlf.js"].data == b"a;\r\nb;\n"


@pytest.mark.parametrize(
    "name", [pytest.param("with space", id="a space"), pytest.param("höhle", id="a letter beyond ASCII")]
)
def test_a_path_may_have(tmp_path: Path, name: str) -> None:
    repository = tmp_path / name
    repository.mkdir()
    assert materialize(Repository.made(repository).at()).tree == SMALL.upstream.tree
    assert materialize(str(repository)).tree == SMALL.upstream.tree


def test_a_directory_wins_over_a_ref_of_the_same_spelling(tmp_path: Path) -> None:
    (tmp_path / "app@v1").mkdir()
    assert materialize(SMALL.write(tmp_path / "app@v1")).ref == "directory"


def test_the_same_tree_has_the_same_digest_on_every_road(tmp_path: Path, repository: Repository) -> None:
    archive = tar(tmp_path / "a.tgz", prefixed(SMALL))
    specs = [str(repository.path), repository.at(), f"file://{repository.at()}", archive]
    assert len({materialize(spec).tree_sha256 for spec in specs}) == 1


# --- what travels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("road", ["directory", "archive", "git"])
def test_only_what_the_server_needs_travels(tmp_path: Path, road: str) -> None:
    directory = EVERYTHING.write(tmp_path / "upstream")
    roads: dict[str, Callable[[], str]] = {
        "directory": lambda: directory,
        "archive": lambda: tar(tmp_path / "a.tgz", prefixed(EVERYTHING)),
        "git": lambda: Repository.made(tmp_path / "upstream", EVERYTHING).at(),
    }
    assert list(materialize(roads[road]()).tree) == sorted(EVERYTHING_TRAVELS)


@pytest.mark.parametrize(
    ("files", "more"),
    [
        pytest.param('["tools", "README.md"]', ["README.md", "tools/build.js"], id="a folder and a file"),
        pytest.param('["tools/"]', ["tools/build.js"], id="a folder with a slash"),
        pytest.param('["client", "docs"]', [], id="never the client or docs"),
        pytest.param('["node_modules"]', [], id="never npm packages"),
        pytest.param('["nothing"]', [], id="a name that is not there"),
        pytest.param('"tools"', [], id="not a list: as if it said nothing"),
        pytest.param('["tools/*.js"]', ["tools/build.js"], id="a glob"),
        pytest.param('["./tools"]', ["tools/build.js"], id="a folder with a dot"),
    ],
)
def test_what_the_package_names_travels_too(tmp_path: Path, files: str, more: list[str]) -> None:
    package = f'{{"name": "agent-dashboard", "version": "1.2.0", "files": {files}}}'
    tree = EVERYTHING.having({"package.json": package})
    assert list(materialize(tree.write(tmp_path)).tree) == sorted([*EVERYTHING_TRAVELS, *more])


@pytest.mark.parametrize("road", ["directory", "archive", "git"])
def test_the_executable_bit_travels_and_no_other(tmp_path: Path, road: str) -> None:
    tree = Tree({**SMALL.files, "bin/run.sh": "#!/bin/sh\n"}, executable=frozenset({"bin/run.sh"}))
    directory = tree.write(tmp_path / "upstream")
    os.chmod(f"{directory}/LICENSE", 0o606)
    specs = {
        "directory": lambda: directory,
        "archive": lambda: tar(tmp_path / "a.tgz", prefixed(tree)),
        "git": lambda: Repository.made(tmp_path / "upstream", tree).at(),
    }
    travelled = materialize(specs[road]()).tree
    assert [path for path, file in travelled.items() if file.executable] == ["bin/run.sh"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"\xff\xfe\x00", id="a file that is not UTF-8"),
        pytest.param(b"a\r\nb\rc", id="mixed line endings and none at the end"),
        pytest.param(b"\xef\xbb\xbfa\n", id="a byte order mark"),
        pytest.param(b"0123456789abcdef" * 655_360, id="ten megabytes"),
    ],
)
@pytest.mark.parametrize("road", ["directory", "archive", "git"])
def test_bytes_are_never_touched(tmp_path: Path, road: str, data: bytes) -> None:
    tree = SMALL.having({"server/data.bin": data})
    directory = tree.write(tmp_path / "upstream")
    specs = {
        "directory": lambda: directory,
        "archive": lambda: tar(tmp_path / "a.tgz", prefixed(tree), "w:gz" if len(data) < 100 else "w"),
        "git": lambda: Repository.made(tmp_path / "upstream", tree).at(),
    }
    assert materialize(specs[road]()).tree["server/data.bin"].data == data


def test_a_name_beyond_ascii_is_the_same_on_every_road(tmp_path: Path) -> None:
    tree = SMALL.having({"server/über.js": "1;\n"})
    directory, archive = tree.write(tmp_path / "upstream"), tar(tmp_path / "a.tgz", prefixed(tree))
    specs = (directory, archive, Repository.made(tmp_path / "upstream", tree).at())
    assert all("server/über.js" in materialize(spec).tree for spec in specs)


@pytest.mark.parametrize("road", ["directory", "archive", "git"])
def test_a_symlink_that_stays_inside_becomes_the_file_it_names(tmp_path: Path, road: str) -> None:
    SMALL.write(tmp_path / "upstream")
    (tmp_path / "upstream/server/alias.js").symlink_to("app.js")
    specs = {
        "directory": lambda: str(tmp_path / "upstream"),
        "archive": lambda: tar(
            tmp_path / "a.tgz", {**prefixed(SMALL), "package/server/alias.js": link("app.js", mode=0o777)}
        ),
        "git": lambda: Repository.made(tmp_path / "upstream").at(),
    }
    tree = materialize(specs[road]()).tree
    assert tree["server/alias.js"] == tree["server/app.js"]


def test_a_hard_link_in_an_archive_is_the_file_it_names(tmp_path: Path) -> None:
    hard = link("package/server/app.js", tarfile.LNKTYPE)
    tree = materialize(tar(tmp_path / "a.tgz", {**prefixed(SMALL), "package/server/twin.js": hard})).tree
    assert tree["server/twin.js"].data == tree["server/app.js"].data


def test_what_does_not_travel_is_not_read_either(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/broken").symlink_to("/nowhere")
    assert list(materialize(str(tmp_path)).tree) == TRAVELS


def test_a_link_in_a_part_that_does_not_travel_does_not_matter(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    (tmp_path / "tools").symlink_to("/usr")
    (tmp_path / "notes.txt").symlink_to("/etc/hostname")
    assert list(materialize(str(tmp_path)).tree) == TRAVELS


# --- what is refused -------------------------------------------------------------------------------------------


def unreadable(message: str, hint: str = "", code: str = "upstream-unreadable") -> Says:
    return Says(code, EXIT_IO, message, hint)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            "nowhere", unreadable("there is no such directory", GIVE_SPEC), id="a directory that is not there"
        ),
        pytest.param("", unreadable("there is no such directory", GIVE_SPEC), id="an empty spec"),
        pytest.param(
            "nowhere.tgz", unreadable("there is no such archive", GIVE_SPEC), id="an archive that is not there"
        ),
        pytest.param(
            "folder.tgz/x.tgz", unreadable("there is no such archive", GIVE_SPEC), id="an archive below nothing"
        ),
        pytest.param("a-file", unreadable("this is a file, not a directory", GIVE_SPEC), id="a file"),
        pytest.param("@v1", unreadable("there is no such directory", GIVE_SPEC), id="a ref without a repository"),
        pytest.param("nowhere@", unreadable("there is no such directory", GIVE_SPEC), id="a repository without a ref"),
        pytest.param(
            "nowhere@v1",
            Says("upstream-unreadable", EXIT_IO, "there is no such repository", "give PATH@REF or URL@REF", "nowhere"),
            id="a repository that is not there",
        ),
        pytest.param(
            "plain@v1",
            Says("upstream-unreadable", EXIT_IO, "this directory is not a git repository", NO_CLONE, "plain"),
            id="a directory that is no repository",
        ),
    ],
)
def test_a_spec_that_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, expected: Says) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").mkdir()
    (tmp_path / "a-file").write_text("x")
    assert Says.of(refusal(materialize, spec)) == (
        expected if expected.where else Says(**{**vars(expected), "where": spec})
    )


@pytest.mark.parametrize(
    ("package", "message"),
    [
        pytest.param(None, "expected agent-dashboard, found a tree without a package.json", id="no package.json"),
        pytest.param('{"name": "x"}', "expected agent-dashboard, found 'x' in package.json", id="another package"),
        pytest.param("{}", "expected agent-dashboard, found None in package.json", id="no name"),
        pytest.param("[1]", "expected agent-dashboard, found None in package.json", id="a list"),
        pytest.param(
            "{",
            "package.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            id="broken JSON",
        ),
        pytest.param("", "package.json is not JSON: Expecting value: line 1 column 1 (char 0)", id="an empty file"),
    ],
)
@pytest.mark.parametrize("road", ["directory", "archive", "git"])
def test_a_tree_that_is_not_agent_dashboard(tmp_path: Path, road: str, package: str | None, message: str) -> None:
    tree = SMALL.without("package.json") if package is None else SMALL.having({"package.json": package})
    directory = tree.write(tmp_path / "upstream")
    specs = {
        "directory": lambda: directory,
        "archive": lambda: tar(tmp_path / "a.tgz", prefixed(tree)),
        "git": lambda: Repository.made(tmp_path / "upstream", tree).at(),
    }
    spec = specs[road]()
    expected = Says("upstream-not-agent-dashboard", EXIT_IO, message, WRONG_TREE, spec)
    assert Says.of(refusal(materialize, spec)) == expected


def test_package_json_that_is_not_utf_8_is_not_json(tmp_path: Path) -> None:
    error = refusal(materialize, SMALL.having({"package.json": b'{"name": "\xff"}'}).write(tmp_path))
    assert (error.code, error.message[:24]) == ("upstream-not-agent-dashboard", "package.json is not JSON")


@pytest.mark.parametrize(
    ("ref", "message", "hint"),
    [
        pytest.param("v9", "", MAY_BRING, id="no such tag"),
        pytest.param("--output=x", "", MAY_BRING, id="an option"),
        pytest.param("-v1", "", MAY_BRING, id="a dash"),
        pytest.param("v1 2", "", MAY_BRING, id="a space"),
        pytest.param("v1.2.0 ", "", MAY_BRING, id="a space at the end"),
        pytest.param("a tree 5", "", MAY_BRING, id="what git says of a tree"),
        pytest.param(f"{'0' * 40} commit 5", "", MAY_BRING, id="what git says of a commit"),
        pytest.param(f"{'1' * 40}", "", MAY_BRING, id="an object id"),
        pytest.param("x missing", "", MAY_BRING, id="what git says of nothing"),
        pytest.param("v1.2.0\n", "", MAY_BRING, id="a line break"),
        pytest.param("v1.2.0\r", "", MAY_BRING, id="a carriage return"),
        pytest.param("v1.2.0\0", "", MAY_BRING, id="a zero byte"),
        pytest.param("v1.2.0..main", "", MAY_BRING, id="a range"),
        pytest.param("..", "", MAY_BRING, id="dots"),
        pytest.param("x" * 100_000, "", MAY_BRING, id="very long"),
        pytest.param("caf\udce9", "", MAY_BRING, id="not UTF-8"),
        pytest.param("HEAD:package.json", ": it names a blob", "", id="a file"),
    ],
)
def test_a_ref_that_is_not_there(repository: Repository, ref: str, message: str, hint: str) -> None:
    error = refusal(materialize, repository.at(ref))
    where = str(repository.path)
    said = printable(f"there is no ref {ref!r} with a commit{message}")
    hint = f"`git -C {where} tag` lists the tags{hint.format(where)}"
    assert Says.of(error) == Says("upstream-no-such-ref", EXIT_IO, said, hint, where)


def test_a_url_without_that_ref(repository: Repository) -> None:
    error = refusal(materialize, f"file://{repository.at('v9')}")
    assert (error.code, error.message) == ("upstream-no-such-ref", "git fetch failed: couldn't find remote ref v9")
    assert error.hint == f"`git ls-remote file://{repository.path}` lists the refs"


@pytest.mark.parametrize("ref", ["a b", "main:x", "+main", "refs/*", "a..b", "HEAD@{0}", "-x", "a\nb", "^main"])
def test_a_ref_of_a_url_is_a_name(repository: Repository, ref: str) -> None:
    error = refusal(materialize, f"file://{repository.at(ref)}")
    assert (error.code, error.message) == ("upstream-no-such-ref", f"{ref!r} is not a ref that can be fetched")


def test_an_error_about_a_url_names_the_url(repository: Repository) -> None:
    assert refusal(materialize, f"file://{repository.at('v9')}").where == f"file://{repository.path}"


def test_a_ref_never_becomes_an_option_of_git_fetch(repository: Repository, tmp_path: Path) -> None:
    option = f"--upload-pack=touch {tmp_path}/owned;false"
    error = refusal(materialize, f"file://{repository.at(option)}")
    assert not (tmp_path / "owned").exists()
    assert error.message == f"{option!r} is not a ref that can be fetched"


def test_a_machine_without_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    hint = "install git, or give a directory or a .tgz instead"
    expected = Says("git-missing", EXIT_IO, "git is not on this machine", hint)
    assert Says.of(refusal(materialize, repository.at())) == expected


def test_a_repository_whose_objects_are_gone(repository: Repository) -> None:
    for pack in (repository.path / ".git/objects").rglob("*"):
        if pack.is_file():
            pack.unlink()
    assert refusal(materialize, repository.at()).code == "upstream-unreadable"


UNSAFE_MEMBERS = [
    pytest.param({"../evil.js": "x"}, "the member '../evil.js' leaves the tree", id="dots in a member"),
    pytest.param(
        {"package/../../evil.js": "x"}, "the member 'package/../../evil.js' leaves the tree", id="dots inside"
    ),
    pytest.param({"/etc/evil": "x"}, "the member '/etc/evil' leaves the tree", id="an absolute member"),
    pytest.param({"C:/evil": "x"}, "the member 'C:/evil' leaves the tree", id="a drive"),
    pytest.param({"package\\..\\evil": "x"}, "the member 'package\\\\..\\\\evil' leaves the tree", id="backslashes"),
    pytest.param(
        {"package/server/l": link("../../../etc/passwd")},
        "'package/server/l' is a symlink to '../../../etc/passwd'",
        id="a symlink that leaves",
    ),
    pytest.param(
        {"package/server/l": link("/etc/passwd")},
        "'package/server/l' is a symlink to '/etc/passwd'",
        id="an absolute symlink",
    ),
    pytest.param(
        {"package/server/l": link("../../x", tarfile.LNKTYPE)},
        "the member '../../x' leaves the tree",
        id="a hard link that leaves",
    ),
]


@pytest.mark.parametrize(("members", "message"), UNSAFE_MEMBERS)
def test_an_archive_that_leaves_its_tree(
    tmp_path: Path, members: dict[str, str | bytes | tarfile.TarInfo], message: str
) -> None:
    spec = tar(tmp_path / "a.tgz", {**prefixed(SMALL), **members})
    assert Says.of(refusal(materialize, spec)) == Says("upstream-unsafe-path", EXIT_IO, message, UNSAFE, spec)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"package/server/l": link("gone.js")}, id="a symlink to nothing"),
        pytest.param({"package/server/l": link("l")}, id="a symlink to itself"),
        pytest.param({"x": link("..")}, id="a symlink to the folder above"),
        pytest.param({"package/server/l": link("package/gone.js", tarfile.LNKTYPE)}, id="a hard link to nothing"),
        pytest.param({"package/server/pipe": link("", tarfile.FIFOTYPE)}, id="a pipe"),
        pytest.param({"package/server/tty": link("", tarfile.CHRTYPE)}, id="a device"),
    ],
)
def test_an_archive_with_a_member_that_has_no_content(
    tmp_path: Path, members: dict[str, str | bytes | tarfile.TarInfo]
) -> None:
    spec = tar(tmp_path / "a.tgz", {**prefixed(SMALL), **members})
    assert isinstance(refusal(materialize, spec), UpstreamUnreadable)


def test_a_symlink_in_git_to_a_file_that_does_not_travel(tmp_path: Path) -> None:
    SMALL.having({"docs/LICENSE": "MIT\n"}).without("LICENSE").write(tmp_path)
    (tmp_path / "LICENSE").symlink_to("docs/LICENSE")
    spec = Repository.made(tmp_path, SMALL.without("LICENSE")).at()
    assert materialize(spec).tree["LICENSE"].data == b"MIT\n"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut in the middle"),
        pytest.param(lambda data: data[:-4], id="cut at the end"),
        pytest.param(lambda data: data[:60] + b"\0\0\0\0" + data[64:], id="bits flipped"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"<html>not found</html>", id="an error page"),
        pytest.param(lambda _: gzip.compress(b"not a tar" * 200), id="gzip, but no tar"),
    ],
)
def test_an_archive_that_is_damaged(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.tgz"
    tar(path, prefixed(SMALL.having({"server/noise.bin": os.urandom(4000)})))
    path.write_bytes(damage(path.read_bytes()))
    error = refusal(materialize, str(path))
    assert (error.code, error.where, error.hint) == ("upstream-unreadable", str(path), TRUNCATED)
    assert error.message.startswith("cannot be unpacked: ")


def test_an_archive_of_nothing(tmp_path: Path) -> None:
    assert refusal(materialize, tar(tmp_path / "a.tgz", {})).code == "upstream-not-agent-dashboard"


def test_a_file_that_is_a_symlink_out_of_a_directory(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    (tmp_path / "server/leak.js").symlink_to("/etc/passwd")
    expected = Says(
        "upstream-unsafe-path",
        EXIT_IO,
        "a symlink leaves the tree: it points at /etc/passwd",
        UNSAFE,
        f"{tmp_path}/server/leak.js",
    )
    assert Says.of(refusal(materialize, str(tmp_path))) == expected


def test_a_directory_that_is_a_symlink(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    (tmp_path / "server/leak").symlink_to("/etc")
    expected = Says("upstream-unsafe-path", EXIT_IO, "a directory is a symlink to /etc", UNSAFE, "server/leak")
    assert Says.of(refusal(materialize, str(tmp_path))) == expected


def test_a_symlink_to_nothing_in_a_directory(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    (tmp_path / "server/gone.js").symlink_to("nowhere.js")
    error = refusal(materialize, str(tmp_path))
    message = "'server/gone.js' is a link to 'nowhere.js', which is not a file that travels"  # as of a commit
    assert (error.code, error.message) == ("upstream-dangling-link", message)


def test_a_pipe_in_a_directory_does_not_hang(tmp_path: Path) -> None:
    SMALL.write(tmp_path)
    os.mkfifo(tmp_path / "server/pipe")
    command = [
        sys.executable,
        "-c",
        f"from patcher.upstream.materialize import materialize; materialize({str(tmp_path)!r})",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2, env=environment(), check=False)
    assert "expected a file, found something else" in done.stderr


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is played."""
    SMALL.write(tmp_path)

    def refuse(path: bytes) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("patcher.upstream.directory.content", refuse)
    error = refusal(materialize, str(tmp_path))
    monkeypatch.undo()
    assert (error.code, error.message) == ("upstream-unreadable", "cannot be read: Permission denied")


def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    package = PACKAGE_JSON.replace("1.2.0", "2.0.0-beta.1")
    assert materialize(SMALL.having({"package.json": package}).write(tmp_path)).version == "2.0.0-beta.1"
    assert materialize(SMALL.having({"package.json": '{"name": "agent-dashboard"}'}).write(tmp_path)).version == ""


def test_the_database_of_a_running_sidecar_does_not_travel(tmp_path: Path) -> None:
    package = '{"name": "agent-dashboard", "version": "1.2.0", "files": ["data"]}'
    tree = SMALL.having({"package.json": package, "data/dashboard.db": b"SQLite format 3\0"})
    assert "data/dashboard.db" not in materialize(tree.write(tmp_path)).tree


# --- archives that are made to do harm -------------------------------------------------------------------------


def linked_again_and_again() -> dict[str, str | bytes | tarfile.TarInfo]:
    names = {f"package/server/{number}.js": link("package/server/big.js", tarfile.LNKTYPE) for number in range(5)}
    return {**prefixed(SMALL.having({"server/big.js": b"x" * 60_000})), **names}


def sparse() -> dict[str, str | bytes | tarfile.TarInfo]:
    hole = tarfile.TarInfo()
    hole.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": "99999999999999", "GNU.sparse.major": "0"}
    return {**prefixed(SMALL), "package/server/hole.js": hole}


@pytest.mark.parametrize(
    ("members", "most"),
    [
        pytest.param(prefixed(SMALL.having({"docs/zeros": bytes(300_000)})), "200,000 bytes", id="a bomb"),
        pytest.param(linked_again_and_again(), "200,000 bytes", id="one file, linked again and again"),
        pytest.param(sparse(), "200,000 bytes", id="a hole of terabytes"),
        pytest.param(
            prefixed(SMALL.having(dict.fromkeys(map("docs/{}".format, range(60)), ""))), "50 members", id="members"
        ),
    ],
)
def test_an_archive_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, str | bytes | tarfile.TarInfo], most: str
) -> None:
    monkeypatch.setattr("patcher.upstream.archive.LARGEST", 200_000)
    monkeypatch.setattr("patcher.upstream.archive.MOST_FILES", 50)
    path = tar(tmp_path / "a.tgz", members)
    hint = "check where this archive comes from; nothing was written"
    expected = Says("upstream-unreadable", EXIT_IO, f"expected at most {most}, found more when unpacked", hint, path)
    assert Says.of(refusal(materialize, path)) == expected


# --- what the package wants of others --------------------------------------------------------------------------


def test_dependencies() -> None:
    package = b'{"dependencies": {"a": "1"}, "devDependencies": {"b": "2"}}'
    assert dependencies(package, "package.json") == {"a": "1"}
    assert dependencies(package, "package.json", "dependencies", "devDependencies") == {"a": "1", "b": "2"}
    assert dependencies(b'{"dependencies": null}', "package.json") == {}


@pytest.mark.parametrize(
    "package",
    ["[]", "3", '{"dependencies": ["a"]}', '{"dependencies": "a"}', '{"dependencies": {"a": 1}}', "[" * 5000, "\xff"],
)
def test_dependencies_of_odd_types(package: str) -> None:
    error = refusal(dependencies, package.encode("latin-1"), "client/package.json")
    assert (error.code, error.where) == ("upstream-unreadable", "client/package.json")
    assert error.message.startswith("its dependencies cannot be read: ")
