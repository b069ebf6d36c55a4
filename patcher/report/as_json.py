"""The JSON report, `schema: 1`: more fields are welcome, these stay, with their names and their meaning."""

import json
from operator import attrgetter
from typing import TYPE_CHECKING

from patcher.errors import printable
from patcher.manifest import upstream_identity
from patcher.model import Patch
from patcher.patches import declaration
from patcher.report.model import BumpResult, Report
from patcher.report.wording import legible_json
from patcher.verify import explained

if TYPE_CHECKING:
    from patcher.bump.model import Candidate, SiteReport
    from patcher.matrix.model import Judged, Matrix, Stop

_Fields = dict[str, object]

SCHEMA = 1
_FIELDS = {
    "Brought": "file scope new places=sites",
    "Check": "id title state found do",
    "Commit": "commit=id date subject",
    "Culprit": "commit date subject author brought_by",
    "FileChange": "path status before after",
    "Finding": "id=patch file verdict line scope message hint site",
    "GateResult": "id ok message",
    "Moment": "ref commit version=upstream.version",
    "Observation": "green observed said",
    "Pin": "tokens text line",
    "Problem": "code where message hint",
    "ProofResult": (
        "id=contract.id summary=contract.summary ok pristine=red patched=green patches=contract.patches message "
        "superseded"
    ),
    "Red": "contract said culprit untold brought",
    "Refusal": "code where message culprit",
    "ScopeDiff": "since scope lines left_out",
    "SiteWindow": "number site file scope place payload verdict message reviewed found",
    "Tried": "unique parses gates contracts problems",
    "Twin": "line scope shown",
    "Window": "ref text line around statement matched indent",
}
"""The fields of an object by the name of its type: each is an attribute, or `name=path` for one of another name."""


def to_json(report: Report) -> str:
    """The report as JSON text with a final newline."""
    return legible_json(json.dumps(_report(report), indent=2, ensure_ascii=False, default=_fields)) + "\n"


def _fields(value: object) -> _Fields:
    """The fields of an object that has a line in the table."""
    pairs = [each.partition("=") for each in _FIELDS[type(value).__name__].split()]
    return {name: attrgetter(path or name)(value) for name, _, path in pairs}


def _report(report: Report) -> _Fields:
    build = report.build
    more = {
        "contracts": report.contracts,
        "bump": report.bump and _bump(report.bump),
        "series": None if report.series is None else [_listed(each) for each in report.series],
        "checks": report.checks,
        "paths": report.paths,
        "pins": None if report.pins is None else [{"site": site, **vars(pin)} for site, pin in report.pins.items()],
        "written": report.written,
    }
    if report.bump and report.contracts:
        more["retire"] = [
            {"patches": each.contract.patches, "contract": each.contract.id, "said": each.red.said}
            for each in report.retired
        ]
    return {
        "schema": SCHEMA,
        "ok": report.ok,
        "command": report.command,
        "upstream": upstream_identity(build) if build else report.upstream,
        "patches": report.findings,
        "places": build.details if build else (),
        "gates": build.gates if build else (),
        "files": build.changes() if build else (),
        "errors": report.problems,
        "notes": build.notes if build else (),
        **{name: value for name, value in more.items() if value is not None},
        **(_matrix(report.matrix) if report.matrix else {}),
    }


def _listed(patch: Patch) -> _Fields:
    files = sorted({site.file for site in patch.sites} | {overlay.path for overlay in patch.overlays})
    named = {"id": patch.id, "summary": patch.summary, "files": files}
    return {**named, "requires": patch.requires, "contracts": patch.contracts}


def _declared(patch: str) -> _Fields | None:
    found = declaration.declared_by(patch)
    return {"file": found[0], "line": found[1]} if found else None


# --- a bump ----------------------------------------------------------------------------------------------------


def _bump(result: BumpResult) -> _Fields:
    found = result.found
    return {
        "from": found.since,
        "to": found.until,
        "places": [_site(site, result) for site in found.sites],
        "refusals": found.refusals,
        "red": found.red,
        "chosen": dict(found.chosen),
        "accepted": found.accepted,
        "fine": found.fine,
        "proposed_ok": found.proposed.ok,
        "command": result.command,
        "record": result.record,
        "all": result.commands.everything,
        "matrix": _matrix(result.matrix) if result.matrix else None,
        "written": result.written,
    }


def _site(site: "SiteReport", result: BumpResult) -> _Fields:
    finding, found = site.finding, result.found
    patch = next(each for each in found.declared if each.id == site.patch)
    return {
        "patch": site.patch,
        "site": site.id,
        "number": [each.id for each in patch.sites].index(site.id),  # what it was known by up to version 0.1
        "verdict": finding.verdict,
        "file": finding.file,
        "line": finding.line,
        "scope": finding.scope,
        "message": finding.message,
        "hint": explained(site.patch, found.until.upstream) if site.stops else "",
        "declared": _declared(site.patch),
        "window": {"reviewed": site.reviewed, "found": site.found, "nearest": site.nearest},
        "payload": site.payload,
        "place": site.site.position,
        "culprit": site.culprit,
        "change": site.change,
        "change_said": site.change_said,
        "candidates": [_candidate(each, result.accepting(site, each)) for each in site.candidates],
        "scope_diff": site.scope_diff,
        "twins": site.twins,
    }


def _candidate(candidate: "Candidate", command: str) -> _Fields:
    anchor = candidate.anchor
    return {
        "rank": candidate.rank,
        "kind": candidate.kind,
        "scope": str(anchor.scope),
        "file": candidate.file,
        "pattern": anchor.pattern,
        "containing": anchor.containing,
        "target": anchor.target,
        "window": {"before": anchor.before, "after": anchor.after},
        "pins": anchor.pins,
        "likeness": round(candidate.likeness, 3),
        "tried": candidate.tried,
        "why": candidate.why,
        "command": command,
    }


# --- a matrix --------------------------------------------------------------------------------------------------


def _matrix(matrix: "Matrix") -> _Fields:
    return {
        "repository": printable(matrix.repository),
        "refs": [_ref(matrix, each) for each in matrix.refs],
        "supported": [
            {"since": span.since.ref, "until": span.until.ref, "refs": len(matrix.within(span))}
            for span in matrix.supported
        ],
        "stops": [_stop(matrix, each) for each in matrix.stops],
        "notes": matrix.notes,
    }


def _ref(matrix: "Matrix", judged: "Judged") -> _Fields:
    commit = matrix.commits[judged.ref]
    guilty = {patch: stop.guilty for patch in judged.stopping if (stop := matrix.stop_at(patch, judged.ref))}
    patches = [
        {
            "id": each.patch,
            "verdict": each.verdict,
            "file": each.file,
            "line": each.line,
            "message": each.message,
            "guilty": guilty.get(each.patch),
        }
        for each in judged.findings
    ]
    return {
        "ref": judged.ref,
        "version": judged.version,
        "commit": judged.commit,
        "date": commit.date,
        "subject": commit.subject,
        "patches": patches,
        "supported": judged.supported,
        "reasons": judged.reasons,
        "guilty": next((each for each in guilty.values() if each), None),
    }


def _stop(matrix: "Matrix", stop: "Stop") -> _Fields:
    finding = stop.finding
    return {
        "id": stop.patch,
        "verdict": stop.verdict,
        "file": finding.file if finding else "",
        "line": finding.line if finding else 0,
        "scope": finding.scope if finding else "",
        "message": stop.message,
        "hint": finding.hint if finding else "",
        "declared": _declared(stop.patch),
        "since": stop.span.since.ref,
        "until": stop.span.until.ref,
        "refs": len(matrix.within(stop.span)),
        "good": stop.good,
        "culprit": stop.guilty,
        "fits_since": stop.fits_since,
        "windows": stop.windows,
    }
