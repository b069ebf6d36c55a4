"""What stands at the sites of a patch at two refs, as `patcher.report.page` shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from patcher import apply, javascript
from patcher.errors import PatcherError
from patcher.matrix.model import Stop
from patcher.model import MODULE, Patch, SiteResult
from patcher.upstream.history import Repository

_LINES = 40  # of a scope in which the statement is not found


def with_windows(repository: Repository, stop: Stop, series: Sequence[Patch]) -> Stop:
    """The stop with a window for each site that stops at its first ref, beside the same site at the good ref."""
    there = _sites(repository, stop.span.since.ref, series)
    good = _sites(repository, stop.good, series) if stop.good else {}
    return replace(stop, windows=tuple(_windows(stop, there, good, series)))


_Sites = dict[str, SiteResult]


def _sites(repository: Repository, ref: str, series: Sequence[Patch]) -> _Sites:
    try:
        return {each.id: each for each in apply.apply_series(repository.upstream(ref), series).sites}
    except PatcherError:
        return {}


def _windows(stop: Stop, there: _Sites, good: _Sites, series: Sequence[Patch]) -> Iterator[dict[str, Any]]:
    patch = next((each for each in series if each.id == stop.patch), None)
    for number, site in enumerate(patch.sites) if patch else ():
        now, then = there.get(site.id), good.get(site.id)
        if now is None or not now.stops:
            continue
        yield {
            "number": number,
            "site": site.id,
            "file": now.finding.file,
            "scope": now.finding.scope,
            "place": str(site.position),
            "payload": apply.payload_of(site, "<what stood there>"),
            "verdict": str(now.finding.verdict),
            "message": now.finding.message,
            "reviewed": window(then, stop.good),
            "found": window(now, stop.span.since.ref),
        }


def window(there: SiteResult | None, ref: str) -> dict[str, Any] | None:
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
