"""The JSON report, `schema: 1`: the fields that a version of the tool has had stay, whatever the code calls them."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

import pytest

from patcher import pipeline
from patcher.bump.model import ContractRegression, ScopeChange, Twin
from patcher.commands import explain
from patcher.doctor.check import Check, State
from patcher.model import Patch, Pin
from patcher.report.as_json import to_json
from patcher.report.model import Report
from patcher.report.problems import report_of
from tests.report.test_page import AUDIT, CALM, CULPRIT, MATRIX, REFUSAL, bump, grid

ALWAYS = "command errors files gates notes ok patches places schema upstream"
FINDING = "file hint id line message scope site verdict"
WINDOW = "around indent line matched ref statement text"
STOP = "culprit declared file fits_since good hint id line message refs scope since until verdict windows"
FIELDS = {
    "check": {
        "": ALWAYS, "patches": FINDING, "places": FINDING, "gates": "id message ok", "files": "after before path status",
        "upstream": "name ref tree_sha256 version",
    },
    "matrix": {
        "": f"{ALWAYS} refs repository stops supported",
        "refs": "commit date guilty patches reasons ref subject supported version", "refs.guilty": "commit date subject",
        "refs.patches": "file guilty id line message verdict", "refs.patches.guilty": "commit date subject",
        "stops": STOP, "stops.culprit": "commit date subject", "stops.fits_since": "commit date subject",
        "stops.declared": "file line", "supported": "refs since until",
        "stops.windows": "file found message number payload place reviewed scope site verdict",
        "stops.windows.found": "line matched ref statement text", "stops.windows.reviewed": "line matched ref statement text",
    },
    "bump": {
        "": f"{ALWAYS} bump contracts retire", "errors": "code hint message where", "bump.from": "commit ref version",
        "bump": "accepted all chosen command fine from matrix places proposed_ok record red refusals to written",
        "bump.to": "commit ref version", "bump.matrix": "notes refs repository stops supported", "bump.matrix.stops": STOP,
        "bump.places": "candidates change change_said culprit declared file hint line message number patch payload place "
        "scope scope_diff site twins verdict window",
        "bump.places.window": "found nearest reviewed", "bump.places.window.found": WINDOW,
        "bump.places.window.reviewed": WINDOW, "bump.places.culprit": "author brought_by commit date subject",
        "bump.places.culprit.brought_by": "author brought_by commit date subject",
        "bump.places.candidates": "command containing file kind likeness pattern pins rank scope target tried why window",
        "bump.places.candidates.pins": "line text tokens", "bump.places.candidates.window": "after before",
        "bump.places.candidates.tried": "contracts gates parses problems unique",
        "bump.places.scope_diff": "left_out lines scope since", "bump.places.twins": "line scope shown",
        "bump.refusals": "code culprit message where", "bump.red": "brought contract culprit said untold",
        "bump.red.brought": "file new places scope",
        "contracts": "id message ok patched patches pristine summary superseded",
        "contracts.pristine": "green observed said", "contracts.patched": "green observed said",
    },
    "doctor": {"": f"{ALWAYS} checks", "checks": "do found id state title"},
    "explain": {
        "": f"{ALWAYS} patch", "patch": "adds contracts id requires series sites summary superseded why",
        "patch.sites": "anchors file line payload pins place since site there",
        "patch.sites.there": "file hint line message verdict windows",
    },
    "list": {"": f"{ALWAYS} series", "series": "contracts files id requires summary"},
    "pin": {"": f"{ALWAYS} pins written", "pins": "line reviewed site text tokens"},
    "revert": {"": f"{ALWAYS} paths"},
}  # fmt: skip


@pytest.fixture
def report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Report:
    """A report in which each list has something."""
    monkeypatch.setattr("patcher.patches.declaration.declared_by", lambda name: (f"patcher/patches/{name}.py", 17))
    if request.param == "bump":
        anchor = replace(AUDIT.candidates[0].anchor, pins=(Pin("ab", "cd", 7),))
        site = replace(
            AUDIT, twins=(Twin(40, "module", "x"),), candidates=(replace(AUDIT.candidates[0], anchor=anchor),)
        )
        red = ContractRegression("keeps_it", "", CULPRIT, ("ef" * 20,), (ScopeChange("a.js", "module", new=True),))
        found = bump(CALM, site, refusals=(REFUSAL,), red=(red,))
        assert found.bump and MATRIX.matrix
        return replace(found, bump=replace(found.bump, matrix=MATRIX.matrix))
    return {
        "check": lambda: report_of("check", pipeline.check("builtin")),
        "matrix": lambda: MATRIX,
        "doctor": lambda: Report("doctor", checks=(Check("node", "Node", State.OK, "24"),)),
        "explain": lambda: (
            explain.explain(Namespace(name="codex_hooks", upstream="builtin", series=["codex"], typed_series="")).report
        ),
        "list": lambda: Report("list", series=(Patch("a", "Does a."),)),
        "pin": lambda: Report("pin", pins={"a.one": Pin("ab", "cd", 7, "v1")}, written=()),
        "revert": lambda: Report("revert", paths=()),
    }[request.param]()


def at(value: object, path: str) -> Iterator[object]:
    """Every value at a path of names; lists are looked into."""
    if isinstance(value, list):
        for each in value:
            yield from at(each, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        name, _, rest = path.partition(".")
        yield from at(value[name], rest)


@pytest.mark.parametrize("report", FIELDS, indirect=True)
def test_the_fields_of_the_report_stay(report: Report) -> None:
    content = json.loads(to_json(report))
    assert content["schema"] == 1 and content["command"] == report.command
    for path, names in FIELDS[report.command].items():
        found = [each for each in at(content, path) if isinstance(each, dict)]
        assert found, path
        for each in found:
            assert set(names.split()) - each.keys() == set(), path


def test_a_byte_that_is_not_utf_8_is_escaped_and_the_rest_is_json() -> None:
    text = to_json(Report("revert", paths=("caf\udce9.js", "half \ud800")))
    text.encode()
    assert json.loads(text)["paths"] == ["caf\\xe9.js", "half \\ud800"]


def test_what_is_not_there_is_an_empty_list_not_an_empty_object() -> None:
    content = json.loads(to_json(Report("pin", pins={}, written=(), series=())))
    assert (content["pins"], content["written"], content["series"]) == ([], [], [])
    assert content["upstream"] is None and "contracts" not in content and "bump" not in content


def test_the_repository_of_a_matrix_keeps_no_password() -> None:
    assert MATRIX.matrix
    secret = replace(grid(MATRIX.matrix.refs, ()), repository="https://me:secret@host/x.git")
    assert "secret" not in to_json(Report("matrix", matrix=secret))
