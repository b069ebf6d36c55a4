"""The markers around a payload carry all that is needed to take it out again, and broken ones are refused."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patcher import markers
from patcher.errors import EXIT_ANCHOR
from patcher.markers import BEGIN_MARK, begin_marker, end_marker, unsplice
from patcher.model import Position
from tests.support import Says, refusal

REBUILD = "build the tree again from upstream: `sidecar-patcher build --upstream SPEC`"


def begin(identity: str = "p.one", place: Position = Position.AFTER) -> str:
    return begin_marker(identity, place)


def end(identity: str = "p.one", was: str = "") -> str:
    return end_marker(identity, was)


@pytest.mark.parametrize(
    ("text", "pristine"),
    [
        pytest.param("a();\nb();\n", "a();\nb();\n", id="nothing of ours"),
        pytest.param("", "", id="an empty file"),
        pytest.param(f"a();\n  {begin()}\n  x\n  {end()}\nb();", "a();\nb();", id="a payload after a statement"),
        pytest.param(
            f"  {begin('p.one', Position.BEFORE)}\n  x\n  {end()}\n  b();", "  b();", id="a payload before a statement"
        ),
        pytest.param(
            f"a({begin('p.one', Position.REPLACE)} x {end('p.one', 'y')});", "a(y);", id="a payload in place of another"
        ),
        pytest.param(f"a();\r\n{begin()}\r\nx\r\n{end()}\r\nb();", "a();\r\nb();", id="with CRLF"),
        pytest.param(
            f"a();\n{begin('p.one')}\nx;\n{begin('q.one')}\ny\n{end('q.one')}\n{end('p.one')}\nb();",
            "a();\nb();",
            id="a payload in a payload",
        ),
        pytest.param(
            "/* sidecar-patcher is fine */", "/* sidecar-patcher is fine */", id="a comment that is no marker"
        ),
        pytest.param(
            "/* sidecar-patcher:begin p (after) */",
            "/* sidecar-patcher:begin p (after) */",
            id="a marker without a number",
        ),
    ],
)
def test_unsplicing_gives(text: str, pristine: str) -> None:
    assert unsplice(text)[0] == pristine


def test_what_was_between_the_markers_is_told() -> None:
    text = f"a();\nb();\n{begin('two_words.12')}\n  x = 1;\n{end('two_words.12', 'old')}\n"
    [(name, block)] = unsplice(text)[1].items()
    assert (name, block.patch, block.line, block.inner, block.was) == ("two_words.12", "two_words", 3, "x = 1;", "old")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        pytest.param(f"a\n{begin()}\nx", "the marker of p.one has no partner", 2, id="a begin without an end"),
        pytest.param(f"x\n\n{end()}", "the marker of p.one has no partner", 3, id="an end without a begin"),
        pytest.param(f"{begin('a.one')} x {end('b.one')}", "the marker of a.one has no partner", 1, id="another's end"),
        pytest.param(
            f"{begin('a.one')} {begin('b.one')} {end('a.one')} {end('b.one')}",
            "the marker of b.one has no partner",
            1,
            id="crossed over",
        ),
        pytest.param(f"{end()} x {begin()}", "the marker of p.one has no partner", 1, id="turned round"),
        pytest.param(
            f"{begin()} x {end()}\n{begin()} x {end()}",
            "the payload p.one is there twice",
            2,
            id="a payload that was copied",
        ),
        pytest.param(
            f"{begin()} x {begin('q.one')} {end()}", "the marker of q.one has no partner", 1, id="a begin too many"
        ),
    ],
)
def test_broken_markers_are_refused(text: str, message: str, line: int) -> None:
    expected = Says("not-reversible", EXIT_ANCHOR, message, REBUILD, f"server/a.js:{line}")
    assert Says.of(refusal(unsplice, text, "server/a.js")) == expected


ALL = f"{begin('p.one')} x {end('p.one')}"
IN_STRINGS = [
    pytest.param(f"const a = '{ALL}';\n", id="in a string"),
    pytest.param(f"const a = `{ALL}`;\n", id="in a template"),
    pytest.param(f"const a = '{begin()}';\n", id="half of them in a string"),
    pytest.param(f"// {ALL}\n", id="in a line comment"),
    pytest.param(f"/**\n * {begin('p.one').removesuffix(' */')}\n */\n", id="in a longer comment"),
]


@pytest.mark.parametrize("text", IN_STRINGS)
def test_what_reads_like_a_marker_in_a_program_and_is_not_a_comment_stays(text: str) -> None:
    assert unsplice(text, "server/a.js") == (text, {})


@pytest.mark.parametrize("text", IN_STRINGS)
def test_a_payload_beside_what_reads_like_a_marker_is_taken_out(text: str) -> None:
    after = f"{text}a();\n{begin()}\nb();\n{end()}\n{text}"
    assert unsplice(after, "server/a.js")[0] == f"{text}a();\n{text}"
    was = text.strip() if "'" in text else "c('d')"
    alone = f"f(() => {{ {begin('q.one', Position.REPLACE)} 1 {end('q.one', was)} }});\n"
    assert unsplice(alone, "server/a.js")[0] == f"f(() => {{ {was} }});\n"
    in_place = f"{text}f(() => {{ {begin('q.one', Position.REPLACE)} 1 {end('q.one', was)} }});\n"
    assert unsplice(in_place, "server/a.js")[0] == f"{text}f(() => {{ {was} }});\n"


def test_an_edited_was_is_refused() -> None:
    text = f"{begin('p.one', Position.REPLACE)} x " + '/* sidecar-patcher:end p.one was "\\x" */'
    assert refusal(unsplice, text, "server/a.js").code == "not-reversible"


def test_every_begin_marker_starts_with_the_mark_that_is_searched_for() -> None:
    assert all(begin("p.one", place).encode().startswith(BEGIN_MARK) for place in Position)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(["", "\n", " é😀"]))
def test_anything_can_have_been_replaced(was: str, around: str) -> None:
    marked = f"{around}{begin('p.one', Position.REPLACE)} x {end('p.one', was)}{around}"
    assert unsplice(marked)[0] == f"{around}{was}{around}"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_end_marker_is_one_comment(was: str) -> None:
    assert end("p.one", was).index("*/") == len(end("p.one", was)) - 2


MARKER_PIECES = [
    "{", "}", " ", "*/", "/* sidecar-patcher:", "/* sidecar-patcher:begin ", "/* sidecar-patcher:end ", "p.one", " was ",
    '"x"', '"\\\\"', " (after) */", " */", "{/* sidecar-patcher:end p.one */}", "/* sidecar-patcher:begin p.one (after) */",
]  # fmt: skip


@given(st.lists(st.sampled_from(MARKER_PIECES), max_size=12).map("".join), st.integers(0, 200))
def test_markers_are_found_as_their_pattern_finds_them(text: str, stop: int) -> None:
    for pattern in (markers._BEGIN, markers._END):
        expected = [(each.span(), each.groups()) for each in pattern.finditer(text, 0, stop)]
        assert [(each.span(), each.groups()) for each in markers._found(pattern, text, stop)] == expected


def test_half_of_a_surrogate_pair_was_never_upstreams_text() -> None:
    text = begin("p.0", Position.REPLACE) + 'x/* sidecar-patcher:end p.0 was "\\ud800" */'
    error = refusal(unsplice, text, "a.js")
    assert (error.code, error.where) == ("not-reversible", "a.js:1")
    assert error.message.startswith("what p.0 replaced cannot be read back: ")


def test_many_payloads_beside_text_that_reads_like_a_marker_are_taken_out_in_time() -> None:
    shown = 'const s = "/* sidecar-patcher:begin x.0 (after) */";\n'
    blocks = "".join(f"a();\n{begin(f'p.{number}')}\nb();\n{end(f'p.{number}')}\n" for number in range(1000))
    began = time.process_time()
    text, found = unsplice(shown + blocks, "a.js")
    assert time.process_time() - began < 1.5  # parsed again for each of them: some 4 s
    assert (text, len(found)) == (shown + "a();\n" * 1000, 1000)
