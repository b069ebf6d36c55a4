"""A bump as the JSON report has it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from patcher.bump.model import Bump, Candidate, Commit, Moment, Place, Red, Refusal, ScopeDiff, Window
from patcher.declaration import declared_at
from patcher.patches import series_for
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
        """Writes what is accepted, or, where that is nothing, that the place was read."""
        accept = f"--accept {_accepted(chosen)} " if chosen else ""
        return f"{self.bump} {accept}--write {self.proving}".rstrip()

    @property
    def everything(self) -> str:
        """Shows all of what is new, and every candidate."""
        return f"{self.bump} --all"


def _accepted(chosen: Mapping[str, int]) -> str:
    return " ".join(f"{place}={rank}" for place, rank in chosen.items())


def content(bump: Bump, command: CommandLine) -> dict[str, Any]:
    """The field `bump` of the report.

    command: of the tree with what is chosen; empty where nothing is, or where that does not build. record: of a bump
    that nothing stops; empty where there is nothing to record. matrix: null, unless a page or Markdown was asked for.
    """
    fits = not any(place.stops for place in bump.places)
    return {
        "from": _moment(bump.since),
        "to": _moment(bump.until),
        "places": [_place(place, command, bump) for place in bump.places],
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


def _moment(moment: Moment | None) -> dict[str, str] | None:
    if moment is None:
        return None
    return {"ref": moment.ref, "commit": moment.commit, "version": moment.upstream.version}


def _place(place: Place, command: CommandLine, bump: Bump) -> dict[str, Any]:
    finding = place.finding
    return {
        "patch": place.patch,
        "number": place.number,
        "verdict": str(finding.verdict),
        "file": finding.file,
        "line": finding.line,
        "scope": finding.scope,
        "message": finding.message,
        "hint": explained(place.patch, bump.until.upstream) if place.stops else "",
        "declared": _declared(place.patch),
        "window": {
            "reviewed": _window(place.reviewed),
            "found": _window(place.found),
            "nearest": _window(place.nearest),
        },
        "payload": place.payload,
        "place": str(place.edit.place),
        "culprit": _commit(place.culprit),
        "change": str(place.change) if place.change else None,
        "change_said": place.change_said,
        "candidates": [
            _candidate(each, command.accepting({**bump.chosen, place.id: each.rank})) for each in place.candidates
        ],
        "scope_diff": _scope_diff(place.scope_diff),
        "twins": [{"line": each.line, "scope": each.scope, "shown": each.shown} for each in place.twins],
    }


def _declared(patch: str) -> dict[str, Any] | None:
    known = {each.id: each for each in series_for(client=True)}
    if patch not in known:
        return None
    file, line = declared_at(known[patch])
    return {"file": file, "line": line}


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "ref": window.ref,
        "text": window.text,
        "line": window.line,
        "around": list(window.around),
        "statement": list(window.statement),
        "matched": list(window.matched),
        "indent": window.indent,
    }


def _commit(commit: Commit | None) -> dict[str, Any] | None:
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


def _red(red: Red) -> dict[str, Any]:
    return {
        "contract": red.contract,
        "said": red.said,
        "culprit": _commit(red.culprit),
        "untold": list(red.untold),
        "brought": [
            {"file": each.file, "scope": each.scope, "new": each.new, "places": list(each.places)}
            for each in red.brought
        ],
    }


def errors(bump: Bump, report: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The errors of the report: stops at the line of the declaration that has to change, and what refuses besides."""
    if bump.accepted:
        return list(report)  # of the build with what was accepted
    stops = [_stop(place, bump) for place in bump.places if place.stops]
    refusals = [
        {"code": each.code, "where": each.where, "message": each.message, "hint": _since(each.culprit)}
        for each in bump.refusals
    ]
    known = {refusal["code"] for refusal in refusals}
    others = [each for each in report if not each["code"].startswith("anchor-") and each["code"] not in known]
    return [*stops, *refusals, *others]


def _stop(place: Place, bump: Bump) -> dict[str, str]:
    finding, declared = place.finding, _declared(place.patch)
    there = f"{finding.file}:{finding.line}" if finding.line else finding.file
    return {
        "code": f"anchor-{finding.verdict}",
        "where": f"{declared['file']}:{declared['line']}" if declared else there,
        "message": f"{place.id} at {there}: {finding.message}",
        "hint": _since(place.culprit) or explained(place.patch, bump.until.upstream),
    }


def _since(found: Commit | None) -> str:
    return f"since {found.commit[:12]} ({found.date[:10]}): {found.subject}" if found else ""
