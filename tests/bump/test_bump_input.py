"""Bad input to `bump`: each its own message and exit code, and nothing written."""

import json
from pathlib import Path

import pytest

from patcher.upstream.materialize import materialize
from tests.support import SMALL, CommandLine, Ended, Repository, Tree, snapshot, spawn

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "patcher/patches"


@pytest.fixture(autouse=True)
def nothing_is_written() -> "object":
    before = snapshot(PATCHES)
    yield
    after = snapshot(PATCHES)
    assert {path: each for path, each in after.items() if "__pycache__" not in path} == {
        path: each for path, each in before.items() if "__pycache__" not in path
    }


def bump(cli: CommandLine, upstream: "Path | str", to: str = "v1.2.0", *more: str) -> Ended:
    return cli("bump", "--upstream", str(upstream), "--to", to, *more)


def test_a_ref_that_does_not_exist(cli: CommandLine, repository: Repository) -> None:
    ended = bump(cli, repository.path, "v9")
    assert ended.code == 5
    assert f"error[upstream-no-such-ref]: {repository.path}: there is no ref 'v9' with a commit" in ended.err
    assert f"hint: `git -C {repository.path} tag` lists the tags" in ended.err


def test_a_beginning_that_does_not_exist(cli: CommandLine, repository: Repository) -> None:
    ended = bump(cli, repository.path, "v1.2.0", "--from", "v0.9")
    assert (ended.code, "there is no ref 'v0.9' with a commit" in ended.err) == (5, True)


def test_packages_that_are_missing_name_the_bump_that_fetches_them(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {path: file.data for path, file in materialize("builtin").tree.items()}
    needy = {**json.loads(files["package.json"]), "dependencies": {"express": "1.0.0"}}
    upstream = Repository(tmp_path / "upstream")
    upstream.path.mkdir()
    upstream.git("init", "--quiet", "--initial-branch=main")
    upstream.commit(Tree({**files, "package.json": json.dumps(needy)}), "v1.4.0")
    ended = bump(cli, upstream.path, "v1.4.0", "--prove")
    assert ended.code == 5
    assert f"hint: sidecar-patcher bump --upstream {upstream.path} --to v1.4.0 --prove --install\n" in ended.err


def test_a_shallow_clone(cli: CommandLine, repository: Repository, tmp_path: Path) -> None:
    repository.commit(SMALL.having({"server/x.js": "1;\n"}), "v1.3.0")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(tmp_path / "shallow"))
    ended = bump(cli, tmp_path / "shallow", "HEAD")
    assert ended.code == 5 and "error[upstream-incomplete-clone]" in ended.err
    assert "expected the whole history, found a shallow clone" in ended.err and "fetch --unshallow --tags" in ended.err


def test_a_partial_clone(cli: CommandLine, repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    source = f"file://{repository.path}"
    repository.git("clone", "--quiet", "--bare", "--filter=blob:none", source, str(tmp_path / "partial"))
    ended = bump(cli, tmp_path / "partial", "v1.2.0")
    assert ended.code == 5 and "error[upstream-incomplete-clone]" in ended.err and "a partial clone" in ended.err


def test_a_repository_of_something_else(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Repository.made(tmp_path / "other", SMALL.having({"package.json": '{"name": "left-pad"}\n'}))
    ended = bump(cli, other.path)
    assert ended.code == 5 and "expected agent-dashboard, found 'left-pad' in package.json" in ended.err


def test_no_repository(cli: CommandLine, tmp_path: Path) -> None:
    ended = bump(cli, tmp_path)
    assert ended.code == 5 and "this directory is not a git repository" in ended.err
    ended = bump(cli, tmp_path / "nowhere")
    assert ended.code == 5 and "there is no such repository" in ended.err


def test_a_url(cli: CommandLine) -> None:
    ended = bump(cli, "https://example.invalid/x.git")
    assert ended.code == 5 and "the history of a URL cannot be read" in ended.err and "git clone --bare" in ended.err


def test_unrelated_histories(cli: CommandLine, repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "else")
    repository.commit(SMALL.having({"server/y.js": "2;\n"}), "v1.3.0")
    ended = bump(cli, repository.path, "v1.3.0", "--from", "v1.2.0")
    assert ended.code == 5
    message = "v1.2.0 and v1.3.0 have no commit in common: no commit leads from one to the other"
    assert f"error[upstream-unrelated-histories]: {repository.path}: {message}" in ended.err


def test_no_git(repository: Repository, tmp_path: Path) -> None:
    ended = spawn("bump", "--upstream", repository.path, "--to", "v1.2.0", PATH=str(tmp_path))
    assert ended.code == 5 and "error[git-missing]: git is not on this machine" in ended.err


def test_a_dirty_checkout_is_said_and_only_commits_are_read(cli: CommandLine, repository: Repository) -> None:
    (repository.path / "package.json").write_text("{}")
    ended = bump(cli, repository.path)
    assert f"{repository.path} has uncommitted changes; only commits are read" in ended.err
    assert "v1.2.0" in ended.out.splitlines()[0] and ended.code == 3


def test_a_bare_repository_and_a_detached_head_are_fine(
    cli: CommandLine, repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "--quiet", "--bare", str(repository.path), str(tmp_path / "bare"))
    repository.git("checkout", "--quiet", "--detach")
    outs = [bump(cli, path, "HEAD").out.splitlines()[0] for path in (tmp_path / "bare", repository.path)]
    assert outs[0] == outs[1] and "→ HEAD" in outs[0]


def test_a_commit_without_our_package(cli: CommandLine, repository: Repository) -> None:
    repository.commit(SMALL.having({"package.json": '{"name": "left-pad"}\n'}), "v1.3.0")
    ended = bump(cli, repository.path, "v1.3.0")
    assert ended.code == 5 and "expected agent-dashboard, found 'left-pad'" in ended.err


@pytest.mark.parametrize("word", ["stamp_harness", "stamp_harness.spare", "=1", "stamp_harness.spare=x"])
def test_an_accept_that_is_none(cli: CommandLine, repository: Repository, word: str) -> None:
    ended = bump(cli, repository.path, "v1.2.0", "--accept", word)
    assert ended.code == 2 and f"expected SITE=RANK, found {word!r}" in ended.err


def test_the_number_of_a_site_is_understood_and_its_name_is_said(cli: CommandLine, repository: Repository) -> None:
    numbered = bump(cli, repository.path, "v1.2.0", "--accept", "codex_hooks.0=1")
    said = "codex_hooks.0 is codex_hooks.start: sites have names now, and the next version takes no number\n"
    assert numbered.err.startswith(said)
    named = bump(cli, repository.path, "v1.2.0", "--accept", "codex_hooks.start=1")
    assert (named.code, said + named.err) == (numbered.code, numbered.err)
    twice = bump(cli, repository.path, "v1.2.0", "--accept", "codex_hooks.0=1", "codex_hooks.start=2")
    assert twice.code == 2 and "codex_hooks.start is accepted twice: codex_hooks.start=1 and " in twice.err


def test_an_unknown_patch(cli: CommandLine, repository: Repository) -> None:
    ended = bump(cli, repository.path, "v1.2.0", "--only", "nothing")
    assert ended.code == 2 and "there is no patch nothing" in ended.err


def test_where_no_ref_fits_it_says_so_and_goes_on(cli: CommandLine, repository: Repository) -> None:
    ended = bump(cli, repository.path)
    assert ended.code == 3 and ended.out.startswith("no ref that meets the pins → v1.2.0 ")
    assert "no ref of this repository has the code that was reviewed, and so nothing to look for\n" in ended.out
    assert "fetch --tags" not in ended.out  # it has tags, and nothing to fetch from


def test_where_tags_may_be_fetched_it_says_how(cli: CommandLine, repository: Repository) -> None:
    repository.git("tag", "--delete", "v1.2.0")
    repository.git("remote", "add", "origin", "https://example.invalid/x.git")
    said = f"nothing to look for; `git -C {repository.path} fetch --tags` may bring one\n"
    assert said in bump(cli, repository.path, "HEAD").out
