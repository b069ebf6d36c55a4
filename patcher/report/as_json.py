"""The JSON report, `schema: 1`: fields may be added; existing ones keep their name and meaning."""

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from patcher.errors.text import printable
from patcher.manifest import upstream_identity
from patcher.model import Finding, Patch, Scope, Verdict
from patcher.report.model import BumpResult, Report, place_of
from patcher.report.wording import legible_json

if TYPE_CHECKING:
    from patcher.bump.model import Candidate, SiteReport
    from patcher.matrix.model import Matrix, RefResult, Stop

_Fields = dict[str, object]
SCHEMA = 1
_FIELDS = {
    "Build": "patches=findings places=details gates notes",
    "Bump": "from=since to=until refusals red accepted fine proposed_ok=proposed.ok",
    "BumpResult": "command record all=commands.everything written",
    "Candidate": "rank kind scope=anchor.scope file pattern=anchor.pattern containing=anchor.containing "
    "target=anchor.target pins=anchor.pins tried why",
    "Check": "id title state found=detail do=fix",
    "Commit": "commit=id date subject",
    "Culprit": "commit date subject author brought_by",
    "FileChange": "path status before after",
    "Finding": "id=patch file verdict line scope message hint site",
    "GateResult": "id ok message",
    "RefResult": "ref version commit supported reasons",
    "Revision": "ref commit version=upstream.version",
    "Observation": "green observed said",
    "Patch": "id summary requires contracts series=origin.series",
    "Pin": "tokens text line",
    "Problem": "code where message hint",
    "ProofResult": "id=contract.id summary=contract.summary ok pristine patched patches=contract.patches "
    "message superseded",
    "ContractRegression": "contract said culprit untold=skipped brought=changes",
    "Refusal": "code where message culprit",
    "ScopeChange": "file scope new places=sites",
    "ScopeDiff": "since scope lines left_out",
    "SiteReport": "patch site=id verdict=finding.verdict file=finding.file line=finding.line scope=finding.scope "
    "message=finding.message payload place=site.position culprit change change_said scope_diff twins",
    "Stop": "id=patch verdict message since=span.since.ref until=span.until.ref good culprit fits_since windows",
    "StopWindow": "number site=site.id file=finding.file scope=finding.scope place=site.position payload "
    "verdict=finding.verdict message=finding.message reviewed found",
    "Tried": "unique parses gates contracts problems",
    "Twin": "line scope shown",
    "Window": "ref text line around statement matched indent",
}
"""The fields of an object by the name of its type: each is an attribute, or `name=path` for one of another name."""


def to_json(report: Report) -> str:
    """The report as JSON text with a final newline."""
    return legible_json(json.dumps(_report(report), indent=2, ensure_ascii=False, default=_plain)) + "\n"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Scope) else _fields(value)


def _fields(value: object) -> _Fields:
    """The fields of an object whose type is in the table."""
    pairs = [each.partition("=") for each in _FIELDS[type(value).__name__].split()]
    return {name: attrgetter(path or name)(value) for name, _, path in pairs}


def _report(report: Report) -> _Fields:
    build = report.build
    fields: _Fields = {
        "schema": SCHEMA,
        "ok": report.ok,
        "command": report.command,
        "upstream": report.upstream,
        "patches": (),
        "places": (),
        "gates": (),
        "files": (),
        "notes": (),
        **({**_fields(build), "upstream": upstream_identity(build), "files": build.changes()} if build else {}),
        "errors": report.problems,
        **(_matrix(report.matrix, report.declared) if report.matrix else {}),
    }
    more: _Fields = {"contracts": report.contracts, "checks": report.checks, "paths": report.paths}
    more |= {"adopt": report.adopt, "written": report.written, "bump": report.bump and _bump(report.bump)}
    more |= report.explained or {}
    if report.made_by is not None:
        more["series"] = report.made_by
    if report.series is not None:
        more["series"] = [_listed(each) for each in report.series]
    if report.pins is not None:
        more["pins"] = [{"site": site, **vars(pin)} for site, pin in report.pins.items()]
    if report.bump and report.contracts:
        more["retire"] = [
            {"patches": each.contract.patches, "contract": each.contract.id, "said": each.pristine.said}
            for each in report.retired
        ]
    return {**fields, **{name: value for name, value in more.items() if value is not None}}


def _listed(patch: Patch) -> _Fields:
    files = {site.file for site in patch.sites} | {overlay.path for overlay in patch.overlays}
    return {**_fields(patch), "files": sorted(files)}


def _declared(patch: str, series: Sequence[Patch]) -> _Fields | None:
    found = place_of(patch, series)
    return {"file": found[0], "line": found[1]} if found else None


# --- a bump ----------------------------------------------------------------------------------------------------


def _bump(result: BumpResult) -> _Fields:
    places = [_site(site, result) for site in result.found.sites]
    matrix = _matrix(result.matrix, result.found.declared) if result.matrix else None
    more = {"places": places, "chosen": dict(result.found.chosen), "matrix": matrix}
    return {**_fields(result.found), **_fields(result), **more}


def _site(site: "SiteReport", result: BumpResult) -> _Fields:
    patch = next(each for each in result.found.declared if each.id == site.patch)
    return {
        **_fields(site),
        "number": [each.id for each in patch.sites].index(site.id),  # its identifier up to version 0.1
        "hint": result.hint(site),
        "declared": _declared(site.patch, result.found.declared),
        "window": {"reviewed": site.reviewed, "found": site.found, "nearest": site.nearest},
        "candidates": [_candidate(each, result.accepting(site, each)) for each in site.candidates],
    }


def _candidate(candidate: "Candidate", command: str) -> _Fields:
    window = {"before": candidate.anchor.before, "after": candidate.anchor.after}
    more = {"window": window, "likeness": round(candidate.likeness, 3), "command": command}
    return {**_fields(candidate), **more}


# --- a matrix --------------------------------------------------------------------------------------------------


def _matrix(matrix: "Matrix", series: Sequence[Patch]) -> _Fields:
    return {
        "repository": printable(matrix.repository),
        "refs": [_ref(matrix, each) for each in matrix.refs],
        "supported": [
            {"since": span.since.ref, "until": span.until.ref, "refs": len(matrix.within(span))}
            for span in matrix.supported
        ],
        "stops": [_stop(matrix, each, series) for each in matrix.stops],
        "notes": matrix.notes,
    }


def _ref(matrix: "Matrix", judged: "RefResult") -> _Fields:
    commit = matrix.commits[judged.ref]
    guilty = {patch: stop.culprit for patch in judged.stopping if (stop := matrix.stop_at(patch, judged.ref))}
    return {
        **_fields(judged),
        "date": commit.date,
        "subject": commit.subject,
        "patches": [{**_fields(each), "guilty": guilty.get(each.patch)} for each in judged.findings],
        "guilty": next((each for each in guilty.values() if each), None),
    }


def _stop(matrix: "Matrix", stop: "Stop", series: Sequence[Patch]) -> _Fields:
    finding = stop.finding or Finding("", "", Verdict.MISSING)
    return {
        **_fields(finding),
        **_fields(stop),
        "declared": _declared(stop.patch, series),
        "refs": len(matrix.within(stop.span)),
    }
