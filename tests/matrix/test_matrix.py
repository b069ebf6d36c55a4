"""Every patch on many refs: verdicts, the range that follows, who ended it, and what a person and a script are told."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from patcher.javascript import patterns, scopes, tree
from patcher.locate import locate
from patcher.matrix import Matrix, matrix, refs_of
from patcher.matrix.judge import chunks
from patcher.matrix.window import Window
from patcher.model import Patch
from patcher.patches import SERIES
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import materialize
from tests.support import APP_FILE, HANDLE, SMALL, CommandLine, PatchMaker, Repository, Tree, environment, wait_for

UPSTREAM = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
BEFORE = SMALL.edited("store.save(session, total);", "store.keep(session, total);")
BROKEN = SMALL.edited("store.save(session, total);", "if (total) store.save(session, total);")


def versioned(version: str, tree: Tree = SMALL) -> Tree:
    package = f'{{"name": "agent-dashboard", "version": "{version}"}}\n'
    return replace(tree.having({"package.json": package}), version=version)


@pytest.fixture
def patch(bench: PatchMaker) -> Patch:
    return bench.audit()


@pytest.fixture
def story(tmp_path: Path) -> Repository:
    """Not yet there, there, broken, mended, broken again; with innocent commits in between."""
    repository = Repository(tmp_path / "upstream")
    repository.path.mkdir()
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit(versioned("1.0.0", BEFORE), "v1.0.0")
    commit(repository, versioned("1.0.0"), "brings it")
    repository.commit(versioned("1.1.0"), "v1.1.0")
    repository.commit(versioned("1.2.0").edited("[]", "[1]"), "v1.2.0")
    commit(repository, versioned("1.2.0", BROKEN), "breaks it")
    commit(repository, versioned("1.2.0", BROKEN).edited("[]", "[2]"), "innocent")
    repository.commit(versioned("1.3.0", BROKEN), "v1.3.0")
    repository.commit(versioned("1.4.0", BROKEN), "v1.4.0")
    repository.commit(versioned("1.5.0"), "v1.5.0")
    commit(repository, versioned("1.5.0", BROKEN), "breaks it again")
    repository.commit(versioned("1.6.0", BROKEN), "v1.6.0")
    return repository


def test_the_patches_of_the_client_are_judged_when_asked_for(cli: CommandLine, tmp_path: Path) -> None:
    files = {path: file.data for path, file in materialize("builtin", client=True).tree.items()}
    repository = Repository(tmp_path / "upstream")
    repository.path.mkdir()
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit(Tree(files), "v1.4.0")
    settings = files["client/src/pages/Settings.tsx"].replace(b"<p>", b"<p >x")
    repository.commit(Tree({**files, "client/src/pages/Settings.tsx": settings}), "v1.4.1")
    command = ("matrix", "--upstream", repository.path, "--format", "json")
    plain, asked = json.loads(cli(*command).out), json.loads(cli(*command, "--client").out)
    verdicts = [{patch["id"]: patch["verdict"] for patch in ref["patches"]} for ref in asked["refs"]]
    assert [ref.get("settings_switch") for ref in verdicts] == ["exact", "drifted"]
    assert [stop["culprit"]["subject"] for stop in asked["stops"]] == ["v1.4.1"]
    assert plain["stops"] == [] and "settings_switch" not in json.dumps(plain)


def commit(repository: Repository, tree: Tree, subject: str) -> None:
    tree.write(repository.path)
    repository.git("commit", "--quiet", "--all", "--message", subject)


def judged(repository: Repository, *series: Patch, cores: int = 1, **asked: object) -> Matrix:
    with History.open(str(repository.path)) as history:
        words, by_commit = asked.get("words", ()), bool(asked.get("touching"))
        refs = refs_of(history, words, by_commit=by_commit, touching=asked.get("touching", ()))  # type: ignore[arg-type]
        return matrix(history, refs, series, cores=cores)


def verdicts(result: Matrix) -> dict[str, str]:
    return {each.ref: str(each.findings[0].verdict) for each in result.refs}


def test_a_verdict_for_each_ref_and_the_ranges_that_follow(story: Repository, patch: Patch) -> None:
    result = judged(story, patch)
    assert verdicts(result) == {
        "v1.0.0": "missing",
        "v1.1.0": "exact",
        "v1.2.0": "exact",
        "v1.3.0": "drifted",
        "v1.4.0": "drifted",
        "v1.5.0": "exact",
        "v1.6.0": "drifted",
    }
    assert [(span.since.ref, span.until.ref) for span in result.supported] == [
        ("v1.1.0", "v1.2.0"),
        ("v1.5.0", "v1.5.0"),
    ]


def test_each_run_of_stops_has_its_commit(story: Repository, patch: Patch) -> None:
    first, second, third = judged(story, patch).stops
    assert (first.culprit, first.fits_since and first.fits_since.subject) == (None, "brings it")
    assert second.culprit is not None and third.culprit is not None
    assert (second.culprit.subject, third.culprit.subject) == ("breaks it", "breaks it again")
    assert [(each.span.since.ref, each.span.until.ref, each.good) for each in (first, second, third)] == [
        ("v1.0.0", "v1.0.0", "v1.1.0"),
        ("v1.3.0", "v1.4.0", "v1.2.0"),
        ("v1.6.0", "v1.6.0", "v1.5.0"),
    ]


def test_the_windows_show_then_and_now_with_the_payload(story: Repository, patch: Patch) -> None:
    [window] = judged(story, patch).stops[1].windows
    text, around = "store.save(session, total);", ("function handle(request) {",)
    assert window.reviewed == Window("v1.2.0", text, 6, around, (0, 0), (0, 26), "  ")
    assert window.found is not None and window.found.text == "if (total) store.save(session, total);"
    assert (window.payload, window.site.position, window.finding.file) == ("console.log(session);", "after", APP_FILE)


def test_every_commit_that_touches_a_file(story: Repository, patch: Patch) -> None:
    result = judged(story, patch, touching=[APP_FILE])
    subjects = [result.commits[each.ref].subject for each in result.refs]
    assert subjects == ["v1.0.0", "brings it", "v1.2.0", "breaks it", "innocent", "v1.3.0", "v1.5.0", "breaks it again"]
    begun = {
        stop.culprit.subject if stop.culprit else "": result.commits[stop.span.since.ref].subject
        for stop in result.stops
    }
    assert begun == {"": "v1.0.0", "breaks it": "breaks it", "breaks it again": "breaks it again"}


def test_a_range_of_commits_begins_with_what_the_first_is_compared_with(story: Repository, patch: Patch) -> None:
    result = judged(story, patch, touching=[APP_FILE], words=["v1.2.0..v1.3.0"])
    assert [result.commits[each.ref].subject for each in result.refs] == ["v1.2.0", "breaks it", "innocent", "v1.3.0"]


def test_many_processes_find_what_one_finds(story: Repository, patch: Patch) -> None:
    assert judged(story, patch, cores=2) == judged(story, patch, cores=1)


def forget() -> None:
    """Everything that is remembered about a text."""
    for remembered in (tree._parsed, scopes._remembered_scopes, patterns._comments, locate):
        remembered.cache_clear()


def test_a_blob_that_refs_share_is_parsed_once(story: Repository, patch: Patch) -> None:
    forget()
    judged(story, patch, words=["v1.1.0"])
    one = tree._parsed.cache_info().misses
    story.git("tag", "v1.1.1", "v1.1.0")
    story.git("tag", "v1.1.2", "v1.1.0")
    forget()
    judged(story, patch, words=["v1.1.0", "v1.1.1", "v1.1.2"])
    assert tree._parsed.cache_info().misses == one > 0


def test_chunks_are_neighbours_and_leave_nothing_out() -> None:
    refs = [str(number) for number in range(17)]
    for number in (1, 2, 6, 17, 40):
        cut = chunks(refs, number)
        assert [ref for chunk in cut for ref in chunk] == refs
        assert len(cut) == min(number, 17) and {len(chunk) for chunk in cut} <= {17 // len(cut), 17 // len(cut) + 1}


def test_a_tree_of_something_else_is_a_row_like_any_other(story: Repository, patch: Patch) -> None:
    commit(story, SMALL.having({"package.json": '{"name": "left-pad", "version": "9.0.0"}'}), "taken over")
    result = judged(story, patch, words=["v1.5.0", "main"])
    reason = (
        f"upstream-not-agent-dashboard: {story.path}@main: expected agent-dashboard, found 'left-pad' in package.json"
    )
    assert (verdicts(result)["main"], result.refs[1].reasons) == ("missing", (reason,))


def test_what_only_a_gate_refuses_is_no_support_either(story: Repository, bench: PatchMaker) -> None:
    patch = bench.insert("names", "store.save(session, total)", "console.log(where);", scope=HANDLE)
    commit(
        story,
        versioned("1.7.0").edited("function handle(request) {", "const where = 1;\n\nfunction handle(request) {"),
        "x",
    )
    story.git("tag", "v1.7.0")
    commit(story, versioned("1.8.0"), "takes the name away")
    story.git("tag", "v1.8.0")
    result = judged(story, patch, words=["v1.7.0", "v1.8.0"])
    assert [each.supported for each in result.refs] == [True, False]
    [reason] = result.refs[1].reasons
    assert reason.startswith("gate free-identifiers: server/app.js:7: the payload of names uses `where`, which is not")
    [stop] = result.stops
    assert stop.patch == "" and stop.culprit is not None and stop.culprit.subject == "takes the name away"


def test_a_gate_is_blamed_on_its_own_commit_though_an_anchor_stopped_before(
    story: Repository, bench: PatchMaker
) -> None:
    patch = bench.insert("names", "store.save(session, total)", "console.log(where);", scope=HANDLE)
    there = versioned("1.7.0").edited("function handle(request) {", "const where = 1;\n\nfunction handle(request) {")
    commit(story, there, "fits")
    commit(story, there.edited("store.save(session, total);", "if (total) store.save(session, total);"), "an anchor")
    commit(story, versioned("1.7.0"), "mends the anchor and takes the name away")
    story.git("tag", "v1.7.0")
    [stop] = judged(story, patch, words=["v1.7.0"]).stops
    assert stop.patch == "" and stop.culprit is not None
    assert stop.culprit.subject == "mends the anchor and takes the name away"


def test_a_tree_that_cannot_be_read_is_blamed_on_the_commit_that_made_it_so(story: Repository, patch: Patch) -> None:
    foreign = '{"name": "left-pad", "version": "9.0.0"}'
    commit(story, versioned("1.6.1"), "mends it")
    commit(story, versioned("1.6.1").having({"package.json": foreign}), "taken over")
    commit(story, versioned("1.6.1").edited("[]", "[9]").having({"package.json": foreign}), "innocent")
    [stop] = judged(story, patch, words=["v1.5.0", "main"]).stops
    assert stop.culprit is not None and stop.culprit.subject == "taken over"


def test_a_patch_is_blamed_on_a_commit_of_the_other_file_that_an_anchor_looks_in(
    story: Repository, bench: PatchMaker
) -> None:
    """Where the code has moved, the site's own file decides nothing."""
    patch = bench.audit()
    [site] = patch.sites
    elsewhere = replace(site.anchors[0], file="server/other.js")
    patch = replace(patch, sites=(replace(site, anchors=(site.anchors[0], elsewhere)),))
    moved = versioned("1.7.0", without_handle(SMALL)).having({"server/other.js": SMALL.files[APP_FILE]})
    broken = moved.edited("store.save(session, total);", "if (total) store.save(session, total);", "server/other.js")
    moved.write(story.path)
    story.git("add", "--all")
    story.git("commit", "--quiet", "--message", "moves it")
    story.git("tag", "v1.7.0")
    commit(story, broken, "breaks it there")
    commit(story, broken.edited("[]", "[7]"), "innocent")
    story.git("tag", "v1.8.0")
    result = judged(story, patch, words=["v1.7.0", "v1.8.0"])
    assert [each.supported for each in result.refs] == [True, False]
    [stop] = result.stops
    assert stop.culprit is not None and stop.culprit.subject == "breaks it there"


def without_handle(tree: Tree) -> Tree:
    text = str(tree.files[APP_FILE])
    start, end = text.index("function handle"), text.index("app.get(")
    return tree.having({APP_FILE: text[:start] + text[end:].replace("{ handle }", "{}")})


def test_a_dirty_work_tree_is_said(story: Repository, patch: Patch) -> None:
    assert judged(story, patch, words=["v1.5.0"]).notes == ()
    (story.path / APP_FILE).write_text("nonsense", encoding="utf-8")
    [note] = judged(story, patch, words=["v1.5.0"]).notes
    assert note == "the work tree has changes that are not committed; refs are read, not the work tree"


# --- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def small(patch: Patch, monkeypatch: pytest.MonkeyPatch) -> Patch:
    """The command line with one small patch."""
    monkeypatch.setattr("patcher.commands.matrix.patches_of", lambda _, client: (patch,))
    monkeypatch.setattr("patcher.patches.declaration.declared_by", lambda name: (f"patcher/patches/{name}.py", 17))
    return patch


def test_the_table(cli: CommandLine, story: Repository, small: Patch) -> None:
    ended = cli("matrix", "--upstream", story.path)
    assert (ended.code, ended.err) == (0, "")
    table, _, rest = ended.out.partition("\n\n")
    assert table.splitlines() == [
        "ref     version  1        supported",
        "v1.0.0  1.0.0    missing  no",
        "v1.1.0  1.1.0    exact    yes",
        "v1.2.0  1.2.0    exact    yes",
        "v1.3.0  1.3.0    drifted  no",
        "v1.4.0  1.4.0    drifted  no",
        "v1.5.0  1.5.0    exact    yes",
        "v1.6.0  1.6.0    drifted  no",
    ]
    assert " 1  audit: fits 3 of 7\n\nsupported: 3 of 7\n  v1.1.0 to v1.2.0 (2)\n  v1.5.0 (1)\n" in rest
    day = story.git("log", "-1", "--format=%cs").strip()
    for subject, said in (
        ("brings it", "never before; fits since"),
        ("breaks it", "since"),
        ("breaks it again", "since"),
    ):
        made = story.git("log", "--format=%h", "--abbrev=12", f"--grep=^{subject}$").strip()
        assert f"  {said} {made} of {day}: {subject}\n" in rest


def test_the_report(cli: CommandLine, story: Repository, small: Patch, tmp_path: Path) -> None:
    ended = cli("matrix", "--upstream", story.path, "--format", "json", "--report", tmp_path / "report.json")
    content = json.loads(ended.out)
    assert content == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (content["ok"], content["command"], content["errors"], content["schema"]) == (True, "matrix", [], 1)
    assert content["supported"] == [
        {"since": "v1.1.0", "until": "v1.2.0", "refs": 2},
        {"since": "v1.5.0", "until": "v1.5.0", "refs": 1},
    ]
    ref = content["refs"][3]
    guilty = {
        "commit": story.git("log", "--format=%H", "--grep=^breaks it$").strip(),
        "date": story.git("log", "--format=%cI", "--grep=^breaks it$").strip(),
        "subject": "breaks it",
    }
    assert ref["guilty"] == ref["patches"][0]["guilty"] == guilty == content["refs"][4]["guilty"]
    assert (ref["ref"], ref["version"], ref["supported"]) == ("v1.3.0", "1.3.0", False)
    assert ref["commit"] == story.git("rev-parse", "v1.3.0^{commit}").strip()
    assert ref["reasons"][0].startswith("audit: drifted in server/app.js:6: the code around")
    assert content["refs"][1]["guilty"] is None


@pytest.mark.parametrize(
    ("require", "code"),
    [
        pytest.param([], 0, id="a stop is data"),
        pytest.param(["v1.1.0..v1.2.0", "v1.5.0"], 0, id="what is required is supported"),
        pytest.param(["newest"], 3, id="the newest stops"),
        pytest.param(["v1.2.0..v1.3.0"], 3, id="one of a range stops"),
    ],
)
def test_what_is_required_must_be_supported(
    cli: CommandLine, story: Repository, small: Patch, require: list[str], code: int
) -> None:
    ended = cli("matrix", "--upstream", story.path, *(["--require", *require] if require else []))
    assert ended.code == code and ended.err == ("1 stop on refs that are required\n" if code else "")


def test_annotations_stand_on_the_line_that_declares_the_patch(
    cli: CommandLine, story: Repository, small: Patch
) -> None:
    refs = ("--refs", "v1.2.0", "v1.3.0", "--format", "github")
    guilty = story.git("log", "--format=%H", "--grep=^breaks it$").strip()[:12]
    place = "file=patcher/patches/audit.py,line=17"
    said = cli("matrix", "--upstream", story.path, *refs).out
    assert said.startswith(
        f"::warning {place},title=drifted::audit at {APP_FILE}:6: drifted on v1.3.0 to v1.3.0 since {guilty}, breaks it: "
    )
    required = cli("matrix", "--upstream", story.path, *refs, "--require", "newest")
    assert required.out.startswith(f"::error {place},title=anchor-drifted::audit on v1.3.0 at {APP_FILE}:6: the code ")
    assert (required.code, required.out.count("::error"), required.out.count("::warning")) == (3, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["--touching", APP_FILE],
            "error[usage]: --touching chooses among commits, and no commits were asked for\n  hint: add --by-commit\n",
            id="files without commits",
        ),
        pytest.param(
            ["--refs", "v1.1.0", "--require", "v1.2.0"],
            "error[usage]: --require names v1.2.0, which is not judged\n  hint: add it to --refs\n",
            id="a requirement that nobody judges",
        ),
    ],
)
def test_usage(cli: CommandLine, story: Repository, small: Patch, arguments: list[str], said: str) -> None:
    ended = cli("matrix", "--upstream", story.path, *arguments)
    assert (ended.code, ended.err, ended.out) == (2, said, "")


def test_a_ref_that_does_not_exist_ends_it(cli: CommandLine, story: Repository, small: Patch) -> None:
    ended = cli("matrix", "--upstream", story.path, "--refs", "v1.1.0", "v9.9.9")
    assert (
        ended.code == 5
        and f"error[upstream-no-such-ref]: {story.path}: there is no ref 'v9.9.9' with a commit" in ended.err
    )


def test_a_clone_is_named_without_a_ref(cli: CommandLine, story: Repository, small: Patch) -> None:
    ended = cli("matrix", "--upstream", story.at("v1.2.0"))
    assert ended.code == 5
    assert f"hint: give the clone without a ref, `--upstream {story.path}`" in ended.err


def test_a_page_that_cannot_be_written_is_said(
    cli: CommandLine, story: Repository, small: Patch, tmp_path: Path
) -> None:
    ended = cli("matrix", "--upstream", story.path, "--html", tmp_path / "no" / "page.html")
    assert (ended.code, ended.err) == (
        5,
        f"error[report-unwritable]: {tmp_path}/no/page.html: its directory does not exist: {tmp_path}/no\n  hint: make the directory first\n",
    )


# --- the real upstream -----------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
@pytest.mark.parametrize(("file", "count"), [("server/routes/hooks.js", 63), ("server/db.js", 62)])
def test_every_commit_of_a_real_file(file: str, count: int) -> None:
    with History.open(UPSTREAM) as history:
        refs = refs_of(history, ["v2.0.3"], by_commit=True, touching=[file])
        result = matrix(history, refs, SERIES)
    assert len(result.refs) == count
    assert all(len(each.findings) == len(SERIES) for each in result.refs)
    assert [stop.patch for stop in result.stops if not (stop.culprit or stop.fits_since)] == []


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()


@pytest.mark.slow
@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_an_interrupt_ends_every_process_and_says_one_line() -> None:
    command = [sys.executable, "-m", "patcher", "matrix", "--upstream", UPSTREAM, "--by-commit", "--jobs", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    )
    wait_for(lambda: len(children(process.pid)) >= 3, 30)  # git, and two workers
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "\ninterrupted; nothing is left half done\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
