"""The page for people, in a real Chromium: light and dark, wide and narrow, with a keyboard, and without a network."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from patcher.report.page import to_html, to_markdown
from patcher.report.side_by_side import Row, as_diff, rows
from tests.lab.consent.browser import chromium
from tests.readable import assert_readable, focused, in_chromium
from tests.support import wait_for

EVIL = '<script>alert(1)</script> `a<b` & "q"'
GUILTY = {"commit": "ab" * 20, "date": "2026-08-01T10:00:00+00:00", "subject": f"feat: {EVIL}"}
OTHER = {"commit": "cd" * 20, "date": "2026-05-04T10:00:00+00:00", "subject": "brings it"}
WINDOW = {
    "number": 0,
    "file": "server/app.js",
    "scope": "function handle",
    "place": "after",
    "payload": "console.log(session);\n",
    "message": "the code around `store.save()` is not what was reviewed",
    "reviewed": {"ref": "v1.2.0", "text": "const a = 1;\nsave(a);", "line": 6, "statement": [1, 1]},
    "found": {"ref": "v1.3.0", "text": "const a = 1;\nif (a) save(a);\nend();", "line": 16, "statement": [1, 1]},
}


def ref(name: str, *words: str) -> dict[str, Any]:
    stops = [word for word in words if word in {"drifted", "missing"}]
    return {
        "ref": name,
        "version": name.lstrip("v"),
        "commit": "ef" * 20,
        "date": "2026-08-01T10:00:00+00:00",
        "subject": "a release",
        "patches": [
            {"id": f"patch_{number}", "verdict": word, "message": "", "guilty": None}
            for number, word in enumerate(words)
        ],
        "supported": not stops,
        "reasons": [f"patch stops: {EVIL}" for _ in stops],
        "guilty": None,
    }


def stop(name: str, since: str, until: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "verdict": verdict,
        "file": "server/app.js",
        "line": 7,
        "scope": "function handle",
        "message": "unused where there are windows",
        "hint": "`sidecar-patcher explain` shows it",
        "declared": {"file": f"patcher/patches/{name}.py", "line": 17},
        "since": since,
        "until": until,
        "refs": 1,
        "good": "v1.2.0",
        "culprit": None,
        "fits_since": None,
        "windows": [],
        **more,
    }


MATRIX: dict[str, Any] = {
    "command": "matrix",
    "repository": "/clones/upstream.git",
    "refs": [
        ref("v1.0.0", "missing", "exact"),
        ref("v1.2.0", "exact", "moved"),
        ref("v1.3.0", "drifted", "superseded"),
    ],
    "supported": [{"since": "v1.2.0", "until": "v1.2.0", "refs": 1}],
    "stops": [
        stop("patch_0", "v1.0.0", "v1.0.0", "missing", fits_since=OTHER),
        stop("patch_0", "v1.3.0", "v1.3.0", "drifted", culprit=GUILTY, windows=[WINDOW]),
    ],
    "notes": ["the work tree has changes"],
    "errors": [],
}
TRIED = {
    "unique": True,
    "parses": True,
    "gates": False,
    "contracts": None,
    "problems": ["gate `imports`: no such file"],
}
BUMP: dict[str, Any] = {
    "command": "bump",
    "patches": [],
    "errors": [{"code": "anchor-drifted", "where": "server/app.js:7", "message": "it drifted", "hint": ""}],
    "contracts": [
        {
            "id": "keeps_it",
            "summary": "Keeps it.",
            "ok": True,
            "pristine": {"green": False, "said": "nothing was kept"},
            "patched": {"green": True, "said": "it was kept"},
        }
    ],
    "bump": {
        "from": {"ref": "v1.2.0"},
        "to": {"ref": "v1.3.0"},
        "places": [
            {
                "patch": "calm",
                "site": "calm.one",
                "number": 0,
                "verdict": "moved",
                "file": "server/app.js",
                "message": "reviewed at line 6",
                "window": {"reviewed": WINDOW["reviewed"], "found": WINDOW["reviewed"]},
                "payload": "calm();",
                "place": "before",
                "culprit": None,
                "change": None,
                "candidates": [],
                "scope_diff": {"since": "v1.2.0", "lines": ["-old", "+new"], "left_out": 3},
            },
            {
                "patch": "audit",
                "site": "audit.two",
                "number": 1,
                "verdict": "drifted",
                "file": "server/app.js",
                "message": "it drifted",
                "window": {"reviewed": WINDOW["reviewed"], "found": {**WINDOW["found"], "statement": None}},
                "payload": "console.log(session);",
                "place": "after",
                "culprit": {**GUILTY, "author": "somebody", "brought_by": OTHER},
                "change": "edited",
                "change_said": "the window was edited: 80 % of it is as reviewed",
                "candidates": [
                    {
                        "rank": 1,
                        "kind": "pin",
                        "file": "server/app.js",
                        "scope": "function handle",
                        "pattern": "save($A)",
                        "likeness": 0.9,
                        "tried": TRIED,
                        "why": ["the same statement"],
                        "command": "sidecar-patcher bump --accept audit.two=1",
                    }
                ],
                "scope_diff": None,
            },
        ],
        "refusals": [{"code": "gate-imports", "where": "server/x.js", "message": "is gone", "culprit": OTHER}],
        "command": "sidecar-patcher bump --accept audit.two=1 --write",
    },
}


# --- the comparison --------------------------------------------------------------------------------------------


def test_rows_stand_side_by_side_with_the_payload_behind_its_statement() -> None:
    assert rows(WINDOW["reviewed"], WINDOW["found"], WINDOW["payload"], "after") == [
        Row("same", "const a = 1;", 6, "const a = 1;", 16),
        Row("changed", "save(a);", 7, "if (a) save(a);", 17),
        Row("payload", now="console.log(session);"),
        Row("new", now="end();", now_line=18),
    ]


@pytest.mark.parametrize(
    ("place", "statement", "index"),
    [
        pytest.param("before", [1, 1], 1, id="before its statement"),
        pytest.param("after", [0, 1], 2, id="after a statement of two lines"),
        pytest.param("replace", [1, 1], 2, id="under what it replaces"),
    ],
)
def test_where_the_payload_is_shown(place: str, statement: list[int], index: int) -> None:
    found = {**WINDOW["found"], "statement": statement}
    kinds = [row.kind for row in rows(found, found, "payload();", place)]
    assert kinds.index("payload") == index and len(kinds) == 4


def test_where_the_statement_is_gone_the_payload_stands_where_it_went() -> None:
    without = {**WINDOW["found"], "statement": None}
    for found in (None, without):
        shown = rows(WINDOW["reviewed"], found, "payload();", "after")
        assert [row for row in shown if row.kind.startswith("payload")] == [Row("payload-then", then="payload();")]
    assert [row.kind for row in rows(WINDOW["reviewed"], None, "payload();", "before")] == [
        "gone",
        "payload-then",
        "gone",
    ]
    assert [row.kind for row in rows(None, without, "payload();", "after")] == ["new", "new", "new"]


def test_what_is_replaced_is_shown_as_the_statement_that_comes_of_it() -> None:
    text = "const total = store.count(\n    session,\n  );\n  end();"
    start, end = text.index("store.count"), text.index(";")
    window = {"text": text, "line": 5, "statement": [0, 2], "matched": [start, end], "indent": "  "}
    shown = rows(window, window, "counted(\n  <what stood there>\n)\n", "replace")
    assert [row.now for row in shown if row.kind == "payload"] == [
        "const total = counted(", "  store.count(", "  session,", ")", ");",
    ]  # fmt: skip


def test_windows_stand_at_the_left_with_their_own_indentation() -> None:
    then = {"text": "save(a, {\n      b,\n    });", "line": 1, "statement": [0, 2], "indent": "    "}
    now = {"text": "      save(a, {\n        b,\n      });", "line": 1, "statement": [0, 2]}
    assert [row.kind for row in rows(then, now, "", "after")] == ["same"] * 3
    assert [row.now for row in rows(then, now, "log({\n  a\n});", "before")][:4] == ["log({", "  a", "});", "save(a, {"]


def test_what_is_new_has_no_past() -> None:
    assert [row.kind for row in rows(None, WINDOW["reviewed"], "", "after")] == ["new", "new"]
    assert rows(None, None, "payload();", "after") == []


def test_blocks_around_that_changed_stand_above_and_others_do_not() -> None:
    """The statement is as it was, and the payload is where it was: only what is around it says why the place stops."""
    then = {**WINDOW["reviewed"], "around": ["function handle() {", "if (a) {"]}
    now = {**WINDOW["reviewed"], "around": ["async function handle() {", "if (a) {"]}
    without = rows(WINDOW["reviewed"], WINDOW["reviewed"], "payload();", "after")
    assert rows(then, now, "payload();", "after") == [
        Row("changed", "function handle() {", 0, "async function handle() {", 0),
        Row("same", "if (a) {", 0, "if (a) {", 0),
        *without,
    ]
    assert rows(then, then, "payload();", "after") == without
    assert rows(then, None, "payload();", "after") == rows(WINDOW["reviewed"], None, "payload();", "after")


def test_rows_as_a_diff() -> None:
    shown = as_diff(rows(WINDOW["reviewed"], WINDOW["found"], "log();", "after"))
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
def test_a_page_is_complete_in_itself(content: dict[str, Any]) -> None:
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
    assert text.startswith("## Bump from v1.2.0 to v1.3.0\n\n1 of 2 sites stop. 1 thing refuses besides. 1 of 1 ")
    accept = "`sidecar-patcher bump --accept audit.two=1`"
    where = "pin: `save($A)` in `server/app.js`, function handle"
    assert f"| 1 | {where} | ✓ yes | ✓ yes | ✕ no | – | {accept} |\n" in text
    assert "| keeps_it | ✓ yes | red: nothing was kept | green: it was kept |\n" in text
    assert text.index("audit") < text.index("calm"), "stops come first"


def test_the_candidate_that_was_chosen_stands_beside_what_is_gone() -> None:
    calm, audit = BUMP["bump"]["places"]
    first = audit["candidates"][0]
    second = {**first, "rank": 2, "scope": "function other", "file": "server/other.js"}
    window = {"reviewed": WINDOW["reviewed"], "found": None, "nearest": WINDOW["found"]}
    place = {**audit, "window": window, "candidates": [first, second]}
    for chosen, said in (
        ({}, "1: function handle of server/app.js"),
        ({"audit.two": 2}, "2: function other of server/other.js"),
    ):
        content = {**BUMP, "bump": {**BUMP["bump"], "places": [calm, place], "chosen": chosen}}
        page, text = to_html(content), to_markdown(content)
        assert f">Candidate {said}</th>" in page and f"`+` candidate {said[0]}, " in text
        assert page.count(">chosen</span>") == text.count(", chosen |") == len(chosen)


def test_a_log_is_folded_behind_the_error_that_it_tells_of() -> None:
    seen = {
        "green": False,
        "said": "the sidecar did not start; its log ends:\n  ^\nReferenceError: x is not defined\n    at y",
    }
    contract = {**BUMP["contracts"][0], "ok": False, "message": f"red: {seen['said']}", "patched": seen}
    page, text = to_html({**BUMP, "contracts": [contract]}), to_markdown({**BUMP, "contracts": [contract]})
    said = "the sidecar did not start: ReferenceError: x is not defined"
    assert f'red</span> {said}<details class="log">' in page and "    at y</pre>" in page
    assert f"<br>red: {said}</td>" in page
    assert f"| keeps_it | ✕ no: red: {said} | red: nothing was kept | red: {said} |\n" in text


def test_the_same_reason_is_given_once() -> None:
    red = {"said": "it asks", "culprit": GUILTY, "untold": [], "brought": []}
    named = [{**red, "contract": name} for name in ("one", "two", "three", "four")]
    content = {
        **BUMP,
        "bump": {**BUMP["bump"], "refusals": [], "red": [*named, {**red, "contract": "five", "said": "no"}]},
    }
    page, text = to_html(content), to_markdown(content)
    assert page.count("<h3>Why ") == 2
    assert "Why <code>one</code>, <code>two</code>, <code>three</code>, <code>four</code> are red</h3>" in page
    assert "`one`, `two`, `three`, `four` are red: it asks\n" in text and "`five` is red: no\n" in text
    assert "By hand first: 5 contracts are red; it says why below." in page


def test_a_twin_is_said() -> None:
    calm, audit = BUMP["bump"]["places"]
    twin = {"line": 40, "scope": "function other", "shown": "save(a); // `b`"}
    content = {**BUMP, "bump": {**BUMP["bump"], "places": [{**calm, "twins": [twin]}, audit]}}
    said = "he code that it replaces is at line 40 too, in function other, new since its review"
    page, text = to_html(content), to_markdown(content)
    assert page.count(">twin</span>") == 2 and said in page and "<code>save(a); // `b`</code>" in page
    assert said in text and "`` save(a); // `b` ``" in text and "; a twin</summary>" in text


def test_why_a_contract_is_red() -> None:
    brought = [{"file": "server/app.js", "scope": "function handle", "new": False, "places": ["audit.two"]}]
    red = {
        "contract": "keeps_it",
        "said": "it asks `save`",
        "culprit": GUILTY,
        "untold": ["ef" * 20],
        "brought": brought,
    }
    content = {**BUMP, "bump": {**BUMP["bump"], "refusals": [], "red": [red]}}
    page, text = to_html(content), to_markdown(content)
    assert (
        "Why <code>keeps_it</code> is red</h3>\n<p>it asks <code>save</code></p>\n<p>Since <code>abababababab</code>"
        in page
    )
    assert "or one of these, where nothing could be built: <code>efefefefefef</code>" in page
    assert "<li>changed: function handle of <code>server/app.js</code> (audit.two)</li>" in page
    assert "`keeps_it` is red: it asks `save`" in text and "where nothing could be built: `efefefefefef`" in text
    assert "- changed: function handle of `server/app.js` (audit.two)" in text
    assert "By hand first: red is keeps_it; it says why below." in page and "--write" not in page


def test_which_side_is_which() -> None:
    assert "As it fits: v1.2.0" in to_html(MATRIX) and "As reviewed: v1.2.0" in to_html(BUMP)
    alone = {**WINDOW, "reviewed": None}
    page = to_html({**MATRIX, "stops": [MATRIX["stops"][0], {**MATRIX["stops"][1], "windows": [alone]}]})
    assert "Nothing to compare with" in page and "Now: v1.3.0" in page
    gone = {**WINDOW, "found": None}
    page = to_html({**MATRIX, "stops": [MATRIX["stops"][0], {**MATRIX["stops"][1], "windows": [gone]}]})
    assert "Nothing of it is there" in page
    assert "» the payload, where it went: after the statement." in page and "+ as on" not in page


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    window = {**WINDOW, "payload": "const a = `x`; // ````"}
    text = to_markdown({**MATRIX, "stops": [{**MATRIX["stops"][1], "windows": [window]}]})
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
