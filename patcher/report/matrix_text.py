"""A matrix as text: a table of verdicts, the supported ranges, and each run of stops with the commit that began it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from patcher.report.wording import Paint, between, commit_line, short, tone

if TYPE_CHECKING:
    from patcher.matrix.model import Matrix, Stop


def lines_of(matrix: "Matrix", paint: Paint) -> Iterator[str]:
    """The lines of the whole report."""
    patches = [each.patch for each in matrix.refs[0].findings]
    yield from _table(matrix, len(patches), paint)
    yield ""
    for number, patch in enumerate(patches, 1):
        fits = sum(not each.stops(patch) for each in matrix.refs)
        yield f"{number:>2}  {patch}: fits {fits} of {len(matrix.refs)}"
    yield ""
    yield f"supported: {sum(each.supported for each in matrix.refs)} of {len(matrix.refs)}"
    for span in matrix.supported:
        yield f"  {between(span.since.ref, span.until.ref)} ({len(matrix.within(span))})"
    for stop in matrix.stops:
        yield ""
        yield from _stop(matrix, stop)
    yield from ["", *(f"note: {note}" for note in matrix.notes)] if matrix.notes else ()


def _table(matrix: "Matrix", patches: int, paint: Paint) -> Iterator[str]:
    """The table; the columns of the patches have numbers, whose names are listed below it."""
    head = ["ref", "version", *map(str, range(1, patches + 1)), "supported"]
    rows: list[Sequence[str]] = [head]
    for each in matrix.refs:
        verdicts = [finding.verdict for finding in each.findings]
        rows.append([short(each.ref), each.version, *verdicts, "yes" if each.supported else "no"])
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        if row is not head:
            padded[2:-1] = [paint(cell, tone(cell.strip())) for cell in padded[2:-1]]
        padded[-1] = row[-1]
        yield "  ".join(padded)


def _stop(matrix: "Matrix", stop: "Stop") -> Iterator[str]:
    until = between(stop.span.since.ref, stop.span.until.ref)
    yield f"{stop.patch or 'gates'}: {stop.verdict} on {until} ({len(matrix.within(stop.span))})"
    yield f"  {blamed(stop)}"
    if not stop.windows:
        file = f"{stop.finding.file}: " if stop.finding and stop.finding.file else ""
        yield f"  {file}{stop.message}"
    for window in stop.windows:
        yield f"  {window.finding.file}: {window.finding.message}"
    if stop.finding and stop.finding.hint:
        yield f"  hint: {stop.finding.hint}"


def blamed(stop: "Stop") -> str:
    """The commit that started a run of stops, or that ended it, in one line."""
    for relation, commit in (("since", stop.culprit), ("never before; fits since", stop.fits_since)):
        if commit:
            return f"{relation} {commit_line(commit.id, commit.date, commit.subject)}"
    return "since the file was added; no commit introduced it"
