"""What stands at the places of a patch at two refs, as `patcher.page` shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from patcher import flow, javascript
from patcher.errors import PatcherError
from patcher.history import Repository
from patcher.matrix.model import Stop
from patcher.model import MODULE, Patch

_LINES = 40  # of a scope in which the statement is not found


def with_windows(repository: Repository, stop: Stop, series: Sequence[Patch]) -> Stop:
    """The stop with a window for each place that stops at its first ref, beside the same place at the good ref."""
    there = _survey(repository, stop.span.since.ref, series)
    good = _survey(repository, stop.good, series) if stop.good else {}
    return replace(stop, windows=tuple(_windows(stop, there, good, series)))


_Places = dict[tuple[str, int], flow.Surveyed]


def _survey(repository: Repository, ref: str, series: Sequence[Patch]) -> _Places:
    try:
        return {(each.patch, each.number): each for each in flow.survey(repository.upstream(ref), series)}
    except PatcherError:
        return {}


def _windows(stop: Stop, there: _Places, good: _Places, series: Sequence[Patch]) -> Iterator[dict[str, Any]]:
    patch = next((each for each in series if each.id == stop.patch), None)
    for number, edit in enumerate(patch.edits) if patch else ():
        now, then = there.get((stop.patch, number)), good.get((stop.patch, number))
        if now is None or not now.finding.verdict.stops:
            continue
        yield {
            "number": number,
            "file": now.finding.file,
            "scope": now.finding.scope,
            "place": str(edit.place),
            "payload": flow.payload_of(edit, "<what stood there>"),
            "verdict": str(now.finding.verdict),
            "message": now.finding.message,
            "reviewed": window(then, stop.good),
            "found": window(now, stop.span.since.ref),
        }


def window(there: flow.Surveyed | None, ref: str) -> dict[str, Any] | None:
    """`{ref, text, line, statement, matched}`: the window, or the beginning of the scope without its statement.

    line: of its first line in the file that was located in. statement: first and last line of the matched statement,
    counted from 0 in `text`; None where it is not found. matched: first and last offset in `text` of what the pattern
    matched, half open. None as a whole where not even the scope is there.
    """
    if there is None:
        return None
    matches = there.located.matches
    if matches:
        match = matches[0]
        start = there.text.rfind("\n", 0, match.window_start) + 1
        first = there.text.count("\n", start, match.statement_start)
        last = there.text.count("\n", start, match.statement_end)
        return {
            "ref": ref,
            "text": there.text[start : match.window_end],
            "line": match.line - first,
            "statement": [first, last],
            "matched": [match.start - start, match.end - start],
        }
    anchor, language = there.located.anchor, javascript.language_of(there.finding.file)
    scopes = javascript.scopes_named(there.text, anchor.scope, language) if anchor.scope != MODULE else []
    if not scopes:
        return None
    lines = scopes[0].text().split("\n")
    more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    text = "\n".join([*lines[:_LINES], *more])
    return {"ref": ref, "text": text, "line": javascript.line_of(scopes[0]), "statement": None}
