"""A matrix as fields of the JSON report."""

from collections.abc import Sequence
from typing import Any

from patcher.errors import printable
from patcher.matrix.model import Matrix, RefRange, RefResult, Stop
from patcher.model import Patch
from patcher.patches.declaration import declared_at
from patcher.upstream.history import Commit


def content(result: Matrix, series: Sequence[Patch]) -> dict[str, Any]:
    """`repository`, `refs`, `supported`, `stops` and `notes`.

    refs: `[{ref, version, commit, date, subject, patches, supported, reasons, guilty}]`, and in it
    patches: `[{id, verdict, file, line, message, guilty}]`; line 0 for none.
    guilty: `{commit, date, subject}` or null: of a patch, who began its stop; of a ref, the first of these.
    supported: `[{since, until, refs}]`, both ends in it.
    stops: runs of refs on which one patch stops (`id`; empty for what only gates refuse), with the fields that
    `patcher.report.page` reads.
    """
    declared = {patch.id: declared_at(patch) for patch in series}
    return {
        "repository": printable(result.repository),
        "refs": [_ref(result, judged) for judged in result.refs],
        "supported": [
            {"since": span.since.ref, "until": span.until.ref, "refs": _count(result, span)}
            for span in result.supported
        ],
        "stops": [_stop(result, stop, declared.get(stop.patch)) for stop in result.stops],
        "notes": list(result.notes),
    }


def _ref(result: Matrix, judged: RefResult) -> dict[str, Any]:
    commit = result.commits[judged.ref]
    patches: list[dict[str, Any]] = [
        {
            "id": finding.patch,
            "verdict": str(finding.verdict),
            "file": finding.file,
            "line": finding.line,
            "message": finding.message,
            "guilty": _guilty(result, finding.patch, judged) if finding.verdict.stops else None,
        }
        for finding in judged.findings
    ]
    gates = _guilty(result, "", judged) if judged.gates_refuse else None
    guilty = [each for each in (*(patch["guilty"] for patch in patches), gates) if each]
    return {
        "ref": judged.ref,
        "version": judged.version,
        "commit": judged.commit,
        "date": commit.date,
        "subject": commit.subject,
        "patches": patches,
        "supported": judged.supported,
        "reasons": list(judged.reasons),
        "guilty": next(iter(guilty), None),
    }


def _guilty(result: Matrix, patch: str, judged: RefResult) -> dict[str, str] | None:
    stop = result.stop_at(patch, judged.ref)
    return commit_fields(stop.culprit) if stop else None


def commit_fields(commit: Commit | None) -> dict[str, str] | None:
    """`{commit, date, subject}`, or null."""
    return {"commit": commit.id, "date": commit.date, "subject": commit.subject} if commit else None


def _count(result: Matrix, span: RefRange) -> int:
    return result.refs.index(span.until) - result.refs.index(span.since) + 1


def _stop(result: Matrix, stop: Stop, declared: tuple[str, int] | None) -> dict[str, Any]:
    first = stop.span.since
    finding = next((each for each in first.findings if each.patch == stop.patch), None)
    return {
        "id": stop.patch,
        "verdict": str(finding.verdict) if finding else "refused",
        "file": finding.file if finding else "",
        "line": finding.line if finding else 0,
        "scope": finding.scope if finding else "",
        "message": finding.message if finding else "; ".join(first.reasons),
        "hint": finding.hint if finding else "",
        "declared": {"file": declared[0], "line": declared[1]} if declared else None,
        "since": first.ref,
        "until": stop.span.until.ref,
        "refs": _count(result, stop.span),
        "good": stop.good,
        "culprit": commit_fields(stop.culprit),
        "fits_since": commit_fields(stop.fits_since),
        "windows": [dict(each) for each in stop.windows],
    }
