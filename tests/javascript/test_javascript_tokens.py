"""The token digest: what a formatter may change does not count, and everything else does."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patcher import javascript
from patcher.javascript import line_of, named_scopes, parse, syntax_errors, tokens
from patcher.locate import locate
from patcher.model import MODULE, Anchor
from tests.support import HANDLE


def stream(text: str) -> list[str]:
    """The tokens of a whole text."""
    return [*tokens(parse(text))]


def window(text: str, pattern: str = "mark($$$A)") -> str:
    """The digest of the statement with `mark(` in the function `handle`."""
    [match] = locate(text, Anchor(HANDLE, pattern, ())).matches
    return match.tokens


SAME = [
    pytest.param("mark(a, b);", "mark( a,b );", id="white space"),
    pytest.param("mark(a, b);", "mark(\n  a,\r\n\tb\n);", id="line breaks of any kind"),
    pytest.param("mark(a);", "mark(a)", id="a semicolon"),
    pytest.param("mark(a);;", "mark(a);", id="an empty statement"),
    pytest.param("mark('a');", 'mark("a");', id="quotes"),
    pytest.param("mark('it\\'s');", 'mark("it\'s");', id="quotes that are escaped"),
    pytest.param("mark('say \"x\"');", 'mark("say \\"x\\"");', id="quotes inside quotes"),
    pytest.param("mark(a, b,);", "mark(a, b);", id="a trailing comma of a call"),
    pytest.param("mark([a, b,]);", "mark([a, b]);", id="a trailing comma of an array"),
    pytest.param("mark({ a, b, });", "mark({ a, b });", id="a trailing comma of an object"),
    pytest.param("mark(/* c */ a /* d */);", "mark(a);", id="block comments"),
    pytest.param("mark(a // c\n);", "mark(a);", id="a line comment"),
    pytest.param("mark((a) => a);", "mark(a => a);", id="parentheses of a lone arrow parameter"),
    pytest.param("return (mark(a));", "return mark(a);", id="parentheses around what is returned"),
    pytest.param("throw (mark(a));", "throw mark(a);", id="parentheses around what is thrown"),
    pytest.param("mark({ 'a': 1 });", "mark({ a: 1 });", id="quotes around a key"),
    pytest.param("mark(`a\r\nb`);", "mark(`a\nb`);", id="line endings in a template literal, as JavaScript has it"),
]
DIFFERENT = [
    pytest.param("mark(a);", "mark(b);", id="a name"),
    pytest.param("mark(a, b);", "mark(b, a);", id="the order"),
    pytest.param("mark(a);", "await mark(a);", id="an await"),
    pytest.param("mark(a);", "!mark(a);", id="an operator"),
    pytest.param("mark(a);", "return mark(a);", id="a return"),
    pytest.param("mark(1);", "mark(2);", id="a number"),
    pytest.param("mark(1);", "mark('1');", id="a number and a string"),
    pytest.param("mark('a');", "mark(a);", id="a string and a name"),
    pytest.param("mark('a b');", "mark('a  b');", id="white space in a string"),
    pytest.param("mark('a');", "mark('A');", id="the case of a string"),
    pytest.param("mark(`a`);", "mark('a');", id="a template literal and a string"),
    pytest.param("mark(`a b`);", "mark(`a  b`);", id="white space in a template literal"),
    pytest.param("mark(`${a}`);", "mark(`${b}`);", id="a name in a template literal"),
    pytest.param("mark(/a/g);", "mark(/a/i);", id="a flag of a regular expression"),
    pytest.param("mark(/a b/);", "mark(/a  b/);", id="white space in a regular expression"),
    pytest.param("mark([a, , b]);", "mark([a, b]);", id="a hole in an array"),
    pytest.param("mark([, a]);", "mark([a]);", id="a hole at the start of an array"),
    pytest.param("mark([a, ,]);", "mark([a]);", id="a hole at the end of an array"),
    pytest.param("mark([,]);", "mark([]);", id="a hole that is alone"),
    pytest.param("mark(a?.b);", "mark(a.b);", id="optional chaining"),
    pytest.param("mark(a ?? b);", "mark(a || b);", id="which default"),
    pytest.param("mark((a, b));", "mark(a, b);", id="parentheses that group"),
    pytest.param("mark((a + b) * c);", "mark(a + b * c);", id="parentheses that bind"),
    pytest.param("mark(({ a }) => a);", "mark((a) => a);", id="a parameter that is taken apart"),
    pytest.param("mark({ a: 1 });", "mark({ [a]: 1 });", id="a computed key"),
    pytest.param("mark({ a: b });", "mark({ b: a });", id="key and value"),
    pytest.param("mark(a, ...b);", "mark(a, b);", id="a spread"),
    pytest.param("const x = mark(a);", "let x = mark(a);", id="how it is declared"),
    pytest.param("mark('\\n');", "mark('n');", id="an escape"),
    pytest.param("if (x) mark(a);", "if (y) mark(a);", id="the condition around it"),
    pytest.param("if (x) { mark(a); }", "while (x) { mark(a); }", id="the kind of block around it"),
    pytest.param("try { mark(a); } catch (e) { r(); }", "mark(a);", id="a try around it"),
    pytest.param("for (const x of y) { mark(a); }", "for (const x of z) { mark(a); }", id="the loop around it"),
    pytest.param("for (;;) { mark(a); }", "for (; x;) { mark(a); }", id="the condition of a loop around it"),
    pytest.param("if (x) { mark(a); } else { b(); }", "if (x) { b(); } else { mark(a); }", id="which branch it is in"),
    pytest.param(
        "switch (x) { case 1: mark(a); break; }", "switch (x) { case 2: mark(a); break; }", id="which case it is in"
    ),
    pytest.param("switch (x) { case 1: mark(a); }", "switch (x) { default: mark(a); }", id="a case and the default"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_a_formatter_may_change(left: str, right: str) -> None:
    body = "function handle(a, b) {{ first(); {} last(); }}"
    semicolon = "" if right.rstrip().endswith((";", "}")) else "\n"
    assert window(body.format(left)) == window(body.format(f"{right}{semicolon}"))


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_the_digest_changes_with(left: str, right: str) -> None:
    body = "function handle(a, b) {{ first(); {} last(); }}"
    assert window(body.format(left)) != window(body.format(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("function handle(a) {", "function handle(a, b) {", id="the parameters of the scope"),
        pytest.param("function handle(a) {", "async function handle(a) {", id="whether the scope is async"),
        pytest.param("function handle(a) {", "function handle(b) {", id="the name of a parameter"),
    ],
)
def test_what_the_scope_says_of_itself_counts(left: str, right: str) -> None:
    assert window(f"{left} mark(a); }}") != window(f"{right} mark(a); }}")


def test_other_statements_of_the_scope_do_not_count() -> None:
    assert window("function handle(a) { mark(a); }") == window("function handle(a) { x(); mark(a); y(); }")


def test_where_the_scope_stands_does_not_count() -> None:
    text = "function handle(a) { mark(a); }"
    assert window(text) == window(f"class A {{}}\n\nif (x) {{ {text} }}")


def test_neighbours_in_the_window_count() -> None:
    before, after = "function handle() { x(); mark(); }", "function handle() { y(); mark(); }"
    found = [locate(text, Anchor(HANDLE, "mark()", (), before=1)).matches[0].tokens for text in (before, after)]
    assert found[0] != found[1]


def test_two_statements_are_not_one() -> None:
    assert window("function handle() { mark(a); }") != window("function handle() { mark(a).b(); }", "mark($$$A)")


# --- any text --------------------------------------------------------------------------------------------------

SOURCE = """
async function handle ( first , { second , third = 1 } ) {
  const total = await first . count ( second , 'a' , [ 1 , 2 ] ) ;
  if ( total > 10 && ! third ) { mark ( total , ( x ) => x + 1 , { key : first , second } ) ; }
  else for ( const each of first . items ) { each . run ( ) ; }
  try { last ( ) ; } catch ( error ) { log ( error ?. message ) ; }
  switch ( total ) { case 1 : one ( ) ; break ; default : other ( ) ; }
}
"""
TOKENS = SOURCE.split()
NO_BREAK_AFTER = {"async", "break"}  # a line break there would end the statement
NO_BREAK_BEFORE = {"=>"}
INLINE = st.sampled_from([" ", "  ", "\t", " /* c */ ", "/* é 😀 */", " /* if (x) { */ "])
BREAK = st.sampled_from(["\n", "\r\n", "\n\n  ", " // a note: }\n", "\n/* two\nlines */\n"])
NAMES = [
    "first",
    "second",
    "third",
    "total",
    "count",
    "mark",
    "x",
    "key",
    "each",
    "items",
    "run",
    "error",
    "log",
    "other",
]


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """`SOURCE` with other white space and comments between its tokens."""
    text = TOKENS[0]
    for left, right in zip(TOKENS, TOKENS[1:], strict=False):
        may_break = left not in NO_BREAK_AFTER and right not in NO_BREAK_BEFORE
        text += draw(st.one_of(INLINE, BREAK) if may_break else INLINE) + right
    return text


@settings(max_examples=30)
@given(layouts())
def test_no_layout_changes_the_tokens(text: str) -> None:
    assert stream(text) == stream(SOURCE)


def loop_digest(text: str) -> str:
    """The digest of the loop, which stands in a branch of a condition in the function."""
    root = parse(text)
    scope, loop = root.find(kind="function_declaration"), root.find(kind="for_in_statement")
    assert scope is not None and loop is not None
    return javascript.window_digest([loop], scope)


@settings(max_examples=30)
@given(layouts())
def test_no_layout_changes_the_digest(text: str) -> None:
    assert loop_digest(text) == loop_digest(SOURCE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("mark(a, /* note */ b)", id="between arguments"),
        pytest.param("mark(a, // note\n b)", id="at the end of a line"),
        pytest.param("mark(a, b /* note */)", id="behind the last"),
        pytest.param(
            "mark /* note */ (a, b)",
            id="before the bracket",
        ),
    ],
)
def test_a_comment_inside_a_match_does_not_hide_it(text: str) -> None:
    pattern = "mark(a, b)"
    assert window(f"function handle() {{ {text}; }}", pattern) == window(f"function handle() {{ {pattern}; }}", pattern)


@settings(max_examples=30)
@given(st.sampled_from(NAMES), st.from_regex(r"[a-z]{8}", fullmatch=True))
def test_renaming_any_name_changes_the_tokens(old: str, new: str) -> None:
    assert stream(re.sub(rf"\b{old}\b", new, SOURCE)) != stream(SOURCE)


@settings(max_examples=30)
@given(st.integers(0, len(TOKENS) - 1), layouts())
def test_changing_any_one_name_changes_the_tokens(index: int, layout: str) -> None:
    if TOKENS[index] not in NAMES:
        return
    changed = " ".join([*TOKENS[:index], "renamed", *TOKENS[index + 1 :]])
    assert stream(changed) != stream(layout)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_parsing_never_fails(text: str) -> None:
    root = parse(text)
    assert isinstance(stream(text), list) and isinstance(syntax_errors(root), list)


# --- scopes and errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("function a() {}", ["function a"], id="a function"),
        pytest.param("async function a() {}", ["function a"], id="an async function"),
        pytest.param("function* a() {}", ["function a"], id="a generator"),
        pytest.param("const a = () => 1;", ["function a"], id="an arrow function"),
        pytest.param("let a = function () {};", ["function a"], id="a function expression"),
        pytest.param("const a = wrap(() => {});", ["function a"], id="a function in a call"),
        pytest.param("class A { b() {} }", ["function b"], id="a method"),
        pytest.param("const o = { b() {} };", ["function b"], id="a method of an object"),
        pytest.param("router.get('/x', () => {});", ["route GET /x"], id="a route"),
        pytest.param('app.use("/x", auth, (q, r) => {});', ["route USE /x"], id="a route with a guard"),
        pytest.param("map.get('/x');", [], id="no route without a handler"),
        pytest.param("get('/x', () => {});", [], id="no route without a router"),
        pytest.param("router.get(path, () => {});", [], id="no route without a literal path"),
        pytest.param("router.fetch('/x', () => {});", [], id="no route without a verb"),
        pytest.param("const a = 1;", [], id="no scope in a value"),
        pytest.param("(() => {})();", [], id="no scope without a name"),
        pytest.param("const { a } = wrap(() => {});", [], id="no scope in a pattern"),
    ],
)
def test_scopes_have_names(text: str, expected: list[str]) -> None:
    assert [str(scope) for scope, _ in named_scopes(text)] == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a?.b ?? c;\ntry {} catch {}\n", [], id="newer JavaScript"),
        pytest.param("f('');\n", [], id="an empty string"),
        pytest.param("a;\nfunction (;\n", [2], id="an error"),
        pytest.param("f(\n", [1], id="a bracket that is not closed"),
    ],
)
def test_syntax_errors_are_lines(text: str, lines: list[int]) -> None:
    assert sorted(set(syntax_errors(parse(text)))) == lines


def test_offsets_count_characters() -> None:
    text = "\ufeff/* 😀 */ const a = 'é😀';\nmark();\n"
    [node] = parse(text).find_all(pattern="mark()")
    start, end = javascript.span(node)
    assert (text[start:end], line_of(node)) == ("mark()", 2)


def test_the_module_scope_is_the_root() -> None:
    assert [node.kind() for node in javascript.scopes_named("a();", MODULE)] == ["program"]


# --- patterns --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "pattern", "found"),
    [
        pytest.param("f(/* c */ a, b);", "f(a, b)", 1, id="before an argument"),
        pytest.param("f(a, // c\n  b);", "f(a, b)", 1, id="a line of its own"),
        pytest.param("g(/* d */ f(/* c */ a));", "f(a)", 1, id="in a call inside another"),
        pytest.param("f(/* c */ f(/* c */ a));", "f($A)", 2, id="in both of two nested calls"),
        pytest.param("run(() => { /* c */ go(); });", "run(() => { go(); })", 1, id="in the body of a function"),
        pytest.param("f('/* no comment */', a);", "f(a)", 0, id="a string that looks like one"),
        pytest.param("/* f(a) */", "f(a)", 0, id="a match inside a comment"),
    ],
)
def test_a_pattern_matches_whether_there_are_comments_or_not(code: str, pattern: str, found: int) -> None:
    assert len(javascript.matching(code, javascript.parse(code), pattern)) == found


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"f({', '.join(f'/* {n} */ {n}' for n in range(1600))});", id="arguments of one call"),
        pytest.param(f"{'f(/* c */ ' * 800}1{')' * 800};", id="calls inside each other"),
        pytest.param("".join(f"f(/* c */ {n});\n" for n in range(1600)), id="one statement after the other"),
    ],
)
def test_many_comments_take_no_longer_than_the_file_is_long(code: str) -> None:
    """Below 0.1 s on a quiet machine; when each comment was taken out for each candidate, a minute and more."""
    root = javascript.parse(code)
    began = time.monotonic()
    javascript.matching(code, root, "f($A)")
    assert time.monotonic() - began < 2
