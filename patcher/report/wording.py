"""How a verdict, a ref, a commit or a count is written, the same in every renderer. Leaf module."""

import re
from collections.abc import Callable, Sequence

from patcher.model import STOPPING, Verdict

_HEX = 12
_MARK = {"good": "✓", "moved": "→", "superseded": "∅", "stops": "✕"}
_CODES = {
    "good": "32",
    "moved": "36",
    "superseded": "33",
    "stops": "31;1",
    "added": "32",
    "removed": "31",
    "command": "36",
    "commit": "33",
    "strong": "1",
    "faint": "2",
}
Paint = Callable[[str, str], str]
"""A text in a style: a tone, `added`, `removed`, `command`, `commit`, `strong` or `faint`."""


def painter(*, colour: bool) -> Paint:
    """A function that adds ANSI colours, or one that returns the text unchanged."""
    return (lambda text, style: f"\x1b[{_CODES[style]}m{text}\x1b[0m") if colour else (lambda text, _: text)


def painted_diff(line: str, paint: Paint) -> str:
    """A line of a unified diff in its colour."""
    return paint(line, {"+": "added", "-": "removed", "@": "command"}.get(line[:1], "faint"))


def tone(verdict: str) -> str:
    """The meaning of a verdict for the build: `good`, `moved` (applied, with a note), `superseded` or `stops`."""
    if verdict in STOPPING or verdict == "refused":
        return "stops"
    if verdict in {Verdict.EXACT, Verdict.APPLIED}:
        return "good"
    return "superseded" if verdict == Verdict.SUPERSEDED else "moved"


def mark(verdict: str) -> str:
    """The symbol of a verdict, for readers who do not see its colour."""
    return _MARK[tone(verdict)]


def short(ref: str) -> str:
    """A full commit id cut to 12 digits; any other ref as it is."""
    return ref[:_HEX] if len(ref) in {40, 64} and not set(ref) - set("0123456789abcdef") else ref


def between(since: str, until: str) -> str:
    """`A to B`, or only `A`."""
    return short(since) if since == until else f"{short(since)} to {short(until)}"


def commit_line(commit: str, date: str, subject: str) -> str:
    """Short id, day and subject."""
    return f"{commit[:_HEX]} of {date[:10]}: {subject}"


def proven(contracts: Sequence[bool]) -> str:
    """The line with the count of proven contracts. contracts: whether each is."""
    return f"contracts  {sum(contracts)} of {len(contracts)} proven: red on pristine, green on patched"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 site`, `2 sites`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def clipped(text: str, longest: int) -> str:
    """The text cut to at most `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def dedented(lines: list[str], like: list[str] | None = None) -> list[str]:
    """The lines without the common indentation of `like`, by default their own."""
    by = min((len(line) - len(line.lstrip()) for line in (like or lines) if line.strip()), default=0)
    return [line[min(by, len(line) - len(line.lstrip())) :] for line in lines]


_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTES = range(0xDC80, 0xDD00)  # Python's surrogates for bytes that are not UTF-8


def legible(text: str) -> str:
    r"""The text in a form that can be written: a byte that is not UTF-8 becomes `\xe9`."""
    return _SURROGATE.sub(_escaped, text)


def legible_json(text: str) -> str:
    """The same for JSON text, in which a backslash is doubled."""
    return _SURROGATE.sub(lambda match: f"\\{_escaped(match)}", text)


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number - 0xDC00:02x}" if number in _BYTES else f"\\u{number:04x}"
