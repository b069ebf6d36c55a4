"""A repository read at many refs, and every kind of clone that cannot be read so."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from patcher.errors import PatcherError
from patcher.upstream import clone, git
from patcher.upstream.culprits import bisect, culprit
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import materialize
from tests.support import APP_FILE, SMALL, CommandLine, Repository, Says, Tree, refusal

UPSTREAM = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
NO_REF = "`git -C {path} tag` lists the tags; `git -C {path} fetch --tags` brings new ones"


def versioned(version: str, tree: Tree = SMALL) -> Tree:
    return replace(
        tree.having({"package.json": f'{{"name": "agent-dashboard", "version": "{version}"}}\n'}), version=version
    )


@pytest.fixture
def long(repository: Repository) -> Repository:
    """v1.2.0 to v1.10.0 on one line; only v1.3.0 and v1.10.0 touch the app."""
    repository.commit(versioned("1.2.1"), "v1.2.1")
    repository.commit(versioned("1.3.0").edited("total;", "total + 1;"), "v1.3.0")
    repository.commit(versioned("1.10.0").edited("total;", "total + 2;"), "v1.10.0")
    return repository


def says(path: Path | str, call: object = None) -> Says:
    """What opening a repository, or asking it something, ends with."""

    def ask() -> None:
        with History.open(str(path)) as history:
            call(history)  # type: ignore[operator]

    return Says.of(refusal(ask if call else lambda: History.open(str(path))))


# --- refs ------------------------------------------------------------------------------------------------------


def test_tags_come_in_version_order_and_others_are_left_out(long: Repository) -> None:
    for tag in ("desktop-v9", "nightly", "v1.10.0-rc.1", "2.0"):
        long.git("tag", tag)
    with History.open(str(long.path)) as history:
        assert history.tags() == ["v1.2.0", "v1.2.1", "v1.3.0", "v1.10.0-rc.1", "v1.10.0", "2.0"]


def test_version_tags_that_name_no_commit_are_left_out_with_a_word(long: Repository, cli: CommandLine) -> None:
    long.git("tag", "v9.9.9", "HEAD:package.json")
    long.git("tag", "v8.0.0", "HEAD^{tree}")
    long.git("tag", "-a", "-m", "x", "v7.0.0", "HEAD:server")
    long.git("tag", "-a", "-m", "x", "v1.10.1", "v1.10.0")  # a tag of a commit is fine
    with History.open(str(long.path)) as history:
        assert history.tags() == ["v1.2.0", "v1.2.1", "v1.3.0", "v1.10.0", "v1.10.1"]
        assert history.tags_without_commit == ["v7.0.0", "v8.0.0", "v9.9.9"]
    ended = cli("matrix", "--upstream", long.path)
    assert (ended.code, ended.out.splitlines()[-1]) == (
        0,
        "note: left out, as they name no commit: v7.0.0, v8.0.0, v9.9.9",
    )


@pytest.mark.parametrize(
    ("words", "refs"),
    [
        pytest.param([], ["v1.2.0", "v1.2.1", "v1.3.0", "v1.10.0"], id="no word is every tag"),
        pytest.param(["v1.2.1..v1.10.0"], ["v1.2.1", "v1.3.0", "v1.10.0"], id="a range has both its ends"),
        pytest.param(["..v1.2.1"], ["v1.2.0", "v1.2.1"], id="from the first tag"),
        pytest.param(["v1.3.0.."], ["v1.3.0", "v1.10.0", "HEAD"], id="to HEAD"),
        pytest.param(["v1.3.0..main"], ["v1.3.0", "v1.10.0", "main"], id="to a branch"),
        pytest.param(["main", "v1.2.0", "main"], ["main", "v1.2.0"], id="each ref once, in the order given"),
        pytest.param(["v1.3.0..v1.3.0"], ["v1.3.0"], id="a range of one"),
    ],
)
def test_refs(long: Repository, words: list[str], refs: list[str]) -> None:
    with History.open(str(long.path)) as history:
        assert history.refs(words) == refs


def test_a_tag_on_a_side_branch_is_between_by_its_version(long: Repository) -> None:
    long.git("checkout", "--quiet", "v1.3.0")
    long.commit(versioned("1.4.0"), "v1.4.0")
    long.git("checkout", "--quiet", "main")
    with History.open(str(long.path)) as history:
        assert history.refs(["v1.3.0..v1.10.0"]) == ["v1.3.0", "v1.4.0", "v1.10.0"]


# --- commits ---------------------------------------------------------------------------------------------------


def test_commits_are_those_that_touch_a_path_oldest_first(long: Repository) -> None:
    with History.open(str(long.path)) as history:
        assert [each.subject for each in history.commits([APP_FILE])] == ["v1.2.0", "v1.3.0", "v1.10.0"]
        assert [each.subject for each in history.commits([APP_FILE], "v1.3.0")] == ["v1.10.0"]
        assert [each.subject for each in history.commits(["package.json"], "v1.2.0", "v1.3.0")] == ["v1.2.1", "v1.3.0"]
        [only] = history.commits([APP_FILE], "v1.2.1", "v1.3.0")
        assert only == replace(history.commit("v1.3.0"), parents=only.parents)
        assert (only.id, only.author, len(only.date)) == (long.git("rev-parse", "v1.3.0").strip(), "t", 25)


def commit(repository: Repository, tree: Tree, subject: str) -> str:
    tree.write(repository.path)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--allow-empty", "--message", subject)
    return repository.git("rev-parse", "HEAD").strip()


def began(repository: Repository, mark: str, ref: str = "HEAD") -> str | None:
    """The subject of the commit from which on the app has this text."""
    with History.open(str(repository.path)) as history:
        found = culprit(history, ref, [APP_FILE], lambda at: mark in (history.text(at, APP_FILE) or mark))
        return found.subject if found else None


def test_the_culprit_is_where_it_began(repository: Repository) -> None:
    for number in range(5):
        commit(repository, SMALL.edited("total;", f"total + {number};"), f"innocent {number}")
    broken = SMALL.edited("total;", "broken;")
    commit(repository, broken, "guilty")
    commit(repository, broken.edited("[]", "[1]"), "later")
    assert began(repository, "broken") == "guilty"


def test_what_was_mended_in_between_is_not_the_culprit(repository: Repository) -> None:
    commit(repository, SMALL.edited("total;", "broken;"), "first")
    commit(repository, SMALL, "mended")
    commit(repository, SMALL.edited("total;", "broken; // again"), "second")
    assert began(repository, "broken") == "second"


def test_what_always_was_has_no_culprit(repository: Repository) -> None:
    commit(repository, SMALL.edited("[]", "[1]"), "later")
    assert began(repository, "total") is None


def test_the_culprit_on_a_branch_is_the_commit_and_not_its_merge(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "feature")
    commit(repository, SMALL.edited("total;", "broken;"), "guilty")
    commit(repository, SMALL.edited("total;", "broken;").edited("[]", "[1]"), "more of it")
    repository.git("checkout", "--quiet", "main")
    commit(repository, SMALL.having({"other.txt": "x"}), "innocent")
    repository.git("merge", "--quiet", "--no-ff", "--message", "merged", "feature")
    assert began(repository, "broken") == "guilty"


def test_a_branch_from_before_the_time_is_not_the_culprit(repository: Repository) -> None:
    """Its tree lacks what came later, and the merge did not take that over."""
    repository.git("checkout", "--quiet", "-b", "stale")
    commit(repository, SMALL.edited("[]", "[1]"), "on the stale branch")
    repository.git("checkout", "--quiet", "main")
    good = SMALL.edited("total;", "needed;")
    commit(repository, good, "brings it")
    repository.git("merge", "--quiet", "--no-ff", "--message", "merged", "stale")
    commit(repository, SMALL.edited("[]", "[1]"), "guilty")
    with History.open(str(repository.path)) as history:
        found = culprit(history, "HEAD", [APP_FILE], lambda at: "needed" not in (history.text(at, APP_FILE) or ""))
        assert found is not None and found.subject == "guilty"


# --- bisection -------------------------------------------------------------------------------------------------


def bisected(repository: Repository, mark: str, untold: str = "never there") -> tuple[str, int, int]:
    """The subject of the commit that brought a text, how many could not be told, and how often was asked."""
    asked = []

    def holds(at: str) -> bool | None:
        asked.append(at)
        text = history.text(at, APP_FILE) or ""
        return None if untold in text else mark in text

    with History.open(str(repository.path)) as history:
        found = bisect(history, "v1.2.0", "HEAD", [APP_FILE], holds)
        assert found is not None
        return found.commit.subject, len(found.skipped), len(asked)


def numbered(number: int) -> Tree:
    return SMALL.edited("[]", f"[{number}]")


def test_a_bisection_asks_few(repository: Repository) -> None:
    for number in range(32):
        tree = numbered(number)
        commit(repository, tree if number < 21 else tree.edited("total;", "broken;"), f"commit {number}")
    subject, untold, asked = bisected(repository, "broken")
    assert (subject, untold) == ("commit 21", 0) and asked <= 6


def test_a_bisection_leaves_out_what_touches_no_path(repository: Repository) -> None:
    for number in range(8):
        commit(repository, SMALL.having({"other.txt": str(number)}), f"innocent {number}")
    commit(repository, SMALL.edited("total;", "broken;").having({"other.txt": "7"}), "guilty")
    commit(repository, SMALL.edited("total;", "broken;").having({"other.txt": "8"}), "later")
    assert bisected(repository, "broken") == ("guilty", 0, 0)


def test_a_bisection_goes_into_branches(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "feature")
    commit(repository, SMALL.edited("total;", "broken;"), "guilty")
    commit(repository, SMALL.edited("total;", "broken;").edited("[]", "[1]"), "more of it")
    repository.git("checkout", "--quiet", "main")
    commit(repository, SMALL.edited("exports = {", "exports = { app,"), "innocent")
    repository.git("merge", "--quiet", "--no-ff", "--message", "merged", "feature")
    assert bisected(repository, "broken")[:2] == ("guilty", 0)


@pytest.mark.parametrize(("first", "last", "untold"), [(3, 5, 2), (0, 7, 7), (6, 7, 1)])
def test_what_cannot_be_told_is_counted_where_it_may_be_the_culprit(
    repository: Repository, first: int, last: int, untold: int
) -> None:
    """From `first` on nobody can tell, and from `last` on it holds."""
    for number in range(9):
        tree = numbered(number)
        more = "broken;" if number >= last else "untold;" if number >= first else "total;"
        commit(repository, tree.edited("total;", more), f"commit {number}")
    assert bisected(repository, "broken", "untold")[:2] == (f"commit {last}", untold)


def test_nothing_to_bisect(long: Repository) -> None:
    with History.open(str(long.path)) as history:
        assert bisect(history, "v1.2.0", "v1.10.0", ["nothing.js"], lambda at: True) is None


# --- contents --------------------------------------------------------------------------------------------------


def test_an_upstream_is_what_materialize_gives(long: Repository) -> None:
    with History.open(str(long.path)) as history:
        for tag in history.tags():
            assert history.upstream(tag) == materialize(long.at(tag))


def test_equal_blobs_are_one_object(long: Repository) -> None:
    with History.open(str(long.path)) as history:
        one, other = history.upstream("v1.2.0").tree, history.upstream("v1.2.1").tree
        assert one[APP_FILE] is other[APP_FILE]
        assert history.blob_id("v1.2.0", APP_FILE) == history.blob_id("v1.2.1", APP_FILE)
        assert history.blob_id("v1.2.1", APP_FILE) != history.blob_id("v1.3.0", APP_FILE)
        assert (history.blob_id("v1.2.0", "no/such"), history.text("v1.2.0", "no.js")) == (None, None)
        assert "total + 1;" in (history.text("v1.3.0", APP_FILE) or "")


def test_links_are_what_they_name(repository: Repository) -> None:
    (repository.path / "server" / "alias.js").symlink_to("store.js")
    repository.commit(versioned("1.2.1"), "v1.2.1")
    with History.open(str(repository.path)) as history:
        assert history.upstream("v1.2.1") == materialize(repository.at("v1.2.1"))
        assert history.upstream("v1.2.1").tree["server/alias.js"].data == b"exports.ensure = (id) => id;\n"


@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
def test_every_real_version_is_what_materialize_gives() -> None:
    with History.open(UPSTREAM) as history:
        assert len(history.tags()) >= 15
        for tag in history.tags():
            assert history.upstream(tag) == materialize(f"{UPSTREAM}@{tag}")


@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
@pytest.mark.parametrize("tag", ["v1.1.1", "v2.0.3"])
def test_a_real_client_travels_as_materialize_lets_it(tag: str) -> None:
    with History.open(UPSTREAM, client=True) as history:
        assert history.upstream(tag) == materialize(f"{UPSTREAM}@{tag}", client=True)


def test_the_client_travels_when_it_is_asked_for(repository: Repository) -> None:
    client = {
        "client/package.json": "{}\n",
        "client/src/docs/a.ts": "x;\n",
        "client/dist/a.js": "x;\n",
        "docs/b.js": "x;\n",
    }
    repository.commit(SMALL.having(client), "v1.3.0")
    with History.open(str(repository.path)) as history:
        assert [path for path in history.upstream("v1.3.0").tree if path.startswith("client")] == []
        assert "client" not in history.sources
    with History.open(str(repository.path), client=True) as history:
        tree = history.upstream("v1.3.0").tree
        assert tree == materialize(f"{repository.path}@v1.3.0", client=True).tree
        assert [path for path in tree if path not in SMALL.files] == ["client/package.json", "client/src/docs/a.ts"]
        assert "client" in history.sources
        said = refusal(history.upstream, "v1.2.0")
        assert said.message == "expected client/package.json, found no such file"


# --- clones that are fine --------------------------------------------------------------------------------------


def test_a_bare_repository_and_a_detached_head_are_fine(long: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--bare", str(long.path), str(tmp_path / "bare.git")], check=True)
    long.git("checkout", "--quiet", "--detach", "v1.3.0")
    with History.open(str(tmp_path / "bare.git")) as bare, History.open(str(long.path)) as detached:
        assert (clone.is_bare(bare.path), clone.is_bare(detached.path)) == (True, False)
        assert bare.tags() == detached.tags()
        assert detached.commit("HEAD").subject == "v1.3.0"


def test_a_dirty_work_tree_is_noticed_and_not_read(long: Repository) -> None:
    with History.open(str(long.path)) as history:
        assert not clone.is_dirty(history.path)
    (long.path / APP_FILE).write_text("nonsense(", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in (long.path / ".git").rglob("*")}
    with History.open(str(long.path)) as history:
        assert clone.is_dirty(history.path)
        assert (
            history.upstream("HEAD").tree[APP_FILE].data
            == SMALL.edited("total;", "total + 2;").files[APP_FILE].encode()
        )  # type: ignore[union-attr]
    assert {path: path.stat().st_mtime_ns for path in (long.path / ".git").rglob("*")} == before


def test_a_head_that_is_something_else_is_fine_where_a_version_is_not(long: Repository) -> None:
    long.git("checkout", "--quiet", "--orphan", "signatures")
    long.git("rm", "-rf", "--quiet", ".")
    (long.path / "cla.json").write_text("{}", encoding="utf-8")
    long.git("add", "--all")
    long.git("commit", "--quiet", "--message", "signatures")
    with History.open(str(long.path)) as history:
        assert history.refs(["v1.3.0"]) == ["v1.3.0"]


# --- clones that are not ---------------------------------------------------------------------------------------


def test_a_shallow_clone_says_how_to_deepen_it(long: Repository, tmp_path: Path) -> None:
    made = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{long.path}", str(made)], check=True)
    hint = f"`git -C {made} fetch --unshallow --tags` (GitHub's checkout action: `fetch-depth: 0`)"
    message = "expected the whole history, found a shallow clone"
    assert says(made) == Says("upstream-incomplete-clone", 5, message, hint, str(made))


@pytest.fixture
def partial(long: Repository, tmp_path: Path) -> Path:
    long.git("config", "uploadpack.allowFilter", "true")
    made = tmp_path / "partial"
    command = ["git", "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{long.path}", str(made)]
    subprocess.run(command, check=True)
    return made


def test_a_partial_clone_is_refused(partial: Path) -> None:
    message = "expected every object, found a partial clone; what it lacks is never fetched unasked"
    hint = "clone it again without `--filter`"
    assert says(partial) == Says("upstream-incomplete-clone", 5, message, hint, str(partial))


def objects(made: Path) -> list[str]:
    return sorted(str(path) for path in (made / ".git" / "objects").rglob("*"))


def test_what_a_partial_clone_lacks_is_not_fetched(partial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its promise is kept by nobody: git may not use any protocol."""
    monkeypatch.setattr(clone, "is_partial", lambda _: False)
    before = objects(partial)
    error = refusal(History.open, str(partial))
    assert error.code == "upstream-unreadable" and objects(partial) == before
    name = subprocess.run(
        ["git", "-C", str(partial), "rev-parse", "HEAD:package.json"], capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run(["git", "-C", str(partial), "cat-file", "-t", name], capture_output=True, check=True)
    assert objects(partial) != before, "git itself would have fetched it"


def test_a_repository_of_something_else(long: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    made = Repository.made(other, SMALL.having({"package.json": '{"name": "left-pad", "version": "1.0.0"}'}))
    hint = "point --upstream at a tree of agent-dashboard, or leave it out for the builtin sidecar"
    found = "expected agent-dashboard, found 'left-pad' in package.json"
    assert says(made.path) == Says("upstream-not-agent-dashboard", 5, found, hint, f"{other}@HEAD")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    expected = Says(
        "upstream-no-such-ref", 5, "there is no commit yet", "fetch upstream's branches and tags", str(tmp_path)
    )
    assert says(tmp_path) == expected


def test_no_repository(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert says(missing).message == "there is no such repository"
    assert says(tmp_path).message == "this directory is not a git repository"


def test_a_url_says_how_to_clone_it() -> None:
    url = "https://example.invalid/upstream.git"
    hint = f"`git clone --bare {url} upstream.git`, then give upstream.git"
    assert says(url) == Says("upstream-unreadable", 5, "the history of a URL cannot be read", hint, url)


def test_no_git_on_the_machine(long: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    hint = "install git, or give a directory or a .tgz instead"
    assert says(long.path) == Says("git-missing", 5, "git is not on this machine", hint)


def test_a_broken_repository_says_what_git_says(long: Repository) -> None:
    (long.path / ".git" / "config").write_text("nonsense [", encoding="utf-8")
    assert says(long.path).message.startswith("git ") and "config" in says(long.path).message


@pytest.mark.parametrize("ref", ["v9.9.9", "--help", "-x", "HEAD:server", "HEAD\nHEAD", "", "v1.2.0..v9.9.9"])
def test_a_ref_that_does_not_exist(long: Repository, ref: str) -> None:
    named = ref.rpartition("..")[2]
    hint = NO_REF.format(path=long.path)
    message = f"there is no ref {named!r} with a commit"
    if ref == "HEAD:server":
        message, hint = f"{message}: it names a tree", hint.partition(";")[0]
    expected = Says("upstream-no-such-ref", 5, message, hint, str(long.path))
    assert says(long.path, lambda history: history.refs([ref])) == expected


def test_unrelated_histories(long: Repository) -> None:
    long.git("checkout", "--quiet", "--orphan", "elsewhere")
    long.commit(versioned("3.0.0"), "v3.0.0")
    message = "v1.2.0 and v3.0.0 have no commit in common: nothing is between them"
    hint = "name the refs one by one instead of A..B"
    expected = Says("upstream-unrelated-histories", 5, message, hint, str(long.path))
    assert says(long.path, lambda history: history.refs(["v1.2.0..v3.0.0"])) == expected


def test_an_empty_range_asks_whether_it_is_the_wrong_way_round(long: Repository) -> None:
    hint = "did you mean v1.2.1..v1.3.0?"
    expected = Says("upstream-empty-range", 5, "there is nothing in v1.3.0..v1.2.1", hint, str(long.path))
    assert says(long.path, lambda history: history.refs(["v1.3.0..v1.2.1"])) == expected


def test_no_tag_at_all(repository: Repository) -> None:
    repository.git("tag", "--delete", "v1.2.0")
    hint = f"`git -C {repository.path} fetch --tags`, or name refs with --refs"
    expected = Says("upstream-empty-range", 5, "there is no version tag", hint, str(repository.path))
    assert says(repository.path, lambda history: history.refs()) == expected


def test_no_commit_touches_the_path(long: Repository) -> None:
    message = "no commit of v1.2.0..HEAD touches no/such.js"
    hint = "paths start at the top of the repository"
    expected = Says("upstream-empty-range", 5, message, hint, str(long.path))
    assert says(long.path, lambda history: history.commits(["no/such.js"], "v1.2.0")) == expected


def test_git_that_dies_is_an_error_and_not_a_hang(long: Repository) -> None:
    history = History.open(str(long.path))
    history._objects._process.kill()
    history._objects._process.wait()
    with pytest.raises(PatcherError, match="git cannot read"):
        history.upstream("v1.3.0")
    history.close()


def test_a_file_with_a_line_end_in_its_name_cannot_confuse_the_reader(long: Repository) -> None:
    objects = git.Objects(str(long.path))
    assert objects.get("HEAD\nHEAD") is None
    assert (objects.get("HEAD") or git.Object("", "", b"")).kind == "commit"
    objects.close()
