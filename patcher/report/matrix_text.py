"""A matrix as text: a table of verdicts, the supported ranges, and each run of stops with who began it.

It is made from the report's fields, as every other form is. `rich` draws it on a terminal; elsewhere it is plain.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STYLES = {
    "exact": "green",
    "applied": "green",
    "moved": "cyan",
    "reformatted": "cyan",
    "superseded": "yellow",
    "yes": "green",
}
_HEX = 12


def to_text(content: Mapping[str, Any], *, colour: bool, width: int = 0) -> str:
    """The whole report. width: of the terminal, in characters; 0 for none."""
    out = io.StringIO()
    if colour:
        _draw(content, out, width)
    else:
        out.writelines(f"{line}\n" for line in _aligned([_head(content), *_rows(content)]))
    lines = ["", *_legend(content), "", *_supported(content)]
    for stop in content["stops"]:
        lines += ["", *_stop_lines(stop)]
    lines += ["", *(f"note: {note}" for note in content["notes"])] if content["notes"] else []
    return out.getvalue() + "".join(f"{line}\n" for line in lines)


def _head(content: Mapping[str, Any]) -> list[str]:
    return ["ref", "version", *(str(number) for number, _ in enumerate(_ids(content), 1)), "supported"]


def _ids(content: Mapping[str, Any]) -> list[str]:
    return [patch["id"] for patch in content["refs"][0]["patches"]]


def _rows(content: Mapping[str, Any]) -> Iterator[list[str]]:
    for ref in content["refs"]:
        verdicts = [patch["verdict"] for patch in ref["patches"]]
        yield [short(ref["ref"]), ref["version"], *verdicts, "yes" if ref["supported"] else "no"]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _draw(content: Mapping[str, Any], out: io.StringIO, width: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*_head(content), box=None, pad_edge=False)
    for ref, version, *cells in _rows(content):
        table.add_row(ref, version, *(Text(cell, _STYLES.get(cell, "bold red")) for cell in cells))
    Console(file=out, force_terminal=True, width=width or None).print(table)


def _legend(content: Mapping[str, Any]) -> Iterator[str]:
    for number, patch in enumerate(_ids(content), 1):
        count = sum(ref["patches"][number - 1]["verdict"] in _STYLES for ref in content["refs"])
        yield f"{number:>2}  {patch}: goes on with {count} of {len(content['refs'])}"


def _supported(content: Mapping[str, Any]) -> Iterator[str]:
    total, fit = len(content["refs"]), sum(ref["supported"] for ref in content["refs"])
    yield f"supported: {fit} of {total}"
    for span in content["supported"]:
        yield f"  {between(span)} ({span['refs']})"


def _stop_lines(stop: Mapping[str, Any]) -> Iterator[str]:
    name = stop["id"] or "gates"
    yield f"{name}: {stop['verdict']} on {between(stop)} ({stop['refs']})"
    yield f"  {blamed(stop)}"
    told = stop["windows"] or [stop]
    for window in told:
        where = f"{window['file']}: " if window.get("file") else ""
        yield f"  {where}{window['message']}"
    if stop["hint"]:
        yield f"  hint: {stop['hint']}"


def blamed(stop: Mapping[str, Any]) -> str:
    """Who began a run of stops, or who ended it, in one line."""
    if stop.get("culprit"):
        return f"since {commit_line(stop['culprit'])}"
    if stop.get("fits_since"):
        return f"never before; fits since {commit_line(stop['fits_since'])}"
    return "as far back as its files go; no commit of theirs began it"


def commit_line(commit: Mapping[str, str]) -> str:
    """Short id, date and subject."""
    return f"{commit['commit'][:_HEX]} of {commit['date'][:10]}: {commit['subject']}"


def between(span: Mapping[str, Any]) -> str:
    """`A to B`, or only `A`."""
    since, until = short(span["since"]), short(span["until"])
    return since if since == until else f"{since} to {until}"


def short(ref: str) -> str:
    """A full commit id cut to 12 digits; any other ref as it is."""
    is_id = len(ref) in {40, 64} and all(digit in "0123456789abcdef" for digit in ref)
    return ref[:_HEX] if is_id else ref
