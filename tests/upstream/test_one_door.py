"""What is in the commit is what is built: nothing around a clone changes a byte, and nothing of anybody's is run."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from patcher.model import Tree as Files
from patcher.upstream import clone, git
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import identified, materialize
from patcher.upstream.trees import CommitTree, Trees
from tests.support import SMALL, CommandLine, Repository, Says, refusal, spawn

TREE = SMALL.having(
    {"server/lib/a.js": "a;\n", "server/lib/crlf.js": "b;\r\n", "server/$Id$.js": "// $Id$ $Format:%H$\n"}
)
MARK = "was-run"


@pytest.fixture
def clean(tmp_path: Path) -> Repository:
    made = tmp_path / "clone"
    made.mkdir()
    return Repository.made(made, TREE)


def read(repository: Repository, ref: str = "v1.2.0") -> Files:
    """The tree, which must be the same through both doors."""
    tree = materialize(repository.at(ref)).tree
    with History.open(str(repository.path)) as history:
        assert history.upstream(ref).tree == tree
        assert isinstance(clone.is_dirty(history.path), bool)
    return tree


# --- what stands around a clone --------------------------------------------------------------------------------

Around = Callable[[Repository, pytest.MonkeyPatch, str], None]
ATTRIBUTES = "*.js text eol=crlf ident export-subst filter=evil diff=evil working-tree-encoding=UTF-16\nserver/lib export-ignore\n"


def config(repository: Repository, *settings: str) -> None:
    for setting in settings:
        repository.git("config", *setting.split("=", 1))


def attributes_of_the_user(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    home = repository.path.parent / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/attributes").write_text(ATTRIBUTES)
    (home / ".gitconfig").write_text(f'[core]\n eol = crlf\n[filter "evil"]\n smudge = {evil}\n clean = {evil}\n')
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_CONFIG_HOME", "")


def attributes_of_the_clone(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    (repository.path / ".git/info").mkdir(exist_ok=True)
    (repository.path / ".git/info/attributes").write_text(ATTRIBUTES)
    config(repository, f"filter.evil.smudge={evil}", f"filter.evil.clean={evil}", f"filter.evil.process={evil}")
    config(repository, "filter.evil.required=true", f"diff.evil.textconv={evil}")


def attributes_file_of_the_clone(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    file = repository.path.parent / "attributes"
    file.write_text(ATTRIBUTES)
    config(repository, f"core.attributesFile={file}", f"filter.evil.smudge={evil}", f"filter.evil.clean={evil}")


def attributes_of_the_commit(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    config(repository, f"filter.evil.smudge={evil}", f"filter.evil.clean={evil}")
    tag = repository.git("rev-parse", "v1.2.0").strip()
    blob = repository.path / "attributes"
    blob.write_text(ATTRIBUTES)
    made = repository.git("hash-object", "-w", "--no-filters", str(blob)).strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{made},.gitattributes")
    tree = repository.git("write-tree").strip()
    commit = repository.git("commit-tree", "-p", tag, "-m", "attributes", tree).strip()
    repository.git("tag", "--force", "v1.2.0", commit)
    blob.unlink()


def settings_of_the_clone(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    config(repository, "core.eol=crlf", "core.autocrlf=true", f"core.fsmonitor={evil}", f"core.pager={evil}")
    config(repository, f"alias.cat-file=!{evil}", f"alias.rev-parse=!{evil}", f"core.sshCommand={evil}")
    config(repository, "i18n.logOutputEncoding=latin1", "log.showSignature=true", f"gpg.program={evil}")


def hooks_of_the_clone(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    hooks = repository.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\n{evil}\n")
        (hooks / name).chmod(0o755)


def other(repository: Repository, kind: str) -> tuple[str, str]:
    """The id of what stands there, and of something else of its kind."""
    name = {"blob": "v1.2.0:server/app.js", "tree": "v1.2.0^{tree}", "commit": "v1.2.0^{commit}"}[kind]
    mine = repository.git("rev-parse", name).strip()
    instead = repository.git("rev-parse", name.replace("v1.2.0", "other")).strip()
    return mine, instead


def replaced(kind: str) -> Around:
    def replace(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
        repository.commit(TREE.having({"server/app.js": "something_else;\n"}), "other")
        repository.git("replace", *other(repository, kind))

    return replace


def grafted(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    repository.commit(TREE.having({"server/app.js": "something_else;\n"}), "other")
    mine, instead = other(repository, "commit")
    (repository.path / ".git/info").mkdir(exist_ok=True)
    (repository.path / ".git/info/grafts").write_text(f"{mine} {instead}\n")


def environment_of_a_hook(repository: Repository, patch: pytest.MonkeyPatch, evil: str) -> None:
    nowhere = {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_NAMESPACE": "x"}
    objects = {"GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere"}
    more = {"GIT_ATTR_SOURCE": "HEAD", "GIT_EXTERNAL_DIFF": evil, "GIT_SSH_COMMAND": evil, "GIT_LITERAL_PATHSPECS": "1"}
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "true"}
    for name, value in {**nowhere, **objects, **more, **settings}.items():
        patch.setenv(name, value)


AROUND = [
    pytest.param(attributes_of_the_user, id="attributes and settings of the user"),
    pytest.param(attributes_of_the_clone, id="info/attributes"),
    pytest.param(attributes_file_of_the_clone, id="core.attributesFile of the clone"),
    pytest.param(attributes_of_the_commit, id="attributes in the commit"),
    pytest.param(settings_of_the_clone, id="settings of the clone"),
    pytest.param(hooks_of_the_clone, id="hooks"),
    pytest.param(replaced("blob"), id="a blob that is replaced"),
    pytest.param(replaced("tree"), id="a tree that is replaced"),
    pytest.param(replaced("commit"), id="a commit that is replaced"),
    pytest.param(grafted, id="a graft"),
    pytest.param(environment_of_a_hook, id="the environment of a hook"),
]


@pytest.mark.parametrize("around", AROUND)
def test_nothing_around_a_clone_changes_a_byte_or_is_run(
    clean: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, around: Around
) -> None:
    expected = TREE.upstream.tree
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path / MARK}\ncat\n")
    evil.chmod(0o755)
    around(clean, monkeypatch, str(evil))
    (tmp_path / MARK).unlink(missing_ok=True)  # git itself may have run it while the clone was made so
    for file in (clean.path / "server").rglob("*.js"):
        file.touch()  # so that git has to compare
    assert read(clean) == expected
    assert not (tmp_path / MARK).exists()


@pytest.mark.parametrize("around", AROUND[:9])
def test_a_tree_that_was_built_is_up_to_date_whatever_stands_around(
    clean: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, around: Around, cli: CommandLine
) -> None:
    """The quick answer comes from another call of git, which must not be led astray either."""
    from patcher.uptodate import _TreeId

    around(clean, monkeypatch, "true")
    assert f"git-tree:{_TreeId(clean.at()).read()}" == materialize(clean.at()).source


def test_a_graft_does_not_change_the_history(clean: Repository) -> None:
    clean.commit(TREE.having({"server/app.js": "second;\n"}), "v1.2.1")
    clean.commit(TREE.having({"server/app.js": "third;\n"}), "v1.2.2")
    (clean.path / ".git/info").mkdir(exist_ok=True)
    (clean.path / ".git/info/grafts").write_text(clean.git("rev-parse", "v1.2.2"))  # without parents
    with History.open(str(clean.path)) as history:
        assert [each.subject for each in history.commits(["server/app.js"])] == ["v1.2.0", "v1.2.1", "v1.2.2"]


def test_a_folder_without_objects_does_not_lead_to_the_repository_around_it(clean: Repository) -> None:
    """Git looks for a repository in every folder above: the product's own, for one."""
    inner = clean.path / "vendor/upstream"
    (inner / ".git").mkdir(parents=True)
    assert "not a git repository" in refusal(materialize, f"{inner}@v1.2.0").message


def test_a_clone_that_borrows_its_objects(clean: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--shared", str(clean.path), str(tmp_path / "shared")], check=True)
    assert materialize(f"{tmp_path / 'shared'}@v1.2.0").tree == TREE.upstream.tree


def test_a_spec_is_kept_without_its_secret(clean: Repository) -> None:
    """Hints and reports show it."""
    with git.Objects(str(clean.path)) as objects:
        trees = Trees(str(clean.path), objects)
        spec = "https://u:s3cr3t@h/x.git@v1.2.0"
        upstream = identified(CommitTree(trees, "v1.2.0", spec), "v1.2.0", spec)
    assert upstream.spec == "https://***@h/x.git@v1.2.0"


# --- what is in the tree ---------------------------------------------------------------------------------------


def commit_of(repository: Repository, *entries: str) -> str:
    """A commit whose tree has these lines of `git ls-tree`, which `git add` would not make."""
    listed = repository.git("ls-tree", "v1.2.0").splitlines()
    command = ["git", "-C", str(repository.path), "mktree", "--missing"]
    made = subprocess.run(
        command, input="\n".join([*listed, *entries]) + "\n", capture_output=True, text=True, check=True
    )
    return repository.git("commit-tree", "-m", "made", made.stdout.strip()).strip()


def a_file(repository: Repository, text: str) -> str:
    (repository.path.parent / "content").write_text(text)
    return repository.git("hash-object", "-w", str(repository.path.parent / "content")).strip()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        pytest.param("../../../etc/passwd", "'bin/x' is a symlink to '../../../etc/passwd'", id="out of the tree"),
        pytest.param("/etc/passwd", "'bin/x' is a symlink to '/etc/passwd'", id="an absolute path"),
        pytest.param("gone.js", "'bin/x' is a link to 'gone.js', which is not a file that travels", id="nothing"),
        pytest.param("x", "'bin/x' is a link to 'x', which is not a file that travels", id="itself"),
        pytest.param("../server", "'bin/x' is a link to '../server', which is not a file that travels", id="a folder"),
    ],
)
def test_a_symlink_of_a_commit_that_leads_nowhere(clean: Repository, target: str, said: str) -> None:
    link = a_file(clean, target)
    folder = subprocess.run(
        ["git", "-C", str(clean.path), "mktree"],
        input=f"120000 blob {link}\tx\n",
        capture_output=True,
        text=True,
        check=True,
    )
    error = refusal(materialize, clean.at(commit_of(clean, f"040000 tree {folder.stdout.strip()}\tbin")))
    assert (error.exit_code, error.message) == (5, said)


def test_a_symlink_of_a_commit_through_another_one(clean: Repository) -> None:
    (clean.path / "LINK").symlink_to("server/lib/a.js")
    (clean.path / "server/b.js").symlink_to("../LINK")
    clean.commit(TREE, "v1.2.1")
    assert read(clean, "v1.2.1")["server/b.js"].data == b"a;\n"


@pytest.mark.parametrize("name", ["..", ".", "a\\b.js"])
def test_a_name_that_leads_out_of_the_tree(clean: Repository, name: str) -> None:
    blob = a_file(clean, "evil;\n")
    raw = f"100644 {name}\0".encode() + bytes.fromhex(blob)
    made = subprocess.run(
        ["git", "-C", str(clean.path), "hash-object", "-w", "--literally", "-t", "tree", "--stdin"],
        input=raw, capture_output=True, check=True,
    )  # fmt: skip
    error = refusal(materialize, clean.at(commit_of(clean, f"040000 tree {made.stdout.decode().strip()}\tbin")))
    assert (error.code, error.message) == ("upstream-unsafe-path", f"the member {f'bin/{name}'!r} leaves the tree")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param(b"100644 x\0abc", "is damaged: cut short", id="cut short"),
        pytest.param(b"nonsense", "is damaged: ", id="nonsense"),
        pytest.param(b"99 x\0" + bytes(20), "is damaged: ", id="a mode that is not octal"),
        pytest.param(b"-1 x\0" + bytes(20), "is damaged: '-1' is not a mode", id="a mode below zero"),
        pytest.param(b"7777777 x\0" + bytes(20), "is damaged: '7777777' is not a mode", id="a mode that is too large"),
        pytest.param(b"0o17 x\0" + bytes(20), "is damaged: '0o17' is not a mode", id="a number of Python"),
        pytest.param(b"100644 x\0" + bytes(20), "is not in the repository", id="an object that is not there"),
    ],
)
def test_a_tree_that_is_damaged(clean: Repository, raw: bytes, said: str) -> None:
    made = subprocess.run(
        ["git", "-C", str(clean.path), "hash-object", "-w", "--literally", "-t", "tree", "--stdin"],
        input=raw, capture_output=True, check=True,
    )  # fmt: skip
    error = refusal(materialize, clean.at(commit_of(clean, f"040000 tree {made.stdout.decode().strip()}\tbin")))
    assert error.code == "upstream-unreadable" and said in error.message


def test_a_repository_that_git_has_given_up_on_stays_unreadable(clean: Repository) -> None:
    commit = clean.git("rev-parse", "HEAD").strip()
    path = clean.path / ".git" / "objects" / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with git.Objects(str(clean.path)) as objects:
        for name in (f"{commit}^{{commit}}", "HEAD:server", f"{commit}^{{commit}}"):
            error = refusal(objects.get, name)
            assert error.code == "upstream-unreadable"
            assert error.message.startswith(f"git cannot read {name}: ") and error.message.endswith("is corrupt")
            assert error.hint.endswith("fsck` shows what is broken; a fresh clone repairs it")


def test_a_tree_that_names_itself_again_and_again(clean: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patcher.upstream.trees.MOST_FILES", 1000)
    tree, kind = a_file(clean, "x;\n"), "100644 blob"
    for _ in range(40):
        done = subprocess.run(
            ["git", "-C", str(clean.path), "mktree"],
            input=f"{kind} {tree}\ta\n{kind} {tree}\tb\n",
            capture_output=True,
            check=True,
            text=True,
        )
        tree, kind = done.stdout.strip(), "040000 tree"
    error = refusal(materialize, clean.at(commit_of(clean, f"040000 tree {tree}\tbin")))
    assert error.code == "upstream-unsafe-path"
    assert error.message.startswith("expected at most 1,000 files, 100 folders deep, found more below 'bin/")


def test_a_very_deep_tree_is_refused_and_no_crash(clean: Repository) -> None:
    tree, kind, name = a_file(clean, "x;\n"), "100644 blob", "x.js"
    for _ in range(300):
        done = subprocess.run(
            ["git", "-C", str(clean.path), "mktree"],
            input=f"{kind} {tree}\t{name}\n",
            capture_output=True,
            text=True,
            check=True,
        )
        tree, kind, name = done.stdout.strip(), "040000 tree", "d"
    error = refusal(materialize, clean.at(commit_of(clean, f"040000 tree {tree}\tbin")))
    assert error.code == "upstream-unsafe-path"


def test_a_tree_can_be_built_without_a_commit(clean: Repository) -> None:
    assert materialize(clean.at(clean.git("rev-parse", "v1.2.0^{tree}").strip())).tree == TREE.upstream.tree


# --- clones that lack something --------------------------------------------------------------------------------


def objects(made: Path) -> list[str]:
    return sorted(str(path) for path in made.rglob("*") if "objects" in path.parts)


def cloned(clean: Repository, tmp_path: Path, *options: str) -> Path:
    clean.git("config", "uploadpack.allowFilter", "true")
    clean.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made = tmp_path / "made"
    command = ["git", "clone", "--quiet", "--no-checkout", *options, f"file://{clean.path}", str(made)]
    subprocess.run(command, check=True)
    return made


@pytest.mark.parametrize("options", [["--filter=blob:none"], ["--filter=tree:0"], ["--filter=blob:none", "--depth=1"]])
@pytest.mark.parametrize("reachable", [True, False], ids=["its remote can be reached", "its remote is gone"])
def test_a_partial_clone_is_refused_and_nothing_is_fetched(
    clean: Repository, tmp_path: Path, options: list[str], reachable: bool
) -> None:
    made = cloned(clean, tmp_path, *options)
    if not reachable:
        clean.path.rename(tmp_path / "gone")
    before = objects(made)
    error = refusal(materialize, f"{made}@HEAD")
    assert (error.code, error.exit_code, error.where) == ("upstream-incomplete-clone", 5, str(made))
    assert error.message.startswith("expected every object, found a partial clone without ")
    assert error.hint == "clone it again without `--filter`"
    assert objects(made) == before
    if reachable:
        subprocess.run(["git", "-C", str(made), "cat-file", "-p", "HEAD:package.json"], capture_output=True, check=True)
        assert objects(made) != before, "git itself would have fetched it"


def test_a_shallow_clone_has_its_commit_whole_and_can_be_built(clean: Repository, tmp_path: Path) -> None:
    """What a checkout in CI gives."""
    clean.commit(TREE.having({"server/app.js": "second;\n"}), "v1.2.1")
    made = cloned(clean, tmp_path, "--depth=1")
    assert materialize(f"{made}@HEAD").tree["server/app.js"].data == b"second;\n"


@pytest.mark.parametrize("ref", ["v1.2.0", "HEAD~1"])
def test_a_ref_that_a_shallow_clone_lacks(clean: Repository, tmp_path: Path, ref: str) -> None:
    clean.commit(TREE.having({"server/app.js": "second;\n"}), "v1.2.1")
    made = cloned(clean, tmp_path, "--depth=1", "--no-tags")
    hint = (
        f"`git -C {made} tag` lists the tags; "
        f"`git -C {made} fetch --unshallow --tags` brings what this shallow clone lacks"
    )
    message = f"there is no ref {ref!r} with a commit"
    assert Says.of(refusal(materialize, f"{made}@{ref}")) == Says("upstream-no-such-ref", 5, message, hint, str(made))


def test_an_object_that_is_gone_is_no_ref_that_is_not_there(clean: Repository) -> None:
    blob = clean.git("rev-parse", "v1.2.0:server/app.js").strip()
    (clean.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    hint = f"`git -C {clean.path} fsck` shows what is broken; a fresh clone repairs it"
    message = f"the object {blob} is not in the repository"
    assert Says.of(refusal(materialize, clean.at())) == Says("upstream-unreadable", 5, message, hint, str(clean.path))


# --- names -----------------------------------------------------------------------------------------------------

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_an_ascii_locale_changes_no_byte(clean: Repository, tmp_path: Path) -> None:
    copy = tmp_path / "dépôt"
    clean.path.rename(copy)
    Repository(copy).commit(TREE.having({"server/données.js": "1;\n"}), "v1.2.1-é")
    archive = str(tmp_path / "paquet-é.tgz")  # by `tar` itself: its names are bytes
    subprocess.run(["tar", "--format=gnu", "-czf", archive, "-C", str(tmp_path), "dépôt"], check=True)
    for spec in (copy, f"{copy}@v1.2.1-é", archive):
        digests = {spawn("check", "--upstream", spec, "--format", "json", **each).out.partition('"tree_sha256": ')[2][:66]
                   for each in (ASCII, {"LC_ALL": "C.UTF-8"})}  # fmt: skip
        assert len(digests) == 1 and len(digests.pop()) == 66


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
@pytest.mark.parametrize("locale", [ASCII, {"LC_ALL": "C.UTF-8"}], ids=["ASCII", "UTF-8"])
def test_a_tree_with_letters_beyond_ascii_is_built_in_every_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    """Read, written, up to date, verified, and taken back."""
    from patcher.resources import BUILTIN_SIDECAR

    upstream, out, back = tmp_path / "amont-é", tmp_path / "sortie-é", tmp_path / "retour-é"
    subprocess.run(["cp", "-r", BUILTIN_SIDECAR, str(upstream)], check=True)
    (upstream / "server/données").mkdir()
    (upstream / "server/données/é.js").write_text("1;\n")
    first = spawn("build", "--upstream", upstream, "--out", out, **locale)
    assert (first.code, "Traceback" in first.err) == (0, False)
    assert (out / "server/données/é.js").read_text() == "1;\n"
    assert spawn("build", "--upstream", upstream, "--out", out, **locale).err.startswith("up to date: ")
    assert spawn("build", "--upstream", upstream, "--out", out).err.startswith("up to date: ")
    assert spawn("verify", out, **locale).code == 0
    assert spawn("revert", out, "--out", back, **locale).code == 0
    assert (back / "server/données/é.js").read_text() == "1;\n"
