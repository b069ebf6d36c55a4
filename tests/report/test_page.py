"""The page for people, in a real Chromium: light and dark, wide and narrow, with a keyboard, and without a network."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from patcher.bump.model import (
    Bump,
    Candidate,
    Change,
    ContractRegression,
    Culprit,
    Kind,
    Refusal,
    Revision,
    ScopeChange,
    ScopeDiff,
    SiteReport,
    Tried,
    Twin,
)
from patcher.matrix.model import Matrix, RefRange, RefResult, Stop, StopWindow
from patcher.matrix.window import Window
from patcher.model import Anchor, Build, Finding, Patch, Position, Site, Upstream, Verdict, function
from patcher.prove.contract import Contract, Observation, ProofResult
from patcher.report.model import BumpResult, CommandLine, Problem, Report
from patcher.report.page import to_html, to_markdown
from patcher.report.side_by_side import Row, as_diff, rows
from patcher.upstream.history import Commit
from tests.lab.consent.browser import chromium
from tests.readable import assert_readable, focused, in_chromium
from tests.support import wait_for

EVIL = '<script>alert(1)</script> `a<b` & "q"'
GUILTY = Commit("ab" * 20, "2026-08-01T10:00:00+00:00", f"feat: {EVIL}", "")
OTHER = Commit("cd" * 20, "2026-05-04T10:00:00+00:00", "brings it", "")
SCOPE = function("handle")
REVIEWED = Window("v1.2.0", "const a = 1;\nsave(a);", 6, statement=(1, 1))
FOUND = Window("v1.3.0", "const a = 1;\nif (a) save(a);\nend();", 16, statement=(1, 1))
DRIFT = "the code around `store.save()` is not what was reviewed"
PAYLOAD = "console.log(session);\n"


def one_site(patch: str, name: str, position: Position) -> Site:
    [site] = Patch(patch, "", (Site(name, "server/app.js", position, "", (Anchor(SCOPE, "save($A)"),)),)).sites
    return site


def site_window(**changes: Any) -> StopWindow:
    finding = Finding("patch_0", "server/app.js", Verdict.DRIFTED, 7, "function handle", DRIFT)
    window = StopWindow(0, one_site("patch_0", "one", Position.AFTER), finding, PAYLOAD, REVIEWED, FOUND)
    return replace(window, **changes)


def ref(name: str, *words: str) -> RefResult:
    findings = tuple(
        Finding(f"patch_{number}", "server/app.js", Verdict(word), 7, "function handle", DRIFT)
        for number, word in enumerate(words)
    )
    reasons = tuple(f"patch stops: {EVIL}" for each in findings if each.verdict.stops)
    return RefResult(name, name.lstrip("v"), "ef" * 20, findings, reasons)


def grid(refs: Sequence[RefResult], stops: Sequence[Stop], *notes: str) -> Matrix:
    commits = {each.ref: Commit("ef" * 20, "2026-08-01T10:00:00+00:00", "a release", "") for each in refs}
    spans = [RefRange(each, each) for each in refs if each.supported]
    return Matrix("/clones/upstream.git", tuple(refs), commits, tuple(spans), tuple(stops), notes)


def stop(at: RefResult, **more: Any) -> Stop:
    return Stop("patch_0", RefRange(at, at), "v1.2.0", **more)


REFS = (ref("v1.0.0", "missing", "exact"), ref("v1.2.0", "exact", "moved"), ref("v1.3.0", "drifted", "superseded"))
STOPS = (stop(REFS[0], fits_since=OTHER), stop(REFS[2], culprit=GUILTY, windows=(site_window(),)))
MATRIX = Report("matrix", matrix=grid(REFS, STOPS, "the work tree has changes"))


def with_window(**changes: Any) -> Report:
    """The matrix, whose second stop has this window."""
    return Report("matrix", matrix=grid(REFS, [STOPS[0], replace(STOPS[1], windows=(site_window(**changes),))]))


UPSTREAM = Upstream("agent-dashboard", "1.3.0", "v1.3.0", {})
CALM = SiteReport(
    one_site("calm", "one", Position.BEFORE),
    Finding("calm", "server/app.js", Verdict.MOVED, 6, str(SCOPE), "reviewed at line 6"),
    "calm();",
    REVIEWED,
    REVIEWED,
    scope_diff=ScopeDiff("v1.2.0", ("-old", "+new"), 3),
)
CULPRIT = Culprit(GUILTY.id, GUILTY.date, GUILTY.subject, "somebody", Culprit(OTHER.id, OTHER.date, OTHER.subject))
CANDIDATE = Candidate(
    Kind.PIN,
    "server/app.js",
    Anchor(SCOPE, "save($A)"),
    0.9,
    ("the same statement",),
    Tried(True, True, False, None, ("gate `imports`: no such file",)),
    1,
)
AUDIT = SiteReport(
    one_site("audit", "two", Position.AFTER),
    Finding("audit", "server/app.js", Verdict.DRIFTED, 7, str(SCOPE), "it drifted"),
    "console.log(session);",
    REVIEWED,
    replace(FOUND, statement=None),
    change=Change.EDITED,
    change_said="the window was edited: 80 % of it is as reviewed",
    culprit=CULPRIT,
    candidates=(CANDIDATE,),
)
REFUSAL = Refusal("gate-imports", "server/x.js", "is gone", Culprit(OTHER.id, OTHER.date, OTHER.subject))


def proof(ok: bool = True, message: str = "", seen: str = "it was kept") -> ProofResult:
    contract = Contract("keeps_it", "Keeps it.", ("audit",), lambda bed: Observation(True, ""))
    return ProofResult(contract, Observation(False, "nothing was kept"), Observation(ok, seen), ok, message)


def bump(*sites: SiteReport, proofs: Sequence[ProofResult] = (proof(),), **more: Any) -> Report:
    since, until = (Revision(name, "ef" * 20, replace(UPSTREAM, ref=name)) for name in ("v1.2.0", "v1.3.0"))
    build = Build(UPSTREAM, ())
    declared = tuple(Patch(each.patch, "", (each.site,)) for each in sites)
    found = Bump(since, until, build, build, sites, declared=declared, **more)
    wrong = (Problem("anchor-drifted", "server/app.js:7", "it drifted"),)
    return Report("bump", build, wrong, tuple(proofs), BumpResult(found, CommandLine("sidecar-patcher bump")))


BUMP = bump(CALM, AUDIT, refusals=(REFUSAL,))


# --- the comparison --------------------------------------------------------------------------------------------


def test_rows_stand_side_by_side_with_the_payload_behind_its_statement() -> None:
    assert rows(REVIEWED, FOUND, PAYLOAD, "after") == [
        Row("same", "const a = 1;", 6, "const a = 1;", 16),
        Row("changed", "save(a);", 7, "if (a) save(a);", 17),
        Row("payload", now="console.log(session);"),
        Row("new", now="end();", now_line=18),
    ]


@pytest.mark.parametrize(
    ("place", "statement", "index"),
    [
        pytest.param("before", (1, 1), 1, id="before its statement"),
        pytest.param("after", (0, 1), 2, id="after a statement of two lines"),
        pytest.param("replace", (1, 1), 2, id="under what it replaces"),
    ],
)
def test_where_the_payload_is_shown(place: str, statement: tuple[int, int], index: int) -> None:
    found = replace(FOUND, statement=statement)
    kinds = [row.kind for row in rows(found, found, "payload();", place)]
    assert kinds.index("payload") == index and len(kinds) == 4


def test_where_the_statement_is_gone_the_payload_stands_where_it_went() -> None:
    without = replace(FOUND, statement=None)
    for found in (None, without):
        shown = rows(REVIEWED, found, "payload();", "after")
        assert [row for row in shown if row.kind.startswith("payload")] == [Row("payload-then", then="payload();")]
    assert [row.kind for row in rows(REVIEWED, None, "payload();", "before")] == [
        "gone",
        "payload-then",
        "gone",
    ]
    assert [row.kind for row in rows(None, without, "payload();", "after")] == ["new", "new", "new"]


def test_what_is_replaced_is_shown_as_the_statement_that_comes_of_it() -> None:
    text = "const total = store.count(\n    session,\n  );\n  end();"
    start, end = text.index("store.count"), text.index(";")
    window = Window("v1", text, 5, statement=(0, 2), matched=(start, end), indent="  ")
    shown = rows(window, window, "counted(\n  <what stood there>\n)\n", "replace")
    assert [row.now for row in shown if row.kind == "payload"] == [
        "const total = counted(", "  store.count(", "  session,", ")", ");",
    ]  # fmt: skip


def test_windows_stand_at_the_left_with_their_own_indentation() -> None:
    then = Window("v1", "save(a, {\n      b,\n    });", 1, statement=(0, 2), indent="    ")
    now = Window("v2", "      save(a, {\n        b,\n      });", 1, statement=(0, 2))
    assert [row.kind for row in rows(then, now, "", "after")] == ["same"] * 3
    assert [row.now for row in rows(then, now, "log({\n  a\n});", "before")][:4] == ["log({", "  a", "});", "save(a, {"]


def test_what_is_new_has_no_past() -> None:
    assert [row.kind for row in rows(None, REVIEWED, "", "after")] == ["new", "new"]
    assert rows(None, None, "payload();", "after") == []


def test_blocks_around_that_changed_stand_above_and_others_do_not() -> None:
    """The statement is as it was, and the payload is where it was: only what is around it says why the place stops."""
    then = replace(REVIEWED, around=("function handle() {", "if (a) {"))
    now = replace(REVIEWED, around=("async function handle() {", "if (a) {"))
    without = rows(REVIEWED, REVIEWED, "payload();", "after")
    assert rows(then, now, "payload();", "after") == [
        Row("changed", "function handle() {", 0, "async function handle() {", 0),
        Row("same", "if (a) {", 0, "if (a) {", 0),
        *without,
    ]
    assert rows(then, then, "payload();", "after") == without
    assert rows(then, None, "payload();", "after") == rows(REVIEWED, None, "payload();", "after")


def test_rows_as_a_diff() -> None:
    shown = as_diff(rows(REVIEWED, FOUND, "log();", "after"))
    assert shown == "  const a = 1;\n- save(a);\n+ if (a) save(a);\n! log();\n+ end();"


# --- the texts -------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("content", [MATRIX, BUMP], ids=["matrix", "bump"])
def test_a_page_is_complete_in_itself(content: Report) -> None:
    page = to_html(content)
    tags = Reader(page).tags
    outside = [value for _, attrs in tags for name, value in attrs.items() if name in {"src", "href", "srcset"}]
    assert all((value or "").startswith("#") or value == "data:," for value in outside)
    assert "@import" not in page and "url(" not in page and "default-src 'none'" in page
    assert [attrs for tag, attrs in tags if tag == "th" and "scope" not in attrs] == []
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids)) and {(value or "")[1:] for value in outside if value != "data:,"} <= set(ids)
    assert not any(delimiter in page for delimiter in ("/*=", "/*%", "=*/", "%*/"))


def test_what_upstream_says_is_never_markup() -> None:
    assert "<script>alert" not in to_html(MATRIX) and "&lt;script&gt;alert(1)" in to_html(MATRIX)
    assert "<code>a&lt;b</code>" in to_html(MATRIX)
    assert "<script>" not in re.sub("(`+)[^\n]*?[^`]\\1(?!`)", "", to_markdown(MATRIX))


def test_markdown_has_the_grid_the_commit_and_the_diff() -> None:
    text = to_markdown(MATRIX)
    assert text.startswith("## Matrix of the series\n\n1 of 3 refs are supported: v1.2.0.\n\n> Note: the work tree has")
    assert "| ref | version | supported | patch_0 | patch_1 |\n|---|---|---|---|---|\n" in text
    assert "| v1.3.0 | 1.3.0 | ✕ no | ✕ drifted | ∅ superseded |\n" in text
    assert f"- since `abababababab` of 2026-08-01: ``feat: {EVIL}``\n" in text
    assert "- never before; fits since `cdcdcdcdcdcd` of 2026-05-04: `brings it`\n" in text
    assert "```diff\n  const a = 1;\n- save(a);\n+ if (a) save(a);\n! console.log(session);\n+ end();\n```\n" in text


def test_markdown_of_a_bump_has_candidates_and_contracts() -> None:
    text = to_markdown(BUMP)
    assert text.startswith(
        "## Bump from v1.2.0 to v1.3.0\n\n1 of 2 sites stop. 1 gate or file refuses the series. 1 of 1 "
    )
    accept = "`sidecar-patcher bump --accept audit.two=1`"
    where = "pin: `save($A)` in `server/app.js`, function handle"
    assert f"| 1 | {where} | ✓ yes | ✓ yes | ✕ no | – | {accept} |\n" in text
    assert "| keeps_it | ✓ yes | red: nothing was kept | green: it was kept |\n" in text
    assert text.index("audit") < text.index("calm"), "stops come first"


def test_the_candidate_that_was_chosen_stands_beside_what_is_gone() -> None:
    second = replace(CANDIDATE, rank=2, anchor=Anchor(function("other"), "save($A)"), file="server/other.js")
    gone = replace(AUDIT, found=None, nearest=FOUND, candidates=(CANDIDATE, second))
    for chosen, said in (
        ({}, "1: function handle of server/app.js"),
        ({"audit.two": 2}, "2: function other of server/other.js"),
    ):
        report = bump(CALM, gone, chosen=chosen)
        page, text = to_html(report), to_markdown(report)
        assert f">Candidate {said}</th>" in page and f"`+` candidate {said[0]}, " in text
        assert page.count(">chosen</span>") == text.count(", chosen |") == len(chosen)


def test_a_log_is_folded_behind_the_error_that_it_tells_of() -> None:
    seen = "the sidecar did not start; its log ends:\n  ^\nReferenceError: x is not defined\n    at y"
    report = bump(CALM, AUDIT, proofs=[proof(False, f"red: {seen}", seen)])
    page, text = to_html(report), to_markdown(report)
    said = "the sidecar did not start: ReferenceError: x is not defined"
    assert f'red</span> {said}<details class="log">' in page and "    at y</pre>" in page
    assert f"<br>red: {said}</td>" in page
    assert f"| keeps_it | ✕ no: red: {said} | red: nothing was kept | red: {said} |\n" in text


def test_the_same_reason_is_given_once() -> None:
    red = [ContractRegression(name, "it asks", CULPRIT) for name in ("one", "two", "three", "four")]
    report = bump(CALM, AUDIT, red=(*red, ContractRegression("five", "no", CULPRIT)))
    page, text = to_html(report), to_markdown(report)
    assert page.count("<h3>Why ") == 2
    assert "Why <code>one</code>, <code>two</code>, <code>three</code>, <code>four</code> are red</h3>" in page
    assert "`one`, `two`, `three`, `four` are red: it asks\n" in text and "`five` is red: no\n" in text
    assert "By hand: 5 contracts are red; the reason is with the contracts." in page


def test_a_twin_is_said() -> None:
    report = bump(replace(CALM, twins=(Twin(40, "function other", "save(a); // `b`"),)), AUDIT)
    said = "he code that it replaces is at line 40 too, in function other, new since its review"
    page, text = to_html(report), to_markdown(report)
    assert page.count(">twin</span>") == 2 and said in page and "<code>save(a); // `b`</code>" in page
    assert said in text and "`` save(a); // `b` ``" in text and "; a twin</summary>" in text


def test_why_a_contract_is_red() -> None:
    brought = (ScopeChange("server/app.js", "function handle", new=False, sites=("audit.two",)),)
    report = bump(CALM, AUDIT, red=(ContractRegression("keeps_it", "it asks `save`", CULPRIT, ("ef" * 20,), brought),))
    page, text = to_html(report), to_markdown(report)
    assert (
        "Why <code>keeps_it</code> is red</h3>\n<p>it asks <code>save</code></p>\n<p>Since <code>abababababab</code>"
        in page
    )
    assert "or one of these, where nothing could be built: <code>efefefefefef</code>" in page
    assert "<li>changed: function handle of <code>server/app.js</code> (audit.two)</li>" in page
    assert "`keeps_it` is red: it asks `save`" in text and "where nothing could be built: `efefefefefef`" in text
    assert "- changed: function handle of `server/app.js` (audit.two)" in text
    assert "By hand: keeps_it is red; the reason is with the contracts." in page and "--write" not in page


def test_which_side_is_which() -> None:
    assert "As it fits: v1.2.0" in to_html(MATRIX) and "As reviewed: v1.2.0" in to_html(BUMP)
    page = to_html(with_window(reviewed=None))
    assert "Nothing to compare with" in page and "Now: v1.3.0" in page
    page = to_html(with_window(found=None))
    assert "Nothing of it is there" in page
    assert "» the payload, where it went: after the statement." in page and "+ as on" not in page


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    text = to_markdown(with_window(payload="const a = `x`; // ````"))
    assert "\n`````diff\n" in text and text.count("\n`````\n") == 1


# --- in Chromium -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module", params=["matrix", "bump"])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / f"{request.param}.html"
    path.write_text(to_html(MATRIX if request.param == "matrix" else BUMP), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def matrix_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "matrix.html"
    path.write_text(to_html(MATRIX), encoding="utf-8")
    return path


@in_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_it_can_be_read(browser: Any, page_file: Path, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert_readable(page, page_file, scheme, width)
    page.close()


@in_chromium
def test_a_keyboard_is_enough(browser: Any, matrix_file: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(matrix_file.as_uri())
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the result"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0, "it is seen when it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "✕ no"
    for key, there in [
        ("ArrowRight", "✕ missing"),
        ("ArrowDown", "✓ exact"),
        ("End", "→ moved"),
        ("ArrowRight", "→ moved"),
        ("ArrowDown", "∅ superseded"),
        ("Home", "✕ no"),
        ("ArrowLeft", "✕ no"),
        ("ArrowUp", "✓ yes"),
    ]:
        page.keyboard.press(key)
        assert focused(page) == there, key
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px", "the focus is visible"
    page.close()


@in_chromium
def test_a_verdict_leads_to_its_reason_even_when_that_is_closed(browser: Any, matrix_file: Path) -> None:
    page = browser.new_page()
    page.goto(matrix_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = false; })")
    page.get_by_role("link", name="drifted").press("Enter")
    wait_for(lambda: page.locator("#item-2[open]").count() == 1)  # the policy forbids `wait_for_function`
    assert "abababababab" in page.locator("#item-2").inner_text()
    assert page.locator("#item-1").evaluate("(each) => each.open") is False
    page.close()


@in_chromium
def test_a_narrow_window_shows_each_line_once(browser: Any, matrix_file: Path) -> None:
    page = browser.new_page(viewport={"width": 380, "height": 800})
    page.goto(matrix_file.as_uri())
    shown = page.locator("#item-2 .diff").inner_text()
    assert shown.count("const a = 1;") == 1 and "if (a) save(a);" in shown and "console.log(session);" in shown
    page.close()
