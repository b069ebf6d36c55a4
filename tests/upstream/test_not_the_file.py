"""What is there and is not the file that upstream means is refused or left out, and said, from whatever it is read."""

from pathlib import Path

import pytest

from patcher.matrix.judge import judge
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import materialize
from tests.support import SMALL, CommandLine, Repository, Says, Tree, refusal, tar

ROADS = ["directory", "archive", "git"]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
CLIENT = {"client/package.json": "{}\n", "client/src/a.ts": "a;\n"}


def spec_of(road: str, tree: Tree, folder: Path) -> str:
    directory = tree.write(folder / "upstream")
    if road == "archive":
        return tar(folder / "a.tgz", {f"package/{path}": data for path, data in tree.files.items()})
    return Repository.made(folder / "upstream", tree).at() if road == "git" else directory


# --- pointers and what is encrypted ----------------------------------------------------------------------------

LFS = "`git lfs pull` in a checkout brings the files; then give the checkout as a directory"
ANNEX = "`git annex get .` in a checkout brings the files; then give the checkout as a directory"
CRYPT = "`git-crypt unlock` in a checkout decrypts the files; then give the checkout as a directory"
STANDS_FOR = [
    pytest.param(POINTER, "a Git LFS pointer to it", LFS, id="Git LFS"),
    pytest.param(POINTER.replace("\n", "\r\n"), "a Git LFS pointer to it", LFS, id="Git LFS, CRLF"),
    pytest.param(POINTER.replace("oid", "ext-0-x sha256:1\noid"), "a Git LFS pointer to it", LFS, id="an extension"),
    pytest.param(POINTER.replace("git-lfs", "hawser"), "a Git LFS pointer to it", LFS, id="the first Git LFS"),
    pytest.param("/annex/objects/SHA256E-s9--4d7a.js\n", "a git-annex pointer to it", ANNEX, id="git-annex"),
    pytest.param(b"\0GITCRYPT\0" + bytes(range(256)) * 9, "what git-crypt made of it", CRYPT, id="git-crypt"),
]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(("content", "found", "hint"), STANDS_FOR)
def test_what_stands_for_a_file(tmp_path: Path, road: str, content: str | bytes, found: str, hint: str) -> None:
    spec = spec_of(road, SMALL.having({"scripts/tool.js": content}), tmp_path)
    message = f"expected the content of scripts/tool.js, found {found}"
    assert Says.of(refusal(materialize, spec)) == Says("upstream-not-the-file", 5, message, hint, spec)


@pytest.mark.parametrize("road", ROADS)
def test_package_json_that_is_a_pointer(tmp_path: Path, road: str) -> None:
    spec = spec_of(road, SMALL.having({"package.json": POINTER}), tmp_path)
    assert refusal(materialize, spec).message == "expected the content of package.json, found a Git LFS pointer to it"


@pytest.mark.parametrize(
    "path", ["docs/film.mp4", "server/__tests__/a.js", "images/logo.png", "client/src/a.png"], ids=lambda path: path
)
def test_a_pointer_that_does_not_travel_does_not_matter(tmp_path: Path, path: str) -> None:
    assert materialize(SMALL.having({path: POINTER}).write(tmp_path)).tree == SMALL.upstream.tree


@pytest.mark.parametrize("road", ["directory", "git"])
def test_a_pointer_in_the_clients_sources_matters_with_the_client(tmp_path: Path, road: str) -> None:
    spec = spec_of(road, SMALL.having({**CLIENT, "client/src/logo.png": POINTER}), tmp_path)
    assert materialize(spec).version == "1.2.0"
    said = refusal(materialize, spec, client=True).message
    assert said == "expected the content of client/src/logo.png, found a Git LFS pointer to it"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"// a pointer looks so:\n{POINTER}", id="a pointer in a comment"),
        pytest.param(POINTER + "x" * 2000, id="too long for a pointer"),
        pytest.param("version https://git-lfs.github.com/spec/v1\n", id="only its first line"),
        pytest.param("version https://example.invalid/spec\noid sha256:1\n", id="another specification"),
        pytest.param(b"\0GIT", id="the beginning of something else"),
    ],
)
def test_what_is_no_pointer(tmp_path: Path, content: str | bytes) -> None:
    assert "server/x.txt" in materialize(SMALL.having({"server/x.txt": content}).write(tmp_path)).tree


# --- conflicts -------------------------------------------------------------------------------------------------

TWO = "<<<<<<< HEAD\nconst a = 1;\n=======\nconst a = 2;\n>>>>>>> theirs\n"
THREE = TWO.replace("=======\n", "||||||| base\nconst a = 0;\n=======\n")
CONFLICTS = [
    pytest.param("server/a.js", f"first();\n{TWO}", 2, id="two sides"),
    pytest.param("server/a.js", THREE, 1, id="three sides"),
    pytest.param("server/a.js", TWO.replace("\n", "\r\n"), 1, id="CRLF"),
    pytest.param("server/a.ts", TWO, 1, id="TypeScript"),
    pytest.param("server/a.mjs", TWO, 1, id="a module"),
    pytest.param("server/a.json", '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> x\n}\n', 2, id="JSON"),
    pytest.param("server/a.js", TWO.replace("=======\n", "=======\n=======\n"), 1, id="a line twice"),
    pytest.param("server/a.js", "<<<<<<< mine\n" + TWO, 2, id="one in another"),
    pytest.param("server/a.js", TWO.replace(" HEAD", "").replace(" theirs", ""), 1, id="without names"),
    pytest.param("server/a.js", "".join(f"{line[0] * 4}{line}\n" if line[0] in "<=>" else f"{line}\n"
                                        for line in TWO.splitlines()), 1, id="longer markers"),
    pytest.param("server/a.js", "<<<<<<< 1 of 1\n%%%%%%% from\n-a\n+b\n+++++++ to\nc\n>>>>>>> end\n", 1, id="Jujutsu"),
    pytest.param("package.json", "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", 1, id="package.json"),
]  # fmt: skip


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(("path", "text", "line"), CONFLICTS)
def test_a_conflict_of_a_merge(tmp_path: Path, road: str, path: str, text: str, line: int) -> None:
    spec = spec_of(road, SMALL.having({path: text}), tmp_path)
    message = f"expected code that parses in {path}, found the markers of a merge conflict at line {line}"
    hint = "give a commit or a tree in which that merge is finished"
    assert Says.of(refusal(materialize, spec)) == Says("upstream-conflict-markers", 5, message, hint, spec)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("server/a.js", f"/*\n{TWO}*/\n", id="in a comment"),
        pytest.param("server/a.js", f"const text = `\n{TWO}`;\n", id="in a template literal"),
        pytest.param("server/a.js", "// =======\n=\n=======\n", id="a ruler in a file that does not parse"),
        pytest.param("server/a.js", ">>>>>>> x\n=======\n<<<<<<< y\n", id="in another order"),
        pytest.param("server/a.js", "  <<<<<<< a\n  =======\n  >>>>>>> b\n", id="not at the beginning of a line"),
        pytest.param("server/a.js", "<<<<<<<a\n=======\n>>>>>>>b\n", id="no blank behind them"),
        pytest.param("server/a.json", '{"a": "<<<<<<< x\\n=======\\n>>>>>>> y"}\n', id="in a string of JSON"),
        pytest.param("server/a.md", f"Title\n=======\n{TWO}", id="Markdown"),
        pytest.param("server/a.js", "<<<<<<< \n" * 20_000 + ">>>>>>> \n" * 20_000, id="many, and no middle"),
    ],
)
def test_what_is_no_conflict(tmp_path: Path, path: str, text: str) -> None:
    assert path in materialize(SMALL.having({path: text}).write(tmp_path)).tree


# --- submodules ------------------------------------------------------------------------------------------------

IN_A_CHECKOUT = "in a checkout `git submodule update --init --recursive`; then give the checkout as a directory"


def with_submodule(folder: Path, path: str, tree: Tree = SMALL) -> Repository:
    """A repository, whose tag v2.0.0 has another repository at this path."""
    (folder / "upstream").mkdir()
    (folder / "sub").mkdir()
    other = Repository.made(folder / "sub", Tree({"index.js": "x;\n"}))
    made = Repository.made(folder / "upstream", tree)
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), path)
    made.git("commit", "--quiet", "--message", "submodule")
    made.git("tag", "v2.0.0")
    return made


@pytest.mark.parametrize("path", ["server/lib", "scripts", "server/deep/er", "bin/tools"])
def test_a_submodule_where_modules_should_be(tmp_path: Path, path: str) -> None:
    made = with_submodule(tmp_path, path)
    message = f"expected files in {path}/, found a submodule: its files are in another repository"
    spec = made.at("v2.0.0")
    assert Says.of(refusal(materialize, spec)) == Says("upstream-submodule", 5, message, IN_A_CHECKOUT, spec)


@pytest.mark.parametrize("path", ["docs/theme", "vendor", "server/__tests__/data", "client/vendor"])
def test_a_submodule_that_does_not_travel_does_not_matter(tmp_path: Path, path: str) -> None:
    assert materialize(with_submodule(tmp_path, path).at("v2.0.0")).tree == SMALL.upstream.tree


def test_a_submodule_above_what_the_package_names(tmp_path: Path) -> None:
    package = '{"name": "agent-dashboard", "version": "1.2.0", "files": ["tools/run.js"]}'
    made = with_submodule(tmp_path, "tools", SMALL.having({"package.json": package}))
    assert refusal(materialize, made.at("v2.0.0")).code == "upstream-submodule"


@pytest.mark.parametrize("path", ["client", "client/src/vendor"])
def test_a_submodule_of_the_client_matters_with_the_client(tmp_path: Path, path: str) -> None:
    tree = SMALL if path == "client" else SMALL.having(CLIENT)
    made = with_submodule(tmp_path, path, tree)
    assert materialize(made.at("v2.0.0")).version == "1.2.0"
    assert refusal(materialize, made.at("v2.0.0"), client=True).code == "upstream-submodule"


def test_a_checkout_whose_submodule_nobody_fetched(tmp_path: Path) -> None:
    made = with_submodule(tmp_path, "server/lib")
    assert "server/lib/index.js" in materialize(str(made.path)).tree  # it is there, and so it travels
    made.git("submodule", "--quiet", "deinit", "--force", "server/lib")
    message = "expected files in server/lib/, found a submodule: its files are in another repository"
    where = str(made.path)
    assert Says.of(refusal(materialize, where)) == Says("upstream-submodule", 5, message, IN_A_CHECKOUT, where)


def test_an_archive_of_a_repository_with_a_submodule(tmp_path: Path) -> None:
    made = with_submodule(tmp_path, "server/lib")
    archive = tmp_path / "a.tar.gz"
    made.git("archive", "--prefix=x/", "--output", str(archive), "v2.0.0")
    assert refusal(materialize, str(archive)).code == "upstream-submodule"


def test_a_submodule_that_upstream_has_removed(tmp_path: Path) -> None:
    text = '[submodule "old"]\n\tpath = server/old\n\turl = https://example.invalid/old.git\n'
    assert materialize(SMALL.having({".gitmodules": text}).write(tmp_path)).tree == SMALL.upstream.tree


# --- what macOS leaves behind ----------------------------------------------------------------------------------

APPLE = {"server/._app.js": "\0\5\x16\7", "server/lib/._x.js": "", "._package.json": "x", "bin/._a": "", "bin/._b": ""}


@pytest.mark.parametrize("road", ROADS)
def test_what_macos_made_is_left_out_and_said(tmp_path: Path, road: str) -> None:
    upstream = materialize(spec_of(road, SMALL.having(APPLE), tmp_path))
    assert upstream.tree == SMALL.upstream.tree
    [note] = upstream.notes
    assert note.startswith("left out, as macOS made it and not upstream: ") and "bin/._a" in note


def test_an_archive_made_on_macos(tmp_path: Path) -> None:
    files = {f"package/{path}": data for path, data in SMALL.files.items()}
    beside = {
        "._package": "\0\5",
        "__MACOSX/._package": "\0\5",
        "__MACOSX/package/._x": "",
        "package/server/._a.js": "",
    }
    upstream = materialize(tar(tmp_path / "a.tgz", {**files, **beside}))
    assert upstream.tree == SMALL.upstream.tree
    assert upstream.notes == (
        "left out, as macOS made it and not upstream: ._package, __MACOSX/._package, __MACOSX/package/._x and 1 more",
    )


def test_a_note_is_said_by_every_command(cli: CommandLine, tmp_path: Path) -> None:
    made = Repository.made(tmp_path, SMALL.having({"server/._app.js": "x"}))
    note = "note: left out, as macOS made it and not upstream: server/._app.js"
    for words in (["check"], ["build", "--out", tmp_path / "out"], ["explain", "stamp_harness"]):
        assert note in cli(*words, "--upstream", made.at()).err.splitlines(), words
    assert f"note: v1.2.0: {note.removeprefix('note: ')}" in cli("matrix", "--upstream", made.path).out.splitlines()


def test_a_note_is_in_the_report(cli: CommandLine, tmp_path: Path) -> None:
    directory = SMALL.having({"server/._app.js": "x"}).write(tmp_path)
    out = cli("check", "--upstream", directory, "--format", "json").out
    assert '"notes": [\n    "left out, as macOS made it and not upstream: server/._app.js"\n  ]' in out


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
def test_a_name_that_is_not_utf_8(tmp_path: Path, road: str) -> None:
    spec = spec_of(road, SMALL.having({"server/caf\udce9.js": "x;\n"}), tmp_path)
    hint = "rename the file upstream, or give a tree without it"
    expected = Says("upstream-name-not-utf8", 5, "expected names in UTF-8, found 'server/caf\\xe9.js'", hint, spec)
    assert Says.of(refusal(materialize, spec)) == expected


@pytest.mark.parametrize("road", ROADS)
def test_a_name_that_is_not_utf_8_and_does_not_travel(tmp_path: Path, road: str) -> None:
    spec = spec_of(road, SMALL.having({"docs/caf\udce9.md": "x\n"}), tmp_path)
    assert materialize(spec).tree == SMALL.upstream.tree


@pytest.mark.parametrize("files", [{"server/x": "", "server/x/y.js": ""}])
def test_a_file_that_is_a_folder_too(tmp_path: Path, files: dict[str, str]) -> None:
    spec = tar(tmp_path / "a.tgz", {f"package/{path}": data for path, data in {**SMALL.files, **files}.items()})
    assert refusal(materialize, spec).message == "'server/x' is a file and a folder"


def test_names_that_differ_in_case_or_normal_form_are_two(tmp_path: Path) -> None:
    tree = SMALL.having({"server/A.js": "1", "server/a.js": "2", "server/é.js": "3", "server/e\u0301.js": "4"})
    assert len(materialize(Repository.made(tmp_path, tree).at()).tree) == len(tree.files)


def test_a_matrix_has_a_row_for_what_is_refused(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, SMALL.having({"server/x.bin": POINTER}))
    with History.open(str(made.path)) as history:
        judged = judge(history, "v1.2.0", [])
    assert judged.reasons == (
        f"upstream-not-the-file: {made.path}@v1.2.0: expected the content of server/x.bin, found a Git LFS pointer to it",
    )
