"""What is filled in without Jinja2 is what Jinja2 makes of it, and everything else is left to it."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patcher import render as stage
from patcher.model import Patch, Place
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.render import environment, render
from patcher.resources import DELIMITERS

NOTHING: Mapping[str, Hashable] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    title: str = "A <title>"
    keys: tuple[str, ...] = ("one", 'tw"o')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Templates of this test only."""
    engine = environment().overlay()
    engine.loader = jinja2.FileSystemLoader(tmp_path)
    monkeypatch.setattr(stage, "TEMPLATES", str(tmp_path))
    monkeypatch.setattr(stage, "environment", lambda: engine)
    stage._pieces.cache_clear()
    yield tmp_path
    stage._pieces.cache_clear()


def by_jinja(template: str, params: Mapping[str, Hashable] = NOTHING) -> str:
    return stage.environment().get_template(template).render(**params)


def used(patch: Patch) -> Iterator[tuple[str, Mapping[str, Hashable]]]:
    for edit in patch.edits:
        yield edit.template, {"original": "was(\r\n/*= x =*/ 'é')"} if edit.place is Place.REPLACE else NOTHING
    yield from ((overlay.template, overlay.params) for overlay in patch.overlays)


@pytest.mark.parametrize("patch", [*SERIES, *CLIENT_SERIES], ids=lambda patch: patch.id)
def test_every_template_of_the_series_is_filled_in_as_jinja_does_it(patch: Patch) -> None:
    for template, params in used(patch):
        assert stage._filled(template, params) == by_jinja(template, params), template


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("a\n\n", id="newlines at the end"),
        pytest.param("  /*= name =*/\n  /*= name =*/;", id="a value"),
        pytest.param("/*= row.title =*/", id="a field"),
        pytest.param("/*= name | tojson =*/ /*= row.keys | tojson =*/ /*= number | tojson =*/", id="JSON"),
        pytest.param('a  \n\t/*%- include "part" %*/\n\n  b', id="a part, and the space around it"),
        pytest.param('/*%- include "part" %*/', id="a part and nothing else"),
    ],
)
def test_values_and_parts_are_filled_in(folder: Path, text: str) -> None:
    (folder / "t").write_text(text)
    (folder / "part").write_text("\n[/*= name =*/]\n")
    params = {"name": "it is 'é' /*= name =*/", "row": Row(), "number": 1}
    params["name"] = params["name"] if "tojson" not in text else "é"
    assert stage._filled("t", params) == by_jinja("t", params) == render("t", **params)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("/*% if name %*/a/*% endif %*/", id="a condition"),
        pytest.param("a /*# said #*/ b", id="a comment"),
        pytest.param("/*= name | upper =*/", id="another filter"),
        pytest.param("/*= name ~ name =*/", id="an expression"),
        pytest.param("/*=name=*/", id="without blanks"),
        pytest.param('/*% include "part" %*/', id="a part that keeps the space before it"),
        pytest.param('/*%- include "deep" %*/', id="a part that asks for more"),
        pytest.param("/*= number =*/", id="a value that is no text"),
        pytest.param("/*= true =*/", id="a word of Jinja2's"),
        pytest.param("/*= tagged | tojson =*/", id="JSON that it escapes"),
        pytest.param("/*= '/*= name =*/' =*/", id="a value in a string"),
        pytest.param("a\r\nb", id="CRLF, which it makes LF"),
    ],
)
def test_everything_else_is_left_to_jinja(folder: Path, text: str) -> None:
    (folder / "t").write_text(text, newline="")
    (folder / "part").write_text("p")
    (folder / "deep").write_text("/*= name | upper =*/")
    params = {"name": "n", "number": 1, "tagged": "<b>"}
    assert stage._filled("t", params) is None
    assert render("t", **params) == by_jinja("t", params)


@pytest.mark.parametrize("text", ["/*= gone =*/", "/*= gone | tojson =*/", "/*= row.gone =*/", "/*= gone.title =*/"])
def test_a_value_that_is_missing_is_an_error_of_jinjas(folder: Path, text: str) -> None:
    (folder / "t").write_text(text)
    with pytest.raises((jinja2.UndefinedError, TypeError), match="undefined|Undefined|no attribute"):
        render("t", row=Row())


def test_a_part_that_is_missing_is_an_error_of_jinjas(folder: Path) -> None:
    (folder / "t").write_text('/*%- include "gone" %*/')
    with pytest.raises(jinja2.TemplateNotFound):
        render("t")


PIECES = [*DELIMITERS, " ", "\n", "-", "name", "/*= name =*/", "/*= name | tojson =*/", '/*%- include "part" %*/', "x"]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(alphabet="a'<\n/*= é", max_size=5))
def test_what_is_filled_in_is_what_jinja_makes_of_it(text: str, name: str) -> None:
    loader = jinja2.DictLoader({"t": text, "part": "\n  [/*= name =*/]\n"})
    parts = {"t": stage._split(text), "part": stage._split(loader.mapping["part"])}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "_pieces", parts.get)
        filled = stage._filled("t", {"name": name})
    if filled is not None:
        engine = environment().overlay()
        engine.loader = loader
        assert filled == engine.get_template("t").render(name=name)
