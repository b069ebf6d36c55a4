"""A bump as the JSON report has it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from patcher.bump.model import Bump, Candidate, ContractRegression, Culprit, Refusal, Revision, ScopeDiff, SiteReport
from patcher.matrix.window import Window
from patcher.patches.declaration import declared_at
from patcher.verify import explained


@dataclass(frozen=True)
class CommandLine:
    """The commands of one bump, each to be typed as it is.

    bump: without what is accepted, written or proven. proving: the options that running the contracts takes here.
    """

    bump: str
    proving: str = ""

    @classmethod
    def of(cls, upstream: str, until: str, since: str = "", *more: str, proving: Sequence[str] = ()) -> Self:
        """more: options that every command keeps."""
        begin = ["--from", since] if since else []
        words = ["sidecar-patcher", "bump", "--upstream", upstream, *more, "--to", until, *begin]
        return cls(shlex.join(words), shlex.join(proving))

    def accepting(self, chosen: Mapping[str, int]) -> str:
        """What these candidates would make: nothing is written. Empty for none."""
        return f"{self.bump} --accept {_accepted(chosen)}" if chosen else ""

    def writing(self, chosen: Mapping[str, int]) -> str:
        """Writes what is accepted, or, where that is nothing, that the sites were read."""
        accept = f"--accept {_accepted(chosen)} " if chosen else ""
        return f"{self.bump} {accept}--write {self.proving}".rstrip()

    @property
    def everything(self) -> str:
        """Shows all of what is new, and every candidate."""
        return f"{self.bump} --all"


def _accepted(chosen: Mapping[str, int]) -> str:
    return " ".join(f"{site}={rank}" for site, rank in chosen.items())


def content(bump: Bump, command: CommandLine) -> dict[str, Any]:
    """The field `bump` of the report.

    command: of the tree with what is chosen; empty where nothing is, or where that does not build. record: of a bump
    that nothing stops; empty where there is nothing to record. matrix: null, unless a page or Markdown was asked for.
    """
    fits = not any(site.stops for site in bump.sites)
    return {
        "from": _moment(bump.since),
        "to": _moment(bump.until),
        "places": [_site(site, command, bump) for site in bump.sites],
        "refusals": [_refusal(each) for each in bump.refusals],
        "red": [_red(each) for each in bump.red],
        "chosen": dict(bump.chosen),
        "accepted": bump.accepted,
        "fine": list(bump.fine),
        "proposed_ok": bump.proposed.ok,
        "command": command.writing(bump.chosen) if bump.chosen and bump.proposed.ok else "",
        "record": command.writing({}) if fits and bump.proposed.ok and bump.unrecorded else "",
        "all": command.everything,
        "matrix": bump.matrix,
    }


def _moment(moment: Revision | None) -> dict[str, str] | None:
    if moment is None:
        return None
    return {"ref": moment.ref, "commit": moment.commit, "version": moment.upstream.version}


def _site(report: SiteReport, command: CommandLine, bump: Bump) -> dict[str, Any]:
    finding = report.finding
    return {
        "patch": report.patch,
        "site": report.id,
        "number": _number(report, bump),
        "verdict": str(finding.verdict),
        "file": finding.file,
        "line": finding.line,
        "scope": finding.scope,
        "message": finding.message,
        "hint": _explained(report, bump) if report.stops else "",
        "declared": _declared(report.patch, bump),
        "window": {
            "reviewed": _window(report.reviewed),
            "found": _window(report.found),
            "nearest": _window(report.nearest),
        },
        "payload": report.payload,
        "place": str(report.site.position),
        "culprit": _commit(report.culprit),
        "change": str(report.change) if report.change else None,
        "change_said": report.change_said,
        "candidates": [
            _candidate(each, command.accepting({**bump.chosen, report.id: each.rank})) for each in report.candidates
        ],
        "scope_diff": _scope_diff(report.scope_diff),
        "twins": [{"line": each.line, "scope": each.scope, "shown": each.shown} for each in report.twins],
    }


def _explained(report: SiteReport, bump: Bump) -> str:
    return explained(next(each for each in bump.declared if each.id == report.patch), bump.until.upstream)


def _number(report: SiteReport, bump: Bump) -> int:
    """Where the site is in its patch, from 0: what it was known by up to version 0.1."""
    patch = next(each for each in bump.declared if each.id == report.patch)
    return [each.id for each in patch.sites].index(report.id)


def _declared(patch: str, bump: Bump) -> dict[str, Any] | None:
    known = {each.id: each for each in bump.declared}
    there = declared_at(known[patch]) if patch in known else None
    return {"file": there[0], "line": there[1]} if there else None


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "ref": window.ref,
        "text": window.text,
        "line": window.line,
        "around": list(window.around),
        "statement": list(window.statement or ()),
        "matched": list(window.matched or ()),
        "indent": window.indent,
    }


def _commit(commit: Culprit | None) -> dict[str, Any] | None:
    if commit is None:
        return None
    return {
        "commit": commit.commit,
        "date": commit.date,
        "subject": commit.subject,
        "author": commit.author,
        "brought_by": _commit(commit.brought_by),
    }


def _candidate(candidate: Candidate, command: str) -> dict[str, Any]:
    anchor, tried = candidate.anchor, candidate.tried
    return {
        "rank": candidate.rank,
        "kind": str(candidate.kind),
        "scope": str(anchor.scope),
        "file": candidate.file,
        "pattern": anchor.pattern,
        "containing": anchor.containing,
        "target": anchor.target,
        "window": {"before": anchor.before, "after": anchor.after},
        "pins": [{"tokens": pin.tokens, "text": pin.text, "line": pin.line} for pin in anchor.pins],
        "likeness": round(candidate.likeness, 3),
        "tried": {
            "unique": tried.unique,
            "parses": tried.parses,
            "gates": tried.gates,
            "contracts": tried.contracts,
            "problems": list(tried.problems),
        },
        "why": list(candidate.why),
        "command": command,
    }


def _scope_diff(diff: ScopeDiff | None) -> dict[str, Any] | None:
    if diff is None:
        return None
    return {"since": diff.since, "scope": diff.scope, "lines": list(diff.lines), "left_out": diff.left_out}


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "where": refusal.where,
        "message": refusal.message,
        "culprit": _commit(refusal.culprit),
    }


def _red(red: ContractRegression) -> dict[str, Any]:
    return {
        "contract": red.contract,
        "said": red.said,
        "culprit": _commit(red.culprit),
        "untold": list(red.skipped),
        "brought": [
            {"file": each.file, "scope": each.scope, "new": each.new, "places": list(each.sites)}
            for each in red.changes
        ],
    }


def errors(bump: Bump, report: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The errors of the report: stops at the line of the declaration that has to change, and what refuses besides."""
    if bump.accepted:
        return list(report)  # of the build with what was accepted
    stops = [_stop(site, bump) for site in bump.sites if site.stops]
    refusals = [
        {"code": each.code, "where": each.where, "message": each.message, "hint": _since(each.culprit)}
        for each in bump.refusals
    ]
    known = {refusal["code"] for refusal in refusals}
    others = [each for each in report if not each["code"].startswith("anchor-") and each["code"] not in known]
    return [*stops, *refusals, *others]


def _stop(site: SiteReport, bump: Bump) -> dict[str, str]:
    finding, declared = site.finding, _declared(site.patch, bump)
    there = f"{finding.file}:{finding.line}" if finding.line else finding.file
    return {
        "code": f"anchor-{finding.verdict}",
        "where": f"{declared['file']}:{declared['line']}" if declared else there,
        "message": f"{site.id} at {there}: {finding.message}",
        "hint": _since(site.culprit) or _explained(site, bump),
    }


def _since(found: Culprit | None) -> str:
    return f"since {found.commit[:12]} ({found.date[:10]}): {found.subject}" if found else ""
