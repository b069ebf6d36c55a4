"""The series is complete: every module listed, every template used, every pin dated, every contract there."""

import ast
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from patcher.layers import layers_of
from patcher.model import Line, Patch
from patcher.patches import CLIENT_SERIES
from patcher.patches import SERIES as SERVER_SERIES
from patcher.patches.harnesses import HARNESSES, handler_path
from patcher.patches.pins import with_pins
from patcher.prove import CLIENT_CONTRACTS
from patcher.prove import CONTRACTS as SERVER_CONTRACTS
from patcher.render import render
from patcher.resources import DELIMITERS, TEMPLATES
from tests.support import ROOT

SERIES = (*SERVER_SERIES, *CLIENT_SERIES)
CONTRACTS = (*SERVER_CONTRACTS, *CLIENT_CONTRACTS)
PATCHES = ROOT / "patcher/patches"
CONTRACT_FILES = ROOT / "patcher/prove/contracts"
SHARED = {
    "payload/parse_outside_transaction.transcript.js": 2,  # `SessionEnd` of v1.4.0 reads the transcript too
    "payload/harness_badge.tsx": 3,  # the same badge in the list, on the page and on the card
    "payload/harness_badge.import.tsx": 2,
    "payload/codex_prices.unpriced.js.j2": 2,  # all sessions, and one
    "payload/family_prices.js.j2": 2,
}
PARTS = {  # what the page includes
    "page/agent-hooks.css",
    "page/agent-hooks.js",
    "page/codex-hooks-colors.css",
    "page/codex-hooks.css",
    "page/codex-hooks.js",
}
PAGE = {"README.md"}  # for people
NO_PATCHES = {"declaration", "harnesses", "pins"}
LINES = (Line.V1, Line.V2)
EACH = pytest.mark.parametrize("patch", SERIES, ids=[patch.id for patch in SERIES])


def source(patch: Patch) -> str:
    return (PATCHES / f"{patch.id}.py").read_text()


def templates(folder: str) -> set[str]:
    root = Path(TEMPLATES)
    return {path.relative_to(root).as_posix() for path in (root / folder).rglob("*") if path.is_file()}


def test_every_module_is_in_the_series_once() -> None:
    modules = {path.stem for path in PATCHES.glob("*.py")} - {"__init__"} - NO_PATCHES
    assert Counter(patch.id for patch in SERIES) == Counter(modules)


@EACH
def test_a_patch_has_the_name_of_its_module(patch: Patch) -> None:
    assert import_module(f"patcher.patches.{patch.id}").PATCH == with_pins(patch, ())


def test_the_series_fits_together() -> None:
    layers = layers_of(SERIES)
    assert sorted(patch.id for layer in layers for patch in layer) == sorted(patch.id for patch in SERIES)


@EACH
def test_a_patch_says_why_and_what_to_search_for(patch: Patch) -> None:
    text = import_module(f"patcher.patches.{patch.id}").__doc__ or ""
    assert re.search(r"^Why: ", text, re.MULTILINE) and re.search(r"^Upstream: ", text, re.MULTILINE)
    assert re.search(r"search for\s+`", text)


@EACH
def test_a_summary_is_one_sentence(patch: Patch) -> None:
    assert re.fullmatch(r"[A-Z][a-z]+s [^\n]+\.", patch.summary)


@EACH
def test_a_patch_is_data_and_no_logic(patch: Patch) -> None:
    tree = ast.parse(source(patch))
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.If)
    ]
    assert len(source(patch).splitlines()) <= 150


@EACH
def test_a_patch_does_something(patch: Patch) -> None:
    assert patch.sites or patch.overlays
    assert all(edit.anchors for edit in patch.sites)


# --- templates -------------------------------------------------------------------------------------------------


def test_every_payload_is_used_by_exactly_one_edit() -> None:
    """At a version: a place that moved to another file is an edit of its own, with the payload that it had."""
    for version in LINES:
        used = Counter(edit.template for patch in SERIES for edit in patch.sites_for(version))
        assert {name for name, times in used.items() if times != SHARED.get(name, 1)} <= SHARED.keys()
        assert all(used[name] <= times for name, times in SHARED.items())
    assert {edit.template for patch in SERIES for edit in patch.sites} == templates("payload")


def test_every_file_of_ours_is_used_by_exactly_one_patch_of_a_line() -> None:
    used = {
        line: {(each.template, patch.id) for patch in SERIES for each in patch.overlays_for(line)} for line in LINES
    }
    for line in LINES:
        assert [each for each, times in Counter(template for template, _ in used[line]).items() if times > 1] == []
    assert {each for line in LINES for each, _ in used[line]} == templates("overlay") | templates("handler")


def test_there_is_no_other_template() -> None:
    files = {path.relative_to(TEMPLATES).as_posix() for path in Path(TEMPLATES).rglob("*") if path.is_file()}
    files = {path for path in files if not path.startswith(("report/", "series/"))}  # not of the tree
    assert files == templates("payload") | templates("overlay") | templates("handler") | PARTS | PAGE


def test_a_j2_is_a_template_and_nothing_else_is() -> None:
    files = [path for path in Path(TEMPLATES).rglob("*") if path.is_file() and path.name not in PAGE]
    filled_in = {path.name for path in files if any(delimiter in path.read_text() for delimiter in DELIMITERS)}
    filled_in |= {"page.md.j2", "page.html.j2"}  # of the report, which has delimiters of its own
    assert filled_in == {path.name for path in files if path.suffix == ".j2"}


def test_what_we_ship_is_short_enough_to_read() -> None:
    kinds = (".js", ".js.j2", ".tsx", ".css")
    files = [path for path in Path(TEMPLATES).rglob("*") if path.name.endswith(kinds) and "report" not in path.parts]
    texts = {path.name: path.read_text().splitlines() for path in files}
    assert [name for name, lines in texts.items() if len(lines) > 300] == []
    assert [f"{name}: {line}" for name, lines in texts.items() for line in lines if len(line) > 120] == []


@EACH
def test_what_is_copied_takes_no_parameters(patch: Patch) -> None:
    assert [each.path for each in patch.overlays if each.params and not each.template.endswith(".j2")] == []


def test_every_part_of_a_page_is_included() -> None:
    page = (Path(TEMPLATES) / "overlay/server/routes/codex-hooks.html.j2").read_text()
    assert set(re.findall(r'include "([^"]+)"', page)) == PARTS == templates("page")


@EACH
def test_a_payload_has_the_name_of_its_patch(patch: Patch) -> None:
    names = [edit.template.removeprefix("payload/") for edit in patch.sites]
    assert [name for name in names if not name.startswith(f"{patch.id}.")] == []


@EACH
def test_a_file_of_ours_says_so(patch: Patch) -> None:
    texts = {overlay.path: render(overlay.template, **overlay.params) for overlay in patch.overlays}
    assert [path for path, text in texts.items() if "Generated by sidecar-patcher" not in text] == []


@pytest.mark.parametrize("line", LINES)
def test_no_two_patches_add_the_same_file(line: Line) -> None:
    paths = [overlay.path for patch in SERIES for overlay in patch.overlays_for(line)]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("line", LINES)
def test_a_handler_is_where_the_table_says(line: Line) -> None:
    paths = {overlay.path for patch in SERIES for overlay in patch.overlays_for(line) if overlay.portable}
    assert paths == {handler_path(harness.provider, line) for harness in HARNESSES}


def test_handlers_are_portable_and_executable() -> None:
    handlers = [overlay for patch in SERIES for overlay in patch.overlays if "handler/" in overlay.template]
    assert handlers and all(overlay.portable and overlay.executable for overlay in handlers)


# --- pins ------------------------------------------------------------------------------------------------------


@EACH
def test_every_pin_says_which_versions_it_was_reviewed_for(patch: Patch) -> None:
    said = [pin.reviewed for site in patch.sites for pin in site.pins]
    assert [each for each in said if not re.match(r"(v\d+\.\d+\.\d+|builtin$|miniature of the v2 line$)", each)] == []


@EACH
def test_a_declaration_has_no_pin(patch: Patch) -> None:
    assert re.findall(r"Pin\b|pins=|[0-9a-f]{64}", source(patch)) == []


@EACH
def test_every_pin_is_two_digests_and_a_line(patch: Patch) -> None:
    pins = [pin for edit in patch.sites for anchor in edit.anchors for pin in anchor.pins]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for pin in pins for digest in (pin.tokens, pin.text))
    assert all(pin.line > 0 for pin in pins)


@EACH
def test_no_pin_is_there_twice(patch: Patch) -> None:
    for anchor in (anchor for edit in patch.sites for anchor in edit.anchors):
        assert anchor.pins and len(set(anchor.pins)) == len(anchor.pins)


@EACH
def test_a_pattern_is_written_without_semicolons(patch: Patch) -> None:
    """ast-grep does not match a `;` of a pattern against code without one."""
    anchors = [anchor for edit in patch.sites for anchor in edit.anchors]
    assert [anchor.pattern for anchor in anchors if ";" in anchor.pattern + anchor.target] == []


# --- contracts -------------------------------------------------------------------------------------------------


@EACH
def test_every_patch_has_a_contract_that_exists(patch: Patch) -> None:
    there = {path.stem for path in CONTRACT_FILES.glob("*.py")}
    assert patch.contracts and set(patch.contracts) <= there


@pytest.mark.parametrize("line", LINES)
def test_a_superseded_patch_has_a_contract_of_superseded_patches_alone(line: Line) -> None:
    """One that a living patch shares must be red on the pristine tree, and proves nothing of the others."""
    gone = {patch.id for patch in SERIES if patch.superseded is line}
    proofs = [contract for contract in CONTRACTS if contract.line in {None, line} and gone.issuperset(contract.patches)]
    assert {patch for contract in proofs for patch in contract.patches} == gone


@EACH
def test_a_superseded_patch_says_what_does_it_there(patch: Patch) -> None:
    assert bool(patch.superseded or patch.superseded_where) == bool(patch.superseded_by)


def test_every_contract_is_that_of_a_patch() -> None:
    there = {path.stem for path in CONTRACT_FILES.glob("*.py")} - {"__init__"}
    assert there <= {name for patch in SERIES for name in patch.contracts}
