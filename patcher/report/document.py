"""What a run found out, for people and for machines. The same object feeds all of them; nobody parses log lines."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from patcher.errors import PatcherError
from patcher.manifest import upstream_identity
from patcher.model import STOPPING, Build, FileChange, Finding, GateResult

SCHEMA = 1
STOPS = frozenset(str(verdict) for verdict in STOPPING)

_COLOURS = {
    "applied": "32",
    "exact": "32",
    "moved": "36",
    "reformatted": "36",
    "superseded": "33",
    "ok": "32",
    "done": "32",
}
_RED, _BOLD, _DIM = "31;1", "1", "2"


def report(
    command: str,
    *,
    build: Build | None = None,
    errors: Sequence[PatcherError] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The JSON report, `schema: 1`: more fields are welcome, these stay."""
    findings = build.findings if build else ()
    problems = [*_errors(build), *(_error(error) for error in errors)]
    return {
        "schema": SCHEMA,
        "ok": not problems,
        "command": command,
        "upstream": upstream_identity(build) if build else None,
        "patches": [_patch(finding) for finding in findings],
        "places": [_patch(finding) for finding in (build.details if build else ())],
        "gates": [_gate(gate) for gate in (build.gates if build else ())],
        "files": [_file(change) for change in (build.changes() if build else ())],
        "errors": problems,
        "notes": list(build.notes) if build else [],
        **(extra or {}),
    }


def _patch(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.patch,
        "file": finding.file,
        "verdict": str(finding.verdict),
        "line": finding.line,
        "scope": finding.scope,
        "message": finding.message,
        "hint": finding.hint,
        "site": finding.site,
    }


def _gate(gate: GateResult) -> dict[str, Any]:
    return {"id": gate.id, "ok": gate.ok, "message": gate.message}


def _file(change: FileChange) -> dict[str, Any]:
    return {"path": change.path, "status": change.status, "before": change.before, "after": change.after}


_WRONG_PAYLOAD = "the payload or its anchor is wrong for this upstream; `sidecar-patcher diff` shows what it does"


def _errors(build: Build | None) -> list[dict[str, str]]:
    """Every stop of every site, and every gate that refused."""
    if build is None:
        return []
    stops = [error_of(_patch(finding)) for finding in build.stops]
    refusals = [
        {
            "code": f"gate-{gate.id}",
            "where": gate.where,
            "message": gate.message,
            "hint": gate.hint or _WRONG_PAYLOAD,
        }
        for gate in build.gates
        if not gate.ok
    ]
    return stops + refusals


def error_of(place: Mapping[str, Any]) -> dict[str, str]:
    """The error of a place that stops, from its entry in `places`."""
    return {
        "code": f"anchor-{place['verdict']}",
        "where": f"{place['file']}:{place['line']}" if place["line"] else place["file"],
        "message": f"{place['id']}: {place['message']}",
        "hint": place["hint"],
    }


def _error(error: PatcherError) -> dict[str, str]:
    return {"code": error.code, "where": error.where, "message": error.message, "hint": error.hint}


def legible(content: Any) -> Any:
    r"""The same with every text such that it can be written: a byte of a name that is not UTF-8 becomes `\xe9`."""
    if isinstance(content, str):
        return _SURROGATE.sub(_escaped, content)
    if isinstance(content, Mapping):
        return {legible(key): legible(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [legible(each) for each in content]
    return content


_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTES = range(0xDC80, 0xDD00)  # how Python keeps them in a text


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number - 0xDC00:02x}" if number in _BYTES else f"\\u{number:04x}"


def to_json(content: Mapping[str, Any]) -> str:
    """The report as JSON text with a final newline."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_text(content: Mapping[str, Any], *, colour: bool = False) -> str:
    """The report for a person: verdicts, gates, then every error with its hint, and a last line that sums up."""
    paint = _painter(colour=colour)
    lines = []
    if content["upstream"]:
        lines += [f"upstream {_label(content['upstream'])}", ""]
    width = max((len(patch["id"]) for patch in content["patches"]), default=0)
    for patch in content["patches"]:
        verdict = paint(f"{patch['verdict']:<11}", _COLOURS.get(patch["verdict"], _RED))
        place = f"{patch['file']}:{patch['line']}" if patch["line"] else patch["file"]
        detail = f"  {paint(patch['message'], _DIM)}" if patch["message"] and not _is_stop(patch, content) else ""
        lines.append(f"  {patch['id']:<{width}}  {verdict} {place}{detail}")
    if content["gates"]:
        refused = [gate["id"] for gate in content["gates"] if not gate["ok"]]
        passed = len(content["gates"]) - len(refused)
        said = paint(f"{passed} of {len(content['gates'])} passed", _RED if refused else "32")
        lines += ["", f"  gates  {said}{': refused by ' + ', '.join(refused) if refused else ''}"]
    lines += _contract_lines(content.get("contracts", ()), paint)
    for error in content["errors"]:
        lines += ["", *_error_lines(error, paint)]
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def _contract_lines(contracts: Sequence[Mapping[str, Any]], paint: Any) -> list[str]:
    """For each contract what was seen on both trees, and a last line with the count."""
    lines = []
    for contract in contracts:
        mark = paint("proven ", "32") if contract["ok"] else paint("REFUSED", _RED)
        lines += ["", f"  {mark}  {paint(contract['summary'], _BOLD)} {paint('(' + contract['id'] + ')', _DIM)}"]
        for tree in ("pristine", "patched"):
            seen = contract[tree]
            state = "green" if seen["green"] else "red" if seen.get("observed", True) else "not observed"
            lines.append(f"    {tree:<8}  {paint(f'{state:<5}', '32' if seen['green'] else '31')}  {seen['said']}")
    proven = sum(contract["ok"] for contract in contracts)
    said = f"  contracts  {proven} of {len(contracts)} proven: red on pristine, green on patched"
    superseded = sum(contract["superseded"] for contract in contracts)
    said += f"; {superseded} of superseded patches: green on both" if superseded else ""
    return [*lines, "", said] if contracts else []


def _is_stop(patch: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    return any(error["code"] == f"anchor-{patch['verdict']}" for error in content["errors"])


def _error_lines(error: Mapping[str, str], paint: Any) -> list[str]:
    where = f"{error['where']}: " if error["where"] else ""
    lines = [f"{paint('error[' + error['code'] + ']', _RED)}: {where}{error['message']}"]
    return [*lines, f"  {paint('hint', _BOLD)}: {error['hint']}"] if error["hint"] else lines


def _label(upstream: Mapping[str, str]) -> str:
    return f"{upstream['name']} {upstream['version']} ({upstream['ref']}), tree {upstream['tree_sha256'][:12]}"


def _painter(*, colour: bool) -> Any:
    return (lambda text, code: f"\x1b[{code}m{text}\x1b[0m") if colour else (lambda text, _: text)
