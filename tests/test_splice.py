"""Stage 5: payloads go in where they were located, several at once, and come out again to the byte."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from patcher import markers
from patcher.errors import EXIT_ANCHOR
from patcher.locate import locate
from patcher.model import MODULE, Anchor, Layer, Position, Site, Splice
from patcher.splice import apply, line_ending, make_splice, source_offset
from tests.support import Says, refusal

PAYLOAD = "one();\n\nif (two) {\n  three();\n}\n"


def spliced(text: str, place: Position, payload: str = "log();", pattern: str = "mark($$$A)") -> str:
    """The text with one payload at the statement or expression `mark(`."""
    [match] = locate(text, Anchor(MODULE, pattern, ())).matches
    edit = Site("one", "a.js", place, "t", (), patch="p")
    result = apply(text, [make_splice(text, edit, match, payload)])
    assert markers.unsplice(result)[0] == text
    return result


BEGIN, END = "/* sidecar-patcher:begin p.one ({}) */", "/* sidecar-patcher:end p.one{} */"


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        pytest.param(Position.BEFORE, "mark();\n", f"{BEGIN}\nlog();\n{END}\nmark();\n", id="before the first line"),
        pytest.param(Position.AFTER, "mark();\n", f"mark();\n{BEGIN}\nlog();\n{END}\n", id="after the last line"),
        pytest.param(
            Position.AFTER, "mark();", f"mark();\n{BEGIN}\nlog();\n{END}", id="after a last line without newline"
        ),
        pytest.param(
            Position.AFTER, "mark()", f"mark()\n{BEGIN}\nlog();\n{END}", id="after a statement without semicolon"
        ),
        pytest.param(
            Position.BEFORE,
            "if (x) {\n\tmark();\n}",
            f"if (x) {{\n\t{BEGIN}\n\tlog();\n\t{END}\n\tmark();\n}}",
            id="in the file's indent",
        ),
        pytest.param(
            Position.AFTER,
            "a();\r\nmark();\r\nb();",
            f"a();\r\nmark();\r\n{BEGIN}\r\nlog();\r\n{END}\r\nb();",
            id="in the file's line ending",
        ),
        pytest.param(
            Position.AFTER, "mark(); // why\nb();", f"mark(); // why\n{BEGIN}\nlog();\n{END}\nb();", id="after a remark"
        ),
        pytest.param(
            Position.AFTER, "mark(); b();", f"mark();\n{BEGIN}\nlog();\n{END} b();", id="between two on one line"
        ),
        pytest.param(
            Position.BEFORE, "a(); mark();", f"a(); {BEGIN}\nlog();\n{END}\nmark();", id="before the second on a line"
        ),
        pytest.param(
            Position.BEFORE,
            "x = mark();\n",
            f"{BEGIN}\nlog();\n{END}\nx = mark();\n",
            id="before the statement, not the call",
        ),
        pytest.param(
            Position.AFTER,
            "if (x) mark();\nelse b();",
            f"if (x) mark();\nelse b();\n{BEGIN}\nlog();\n{END}",
            id="after the whole of an if",
        ),
        pytest.param(
            Position.REPLACE, "x = mark(1);\n", f"x = {BEGIN} log(); {END};\n", id="in place of an expression"
        ),
        pytest.param(
            Position.BEFORE,
            "\ufeffmark();\n",
            f"\ufeff{BEGIN}\nlog();\n{END}\nmark();\n",
            id="behind a byte order mark",
        ),
        pytest.param(
            Position.AFTER,
            "/* 😀 */ mark('é😀');\n",
            f"/* 😀 */ mark('é😀');\n{BEGIN}\nlog();\n{END}\n",
            id="counted in characters",
        ),
    ],
)
def test_a_payload_goes(place: Position, text: str, expected: str) -> None:
    begin, was = BEGIN.format(place), ' was "mark(1)"' if place is Position.REPLACE else ""
    assert spliced(text, place) == expected.replace(BEGIN, begin).replace(END, END.format(was))


def test_every_line_of_a_payload_is_indented_and_empty_lines_stay_empty() -> None:
    body = "    one();\n\n    if (two) {\n      three();\n    }\n"
    assert body in spliced("{\n  if (x) {\n    mark();\n  }\n}", Position.AFTER, PAYLOAD)


@pytest.mark.parametrize(
    "was",
    [
        pytest.param("mark('*/')", id="the end of a comment"),
        pytest.param("mark('\"', `\\\\`)", id="quotes and backslashes"),
        pytest.param("mark(\n  1,\r\n\t2\n)", id="several lines"),
        pytest.param("mark('é😀\u2028')", id="characters beyond ASCII"),
        pytest.param("mark(/* sidecar */ 1)", id="a comment"),
        pytest.param("mark('*\\/')", id="an end of a comment that is escaped already"),
    ],
)
def test_what_was_replaced_comes_back(was: str) -> None:
    assert spliced(f"x = {was};\n", Position.REPLACE).count("*/") >= 2


@pytest.mark.parametrize("space", ["\u00a0", "\f", "\v", "\u3000"])
@pytest.mark.parametrize("place", [Position.BEFORE, Position.AFTER])
def test_an_indent_of_unusual_white_space_is_no_obstacle(place: Position, space: str) -> None:
    spliced(f"{{\n{space}{space}mark();\n}}", place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "\n", id="nothing"),
        pytest.param("a", "\n", id="no line ending"),
        pytest.param("a\nb\n", "\n", id="LF"),
        pytest.param("a\r\nb\r\n", "\r\n", id="CRLF"),
        pytest.param("a\r\nb\r\nc\n", "\r\n", id="mostly CRLF"),
        pytest.param("a\r\nb\nc\n", "\n", id="mostly LF"),
        pytest.param("a\r\nb\n", "\n", id="as many of each: LF"),
    ],
)
def test_the_line_ending_is_that_of_most_lines(text: str, expected: str) -> None:
    assert line_ending(text) == expected


# --- several at once -------------------------------------------------------------------------------------------


def at(start: int, end: int, text: str = "X", patch: str = "p") -> Splice:
    return Splice(start, end, text, "", patch, 0, Position.REPLACE, text)


@pytest.mark.parametrize(
    ("splices", "expected"),
    [
        pytest.param([], "12345", id="none"),
        pytest.param([at(0, 0)], "X12345", id="at the start"),
        pytest.param([at(5, 5)], "12345X", id="at the end"),
        pytest.param([at(1, 3)], "1X45", id="in place of two characters"),
        pytest.param([at(4, 5, "B"), at(0, 1, "A")], "A234B", id="in any order"),
        pytest.param([at(0, 2, "A"), at(2, 4, "B")], "AB5", id="side by side"),
        pytest.param([at(2, 4, "B"), at(2, 2, "A")], "12AB5", id="before what is replaced"),
        pytest.param([at(4, 4, "B"), at(2, 4, "A")], "12AB5", id="behind what is replaced"),
        pytest.param([at(0, 5, "")], "", id="everything"),
    ],
)
def test_offsets_refer_to_the_text_that_was_located_in(splices: list[Splice], expected: str) -> None:
    assert apply("12345", splices) == expected


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        pytest.param(at(0, 3), at(2, 4), "a and b both want characters 2 to 3", id="one begins in the other"),
        pytest.param(at(0, 5), at(1, 2), "a and b both want characters 1 to 5", id="one is inside the other"),
        pytest.param(at(1, 3), at(1, 3), "a and b both want characters 1 to 3", id="the same characters"),
        pytest.param(at(2, 2), at(2, 2), "a and b both want characters 2 to 2", id="the same place between characters"),
        pytest.param(at(1, 4), at(2, 2), "a and b both want characters 2 to 4", id="a place inside what is replaced"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_an_overlap_names_both_patches(left: Splice, right: Splice, message: str, turned: bool) -> None:
    splices = [replace(left, patch="a"), replace(right, patch="b")]
    same = (left.start, left.end) == (right.start, right.end)
    error = refusal(apply, "12345", splices[::-1] if turned and not same else splices, "server/a.js")
    hint = "let one patch `require` the other, so that it is located in the other's result"
    assert Says.of(error) == Says("splices-overlap", EXIT_ANCHOR, message, hint, "server/a.js")


@pytest.mark.parametrize(
    ("offset", "source"),
    [
        pytest.param(0, 0, id="before every splice"),
        pytest.param(1, 1, id="at the begin of the first payload"),
        pytest.param(3, 1, id="inside it"),
        pytest.param(4, 3, id="behind it"),
        pytest.param(5, 4, id="at the second"),
        pytest.param(7, 4, id="behind the second"),
    ],
)
def test_an_offset_leads_back_to_the_text_before(offset: int, source: int) -> None:
    first, second = replace(at(1, 3, "AAA"), was="23"), at(4, 4, "BB")
    layer = Layer("a.js", "12345", (second, first), "1AAA4BB5")
    assert apply(layer.before, layer.splices) == layer.after
    assert source_offset(layer, offset) == source


# --- any text --------------------------------------------------------------------------------------------------

EOLS = ("\n", "\r\n")
WORDS = st.text(alphabet="ab c'é😀\u2028\"\\*", max_size=8).map(lambda word: word.replace("*/", ""))


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Statements on lines, in blocks, with remarks; any line ending, a BOM, no newline at the end."""
    text, eol = draw(st.sampled_from(["", "\ufeff", "#!/usr/bin/env node\n"])), draw(st.sampled_from(EOLS))
    for number in range(draw(st.integers(1, 6))):
        indent = draw(st.sampled_from(["", "  ", "\t", " \t "]))
        argument = draw(WORDS).replace("\\", "\\\\").replace("`", "").replace("'", "\\'").replace("\u2028", "")
        remark = draw(st.sampled_from(["", " // remark 😀", " /* c */", " "]))
        text += f"{indent}mark{number}('{argument}'){draw(st.sampled_from([';', ';', '']))}{remark}"
        text += draw(st.sampled_from([eol, eol, EOLS[0], EOLS[1], f"{eol}{eol}"]))
    return text.removesuffix("\n").removesuffix("\r") if draw(st.booleans()) else text


def edits_of(draw: st.DrawFn, text: str, layer: int) -> list[Splice]:
    """One payload at each of some statements."""
    made = []
    for number in range(6):
        place = draw(st.sampled_from([None, Position.BEFORE, Position.AFTER, Position.REPLACE]))
        matches = locate(text, Anchor(MODULE, f"mark{number}($A)", ())).matches
        if place is None or len(matches) != 1:
            continue
        payload = draw(
            st.sampled_from([f"mark{number}('again')", PAYLOAD, "x", "a(`\n  b`)\n", f"mark{number + 1}('😀')"])
        )
        edit = Site(f"at{number}", "a.js", place, "t", (), patch=f"p{layer}")
        made.append(make_splice(text, edit, matches[0], payload))
    return made


@st.composite
def stacks(draw: st.DrawFn) -> list[Layer]:
    """Layers of splices, each located in the text that the one below it made."""
    text, layers = draw(sources()), []
    for depth in range(draw(st.integers(1, 3))):
        splices = tuple(edits_of(draw, text, depth))
        layers.append(Layer("a.js", text, splices, apply(text, splices)))
        text = layers[-1].after
    return layers


@settings(max_examples=100)
@given(stacks())
def test_any_stack_of_splices_comes_out_to_the_byte(layers: list[Layer]) -> None:
    pristine, blocks = markers.unsplice(layers[-1].after)
    assert pristine.encode() == layers[0].before.encode()
    assert len(blocks) == sum(len(layer.splices) for layer in layers)


@settings(max_examples=40)
@given(stacks())
def test_any_payload_is_found_again_as_it_was_put_in(layers: list[Layer]) -> None:
    top = layers[-1]
    blocks = markers.unsplice(top.after)[1]
    for splice in top.splices:
        lines = [line.strip() for line in blocks[splice.site].inner.splitlines()]
        assert lines == [line.strip() for line in splice.payload.strip().splitlines()]


@given(
    st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.text(max_size=5)), max_size=5)
)
def test_any_splices_are_those_of_a_naive_model(text: str, places: list[tuple[int, int, str]]) -> None:
    ordered = sorted({(min(a, b, len(text)), min(max(a, b), len(text))): new for a, b, new in places}.items())
    assume(all(left[0][1] <= right[0][0] for left, right in zip(ordered, ordered[1:], strict=False)))
    expected, position = "", 0
    for (start, end), new in ordered:
        expected, position = expected + text[position:start] + new, end
    assert apply(text, [at(start, end, new) for (start, end), new in reversed(ordered)]) == expected + text[position:]


@settings(max_examples=40)
@given(stacks())
def test_every_character_outside_the_payloads_leads_back_to_itself(layers: list[Layer]) -> None:
    layer = layers[0]
    for offset, character in enumerate(layer.after):
        source = source_offset(layer, offset)
        inside = any(source == splice.start for splice in layer.splices)
        assert inside or layer.before[source] == character
