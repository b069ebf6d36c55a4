"""Stage 2: an anchor finds its place by scope name and pattern, or says every place it could have meant."""

import pytest

from patcher.locate import locate
from patcher.model import MODULE, Anchor, Scope, function, route
from tests.support import APP, HANDLE

LIST = route("GET", "/list")


def found(text: str, scope: Scope, pattern: str, **more: str | int) -> list[str]:
    """The texts that the anchor matches."""
    return [text[match.start : match.end] for match in locate(text, Anchor(scope, pattern, (), **more)).matches]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "pattern", "more", "expected"),
    [
        pytest.param(HANDLE, "store.count($A)", {}, ["store.count(session)"], id="an expression in a function"),
        pytest.param(HANDLE, "return $A", {}, ["return total;"], id="a statement without its semicolon"),
        pytest.param(LIST, "const where = $A", {}, ["const where = [];"], id="a statement in a route"),
        pytest.param(MODULE, "module.exports = $A", {}, ["module.exports = { handle }"], id="at top level"),
        pytest.param(
            HANDLE,
            "const total = $A",
            {"target": "store.count($B)"},
            ["store.count(session)"],
            id="a node in the match",
        ),
        pytest.param(
            HANDLE,
            "store.$M($$$A)",
            {"containing": "total"},
            ["store.save(session, total)"],
            id="the one with a word in it",
        ),
        pytest.param(MODULE, "store.count($A)", {}, [], id="nothing at top level that stands in a function"),
        pytest.param(HANDLE, "const where = $A", {}, [], id="nothing of another scope"),
        pytest.param(HANDLE, "store.count(x)", {}, [], id="nothing that is spelled differently"),
        pytest.param(HANDLE, "store.$M($$$A)", {"containing": "nowhere"}, [], id="nothing without the word"),
        pytest.param(
            HANDLE, "const total = $A", {"target": "store.save($B)"}, [], id="nothing when the target is not in it"
        ),
        pytest.param(function("missing"), "return $A", {}, [], id="nothing in a scope that is not there"),
        pytest.param(route("POST", "/list"), "return $A", {}, [], id="nothing in the same path with another verb"),
    ],
)
def test_an_anchor_finds(scope: Scope, pattern: str, more: dict[str, str], expected: list[str]) -> None:
    assert found(APP, scope, pattern, **more) == expected


def test_a_target_finds_code_in_a_function_without_a_name_by_who_is_given_it() -> None:
    text = "start(app).then((server) => {\n  mark();\n});\nstop(app).then(() => {\n  mark();\n});\n"
    located = locate(text, Anchor(MODULE, "start(app).then($CALLED)", (), target="mark()"))
    assert [match.line for match in located.matches] == [2]
    awaited = locate(text.replace("(server) =>", "async (server) =>"), located.anchor)
    assert (
        awaited.matches[0].tokens != located.matches[0].tokens
    )  # what the function is, is a part of what was reviewed
    assert not locate(text, Anchor(MODULE, "mark()", ())).matches


@pytest.mark.parametrize(
    ("text", "scope", "count"),
    [
        pytest.param("function handle() { mark(); mark(); }", HANDLE, 2, id="twice in one scope"),
        pytest.param(
            "function handle() { mark(); }\nfunction handle() { mark(); }", HANDLE, 2, id="once in two namesakes"
        ),
        pytest.param(
            "function handle() { function handle() { mark(); } }", HANDLE, 1, id="once in a scope in its namesake"
        ),
        pytest.param(
            "class A { handle() { mark(); } }\nconst handle = () => { mark(); };", HANDLE, 2, id="method and constant"
        ),
        pytest.param(
            "r.get('/list', () => { mark(); });\nq.get('/list', () => { mark(); });", LIST, 2, id="two routers"
        ),
    ],
)
def test_every_match_is_reported(text: str, scope: Scope, count: int) -> None:
    assert found(text, scope, "mark()") == ["mark()"] * count


@pytest.mark.parametrize(
    ("text", "scope", "problem", "candidates"),
    [
        pytest.param(
            "function handler() {}\nrouter.get('/x', () => {});",
            HANDLE,
            "no function handle in the file",
            ("function handler (line 1)",),
            id="a scope that was renamed",
        ),
        pytest.param("const x = 1;", HANDLE, "no function handle in the file", (), id="no scope at all"),
        pytest.param(
            "\nfunction handle() {\n  marks();\n}",
            HANDLE,
            "none",
            ("`marks();` (line 3)",),
            id="a statement that was changed",
        ),
        pytest.param("function handle() {}", HANDLE, "none", (), id="an empty scope"),
        pytest.param(
            "r.post('/list', () => { mark(); });",
            LIST,
            "no route GET /list in the file",
            ("route POST /list (line 1)",),
            id="a route with another verb",
        ),
        pytest.param("", MODULE, "none", (), id="an empty file"),
    ],
)
def test_what_is_not_found_is_explained(text: str, scope: Scope, problem: str, candidates: tuple[str, ...]) -> None:
    located = locate(text, Anchor(scope, "mark()", ()))
    shown = tuple(map(str, located.candidates))
    assert (located.matches, located.problem, shown) == ((), problem, candidates)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(0, 0, "c();", id="the statement alone"),
        pytest.param(1, 0, "b();\n  c();", id="with one above"),
        pytest.param(0, 1, "c();\n  // note\n  d();", id="with one below: comments are no statements"),
        pytest.param(2, 2, "a();\n  b();\n  c();\n  // note\n  d();\n  e();", id="with two on each side"),
        pytest.param(9, 9, "a();\n  b();\n  c();\n  // note\n  d();\n  e();", id="with more than there are"),
    ],
)
def test_the_window_is_the_statement_with_its_neighbours(before: int, after: int, expected: str) -> None:
    text = "x();\nfunction handle() {\n  a();\n  b();\n  c();\n  // note\n  d();\n  e();\n}\ny();\n"
    [match] = locate(text, Anchor(HANDLE, "c()", (), before=before, after=after)).matches
    assert text[match.window_start : match.window_end] == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufefffunction handle() {\n  mark();\n}\n", id="a byte order mark"),
        pytest.param("/* 😀😀 é */ function handle() {\r\n  mark();\r\n}\r\n", id="characters beyond the BMP"),
        pytest.param("#!/usr/bin/env node\nfunction handle() { mark(); }", id="a shebang and no newline at the end"),
    ],
)
def test_offsets_count_characters_of_the_text(text: str) -> None:
    assert found(text, HANDLE, "mark()") == ["mark()"]


def test_the_line_is_that_of_the_statement() -> None:
    [match] = locate("function handle() {\n  const x =\n    mark();\n}", Anchor(HANDLE, "mark()", ())).matches
    assert match.line == 2


def test_the_same_text_is_looked_at_twice_with_one_result() -> None:
    anchor = Anchor(HANDLE, "return $A", ())
    assert locate(APP, anchor) == locate(APP, anchor)
