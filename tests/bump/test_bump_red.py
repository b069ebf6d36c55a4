"""A contract that is red though every place fits: since which commit, and what no candidate or another one can do."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import pytest

from patcher.bump.model import Bump, BumpOptions, ContractRegression, ScopeChange
from patcher.bump.proving import Prover
from patcher.bump.run import bump as run
from patcher.errors import DependenciesMissing, NodeMissing
from patcher.model import Build, Patch, Position
from patcher.patches import SERIES
from patcher.prove import Contract, Observation, ProofResult, find_node, proof
from patcher.prove.contract import in_short
from patcher.report.model import BumpResult, CommandLine, Report
from patcher.report.problems import of_contracts
from patcher.report.text import to_text
from patcher.upstream.history import Repository as History
from tests.support import APP_FILE, SMALL, PatchMaker, Repository, Tree

PACKAGE = '{"name": "agent-dashboard", "version": "%s"}\n'
NEW = SMALL.having({"package.json": PACKAGE % "1.3.0"})
LATER = "function settle(session) {\n  return session;\n}\n"
NAME = "saves_are_logged"


class Seen:
    """Stands in for a running sidecar, which a tree of three files is not: green where the generated app has a text."""

    def __init__(self, wanted: str = "console.log(session)", unwanted: str = "settle(") -> None:
        self.wanted, self.unwanted, self.asked = wanted, unwanted, 0

    def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
        self.asked += 1
        return {name: self._observe(build.tree[APP_FILE].data.decode()) for name in names}

    def _observe(self, text: str) -> Observation:
        green = self.wanted in text and self.unwanted not in text
        return Observation(green, "the save is logged" if green else "nothing is logged")

    def prove(self, build: Build) -> list[ProofResult]:
        green = self._observe(build.tree[APP_FILE].data.decode())
        contract = Contract(NAME, "Saves are logged.", ("audit",), lambda bench: green)
        message = green.said if green.green else f"red on the patched tree: {green.said}"
        return [ProofResult(contract, Observation(green=False, said="nothing"), green, green.green, message)]


def proven(repository: Repository, *series: Patch, seen: Seen | None = None, **asked: object) -> Bump:
    seen = seen or Seen()
    with History.open(str(repository.path)) as history:
        found = run(history, series, BumpOptions("v1.3.0", **asked))  # type: ignore[arg-type]
        prover = Prover(history, seen.prove, seen.look)
        return prover.accepted(found)[0] if found.accepted else prover.first_choices(found)[0]


def audit_of(bench: PatchMaker) -> Patch:
    edit = bench.edit("store.save(session, total)", "console.log(session);")
    return bench.patch("audit", edit, contracts=(NAME,))


@pytest.fixture
def audit(bench: PatchMaker) -> Patch:
    return audit_of(bench)


def settled(tree: Tree) -> Tree:
    return tree.edited("module.exports", f"{LATER}module.exports")


def only(found: Bump) -> ContractRegression:
    [red] = found.red
    return red


# --- who did it ------------------------------------------------------------------------------------------------


def test_the_commit_that_made_it_red_is_named_with_what_it_brought(repository: Repository, audit: Patch) -> None:
    for number in range(6):
        repository.commit(SMALL.having({"server/other.js": f"exports.x = {number};\n"}), f"innocent-{number}")
    repository.commit(settled(SMALL), "guilty")
    repository.commit(settled(NEW), "v1.3.0")
    seen = Seen()
    red = only(proven(repository, audit, seen=seen))
    assert red.culprit is not None and red.culprit.subject == "guilty"
    assert red.changes == (ScopeChange(APP_FILE, "function settle", new=True),)
    assert red.said == (
        "it is green at v1.2.0; no candidate repairs it: each site of audit fits. "
        "It needs another site (look at function settle of server/app.js)"
    )
    assert seen.asked <= 5, "one look at the beginning, and log2 of 8 commits"


def test_a_commit_in_a_merged_branch_is_named_with_its_merge(repository: Repository, audit: Patch) -> None:
    repository.merge(settled(SMALL), "guilty", "v1.3.0")
    culprit = only(proven(repository, audit)).culprit
    assert culprit is not None and culprit.subject == "guilty"
    assert culprit.brought_by is not None and culprit.brought_by.subject == "Merge pull request #7"


def test_commits_that_do_not_build_may_be_it_as_well(repository: Repository, audit: Patch) -> None:
    repository.commit(SMALL.having({"server/other.js": "exports.y = 2;\n"}), "innocent")
    repository.commit(SMALL.edited("store.save(session, total)", "store.keep(session)"), "broken")
    repository.commit(settled(SMALL), "after")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit))
    assert red.culprit is not None and red.culprit.subject == "after"
    assert red.skipped == (repository.git("rev-parse", "broken").strip(),)


def test_packages_that_are_missing_at_a_commit_leave_it_untold(repository: Repository, audit: Patch) -> None:
    class Missing(Seen):
        def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
            if b"needs more" in build.tree[APP_FILE].data:
                raise DependenciesMissing("this upstream needs npm packages that are not in the cache: express")
            return super().look(build, names)

    repository.commit(SMALL.edited("// keep it", "// needs more"), "untold")
    repository.commit(settled(SMALL), "after")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit, seen=Missing()))
    assert red.culprit is not None and red.culprit.subject == "after"
    assert red.skipped == (repository.git("rev-parse", "untold").strip(),)


# --- why nobody did --------------------------------------------------------------------------------------------


def test_what_is_red_at_the_beginning_too_is_not_of_this_bump(repository: Repository, audit: Patch) -> None:
    repository.commit(NEW, "v1.3.0")
    red = only(proven(repository, audit, seen=Seen(wanted="never there")))
    assert red.culprit is None
    assert red.said == (
        "it is red at v1.2.0 too, as the series is declared, so no candidate of this bump repairs it: nothing is logged"
    )


def test_a_beginning_is_looked_at_with_the_series_as_it_is_declared(repository: Repository, audit: Patch) -> None:
    """A wrong candidate would be red there as well; what is declared is green, and that is what is said."""
    repository.commit(SMALL.edited("store.save(session, total)", "store.keep(session, total, 1)"), "guilty")
    repository.git("tag", "v1.3.0")  # the number is still that of v1.2.0
    wrong = "const total = store.count(session)"
    found = proven(repository, audit)
    ranks = {each.anchor.pattern: each.rank for each in found.sites[0].candidates}
    rank = ranks.get(wrong) or next(rank for pattern, rank in ranks.items() if "count" in pattern)
    seen = Seen(wanted="store.keep(session, total, 1);\n  /* sidecar-patcher:begin", unwanted="never there")

    class Declared(Seen):
        def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
            first = b"store.save(session, total)" in build.tree[APP_FILE].data
            said = Seen("store.save(session, total); // keep it\n  /* sidecar-patcher:begin", "never there")
            return (said if first else seen).look(build, names)

        def prove(self, build: Build) -> list[ProofResult]:
            return seen.prove(build)

    red = only(proven(repository, audit, seen=Declared(), accept={"audit.one": rank}))
    assert (
        red.said
        == f"it is green at v1.2.0; audit.one={rank} fits, and no longer does what the contract asks: read what the commit did"
    )
    assert red.culprit is not None and red.culprit.subject == "guilty"


def test_a_beginning_that_does_not_build_says_why(repository: Repository, audit: Patch) -> None:
    repository.commit(SMALL.edited("function handle(request)", "async function handle(request)"), "v1.2.5")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit, since="v1.2.5"))
    assert red.said == (
        "nothing to compare with: as it is declared, the series does not build at v1.2.5: audit is drifted at "
        "server/app.js:6"
    )


def test_a_beginning_whose_packages_are_missing_was_not_run(repository: Repository, audit: Patch) -> None:
    class Missing(Seen):
        def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
            raise DependenciesMissing("this upstream needs npm packages that are not in the cache: express")

    repository.commit(settled(NEW), "v1.3.0")
    assert only(proven(repository, audit, seen=Missing())).said == (
        "nothing to compare with: it was not run at v1.2.0, because this upstream needs npm packages that are not in "
        "the cache: express"
    )


def test_what_could_not_be_observed_is_not_the_fault_of_a_place(repository: Repository, audit: Patch) -> None:
    class Blind(Seen):
        def _observe(self, text: str) -> Observation:
            return Observation(False, "another shape", observed=False) if "settle(" in text else super()._observe(text)

    repository.commit(settled(SMALL), "guilty")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit, seen=Blind()))
    assert red.culprit is not None and red.culprit.subject == "guilty"
    assert red.said == (
        "it is green at v1.2.0; since this commit it cannot be observed: the contract has to follow what the sidecar "
        "answers"
    )


def test_a_contract_that_is_not_for_a_commit_leaves_it_untold(repository: Repository, audit: Patch) -> None:
    class Gone(Seen):
        def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
            return {} if b"// not for it" in build.tree[APP_FILE].data else super().look(build, names)

    repository.commit(SMALL.edited("// keep it", "// not for it"), "untold")
    repository.commit(settled(SMALL), "after")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit, seen=Gone()))
    assert red.skipped == (repository.git("rev-parse", "untold").strip(),)


def test_without_a_beginning_there_is_nothing_to_compare_with(repository: Repository, audit: Patch) -> None:
    repository.git("tag", "--delete", "v1.2.0")
    repository.commit(settled(NEW), "v1.3.0")
    red = only(proven(repository, audit))
    assert (red.said, red.culprit) == (
        "no ref is known where it was green: there is none whose pins are met",
        None,
    )


def test_a_contract_that_is_not_for_the_beginning(repository: Repository, audit: Patch) -> None:
    class Newer(Seen):
        def look(self, build: Build, names: Collection[str]) -> Mapping[str, Observation]:
            return {} if build.upstream.version == "1.2.0" else super().look(build, names)

    repository.commit(settled(NEW), "v1.3.0")
    assert (
        only(proven(repository, audit, seen=Newer())).said
        == "nothing to compare with: it is not for v1.2.0, or needs the built client"
    )


def test_no_commit_that_could_have_done_it(repository: Repository, audit: Patch) -> None:
    """Red by chance: nothing that a sidecar runs has changed."""

    class Moody(Seen):
        def prove(self, build: Build) -> list[ProofResult]:
            self.unwanted = "console"
            results = super().prove(build)
            self.unwanted = "settle("
            return results

    repository.commit(SMALL.having({"docs/x.md": "x\n"}), "v1.3.0")
    assert only(proven(repository, audit, seen=Moody())).said == (
        "it is green at v1.2.0, and no commit since touches server, scripts, bin, package.json: run it again"
    )


# --- candidates ------------------------------------------------------------------------------------------------


def test_a_candidate_that_is_accepted_and_red_says_so(repository: Repository, audit: Patch) -> None:
    repository.commit(SMALL.edited("function handle(request)", "async function handle(request)"), "innocent")
    repository.commit(settled(NEW).edited("function handle(request)", "async function handle(request)"), "v1.3.0")
    found = proven(repository, audit, accept={"audit.one": 1})
    said = (
        "it is green at v1.2.0; audit.one=1 fits, and no longer does what the contract asks: read what the commit did"
    )
    assert only(found).said == said
    [candidate] = found.sites[0].candidates
    culprit = only(found).culprit
    assert candidate.tried.contracts is False and culprit is not None
    assert candidate.tried.problems == (f"contract {NAME} is red since {culprit.commit[:12]} (v1.3.0): {said}",)


TWO = NEW.edited(
    "  store.save(session, total); // keep it\n",
    "  store.save(session, 0);\n  if (total) {\n    store.save(session, total, 1);\n  }\n",
)


def test_another_candidate_that_is_green_is_taken_instead(repository: Repository, audit: Patch) -> None:
    """All three fit; the likeliest is the wrong one, which only a contract can tell."""
    repository.commit(TWO, "v1.3.0")
    found = proven(repository, audit, seen=Seen(wanted="save(session, 0);\n  /* sidecar-patcher:begin"))
    assert [(each.anchor.pattern, each.tried.contracts) for each in found.sites[0].candidates[:3]] == [
        ("store.save(session, total, 1)", False),
        ("store.save(session, 0)", True),
        ("store.count(session)", False),
    ]
    assert found.chosen == {"audit.one": 2} and found.proposed.ok and found.red == ()
    said = "contract saves_are_logged is red: nothing is logged"
    assert found.sites[0].candidates[2].tried.problems == (said,)


def test_every_candidate_that_fits_is_proven(repository: Repository, audit: Patch) -> None:
    repository.commit(TWO, "v1.3.0")
    found = proven(repository, audit, seen=Seen(unwanted="never there"))
    assert [each.tried.contracts for each in found.sites[0].candidates] == [True, True, True, None]
    assert found.chosen == {"audit.one": 1}


# --- what a person reads ---------------------------------------------------------------------------------------


def as_text(found: Bump, *proofs: ProofResult) -> str:
    """The report as text."""
    result = BumpResult(found, CommandLine("sidecar-patcher bump"))
    return to_text(Report("bump", found.build, of_contracts(proofs), proofs, result))


def test_the_report_says_who_what_and_why(repository: Repository, audit: Patch) -> None:
    repository.commit(settled(SMALL), "guilty")
    repository.commit(settled(NEW), "v1.3.0")
    with History.open(str(repository.path)) as history:
        seen = Seen()
        found, proofs = Prover(history, seen.prove, seen.look).first_choices(
            run(history, [audit], BumpOptions("v1.3.0"))
        )
    culprit = only(found).culprit
    assert culprit is not None
    said = as_text(found, *proofs)
    assert (
        f"""
contract  {NAME}
  what  red on the patched tree: nothing is logged
  who   {culprit.commit[:12]} {culprit.date[:10]}  guilty
  did   new: function settle of server/app.js (no site of its patches is in it)
  why   {only(found).said}

contracts  0 of 1 proven: red on pristine, green on patched

fit   exact: audit.one
"""
        in said
    )
    assert said.endswith(f"\nnext  By hand: {NAME} is red; the reason is with the contracts.\n")


def test_a_statement_that_is_gone_stands_beside_what_the_candidate_takes(repository: Repository, audit: Patch) -> None:
    repository.commit(NEW.edited("store.save(session, total)", "store.save(session, total, 1)"), "v1.3.0")
    with History.open(str(repository.path)) as history:
        found = run(history, [audit], BumpOptions("v1.3.0"))
    assert """
        --- v1.2.0 line 6
        +++ v1.3.0 line 6, as the candidate has it
         function handle(request) {
        -  store.save(session, total);
        +  store.save(session, total, 1);
""" in as_text(found)


def test_a_log_is_told_in_short() -> None:
    log = "the sidecar did not start; its log ends:\n/x/db.js:3\nError: no such column: harness\n    at x\nNode.js v24"
    assert in_short(log) == "the sidecar did not start: Error: no such column: harness"
    assert in_short("the sidecar did not start; its log ends:\nbye") == "the sidecar did not start"
    assert in_short("seen once") == "seen once"


# --- twins -----------------------------------------------------------------------------------------------------

COUNT = "const total = store.count(session)"


def replacing(bench: PatchMaker) -> Patch:
    edit = bench.edit(COUNT, "counted(session)", position=Position.REPLACE, target="store.count(session)")
    bench.templates[edit.template] = "store.count(session, 1)"
    return bench.patch("count", edit)


@pytest.mark.parametrize("shown", ["if (store.count(session) > 3) return;", f"{COUNT};"])
def test_code_that_is_replaced_and_comes_a_second_time_is_shown(
    repository: Repository, bench: PatchMaker, shown: str
) -> None:
    again = f"function again(session) {{\n  {shown}\n}}\n"
    repository.commit(NEW.edited("function handle", f"{again}function handle"), "v1.3.0")
    found = proven(repository, replacing(bench), seen=Seen(wanted=""))
    [twin] = found.sites[0].twins
    assert (twin.scope, twin.shown) == ("function again", shown)
    assert f"""
twin  code that a site replaces is there a second time, new since its review, and nothing replaces it: it may need an edit of its own
        count.one  server/app.js:{twin.line}, function again: `{shown}`
""" in as_text(found)


def test_a_twin_that_another_place_replaces_is_none(repository: Repository, bench: PatchMaker) -> None:
    again = "  const more = store.count(session);\n"
    there = NEW.edited("  return total;", f"{again}  return total;")
    other = bench.edit(
        "const more = store.count(session)",
        "more",
        position=Position.REPLACE,
        target="store.count(session)",
        on=there.files[APP_FILE],
    )
    repository.commit(there, "v1.3.0")
    first = replacing(bench)
    both = bench.patch("both", *first.sites, other)
    alone = proven(repository, first, seen=Seen(wanted=""), since="v1.2.0")
    assert len(alone.sites[0].twins) == 1
    assert proven(repository, both, seen=Seen(wanted=""), since="v1.2.0").sites[0].twins == ()


def test_an_edit_that_only_adds_has_no_twins(repository: Repository, audit: Patch) -> None:
    more = "function more(session, total) {\n  return store.save(session, total);\n}\n"
    repository.commit(NEW.edited("module.exports", f"{more}module.exports"), "v1.3.0")
    assert proven(repository, audit).sites[0].twins == ()


# --- for real --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_on_real_sidecars(tmp_path: Path) -> None:
    """The builtin sidecar gains code that closes what is open when it starts; no place of ours stops on it."""
    try:
        find_node(None)
    except NodeMissing as error:
        pytest.skip(f"the contracts need a Node: {error.message}")
    upstream = Repository(tmp_path / "upstream")
    builtin = {file.relative_to(FIXTURE).as_posix(): file.read_text() for file in FIXTURE.rglob("*") if file.is_file()}
    index = builtin["server/index.js"]
    closing = index.replace(
        "function startBackgroundServices() {\n",
        "function closeAll() {\n"
        "  require(\"./db\").db.exec(\"UPDATE sessions SET status = 'completed' WHERE status = 'active'\");\n"
        "}\n\nfunction startBackgroundServices() {\n  closeAll();\n",
    )
    assert closing != index
    upstream.path.mkdir()
    upstream.git("init", "--quiet", "--initial-branch=main")
    tree = Tree(builtin)
    upstream.commit(tree, "v1.5.0")
    for number in range(3):
        upstream.commit(tree.having({"server/extra.js": f"exports.x = {number};\n"}), f"innocent-{number}")
    broken = tree.having({"server/index.js": closing})
    upstream.commit(broken, "guilty")
    upstream.commit(broken.having({"server/extra.js": "exports.x = 9;\n"}), "v1.6.0")
    name = "codex_session_outlives_restart"
    with History.open(str(upstream.path)) as history:
        found = run(history, SERIES, BumpOptions("v1.6.0", "v1.5.0"))
        assert found.build.ok, "the build alone cannot tell"
        found, proofs = Prover(
            history, partial(proof.run, only=[name]), partial(proof.look, command="bump")
        ).first_choices(found)
    assert [each.ok for each in proofs] == [False]
    red = only(found)
    assert red.culprit is not None and red.culprit.subject == "guilty"
    assert red.changes[0] == ScopeChange("server/index.js", "function closeAll", new=True)


FIXTURE = Path(__file__).parents[2] / "fixtures/sidecar"
