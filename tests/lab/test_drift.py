"""A sample of the drift corpus on the builtin sidecar, and the corpus itself: that its judge can go red."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from patcher import apply, existing, gates, markers
from patcher import locate as locating
from patcher.errors import NotTheFile
from patcher.existing import Recordings, Stripped
from patcher.gates import module_kinds
from patcher.gates.package_json import MODULE, Kind
from patcher.model import File, Finding, Line, Located, Patch, Site, SiteResult, Tree, Upstream, Verdict
from patcher.patches import SERIES
from patcher.pipeline import check_upstream
from patcher.upstream import materialize as materializing
from patcher.upstream.materialize import materialize
from patcher.verify import verify
from tests.lab.drift import __main__ as command
from tests.lab.drift import blocks, changes, code, corpus, judge, nodejs, prettier, show
from tests.lab.drift.changes import Change, delete, insert
from tests.lab.drift.corpus import Outcome, Result
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.reference import NoReference, Reference, reference

HOOKS = "server/routes/hooks.js"
OF_EACH_KIND = 2


@pytest.fixture(scope="module")
def builtin() -> Iterator[Reference]:
    try:
        nodejs.node()
    except nodejs.Unavailable as error:
        pytest.skip(f"the corpus asks Node what is JavaScript: {error}")
    yield reference(materialize("builtin"), SERIES)
    nodejs.stop()


pytestmark = pytest.mark.usefixtures("without_npm")


@pytest.fixture(scope="module")
def everything(builtin: Reference) -> list[Mutation]:
    """Every mutation of the builtin sidecar: making them takes as long as judging a hundred."""
    return list(corpus.mutations(builtin, seed=0))


def judged(builtin: Reference, made: Sequence[Mutation]) -> list[Outcome]:
    return corpus.run(builtin, corpus.works(made), jobs=1)


# --- the corpus ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_sample_is_neither_misapplied_nor_stopped_needlessly(builtin: Reference, everything: list[Mutation]) -> None:
    made = corpus.sampled(everything, OF_EACH_KIND, seed=1)
    found = judged(builtin, made)
    assert [f"{each.result}: {each.name}: {each.why}" for each in found if each.result.is_bad] == []
    assert {each.result for each in found} >= {Result.RIGHT, Result.STOPPED}
    assert len(show.counted(found)) > 25 * OF_EACH_KIND


def test_every_edit_of_the_series_is_mutated_in_both_ways(builtin: Reference, everything: list[Mutation]) -> None:
    made = everything
    active = {site.id for patch in SERIES for site in patch.sites_for(builtin.upstream.line)}
    for harmless in (True, False):
        assert {each.spot for each in made if each.harmless is harmless} == active
    assert len({each.name for each in made}) == len(made), "a name is what `--only` takes"


def test_the_seed_decides_what_is_sampled(builtin: Reference) -> None:
    def names(seed: int) -> list[str]:
        return [each.name for each in corpus.mutations(builtin, seed, "*/comments in the window/*")]

    assert names(3) == names(3)
    assert names(3) != names(4)


def test_each_name_that_our_files_take_from_upstream_is_renamed(builtin: Reference) -> None:
    names = {each.detail for each in corpus.mutations(builtin, 0, "*/export renamed/*")}
    assert {"db of server/db.js", "broadcast of server/websocket.js"} <= names


# --- the judge goes red ----------------------------------------------------------------------------------------


def generated(builtin: Reference) -> tuple[Tree, Tree]:
    """The unchanged upstream and what is made of it."""
    return builtin.upstream.tree, check_upstream(builtin.upstream, SERIES).tree


def verdict(builtin: Reference, tree: Tree, result: Tree) -> list[str]:
    places = [judge.Expected(spot, spot.statement, spot.target) for spot in builtin.spots.values()]
    return judge.judge(tree, result, places, builtin.added)


def edited(tree: Tree, path: str, edit: Callable[[str], str]) -> Tree:
    text = tree[path].data.decode()
    changed = edit(text)
    assert changed != text, "the edit changes nothing"
    return {**tree, path: replace(tree[path], data=changed.encode())}


def block_of(text: str, name: str) -> tuple[int, int]:
    """The payload with the line break that came with it."""
    found = [each for top in blocks.scan(text) for each in (top, *top.inside)]
    return blocks.with_line(text, next(each for each in found if each.id == name))


def moved_behind(name: str, landmark: str) -> Callable[[str], str]:
    """Take a payload from its place, and put it behind the first `landmark` below it."""

    def move(text: str) -> str:
        start, end = block_of(text, name)
        target = text.index(landmark, end) + len(landmark)
        return text[:start] + text[end:target] + text[start:end] + text[target:]

    return move


def test_the_result_of_the_unchanged_upstream_is_right(builtin: Reference) -> None:
    assert verdict(builtin, *generated(builtin)) == []


def twice(text: str) -> str:
    start, end = block_of(text, "parse_outside_transaction.open")
    return text[:end] + text[start:end] + text[end:]


def without(text: str) -> str:
    start, end = block_of(text, "parse_outside_transaction.open")
    return text[:start] + text[end:]


def nested_one_taken_out(text: str) -> str:
    start, end = block_of(text, "stamp_harness.stamp")
    _, outer = block_of(text, "parse_outside_transaction.take")
    return text[:start] + text[end:outer] + text[start:end] + text[outer:]


TAMPERED = {
    "a payload one statement too late": (
        moved_behind("parse_outside_transaction.take", "\n\n"),
        "parse_outside_transaction.take went in at",
    ),
    "a payload in another function": (
        moved_behind("parse_outside_transaction.take", 'router.post("/event", (req, res) => {'),
        "parse_outside_transaction.take went in at",
    ),
    "a payload that is missing": (without, "parse_outside_transaction.open is there 0 times"),
    "a payload that is there twice": (twice, "parse_outside_transaction.open is there 2 times"),
    "a payload beside the one it belongs in": (
        nested_one_taken_out,
        "stamp_harness.stamp does not stand in parse_outside_transaction.take",
    ),
    "a payload with other words": (
        lambda text: text.replace(".openIngress(data,", ".openIngress(body,"),
        "parse_outside_transaction.open is not the payload that was to go in",
    ),
    "a payload with other line endings": (
        lambda text: text.replace(".ingressOf(data);\n", ".ingressOf(data);\r\n"),
        "parse_outside_transaction.take has line endings that the file does not have",
    ),
    "a changed byte elsewhere": (
        lambda text: text.replace("const sessionId = data.session_id;", "const sessionId = data.session;"),
        "bytes outside the payloads have changed",
    ),
    "a marker without a partner": (
        lambda text: text.replace("/* sidecar-patcher:end stamp_harness.stamp */", ""),
        "the end of parse_outside_transaction.take has no beginning",
    ),
}


@pytest.mark.parametrize(("tamper", "said"), TAMPERED.values(), ids=TAMPERED.keys())
def test_the_judge_sees(tamper: Callable[[str], str], said: str, builtin: Reference) -> None:
    tree, result = generated(builtin)
    problems = verdict(builtin, tree, edited(result, HOOKS, tamper))
    assert any(said in problem for problem in problems), problems


def test_the_judge_sees_a_file_that_nobody_should_have_touched(builtin: Reference) -> None:
    tree, result = generated(builtin)
    assert verdict(builtin, tree, edited(result, "server/routes/events.js", str.upper)) == [
        "server/routes/events.js has changed, and nothing belongs there"
    ]


def test_the_judge_sees_files_that_came_and_went(builtin: Reference) -> None:
    tree, result = generated(builtin)
    other = {path: file for path, file in result.items() if path != "server/websocket.js"} | {
        "server/new.js": File(b"")
    }
    assert verdict(builtin, tree, other) == ["server/websocket.js is not in the result", "server/new.js was added"]


def test_the_judge_sees_a_payload_that_has_no_right_place(builtin: Reference) -> None:
    tree, result = generated(builtin)
    places = [judge.Expected(spot, None, None) for spot in builtin.spots.values()]
    problems = judge.judge(tree, result, places, builtin.added)
    assert any("filter_by_harness.filter went in at" in each and "has no right place" in each for each in problems)


# --- a patcher that is too lenient, and one that is too strict -------------------------------------------------


def lenient(patch: Patch, edit: Site, located: Located, upstream: Upstream) -> Finding:
    """Takes the first match for the right one, whatever its tokens."""
    strict = verify(patch, edit, located, upstream)
    return replace(strict, verdict=Verdict.EXACT) if located.matches else strict


def strict(patch: Patch, edit: Site, located: Located, upstream: Upstream) -> Finding:
    """Stops on whatever is not to the byte as it was reviewed."""
    found = verify(patch, edit, located, upstream)
    return replace(found, verdict=Verdict.DRIFTED) if found.verdict is Verdict.REFORMATTED else found


def test_a_lenient_patcher_is_caught_misapplying(builtin: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "verify", lenient)
    monkeypatch.setattr(corpus, "check_upstream", apply.apply_series)
    found = judged(builtin, list(corpus.mutations(builtin, 0, "parse_outside_transaction.take/wrapped/in *")))
    assert {each.result for each in found if "bare block" not in each.name} == {Result.MISAPPLIED}


def test_a_patcher_that_forgets_the_scope_is_caught(builtin: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "verify", lenient)
    monkeypatch.setattr(apply, "locate", _anywhere)
    monkeypatch.setattr(corpus, "check_upstream", apply.apply_series)
    found = judged(builtin, list(corpus.mutations(builtin, 0, "*/look-alike scope/above")))
    assert {each.name for each in found if each.result is Result.MISAPPLIED} >= {
        "parse_outside_transaction.open/look-alike scope/above",
        "filter_by_harness.filter/look-alike scope/above",
    }


TWICE = {"res.json($BODY)", "const result = calculateCost($$$USED)"}


def _anywhere(text: str, anchor: object, language: str, **_: object) -> Located:
    from patcher.locate import locate
    from patcher.model import MODULE, Anchor

    assert isinstance(anchor, Anchor)
    found = locate(text, anchor, language)
    if anchor.scope == MODULE or anchor.pattern in TWICE:  # two sites would want the first one of a file
        return found
    root = code.parse(text)
    first = min((code.span(node) for node in root.find_all(pattern=anchor.pattern)), default=None)
    if first is None or not found.matches:
        return found
    statement = code.span(code.statement_at(root, first[0]))
    match = replace(
        found.matches[0], start=first[0], end=first[1], statement_start=statement[0], statement_end=statement[1]
    )
    return replace(found, matches=(match,))


def test_a_strict_patcher_is_caught_stopping(builtin: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "verify", strict)
    found = judged(builtin, list(corpus.mutations(builtin, 0, "*/comments in the window/between all tokens")))
    assert {each.result for each in found} == {Result.NEEDLESS}


def forgets(target: object, name: str, instead: object) -> Callable[[pytest.MonkeyPatch], None]:
    """Take one check out of the patcher."""
    return lambda monkeypatch: monkeypatch.setattr(target, name, instead)


def without_gate(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return forgets(gates, "GATES", tuple(gate for gate in gates.GATES if gate[0] != name))


def goes_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves a place out where the version is older than what brought it, although the place is there."""
    best_anchor = apply._best_anchor

    def older_has_none(state: apply._State, patch: Patch, edit: Site) -> SiteResult:
        best = best_anchor(state, patch, edit)
        is_newer = edit.is_required_in(state.given.version)
        return best if is_newer else replace(best, finding=replace(best.finding, verdict=Verdict.MISSING))

    monkeypatch.setattr(apply, "_best_anchor", older_has_none)


def takes_prose_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    strip = existing.strip

    def strip_more(upstream: Upstream, series: Sequence[Patch], *recorded: Recordings) -> Stripped:
        tree = {path: file for path, file in upstream.tree.items() if markers.GENERATED not in file.data}
        return strip(replace(upstream, tree=tree), series, *recorded)

    monkeypatch.setattr(apply, "strip", strip_more)


def refuse_all_pointers(path: str, data: bytes, where: str) -> None:
    if b"git-lfs" in data or b"<<<<<<<" in data:
        raise NotTheFile(f"there is something in {path}", where=where)


NOTHING = lambda *_: None  # noqa: E731
BROKEN: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None], set[Result]]] = {
    "one scope for all": (
        "codex_hooks.start/scope twice/a variable*",
        forgets(locating, "definitions", lambda _, __, near, ___: [near]),
        {Result.MISAPPLIED},
    ),
    "one assignment for none": (
        "parse_outside_transaction.take/scope reassigned/out of*",
        forgets(locating, "definitions", lambda _, __, near, ___: [near]),
        {Result.MISAPPLIED},
    ),
    "one route for all": (
        "parse_outside_transaction.open/route shadowed/*named handler*",
        forgets(locating, "definitions", lambda _, __, near, ___: [near]),
        {Result.MISAPPLIED},
    ),
    "the number decides": ("*/version/lowered*", goes_by_number, {Result.MISAPPLIED}),
    "every file is CommonJS": (
        "*/module kind/server*is a module",
        without_gate("module-kind"),
        {Result.OTHERWISE, Result.MISAPPLIED},
    ),
    "a module is none": (
        "*/module kind/*are CommonJS",
        forgets(module_kinds, "kind_of", lambda *_: Kind(MODULE, "somebody said so")),
        {Result.NEEDLESS},
    ),
    "any file is the file": (
        "*/not the file/*",
        forgets(materializing, "refuse_content", NOTHING),
        {Result.OTHERWISE, Result.MISAPPLIED},
    ),
    "a conflict is code": (
        "*/conflict/*",
        forgets(materializing, "refuse_content", NOTHING),
        {Result.OTHERWISE, Result.MISAPPLIED},
    ),
    "a pointer that is shown is one": (
        "*/a pointer is shown/*",
        forgets(materializing, "refuse_content", refuse_all_pointers),
        {Result.NEEDLESS},
    ),
    "a conflict that is shown is one": (
        "*/a conflict is shown/*",
        forgets(materializing, "refuse_content", refuse_all_pointers),
        {Result.NEEDLESS},
    ),
    "nothing new is something": (
        "record_hooks_once.insert/no-op payload/*",
        without_gate("changes-something"),
        {Result.MISAPPLIED},
    ),
    "all is JavaScript": (
        "parse_outside_transaction.take/not a program/*",
        forgets(apply, "refuse_other_kinds", NOTHING),
        {Result.OTHERWISE, Result.MISAPPLIED},
    ),
    "nothing is in our way": (
        "*/in our way/*: server/lib/harness.js",
        forgets(existing, "_conflict", NOTHING),
        {Result.OTHERWISE, Result.MISAPPLIED},
    ),
    "all is in our way": (
        "stamp_harness.*/beside ours/*",
        forgets(existing, "_conflict", lambda _, path: (path, "a file")),
        {Result.NEEDLESS},
    ),
    "prose is ours": ("*/a file that mentions us/*prose", takes_prose_for_ours, {Result.MISAPPLIED}),
}


@pytest.mark.parametrize(("only", "forget", "bad"), BROKEN.values(), ids=BROKEN.keys())
def test_a_check_that_is_forgotten_is_caught(
    only: str,
    forget: Callable[[pytest.MonkeyPatch], None],
    bad: set[Result],
    builtin: Reference,
    everything: list[Mutation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [each for each in everything if fnmatchcase(each.name, only)][:4]
    assert {each.result for each in judged(builtin, made)} <= {Result.RIGHT, Result.STOPPED}
    locating.locate.cache_clear()
    forget(monkeypatch)
    assert {each.result for each in judged(builtin, made)} & bad
    locating.locate.cache_clear()


@pytest.fixture(scope="module")
def older(builtin: Reference) -> Reference:
    """The miniature as it was before the probe came that two places of the series are about."""
    tree = edited(builtin.upstream.tree, HOOKS, lambda text: text.replace("livenessReap", "driftReap"))
    tree = edited(tree, "package.json", lambda text: text.replace('"version": "1.4.8"', '"version": "1.2.0"'))
    return reference(replace(builtin.upstream, version="1.2.0", tree=tree), SERIES)


def test_a_raised_number_stops_where_the_code_is_older(older: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list(corpus.mutations(older, 0, f"{next(iter(older.spots))}/version/*"))
    raised = [each for each in made if not each.harmless]
    assert {each.detail.partition(' "')[0] for each in raised} >= {"raised", "raised, with a v", "what brought a place"}
    assert {each.result for each in judged(older, made)} == {Result.RIGHT, Result.STOPPED}
    monkeypatch.setattr(Site, "is_required_in", lambda *_: False)
    assert {each.result for each in judged(older, raised)} == {Result.MISAPPLIED}


def test_a_stop_of_another_patch_hides_nothing(builtin: Reference) -> None:
    """What one patch needs is built without the others, so that each must stop of itself."""
    spot = builtin.spots["filter_by_harness.filter"]
    assert [patch.id for patch in builtin.only(spot)] == ["filter_by_harness"]
    stacked = builtin.spots["stamp_harness.stamp"]
    assert [patch.id for patch in builtin.only(stacked)] == ["parse_outside_transaction", "stamp_harness"]
    assert builtin.only(stacked)[0].sites_for(Line.V1) == (SERIES[2].sites[1],)


def test_without_a_reference_there_is_no_corpus(builtin: Reference) -> None:
    broken = edited(builtin.upstream.tree, HOOKS, lambda text: text.replace("processEvent", "handleEvent"))
    with pytest.raises(NoReference, match="parse_outside_transaction: missing"):
        reference(replace(builtin.upstream, tree=broken), SERIES)


# --- where a span has gone -------------------------------------------------------------------------------------

TEXT = "one two three four"
THREE = (8, 13)


@pytest.mark.parametrize(
    ("made", "there"),
    [
        pytest.param([insert(0, "zero ")], "three", id="put in above"),
        pytest.param([insert(8, "X")], "three", id="put in right before it"),
        pytest.param([insert(13, "X")], "three", id="put in right behind it"),
        pytest.param([insert(10, "/**/")], "th/**/ree", id="put in inside it"),
        pytest.param([delete((0, 4)), insert(18, "!")], "three", id="taken out above"),
        pytest.param([Change(9, 10, "H")], "tHree", id="changed in it"),
        pytest.param([delete((8, 14)), Change(0, 0, "> three ", (8, 14), at=2)], "three", id="moved up"),
        pytest.param(
            [delete((4, 14)), Change(18, 18, "\ntwo three ", (4, 14), at=1)], "three", id="moved down in a bigger piece"
        ),
        pytest.param([delete((8, 13))], None, id="taken out"),
        pytest.param([delete((6, 10))], None, id="half of it taken out"),
        pytest.param([Change(8, 13, "3")], None, id="replaced"),
    ],
)
def test_a_span_is_found_again(made: list[Change], there: str | None) -> None:
    span = changes.tracked(made)(THREE)
    assert (changes.apply(TEXT, made)[slice(*span)] if span else None) == there


def test_changes_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        changes.apply(TEXT, [delete((0, 5)), delete((4, 8))])


def test_a_statement_is_found_again_in_another_layout() -> None:
    old = "function f(a) {\n  const x = g(a, 'b');\n  return x;\n}\n"
    new = 'function f(a) {\n\tconst x = g(\n\t\ta,\n\t\t"b",\n\t)\n\treturn x\n}\n'
    start = old.index("const x")
    span = prettier.tracker(old, new)((start, old.index(";") + 1))
    assert span is not None
    assert new[slice(*span)] == 'const x = g(\n\t\ta,\n\t\t"b",\n\t)'


def test_another_program_is_not_another_layout() -> None:
    with pytest.raises(prettier.Unmatched):
        prettier.tracker("a(b);", "a(c);")


# --- the command -----------------------------------------------------------------------------------------------


def test_the_command_prints_counts_and_ends_with_zero(builtin: Reference, capsys: pytest.CaptureFixture[str]) -> None:
    code_ = command.main(["--upstream", "builtin", "--only", "filter_by_harness.filter/BOM*", "--jobs", "1"])
    out, _ = capsys.readouterr()
    assert code_ == 0
    assert out.endswith("drift corpus: 2 mutations, 0 silent misapplies, 0 needless stops\n")


def test_a_misapply_ends_with_one_and_the_command_to_see_it(
    builtin: Reference, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(apply, "verify", lenient)
    monkeypatch.setattr(corpus, "check_upstream", apply.apply_series)
    only = "filter_by_harness.filter/literal changed/*begins*"
    assert command.main(["--upstream", "builtin", "--only", only, "--jobs", "1"]) == 1
    out, _ = capsys.readouterr()
    assert "misapplied: filter_by_harness.filter/literal changed/" in out
    assert (
        "again: python -m tests.lab.drift --upstream builtin --only 'filter_by_harness.filter/literal changed/" in out
    )


def test_the_json_has_every_count(builtin: Reference, capsys: pytest.CaptureFixture[str]) -> None:
    only = "filter_by_harness.filter/statement removed*"
    command.main(["--upstream", "builtin", "--only", only, "--jobs", "1", "--format", "json"])
    content = json.loads(capsys.readouterr().out)
    [upstream] = content["upstreams"]
    assert content["schema"] == 1
    [kind] = upstream["kinds"]
    assert (kind["kind"], kind["stopped"]) == ("statement removed", upstream["mutations"])


def test_a_pattern_that_names_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--upstream", "builtin", "--only", "no/such/mutation"])
    assert ended.value.code == 2
    assert "no mutation is named no/such/mutation" in capsys.readouterr().err


def test_an_upstream_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--upstream", "/no/such/place"]) == 5
    assert "/no/such/place: the unchanged upstream does not build" in capsys.readouterr().err


def test_names_with_wildcards_in_them_can_be_asked_for() -> None:
    outcome = Outcome("a.one/literal changed/`[*?]`", "literal changed", harmless=False, result=Result.MISAPPLIED)
    assert "--only 'a.one/literal changed/`[[][*][?]]`'" in show.again("builtin", outcome)
