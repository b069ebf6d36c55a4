"""Markdown that is no longer than GitHub takes: what goes first, that it is said, and that what stays is whole."""

from dataclasses import replace
from typing import Any

import pytest

from patcher.bump.model import ScopeDiff
from patcher.report.model import Problem, Report
from patcher.report.page import to_markdown
from patcher.report.truncate import LIMIT
from tests.report.test_page import AUDIT, CALM, bump, grid, ref, site_window, stop

SAID = "> Left out, because GitHub takes no more than 65,536 characters: "


def size(text: str) -> int:
    """In UTF-16 code units: a browser counts so, and nothing counts more."""
    return len(text.encode("utf-16-le")) // 2


def left_out(text: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(SAID)]
    return line.removeprefix(SAID).removesuffix(". The page that `--html` writes has it all.")


def assert_whole(text: str) -> None:
    assert size(text) <= LIMIT
    assert text.count("<details") == text.count("</details>")
    assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0
    for line in text.splitlines():
        assert not line.startswith("| v") or line.endswith(" |"), "a row of a table is there in full"


def matrix(stops: int, *, of: str = "x", refs: int = 3, **more: Any) -> Report:
    rows = [ref(f"v1.0.{number}", "drifted", "exact") for number in range(refs)]
    window = site_window(payload=f"{of}\n" * 40)
    return Report("matrix", matrix=grid(rows, [stop(rows[-1], windows=(window,))] * stops), **more)


def long_bump(fitting: int, **more: Any) -> Report:
    return bump(AUDIT, *[replace(CALM, **more)] * fitting)


def test_what_fits_is_left_alone() -> None:
    text = to_markdown(matrix(3))
    assert_whole(text)
    assert SAID not in text and text.count("<details") == 3


def test_what_else_is_new_goes_first() -> None:
    diff = ScopeDiff("v1", ("+" + "y" * 100,) * 24)
    text = to_markdown(long_bump(30, scope_diff=diff))
    assert_whole(text)
    assert left_out(text) == "what else is new in the scopes"
    assert text.count("<details") == 31 and "calm();" in text


def test_then_the_windows_of_what_goes_on() -> None:
    text = to_markdown(long_bump(100, payload="y" * 1000))
    assert_whole(text)
    assert left_out(text) == "what else is new in the scopes; the windows of what fits"
    assert text.count("<details") == 101 and "y" * 1000 not in text
    assert "! console.log(session);" in text, "what stops is there in full"


def test_then_old_refs() -> None:
    text = to_markdown(matrix(1, refs=2000))
    assert_whole(text)
    assert left_out(text) == "1960 older refs of the table"
    assert "| v1.0.1999 |" in text and "| v1.0.1959 |" not in text


@pytest.mark.parametrize("line", ["x" * 60, "😀" * 60, "```" * 20], ids=["letters", "beyond 16 bits", "fences"])
def test_then_stops_from_the_last_one_on(line: str) -> None:
    text = to_markdown(matrix(200, of=line))
    assert_whole(text)
    kept = text.count("<details")
    assert 0 < kept < 40 and left_out(text) == f"the last {200 - kept} entries"
    assert size(text) > LIMIT - 12_000, "and not more than it must"


def test_at_last_it_is_cut() -> None:
    text = to_markdown(matrix(1, problems=(Problem("upstream-x", "", "z" * 300),) * 1000))
    assert_whole(text)
    assert text.endswith("z\n\n> Cut here, because GitHub takes no more than 65,536 characters.\n")
    assert left_out(text) == "the last 1 entry"
