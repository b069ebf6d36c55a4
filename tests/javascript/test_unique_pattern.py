"""A pattern for a statement that the old pattern does not match any more: it matches that one, and nothing else."""

import pytest

from patcher import javascript
from patcher.javascript.unique_pattern import Shape, respelled, shape_for

SCOPE = """
function store(session, data) {
  statements.insert.run(session, "begin", null, encode({ at: 1 }));
  statements.insert.run(
    session, // who
    kindOf(data),
    nameOf(data),
    serialized(data)
  );
  if (data.a) {
    one(data);
  } else {
    two(data);
  }
  try {
    three(data);
  } catch (error) {
    report(error);
  }
  log(`${data.name} is a very long name, and this text would not fit on any line of a declaration of ours: begin`, data);
  log(`${data.name} is a very long name, and this text would not fit on any line of a declaration of ours: ended`, data);
  same(data);
  same(data);
}
"""


def node(begin: str, kind: str = "expression_statement") -> object:
    [found] = [each for each in javascript.parse(SCOPE).find_all(kind=kind) if each.text().startswith(begin)]
    return found


def shape(found: object, like: str = "nothing()", containing: str = "") -> Shape | None:
    return shape_for(found, Shape(like, containing), javascript.JAVASCRIPT, lambda each: others(found, each))  # type: ignore[arg-type]


def others(found: object, each: Shape) -> list[str] | None:
    try:
        matches = javascript.matching(SCOPE, javascript.parse(SCOPE), each.pattern)
    except RuntimeError:
        return None
    matches = [match for match in matches if each.containing in match.text()]
    first, last = javascript.span(found)  # type: ignore[arg-type]
    own = [match for match in matches if first <= javascript.span(match)[0] and javascript.span(match)[1] <= last]
    return [match.text() for match in matches if match not in own] if len(own) == 1 else None


@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        pytest.param("run(a, b, JSON.stringify(c))", "run(a, b, encode(c))", "run(a, b, encode(c))", id="one argument"),
        pytest.param(
            "run($A, $B, JSON.stringify(c))", "run(a, b, encode(c))", "run($A, $B, encode(c))", id="open ones"
        ),
        pytest.param("run(a, $$$REST)", "run(b, c, d);", "run(b, $$$REST)", id="open to the end"),
        pytest.param("const total = $_", "const sum = count(session);", "const sum = $_", id="the name"),
        pytest.param("const total = count(a)", "total = count(a);", "total = count(a)", id="another kind"),
        pytest.param("run(a)", "run(a, b);", "run(a, b)", id="one argument more"),
        pytest.param("f(g($A), h(b))", "f(g(x), k(b));", "f(g($A), k(b))", id="deeper"),
        pytest.param("run(a, b)", "run(\n  a, // one\n  c\n);", "run(a, c)", id="over several lines"),
    ],
)
def test_the_old_pattern_is_respelled(old: str, new: str, then: str) -> None:
    assert respelled(old, javascript.parse(new).children()[0], javascript.JAVASCRIPT) == then


def test_one_argument_respelled_of_a_long_statement_is_an_exact_pattern() -> None:
    long = node("statements.insert.run(\n")
    old = "statements.insert.run(session, kindOf(data), nameOf(data), JSON.stringify(data))"
    assert shape(long, old) == Shape("statements.insert.run(session, kindOf(data), nameOf(data), serialized(data))")


def test_parts_are_closed_until_it_is_told_from_the_others() -> None:
    begin = node('statements.insert.run(session, "begin"')
    assert others(begin, Shape("statements.insert.run($A, $B, $C, $D)")) != []
    assert shape(begin) is not None
    assert others(begin, shape(begin)) == []  # type: ignore[arg-type]


def test_what_is_too_long_is_told_by_a_word() -> None:
    found = shape(
        node(
            "log(`${data.name} is a very long name, and this text would not fit on any line of a declaration of ours: ended"
        )
    )
    assert found == Shape("log($A, $B)", "ended")


def test_blocks_stay_open() -> None:
    assert shape(node("if (data.a)", "if_statement")) == Shape("if (data.a) { $$$A } else { $$$B }")
    assert shape(node("try {", "try_statement")) == Shape("try { $$$A } catch (error) { $$$B }")


def test_nothing_tells_what_stands_there_twice() -> None:
    twice = [each for each in javascript.parse(SCOPE).find_all(kind="expression_statement") if "same(" in each.text()]
    assert [shape(each) for each in twice] == [None, None]


def test_the_word_of_the_old_shape_is_kept_where_it_still_holds() -> None:
    found = shape(node("report(error)"), "report($A)", "error")
    assert found == Shape("report($A)", "error")
    assert shape(node("report(error)"), "report($A)", "gone") == Shape("report($A)")
