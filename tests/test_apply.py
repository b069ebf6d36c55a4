"""The middle of the flow on small trees and small series: all nine verdicts, layers, overlays, and what is collected."""

from dataclasses import replace

import pytest

from patcher import apply, pipeline
from patcher.errors import EXIT_ANCHOR, EXIT_IO
from patcher.layers import layers_of
from patcher.model import MODULE, Anchor, Line, Patch, Position, Sign, Site, route
from tests.support import (
    APP,
    APP_FILE,
    AUDITED,
    HANDLE,
    SMALL,
    STORE,
    PatchMaker,
    Run,
    Says,
    Tree,
    refusal,
    reviewed,
    stopping,
)

SAVES = "  store.save(session, total); // keep it\n"
RETURNS = "  return total;\n"
TAMPERED_HINT = "build from a pristine tree, or take our payloads out with `sidecar-patcher revert DIR --out DIR2`"


# --- nine verdicts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        pytest.param(RETURNS, RETURNS, "exact", id="as reviewed: exact"),
        pytest.param("const store", "\nconst store", "moved", id="further down: moved"),
        pytest.param(SAVES, "    store.save(session,total)\n", "reformatted", id="laid out differently: reformatted"),
        pytest.param("handle(request)", "handle(request, next)", "drifted", id="other tokens: drifted"),
        pytest.param(SAVES, "", "missing", id="the statement is gone: missing"),
        pytest.param("function handle", "function take", "missing", id="the scope is gone: missing"),
        pytest.param(RETURNS, f"{SAVES}{RETURNS}", "ambiguous", id="there are two: ambiguous"),
    ],
)
def test_a_patch_gets_one_verdict(bench: PatchMaker, old: str, new: str, verdict: str) -> None:
    run = SMALL.edited(old, new).run(bench.audit())
    assert run.verdicts == {"audit": verdict}
    assert run.build.ok is (verdict in {"exact", "moved", "reformatted"})


def test_only_the_patched_file_changes(bench: PatchMaker) -> None:
    before = f"{SAVES}{RETURNS}}}"
    assert SMALL.run(bench.audit()).changed == {APP_FILE: APP.replace(before, f"{AUDITED}}}")}


def test_nothing_comes_out_of_a_stopped_run(bench: PatchMaker) -> None:
    run = SMALL.edited(SAVES, "").run(bench.audit())
    assert (run.build.tree, run.build.gates, run.build.ok) == ({}, (), False)


def test_its_own_output_is_applied(bench: PatchMaker) -> None:
    first = SMALL.run(bench.audit())
    again = first.again()
    assert again.verdicts == {"audit": "applied"}
    assert (again.build.tree, again.build.upstream.tree) == (first.build.tree, first.build.upstream.tree)


def test_a_superseded_patch_is_skipped_and_says_why(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), superseded=Line.V1, superseded_by="its own audit log")
    run = SMALL.run(audit)
    assert (run.verdicts, run.changed) == ({"audit": "superseded"}, {})
    assert run.finding("audit").message == "upstream 1.2.0 does this itself (v1 line): its own audit log"


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        pytest.param((Sign(APP_FILE, r"store\.save\("),), "superseded", id="upstream has its code"),
        pytest.param((Sign(APP_FILE),), "superseded", id="upstream has its file"),
        pytest.param((Sign(APP_FILE), Sign(APP_FILE, r"\baudited\b")), "exact", id="upstream has only some of it"),
        pytest.param((Sign("server/audit.js"),), "exact", id="upstream has nothing of it"),
    ],
)
def test_what_supersedes_a_patch_within_a_line_is_known_by_its_code(
    bench: PatchMaker, signs: tuple[Sign, ...], verdict: str
) -> None:
    audit = replace(bench.audit(), superseded_where=signs, superseded_by="its own audit log")
    run = SMALL.run(audit)
    assert run.verdicts == {"audit": verdict}
    assert bool(run.changed) is (verdict == "exact")
    assert run.again().verdicts == {"audit": "superseded" if verdict == "superseded" else "applied"}


def test_a_payload_is_no_sign_of_what_supersedes_it(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), superseded_where=(Sign(APP_FILE, "audit"),))
    assert SMALL.run(audit).again().verdicts == {"audit": "applied"}


def test_a_patch_that_has_nothing_for_a_line_is_skipped_and_says_so(bench: PatchMaker) -> None:
    audit = bench.audit()
    run = SMALL.run(replace(audit, sites=tuple(replace(edit, line=Line.V2) for edit in audit.sites)))
    assert (run.verdicts, run.changed) == ({"audit": "superseded"}, {})
    assert run.finding("audit").message == "not needed: the v1 line has nothing of what it changes"


def test_a_patch_is_not_superseded_on_another_line(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), superseded=Line.V2, superseded_by="its own audit log")
    assert SMALL.run(audit).verdicts == {"audit": "exact"}


# --- tampered --------------------------------------------------------------------------------------------------


def output(bench: PatchMaker) -> tuple[Tree, Patch]:
    audit = replace(
        bench.audit(), overlays=(bench.overlay("server/ours.js", "// Generated by sidecar-patcher.\n1;\n"),)
    )
    return SMALL.run(audit).output(), audit


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        pytest.param(
            APP_FILE,
            "console.log(session)",
            "console.log(total)",
            "the payload audit.one is there, and is not what we render",
            id="a payload was edited",
        ),
        pytest.param(
            "server/ours.js", "1;", "2;", "our file is there, and is not what we render", id="a file of ours was edited"
        ),
        pytest.param(
            APP_FILE,
            "audit.one",
            "other.one",
            "no patch of the series is named other",
            id="a payload of an unknown patch",
        ),
    ],
)
def test_an_edit_in_what_is_ours_is_tampered(bench: PatchMaker, path: str, old: str, new: str, message: str) -> None:
    tree, audit = output(bench)
    run = tree.edited(old, new, path).run(audit)
    assert message in {finding.message for finding in run.build.findings}
    assert set(stopping(run).values()) == {"tampered"}
    assert {finding.hint for finding in run.build.findings if finding.verdict.stops} == {TAMPERED_HINT}


@pytest.mark.parametrize(
    "marker",
    [
        pytest.param("/* sidecar-patcher:begin audit.one (after) */", id="the begin marker"),
        pytest.param("/* sidecar-patcher:end audit.one */", id="the end marker"),
    ],
)
def test_a_marker_that_is_gone_is_tampered(bench: PatchMaker, marker: str) -> None:
    tree, audit = output(bench)
    run = tree.edited(marker, "").run(audit)
    assert "the marker of audit.one has no partner" in {finding.message for finding in run.build.findings}
    assert "tampered" in stopping(run).values()


def test_a_broken_marker_in_a_file_that_no_patch_needs_is_tampered(bench: PatchMaker) -> None:
    tree = SMALL.having({"server/other.js": "/* sidecar-patcher:begin audit.one (after) */\n"})
    run = tree.run(bench.audit())
    [finding] = [each for each in run.build.findings if each.verdict.stops]
    assert (finding.verdict, finding.file, finding.line) == ("tampered", "server/other.js", 1)
    assert (finding.message, finding.hint) == ("the marker of audit.one has no partner", TAMPERED_HINT)


def test_an_edit_outside_our_payloads_is_upstreams_business(bench: PatchMaker) -> None:
    tree, audit = output(bench)
    assert tree.edited("const where = [];", "const where = [1];").run(audit).verdicts == {"audit": "applied"}


def test_a_payload_that_was_taken_out_cleanly_goes_in_again(bench: PatchMaker) -> None:
    tree, audit = output(bench)
    pristine = tree.having({APP_FILE: APP})
    assert pristine.run(audit).verdicts == {"audit": "exact"}


def test_an_older_payload_of_ours_is_not_built_upon(bench: PatchMaker) -> None:
    tree, audit = output(bench)
    bench.templates[audit.sites[0].template] = "console.log(session, total);"
    assert stopping(tree.run(audit)) == {"audit": "tampered"}


# --- everything that is wrong, at once -------------------------------------------------------------------------


def test_all_findings_are_collected(bench: PatchMaker) -> None:
    tree = SMALL.edited(RETURNS, f"{RETURNS}{RETURNS}").edited("const where = [];", "const where = {};")
    run = tree.edited(SAVES, "").run(
        bench.audit(),
        bench.insert("twice", "return $A", "console.log(1);", position=Position.BEFORE),
        bench.insert("filter", "const where = $A", "where.push(1);", scope=route("GET", "/list")),
        bench.insert("fits", "const total = $A", "console.log(total);"),
    )
    assert run.verdicts == {"audit": "missing", "twice": "ambiguous", "filter": "drifted", "fits": "exact"}
    assert stopping(run) == {"audit": "missing", "twice": "ambiguous", "filter": "drifted"}


def test_the_worst_place_speaks_for_the_patch_and_all_places_are_told(bench: PatchMaker) -> None:
    edits = (
        bench.edit("const total = $A", "console.log(total);"),
        bench.edit("store.save($$$A)", "console.log(session);"),
    )
    run = SMALL.edited(SAVES, "").run(bench.patch("audit", *edits))
    assert (run.verdicts, [str(each.verdict) for each in run.build.details]) == (
        {"audit": "missing"},
        ["exact", "missing"],
    )


def test_a_file_that_is_not_there_is_missing(bench: PatchMaker) -> None:
    finding = SMALL.without(APP_FILE).run(bench.audit()).finding("audit")
    assert (finding.verdict, finding.line, finding.file) == ("missing", 0, APP_FILE)
    assert finding.message == (
        "expected `store.save(session, total)` once in function handle; found no server/app.js in the tree; "
        "nothing similar is there (agent-dashboard 1.2.0 (directory))"
    )


def test_a_file_that_is_not_utf_8_is_refused_when_a_patch_needs_it(bench: PatchMaker) -> None:
    error = refusal(SMALL.having({APP_FILE: b"const \xff;"}).run, bench.audit())
    expected = Says(
        "upstream-not-utf8",
        EXIT_IO,
        "expected UTF-8, found the byte 0xff at offset 6",
        "convert the file to UTF-8; nothing was written",
        APP_FILE,
    )
    assert Says.of(error) == expected


def test_a_file_that_is_not_utf_8_is_copied_when_no_patch_needs_it(bench: PatchMaker) -> None:
    assert SMALL.having({"server/logo.bin": b"\xff\xfe"}).run(bench.audit()).build.ok


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(APP.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"\ufeff{APP}", id="a byte order mark"),
        pytest.param(f"/* 😀 */{APP}", id="characters beyond the BMP"),
        pytest.param(APP.rstrip("\n"), id="no newline at the end"),
        pytest.param(APP.replace("\n", "\r\n", 5), id="mixed line endings"),
        pytest.param(f"#!/usr/bin/env node\n{APP}", id="a shebang"),
    ],
)
def test_a_file_may_have(bench: PatchMaker, text: str) -> None:
    assert SMALL.having({APP_FILE: text}).run(bench.audit()).build.ok


# --- layers ----------------------------------------------------------------------------------------------------


def stack(bench: PatchMaker) -> tuple[Patch, Patch, Patch]:
    """`stamp` anchors in what `audit` brings, `seal` in what `stamp` brings."""
    audit = bench.insert("audit", "store.save(session, total)", "const note = store.note(session);\nnote.open();")
    on_audit = SMALL.run(audit).changed[APP_FILE]
    stamp = bench.insert("stamp", "note.open()", "note.stamp(total);", on=on_audit, requires=("audit",))
    on_stamp = SMALL.run(audit, stamp).changed[APP_FILE]
    pattern = "note.stamp(total)"
    seal = bench.insert(
        "seal", pattern, "note.seal(/*= original =*/)", on=on_stamp, requires=("stamp",), position=Position.REPLACE
    )
    return audit, stamp, seal


def test_a_patch_may_anchor_in_what_another_brings(bench: PatchMaker) -> None:
    run = SMALL.run(*stack(bench))
    assert not stopping(run)
    assert "note.seal(note.stamp(total))" in run.changed[APP_FILE]
    assert [len(layer.splices) for layer in run.build.layers] == [1, 1, 1]


def test_line_numbers_are_those_of_upstreams_file(bench: PatchMaker) -> None:
    run = SMALL.run(*stack(bench))
    assert [finding.line for finding in run.build.findings] == [6, 6, 6]


def test_a_stack_of_patches_is_applied_on_its_own_output(bench: PatchMaker) -> None:
    assert set(SMALL.run(*stack(bench)).again().verdicts.values()) == {"applied"}


def test_what_stops_above_a_layer_is_told_in_upstreams_lines(bench: PatchMaker) -> None:
    audit = bench.audit()
    text = SMALL.run(audit).changed[APP_FILE]
    late = bench.insert(
        "late", "return total", "console.log(1);", on=text, requires=("audit",), position=Position.BEFORE
    )
    run = SMALL.edited(RETURNS, f"{RETURNS}{RETURNS}").run(audit, late)
    assert run.finding("late").line == 7
    assert "found 2 matches: line 7, line 8 " in run.finding("late").message


@pytest.mark.parametrize(
    ("target", "edited", "said"),
    [
        pytest.param("", "return sum", "nearest: `return sum;` (line 7)", id="a statement that is like it"),
        pytest.param("total", "return sum", "nearest: `return sum;` (line 7)", id="and with a target"),
        pytest.param("gone", "return total", "the pattern at line 7, and no such target in it", id="a target"),
    ],
)
def test_what_is_missing_above_a_layer_is_named_by_upstreams_lines(
    bench: PatchMaker, target: str, edited: str, said: str
) -> None:
    audit = bench.audit()
    text = SMALL.run(audit).changed[APP_FILE]
    late = bench.insert("late", "return total", "more();", on=text, requires=("audit",), position=Position.BEFORE)
    [site] = late.sites
    late = replace(late, sites=(replace(site, anchors=tuple(replace(each, target=target) for each in site.anchors)),))
    finding = SMALL.edited("return total", edited).run(audit, late).finding("late")
    assert finding.verdict == "missing" and said in finding.message


def test_a_place_that_a_stopped_patch_would_have_brought_is_blamed_on_it(bench: PatchMaker) -> None:
    audit, stamp, _ = stack(bench)
    run = SMALL.edited(SAVES, "").run(audit, stamp)
    assert run.verdicts == {"audit": "missing", "stamp": "missing"}
    assert run.finding("stamp").message.endswith("; audit, which it requires, did not go in")
    assert "did not go in" not in run.finding("audit").message


def test_a_place_that_a_superseded_patch_would_have_brought_needs_one_of_its_own(bench: PatchMaker) -> None:
    audit, stamp, _ = stack(bench)
    audit = replace(audit, superseded=Line.V1, superseded_by="its own audit log")
    run = SMALL.run(audit, stamp)
    assert run.verdicts == {"audit": "superseded", "stamp": "missing"}
    assert run.finding("stamp").message.endswith("; audit, which it requires, is superseded on the v1 line")
    assert run.finding("stamp").hint == (
        "give `patcher/patches/stamp.py` an anchor of its own for the v1 line, or declare it superseded"
    )


def test_a_patch_with_an_anchor_of_its_own_goes_on_where_what_it_requires_is_superseded(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), superseded=Line.V1, superseded_by="its own audit log")
    stamp = bench.insert("stamp", "return total", "note(total);", on=APP, requires=("audit",), position=Position.BEFORE)
    run = SMALL.run(audit, stamp)
    assert run.verdicts == {"audit": "superseded", "stamp": "exact"}
    assert "note(total);" in run.changed[APP_FILE]


def test_a_superseded_patch_brings_no_file_of_ours(bench: PatchMaker) -> None:
    ours = bench.overlay("server/ours.js", "// Generated by sidecar-patcher.\n1;\n")
    audit = replace(bench.audit(), overlays=(ours,), superseded=Line.V1, superseded_by="its own audit log")
    assert SMALL.run(audit).changed == {}


@pytest.mark.parametrize(("line", "there"), [(Line.V2, False), (Line.V1, True), (None, True)])
def test_a_file_of_ours_goes_where_its_line_says(bench: PatchMaker, line: Line | None, there: bool) -> None:
    ours = replace(bench.overlay("server/ours.js", "// Generated by sidecar-patcher.\n1;\n"), line=line)
    run = SMALL.run(replace(bench.audit(), overlays=(ours,)))
    assert ("server/ours.js" in run.build.added, run.verdicts) == (there, {"audit": "exact"})
    assert run.again().verdicts == {"audit": "applied"}


def test_a_patch_that_only_needs_another_file_of_a_stopped_one_goes_on(bench: PatchMaker) -> None:
    store = bench.insert(
        "store",
        "exports.ensure = $F",
        "exports.x = 1;",
        on=STORE,
        file="server/store.js",
        scope=MODULE,
        requires=("audit",),
    )
    run = SMALL.edited(SAVES, "").run(bench.audit(), store)
    assert run.verdicts == {"audit": "missing", "store": "exact"}


def test_two_patches_may_share_a_statement(bench: PatchMaker) -> None:
    above = bench.insert("above", "store.save(session, total)", "console.log(1);", position=Position.BEFORE)
    text = SMALL.run(above, bench.audit()).changed[APP_FILE]
    assert text.index("above.one") < text.index("store.save(") < text.index("audit.one")


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(1, id="insertion first"),
        pytest.param(-1, id="replacement first"),
    ],
)
def test_an_insertion_and_a_replacement_may_share_a_place(bench: PatchMaker, order: int) -> None:
    above = bench.insert("above", "store.save(session, total)", "console.log(1);", position=Position.BEFORE)
    other = bench.insert("other", "store.save(session, total)", "console.log(2)", position=Position.REPLACE)
    assert SMALL.run(*(above, other)[::order]).refused == {}


def test_overlapping_patches_are_both_named(bench: PatchMaker) -> None:
    whole = bench.insert("whole", "store.save(session, total)", "console.log(1)", position=Position.REPLACE)
    part = bench.insert("part", "const total = $A", "0", position=Position.REPLACE, target="store.count($B)")
    inner = bench.insert("inner", "store.save($$$A)", "0", position=Position.REPLACE, target="total")
    error = refusal(SMALL.run, whole, part, inner)
    start = APP.index("total);")
    assert (error.code, error.exit_code, error.where) == ("splices-overlap", EXIT_ANCHOR, APP_FILE)
    assert error.message == f"whole and inner both want characters {start} to {start + len('total)')}"


# --- anchors and versions --------------------------------------------------------------------------------------


def shapes(bench: PatchMaker) -> Patch:
    """One place that upstream has had in two shapes."""
    old = reviewed(APP, Anchor(HANDLE, "store.save(session, total)", ()))
    kept = APP.replace("store.save(", "store.keep(")
    new = reviewed(kept, Anchor(HANDLE, "store.keep(session, total)", ()))
    bench.templates["shapes.js.j2"] = "console.log(session);"
    return Patch(
        "audit",
        "Audits.",
        (Site("one", APP_FILE, Position.AFTER, "shapes.js.j2", (old, new), templates=bench.templates.folder),),
    )


@pytest.mark.parametrize("version", ["1.2.0", "9.0.0", "", "2.0", "nonsense"])
@pytest.mark.parametrize("statement", ["store.save(", "store.keep("])
def test_the_code_decides_which_shape_it_has(bench: PatchMaker, version: str, statement: str) -> None:
    tree = replace(SMALL.edited("store.save(", statement), version=version)
    run = tree.run(shapes(bench))
    assert run.verdicts == {"audit": "exact"}
    assert "console.log(session);" in run.changed[APP_FILE]


def test_where_no_shape_fits_the_one_that_came_nearest_is_told_of(bench: PatchMaker) -> None:
    drifted = SMALL.edited("store.save(session, total)", "store.save(session, total); audit()").edited(
        "const total", "let total"
    )
    patch = shapes(bench)
    old, new = patch.sites[0].anchors
    both = replace(patch, sites=(replace(patch.sites[0], anchors=(replace(old, before=1), new)),))
    finding = drifted.run(both).finding("audit")
    assert finding.verdict == "drifted" and "`store.save(session, total)`" in finding.message


def test_what_is_most_like_a_missing_site_is_told_of(bench: PatchMaker) -> None:
    finding = SMALL.edited("store.save(session, total)", "store.saved(total)").run(bench.audit()).finding("audit")
    assert finding.verdict == "missing" and "; nearest: `store.saved(total);` (line 6)" in finding.message


def test_two_shapes_that_fit_different_code_are_ambiguous(bench: PatchMaker) -> None:
    both = SMALL.edited("  return total;", "  store.keep(session, total);\n  return total;")
    patch = shapes(bench)
    old, new = patch.sites[0].anchors
    new = reviewed(both.files[APP_FILE], replace(new, pins=()))
    finding = both.run(replace(patch, sites=(replace(patch.sites[0], anchors=(old, new)),))).finding("audit")
    assert finding.verdict == "ambiguous"
    assert finding.message == (
        f"expected one anchor to fit, found 2 that fit different code: {APP_FILE}:6 and {APP_FILE}:7 "
        "(agent-dashboard 1.2.0 (directory))"
    )


def test_code_that_moved_to_another_file_has_an_anchor_for_it(bench: PatchMaker) -> None:
    moved = SMALL.having({"server/store.js": APP, APP_FILE: "// nothing\n"})
    audit = bench.audit()
    there = replace(audit.sites[0].anchors[0], file="server/store.js")
    both = replace(audit, sites=(replace(audit.sites[0], anchors=(*audit.sites[0].anchors, there)),))
    assert moved.run(both).finding("audit").file == "server/store.js"
    assert list(moved.run(both).changed) == ["server/store.js"]
    assert list(SMALL.run(both).changed) == [APP_FILE]


LATE = "const total = $A"


def late(bench: PatchMaker) -> Patch:
    """A patch with a second place, which upstream has since 1.4.0 only."""
    audit = bench.audit()
    return replace(
        audit, sites=(*audit.sites, replace(bench.edit(LATE, "console.log(total);", name="two"), since="1.4.0"))
    )


OTHERWISE = "const sum = request.total, total"


@pytest.mark.parametrize(
    ("version", "there", "places", "verdict"),
    [
        pytest.param("1.3.0", True, 2, "exact", id="an older number, and the code is there"),
        pytest.param("1.3.0", False, 1, "exact", id="an older number, and it is not"),
        pytest.param("1.4.0", True, 2, "exact", id="from there on it goes in"),
        pytest.param("1.4.0", False, 2, "missing", id="from there on it is required"),
        pytest.param("1.4.0-rc.1", False, 2, "missing", id="a prerelease of that version too"),
        pytest.param("v1.4", False, 2, "missing", id="a number that is not written out"),
        pytest.param("", True, 2, "exact", id="no number, and the code is there"),
        pytest.param("", False, 1, "exact", id="no number, and it is not"),
    ],
)
def test_a_place_that_upstream_has_since_a_version(
    bench: PatchMaker, version: str, there: bool, places: int, verdict: str
) -> None:
    tree = SMALL if there else SMALL.edited("const total", OTHERWISE)
    run = replace(tree, version=version).run(late(bench))
    assert (len(run.build.details), run.verdicts) == (places, {"audit": verdict})


def test_below_that_version_its_pins_judge_it_as_ever(bench: PatchMaker) -> None:
    tree = SMALL.edited("const total = ", "const total = 1 + ")
    assert replace(tree, version="1.3.0").run(late(bench)).verdicts == {"audit": "drifted"}


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        pytest.param("1.2.0", (), id="a number of the line"),
        pytest.param(
            "2.0.3",
            ("package.json says 2.0.3, and the code is of the v1 line: the code decides",),
            id="a number of another line",
        ),
        pytest.param(
            "",
            (
                "package.json has no version: the code decides, and it is of the v1 line",
                "audit.two is left out: upstream has its code since 1.4.0, and it is not there",
            ),
            id="no number",
        ),
        pytest.param(
            "next",
            (
                "package.json has the version 'next', which is not one: the code decides, and it is of the v1 line",
                "audit.two is left out: upstream has its code since 1.4.0, and it is not there",
            ),
            id="not a number",
        ),
    ],
)
def test_what_the_code_decides_against_the_number_is_said(
    bench: PatchMaker, version: str, notes: tuple[str, ...]
) -> None:
    tree = SMALL.edited("const total", OTHERWISE)
    series = bench.audit() if version == "2.0.3" else late(bench)
    assert replace(tree, version=version).run(series).build.notes == notes


# --- overlays --------------------------------------------------------------------------------------------------


def test_a_file_of_ours_is_added(bench: PatchMaker) -> None:
    ours = bench.overlay("bin/ours.js", "console.log(/*= name | tojson =*/);\n", params={"name": "x"}, executable=True)
    run = SMALL.run(replace(bench.audit(), overlays=(ours,)))
    assert run.changed["bin/ours.js"] == 'console.log("x");\n'
    assert [path for path, file in run.build.tree.items() if file.executable] == ["bin/ours.js"]
    assert {change.path: change.status for change in run.build.changes()} == {
        "LICENSE": "copied",
        "bin/ours.js": "added",
        "package.json": "copied",
        APP_FILE: "patched",
        "server/store.js": "copied",
    }


def test_a_file_of_upstreams_own_is_never_overwritten(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("server/ours.js", "1;\n"),))
    finding = SMALL.having({"server/ours.js": "2;\n"}).run(audit).finding("audit")
    assert (finding.verdict, finding.file, finding.line) == ("drifted", "server/ours.js", 1)
    label = "agent-dashboard 1.2.0 (directory)"
    assert finding.message == f"expected room for our server/ours.js, found a file of upstream's own ({label})"
    assert (
        finding.hint
        == "rename the overlay in `audit`; to replace the whole of upstream's file, declare an override: a site with `scope=FILE`"
    )


def test_a_stopped_patch_adds_no_file(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("server/ours.js", "1;\n"),))
    assert "server/ours.js" not in SMALL.edited(SAVES, "").run(audit).build.added


@pytest.mark.parametrize(
    "line",
    [pytest.param(None, id="only an overlay"), pytest.param(Line.V2, id="no edit on this line")],
)
def test_a_patch_may_have_no_place_on_this_line(bench: PatchMaker, line: Line | None) -> None:
    edits = () if line is None else (replace(bench.audit().sites[0], line=line),)
    overlay = bench.overlay("server/ours.js", "1;\n")
    assert SMALL.run(Patch("ours", "Ours.", edits, (overlay,))).build.ok


def test_a_patch_of_files_only_is_applied_on_its_own_output(bench: PatchMaker) -> None:
    ours = Patch("ours", "Ours.", (), (bench.overlay("server/ours.js", "// Generated by sidecar-patcher.\n"),))
    assert SMALL.run(ours).again().verdicts == {"ours": "applied"}


def test_a_parameter_that_is_missing_is_never_rendered_as_nothing(bench: PatchMaker) -> None:
    said = refusal(SMALL.run, replace(bench.audit(), overlays=(bench.overlay("a.js", "/*= name =*/"),)))
    where = f"{bench.templates.folder}/overlay/a.js.j2"
    hint = "it gets none; an overlay has `params={…}`, and what a payload replaces is `original`"
    message = "the template of audit, a.js: a parameter is missing: 'name' is undefined"
    assert Says.of(said) == Says("template-unusable", 2, message, hint, where)


# --- the series itself -----------------------------------------------------------------------------------------


NOT_BEFORE = "a requires b, which no series has before it"
EARLIER = "a series that has it goes before this one: `--series codex --series DIR`"
LATER = "put b above a in `patches`; of two series, name the one with b first"


@pytest.mark.parametrize(
    ("series", "message", "hint"),
    [
        pytest.param([("a", ()), ("a", ())], "the id a is used twice", "", id="an id twice"),
        pytest.param([("a", ("b",))], NOT_BEFORE, EARLIER, id="a gap"),
        pytest.param(
            [("note", ()), ("b", ("noted",))],
            "b requires noted, which no series has before it; did you mean `note`?",
            "mend `requires` of b",
            id="a typo",
        ),
        pytest.param([("a", ("b",)), ("b", ("a",))], "a requires b, which comes after it", LATER, id="a cycle"),
        pytest.param(
            [("a", ("a",))],
            "a requires a, which comes after it",
            "put a above a in `patches`; of two series, name the one with a first",
            id="itself",
        ),
        pytest.param([("a", ("b",)), ("b", ())], "a requires b, which comes after it", LATER, id="a later one"),
    ],
)
def test_a_series_that_is_wrong_is_refused(series: list[tuple[str, tuple[str, ...]]], message: str, hint: str) -> None:
    patches = [Patch(name, "Does.", requires=requires) for name, requires in series]
    assert Says.of(refusal(apply.apply_series, SMALL.upstream, patches)) == Says("series-invalid", 2, message, hint)


def test_a_patch_stands_one_layer_above_the_highest_that_it_requires() -> None:
    wanted = {"a": (), "b": ("a",), "c": (), "d": ("b", "c"), "e": ("a",)}
    layers = layers_of([Patch(name, "Does.", requires=requires) for name, requires in wanted.items()])
    assert [[patch.id for patch in layer] for layer in layers] == [["a", "c"], ["b", "e"], ["d"]]


def test_an_empty_series_copies(bench: PatchMaker) -> None:
    run = SMALL.run()
    assert (run.build.ok, run.changed) == (True, {})


@pytest.mark.parametrize("name", ["", "0", "Save", "a.b", "a-b", "a b", "_a"])
def test_a_site_has_a_plain_name(bench: PatchMaker, name: str) -> None:
    audit = bench.audit()
    said = refusal(apply.apply_series, SMALL.upstream, [replace(audit, sites=(replace(audit.sites[0], name=name),))])
    assert said.message == f"audit.{name}: expected a name of small letters, digits and `_`, found {name!r}"


def test_no_two_sites_of_a_patch_have_one_name(bench: PatchMaker) -> None:
    audit = bench.audit()
    said = refusal(apply.apply_series, SMALL.upstream, [replace(audit, sites=(*audit.sites, *audit.sites))])
    assert said.message == "the site audit.one is there twice"


def test_a_build_tells_what_stands_at_each_site(bench: PatchMaker) -> None:
    [place] = apply.apply_series(SMALL.upstream, [bench.audit()]).sites
    assert (place.site.patch, place.site.name, str(place.finding.verdict)) == ("audit", "one", "exact")
    assert place.text[place.located.matches[0].start :].startswith("store.save(session, total)")


def test_a_run_leaves_its_input_alone(bench: PatchMaker) -> None:
    upstream = SMALL.upstream
    before = dict(upstream.tree)
    pipeline.check_upstream(upstream, [bench.audit()])
    assert upstream.tree == before


def test_the_verdicts_of_a_series_come_in_its_order(bench: PatchMaker) -> None:
    names = ["zebra", "apple"]
    edits = [("zebra", "const total = $A"), ("apple", "store.save(session, total)")]
    run: Run = SMALL.run(*(bench.insert(name, pattern, "console.log(1);") for name, pattern in edits))
    assert list(run.verdicts) == names
