"""What a bump says of a place that stops: what changed, who did it, and what to do. On small upstreams of our own."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from patcher.bump.model import Bump, BumpOptions, Change, Kind, SiteReport, Tried
from patcher.bump.run import bump as run
from patcher.bump.trial import select_candidates
from patcher.errors import UsageError
from patcher.model import Patch, Position
from patcher.report.model import BumpResult, CommandLine
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import materialize
from tests.support import APP, APP_FILE, SMALL, PatchMaker, Repository, Tree, refusal

if TYPE_CHECKING:
    from tests.lab.drift.mutation import Mutation
    from tests.lab.drift.reference import Reference

PACKAGE = '{"name": "agent-dashboard", "version": "%s"}\n'
NEW = SMALL.having({"package.json": PACKAGE % "1.3.0"})
SAVE = "  store.save(session, total); // keep it\n"


def bumped(repository: Repository, *series: Patch, until: str = "v1.3.0", **asked: object) -> Bump:
    with History.open(str(repository.path)) as history:
        return run(history, series, BumpOptions(until, **asked))  # type: ignore[arg-type]


def only(found: Bump) -> SiteReport:
    [place] = found.sites
    return place


@pytest.fixture
def audit(bench: PatchMaker) -> Patch:
    return bench.audit()


def moved(repository: Repository, audit: Patch, tree: Tree) -> SiteReport:
    """The place after one commit that makes `tree`."""
    repository.commit(tree, "v1.3.0")
    return only(bumped(repository, audit))


HANDLE = APP[APP.index("function handle") : APP.index("app.get")]


@pytest.mark.parametrize(
    ("change", "said", "tree"),
    [
        pytest.param(
            Change.EDITED,
            "the statement was edited: the nearest in function handle is 89% like it",
            NEW.edited("store.save(session, total)", "store.save(session, total, 1)"),
            id="edited, and the pattern matches no more",
        ),
        pytest.param(
            Change.SURROUNDED,
            "the statement is as reviewed; a block or a function around it is not",
            NEW.edited("function handle(request)", "async function handle(request)"),
            id="the function became async",
        ),
        pytest.param(Change.DUPLICATED, "the code is there 2 times", NEW.edited(SAVE, SAVE * 2), id="twice"),
        pytest.param(
            Change.RENAMED,
            "function handle is gone from the file; function receive is 97% like it",
            NEW.edited("handle", "receive"),
            id="scope renamed",
        ),
        pytest.param(
            Change.MOVED,
            "function handle is gone from the file; function handle is in server/handle.js now, 100% as it was",
            NEW.having({"server/handle.js": HANDLE, APP_FILE: APP.replace(HANDLE, "")}),
            id="scope in another file",
        ),
        pytest.param(
            Change.MOVED,
            "the file is gone; function handle is in server/handle.js now, 100% as it was",
            NEW.without(APP_FILE).having({"server/handle.js": HANDLE}),
            id="file gone",
        ),
        pytest.param(
            Change.MOVED,
            "the statement is not in function handle any more; it is in function keep",
            NEW.edited(SAVE, "  keep(session, total);\n").edited(
                "app.get", "function keep(session, total) {\n" + SAVE + "}\n\napp.get"
            ),
            id="statement in a function of its own",
        ),
        pytest.param(
            Change.DELETED,
            "the statement is gone from function handle; the most similar statement there is 57% like it",
            NEW.edited("  const total = store.count(session);\n" + SAVE + "  return total;", "  return session;"),
            id="gone",
        ),
        pytest.param(
            Change.DELETED,
            "function handle is gone from the file, and nothing in the tree is like it",
            NEW.having({APP_FILE: "module.exports = {};\n"}),
            id="scope gone",
        ),
    ],
)
def test_what_became_of_a_place(repository: Repository, audit: Patch, change: Change, said: str, tree: Tree) -> None:
    repository.commit(tree, "v1.3.0") if APP_FILE in tree.files else gone(repository, tree)
    place = only(bumped(repository, audit))
    assert (place.change, place.change_said) == (change, said)
    assert place.culprit is not None and place.culprit.subject == "v1.3.0"


def gone(repository: Repository, tree: Tree) -> None:
    repository.git("rm", "--quiet", APP_FILE)
    repository.commit(tree, "v1.3.0")


def test_a_scope_that_was_split_says_so(repository: Repository, bench: PatchMaker) -> None:
    lines = [f"  const step{number} = store.step{number}(request, {number});\n" for number in range(12)]
    text = "function long(request) {\n" + "".join(lines) + "}\n"
    halves = (
        f"function first(request) {{\n{''.join(lines[:6])}}}\n\nfunction second(request) {{\n{''.join(lines[6:])}}}\n"
    )
    repository.commit(SMALL.having({APP_FILE: text}), "v1.2.1")
    patch = bench.insert("audit", "const step9 = $_", "console.log(step9);", on=text, scope=scope("long"))
    repository.commit(NEW.having({APP_FILE: halves}), "v1.3.0")
    place = only(bumped(repository, patch))
    assert place.change is Change.SPLIT
    assert place.change_said.startswith("function long is gone from the file; what was in it is in function ")
    best = place.candidates[0]
    assert (best.kind, str(best.anchor.scope), best.tried.fits) == (Kind.SCOPE, "function second", True)


def scope(name: str) -> object:
    from patcher.model import function

    return function(name)


# --- candidates ------------------------------------------------------------------------------------------------


def test_a_drift_has_one_candidate_a_new_pin(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited("function handle(request)", "function handle(request, again)"))
    [best] = place.candidates
    assert (best.kind, best.rank, best.tried.unique, best.tried.parses, best.tried.gates) == (
        Kind.PIN,
        1,
        True,
        True,
        True,
    )
    assert place.found is not None and place.found.around == ("function handle(request, again) {",)


def test_a_renamed_scope_is_the_first_candidate(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited("handle", "receive"))
    best = place.candidates[0]
    assert (best.kind, str(best.anchor.scope), best.tried.fits) == (Kind.SCOPE, "function receive", True)


def test_another_file_is_a_candidate(repository: Repository, audit: Patch) -> None:
    there = 'const store = require("./store");\n\n' + HANDLE
    place = moved(repository, audit, NEW.having({"server/handle.js": there, APP_FILE: APP.replace(HANDLE, "")}))
    best = place.candidates[0]
    assert (best.kind, best.file, best.tried.fits) == (Kind.FILE, "server/handle.js", True)


def test_the_most_similar_statement_gets_a_pattern_of_its_own(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited("store.save(session, total);", "store.save(session, total, now);"))
    best = place.candidates[0]
    assert (best.kind, best.anchor.pattern) == (Kind.STATEMENT, "store.save(session, total, now)")
    assert best.tried.fits and best.why[0].startswith("the statement in function handle most like the reviewed one: ")


def test_a_candidate_whose_names_are_not_bound_says_so(repository: Repository, audit: Patch) -> None:
    renamed = NEW.edited("const session =", "const entry =").edited("store.count(session)", "store.count(entry)")
    place = moved(repository, audit, renamed.edited("store.save(session, total)", "store.save(entry, total)"))
    best = place.candidates[0]
    assert not best.tried.fits
    assert any("uses `session`, which is not bound" in problem for problem in best.tried.problems)
    assert bumped(repository, audit).chosen == {}


def test_what_stands_there_twice_has_no_candidate_and_the_reason(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited(SAVE, SAVE * 2))
    assert [each for each in place.candidates if each.tried.fits or str(each.anchor.scope) == "function handle"] == []


def test_a_replaced_expression_is_found_again(repository: Repository, bench: PatchMaker) -> None:
    edit = bench.edit(
        "const total = store.count(session)",
        "counted(session)",
        position=Position.REPLACE,
        target="store.count(session)",
    )
    bench.templates[edit.template] = "store.count(session, 1)"
    changed = NEW.edited("const total = store.count(session)", "const total = await1(store.tally(session))")
    place = moved(repository, bench.patch("count", edit), changed)
    assert place.candidates[0].anchor.target == "store.tally(session)"
    assert place.candidates[0].tried.fits


def test_first_choices_build(repository: Repository, audit: Patch) -> None:
    repository.commit(NEW.edited("handle", "receive"), "v1.3.0")
    found = bumped(repository, audit)
    assert found.chosen == {"audit.one": 1}
    assert found.proposed.ok and not found.build.ok
    assert b"console.log(session);" in found.proposed.tree[APP_FILE].data


# --- who did it ------------------------------------------------------------------------------------------------


def test_the_first_commit_of_the_stop_is_named_not_the_last(repository: Repository, audit: Patch) -> None:
    broken = NEW.edited("function handle(request)", "async function handle(request)")
    repository.commit(SMALL.edited("const where", "const wheres"), "innocent")
    repository.commit(broken, "guilty")
    repository.commit(broken.edited("return total", "return total + 1"), "later")
    repository.commit(broken.having({"server/store.js": "exports.x = 1;\n"}), "v1.3.0")
    place = only(bumped(repository, audit))
    assert place.culprit is not None and (place.culprit.subject, place.culprit.brought_by) == ("guilty", None)


def test_what_was_taken_back_and_done_again_is_the_second_time(repository: Repository, audit: Patch) -> None:
    broken = NEW.edited("function handle(request)", "async function handle(request)")
    for tree, tag in (
        (broken, "first"),
        (NEW, "taken-back"),
        (broken, "again"),
        (broken.edited("[]", "[1]"), "v1.3.0"),
    ):
        repository.commit(tree, tag)
    place = only(bumped(repository, audit))
    assert place.culprit is not None and place.culprit.subject == "again"


def test_a_commit_in_a_merged_branch_is_named_with_its_merge(repository: Repository, audit: Patch) -> None:
    repository.merge(SMALL.edited("function handle(request)", "async function handle(request)"), "guilty", "v1.3.0")
    culprit = only(bumped(repository, audit)).culprit
    assert culprit is not None and culprit.subject == "guilty"
    assert culprit.brought_by is not None and culprit.brought_by.subject == "Merge pull request #7"


def test_a_merge_that_breaks_what_both_sides_left_whole_is_named(repository: Repository, audit: Patch) -> None:
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit(SMALL.edited("const where = [];", "const where = [1];"), "side-work")
    repository.git("checkout", "--quiet", "main")
    repository.commit(SMALL.edited("module.exports = { handle }", "module.exports = { handle, app }"), "main-work")
    repository.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    merged = SMALL.edited("const where = [];", "const where = [1];").edited("{ handle }", "{ handle, app }")
    merged.edited("function handle(request)", "async function handle(request)").write(repository.path)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "evil merge")
    repository.git("tag", "v1.3.0")
    culprit = only(bumped(repository, audit)).culprit
    assert culprit is not None and culprit.subject == "evil merge"


def test_a_gate_that_refuses_has_its_commit(repository: Repository, bench: PatchMaker) -> None:
    patch = bench.insert("audit", "store.save(session, total)", "logger.log(session);", on=LOGGED)
    repository.commit(SMALL.having({APP_FILE: LOGGED}), "v1.2.1")
    repository.commit(NEW.having({APP_FILE: LOGGED + "\n// innocent\n"}), "innocent")
    repository.commit(NEW.having({APP_FILE: LOGGED.replace("logger", "writer")}), "guilty")
    repository.commit(NEW.having({APP_FILE: LOGGED.replace("logger", "writer") + "\n// later\n"}), "v1.3.0")
    [refused] = bumped(repository, patch).refusals
    assert refused.code == "gate-free-identifiers" and refused.culprit is not None
    assert refused.culprit.subject == "guilty"


LOGGED = 'const logger = require("./logger");\n' + APP


def test_a_place_that_waits_for_another_names_it(repository: Repository, bench: PatchMaker) -> None:
    first = bench.insert("first", "store.save(session, total)", "const saved = 1;")
    with_saved = APP.replace(SAVE, SAVE + "  const saved = 1;\n")
    second = bench.insert("second", "const saved = $_", "console.log(saved);", on=with_saved, requires=("first",))
    repository.commit(NEW.edited(SAVE, ""), "v1.3.0")
    found = bumped(repository, first, second, since="v1.2.0", write=True)  # nothing is accepted
    waits = next(place for place in found.sites if place.patch == "second")
    assert waits.change is Change.WAITS
    assert waits.change_said == "it anchors in what first brings, which stops at first.one: accept that first"


def in_what_first_brings(bench: PatchMaker) -> tuple[Patch, Patch]:
    """Two patches; the second anchors in the payload of the first, with the statement of upstream's behind it."""
    first = bench.insert("first", "store.save(session, total)", "const saved = 1;")
    with_saved = APP.replace(SAVE, SAVE + "  const saved = 1;\n")
    edit = bench.edit("const saved = $_", "console.log(saved);", on=with_saved, after=1)
    return first, bench.patch("second", edit, requires=("first",))


EDITED_SAVE = NEW.edited("store.save(session, total)", "store.save(session, total, 1)")


def test_a_place_that_waited_goes_in_with_what_it_waited_for(repository: Repository, bench: PatchMaker) -> None:
    repository.commit(EDITED_SAVE, "v1.3.0")
    found = bumped(repository, *in_what_first_brings(bench), since="v1.2.0")
    assert [(place.id, place.stops) for place in found.sites] == [("first.one", True), ("second.one", False)]
    assert found.chosen == {"first.one": 1} and found.proposed.ok


def test_a_place_that_waited_and_drifted_too_gets_candidates(repository: Repository, bench: PatchMaker) -> None:
    """Without a second round nobody could ever accept it: it waits, and the first alone does not build."""
    repository.commit(EDITED_SAVE.edited("return total", "return total + 1"), "v1.3.0")
    series = in_what_first_brings(bench)
    found = bumped(repository, *series, since="v1.2.0")
    second = found.sites[1]
    assert (second.stops, second.change) == (True, Change.EDITED)
    assert found.chosen == {"first.one": 1, "second.one": 1} and found.proposed.ok
    accepted = bumped(repository, *series, since="v1.2.0", accept={"first.one": 1, "second.one": 1})
    assert accepted.proposed.tree == found.proposed.tree
    alone = bumped(repository, *series, since="v1.2.0", accept={"first.one": 1})
    assert not alone.proposed.ok and [each.rank for each in alone.sites[1].candidates] == [1]
    place = alone.sites[1]
    command = BumpResult(alone, CommandLine("bump")).accepting(place, place.candidates[0])
    assert command == "bump --accept first.one=1 second.one=1"


def test_a_candidate_that_matches_twice_cannot_be_accepted(repository: Repository, audit: Patch) -> None:
    """Whatever else does not fit is refused by its gate; of this one there is nothing to declare."""
    repository.commit(EDITED_SAVE.edited("handle", "receive"), "v1.3.0")
    place = only(bumped(repository, audit))
    twice = replace(place, candidates=(replace(place.candidates[0], tried=Tried(problems=("it matches 2 times",))),))
    said = refusal(select_candidates, [twice], BumpOptions("v1.3.0", accept={"audit.one": 1}))
    assert (said.message, said.hint) == (
        "audit.one=1 cannot be accepted: it matches 2 times",
        "the same command without `--accept` and `--write` shows the others",
    )


# --- what goes through -----------------------------------------------------------------------------------------


def test_what_else_is_new_in_the_scope(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited("return total", "return total * 2"))
    assert place.scope_diff is not None and place.scope_diff.since == "v1.2.0"
    assert [line for line in place.scope_diff.lines if line[:1] in "+-"] == ["-  return total;", "+  return total * 2;"]


def test_a_long_diff_is_bounded_and_the_rest_counted(repository: Repository, audit: Patch) -> None:
    many = "".join(f"  store.more{number}(request);\n  // {number}\n" for number in range(200))
    place = moved(repository, audit, NEW.edited("  return total;", f"{many}  return total;"))
    assert place.scope_diff is not None
    assert len(place.scope_diff.lines) <= 24
    shown = sum(line[:1] in "+-" for line in place.scope_diff.lines)
    assert shown + place.scope_diff.left_out == 400


def test_payloads_of_ours_are_no_change_of_upstreams(repository: Repository, bench: PatchMaker) -> None:
    """`first` stops, so its other payload is on one side only; that is nothing to read for `second`."""
    edits = [bench.edit("store.save(session, total)", "one();"), bench.edit("const total = $_", "two();")]
    first = bench.patch("first", *edits)
    second = bench.insert("second", "const session = $_", "three();", requires=("first",))
    repository.commit(NEW.edited("store.save(session, total)", "store.save(session, total, 1)"), "v1.3.0")
    found = bumped(repository, first, second)
    assert [place.id for place in found.sites if place.stops] == ["first.one"]
    for place in found.sites[1:]:
        assert place.scope_diff is not None
        changed = [line for line in place.scope_diff.lines if line[:1] in "+-"]
        assert changed == ["-  store.save(session, total); // keep it", "+  store.save(session, total, 1); // keep it"]


# --- the command line ------------------------------------------------------------------------------------------


def test_the_newest_tag_whose_pins_are_met_is_where_it_begins(repository: Repository, audit: Patch) -> None:
    repository.commit(SMALL.edited("return total", "return 1"), "v1.2.5")
    repository.commit(NEW.edited("handle", "receive"), "v1.3.0")
    repository.commit(NEW.edited("handle", "accept"), "v1.4.0")
    found = bumped(repository, audit, until="v1.4.0")
    assert found.since is not None and found.since.ref == "v1.2.5"


def test_an_unknown_place_or_rank_is_a_usage_error(repository: Repository, audit: Patch) -> None:
    repository.commit(NEW.edited("handle", "receive"), "v1.3.0")
    said = refusal(bumped, repository, audit, accept={"audit.7": 1})
    assert (said.message, said.hint) == ("there is no site audit.7 in v1.3.0", "did you mean `audit.one`?")
    said = refusal(bumped, repository, audit, accept={"nothing.one": 1})
    assert (said.message, said.hint) == ("there is no site nothing.one in v1.3.0", "there are: audit.one")
    said = refusal(bumped, repository, audit, accept={"audit.one": 9})
    assert isinstance(said, UsageError) and said.message.startswith("audit.one has no candidate 9: it has ")


def test_a_new_anchor_needs_no_new_version(repository: Repository, audit: Patch) -> None:
    repository.commit(SMALL.edited("handle", "receive"), "v1.3.0")
    found = bumped(repository, audit, accept={"audit.one": 1})
    assert found.proposed.ok and [place.finding.verdict for place in found.sites] == ["missing"]


# --- where the review ended ------------------------------------------------------------------------------------


def reviewed_for(audit: Patch, versions: str) -> Patch:
    """The patch, whose pin was reviewed for these versions."""
    [site] = audit.sites
    return replace(audit, sites=(site.with_pins(tuple(replace(pin, reviewed=versions) for pin in site.pins)),))


def test_what_is_new_begins_at_the_last_review(repository: Repository, audit: Patch) -> None:
    audit = reviewed_for(audit, "v1.2.0 to v1.4.0")
    repository.commit(SMALL.edited("return total", "return total + 1"), "v1.3.0")
    repository.commit(NEW.edited("return total", "return total + 2"), "v1.4.0")
    repository.commit(NEW.edited("return total", "return total + 3"), "tip")
    place = only(bumped(repository, audit, until="tip"))
    assert place.scope_diff is not None and place.scope_diff.since == "v1.4.0"
    assert only(bumped(repository, audit, until="v1.4.0")).scope_diff is None, "it was read itself"
    place = only(bumped(repository, audit, until="v1.3.0"))
    assert place.scope_diff is None, "it lies within what was read"


def test_a_review_on_another_branch_is_not_where_it_begins(repository: Repository, audit: Patch) -> None:
    audit = reviewed_for(audit, "v1.2.0, v1.4.0")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit(SMALL.edited("return total", "return total + 1"), "mine")
    repository.git("checkout", "--quiet", "main")
    repository.commit(SMALL.having({"package.json": PACKAGE % "1.4.0"}), "v1.4.0")
    place = only(bumped(repository, audit, until="mine"))
    assert place.scope_diff is not None and place.scope_diff.since == "v1.2.0"


def test_a_ref_older_than_the_review_is_said_to_be(repository: Repository, audit: Patch) -> None:
    audit = reviewed_for(audit, "v1.2.0 to v1.3.0")
    repository.git("tag", "--delete", "v1.2.0")
    repository.git("checkout", "--quiet", "--orphan", "history")
    repository.commit(SMALL.edited("store.save(session, total)", "store.put(total)"), "older")
    repository.commit(NEW, "v1.3.0")
    place = only(bumped(repository, audit, until="older"))
    assert (place.change, place.change_said) == (Change.NOT_YET, "the code that was reviewed came later: v1.3.0 has it")


def test_where_no_tag_has_the_reviewed_code_its_history_has(repository: Repository, audit: Patch) -> None:
    repository.git("tag", "--delete", "v1.2.0")
    repository.commit(NEW.edited("store.save(session, total)", "store.save(session, total, 1)"), "tip")
    found = bumped(repository, audit, until="tip")
    assert found.since is None
    assert only(found).change is Change.EDITED and only(found).candidates[0].tried.fits


def test_without_history_an_anchor_that_matches_once_is_offered_a_pin(repository: Repository, audit: Patch) -> None:
    repository.git("checkout", "--quiet", "--orphan", "new")
    repository.commit(NEW.edited("function handle(request)", "async function handle(request)"), "tip")
    repository.git("tag", "--delete", "v1.2.0")
    place = only(bumped(repository, audit, until="tip"))
    [best] = place.candidates
    assert (best.kind, best.tried.fits) == (Kind.PIN, True)
    assert (
        place.change_said
        == "no ref of this repository has the code that was reviewed: read all of the code that is there now"
    )


def test_a_scope_that_is_there_twice_is_said_to_be(repository: Repository, audit: Patch) -> None:
    place = moved(repository, audit, NEW.edited("app.get", "function handle(other) {}\n\napp.get"))
    assert (place.change, place.change_said) == (
        Change.DUPLICATED,
        "function handle is defined 2 times, at lines 3, 10",
    )
    assert [each for each in place.candidates if each.tried.fits and str(each.anchor.scope) == "function handle"] == []


@functools.cache
def breaking_mutations() -> "tuple[Reference, list[Mutation]]":
    """Of the builtin sidecar, all of them; called where npm is out of reach."""
    from patcher.patches import SERIES
    from tests.lab.bump_replay import drifts
    from tests.lab.drift.reference import reference

    unchanged = reference(materialize("builtin"), SERIES)
    return unchanged, drifts.breaking(unchanged)


@pytest.mark.usefixtures("without_npm")
def test_bumps_are_replayed_on_the_builtin_sidecar() -> None:
    """A sample of `python3 .dev lab bump_replay --drift`."""
    from tests.lab.bump_replay import drifts

    unchanged, breaking = breaking_mutations()
    found = drifts.run(unchanged, breaking[:: len(breaking) // 9])
    assert len(found) >= 8
    assert [each for each in found if each.result not in {"named", "went in rightly"}] == []


@pytest.mark.usefixtures("without_npm")
def test_the_replay_can_go_red(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.lab.bump_replay import drifts

    def first_of_file(history: History, ref: str, paths: object, stops: Callable[[str], bool]) -> object:
        return history.commits(list(paths), until=ref)[-1]  # type: ignore[call-overload]

    monkeypatch.setattr("patcher.matrix.blame.culprit", first_of_file)
    unchanged, breaking = breaking_mutations()
    assert {each.result for each in drifts.run(unchanged, breaking[::150])} & {"WRONG"}
