"""Annotations of GitHub for a series of somebody else: each stands in a file of the series, on a line that is there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.series.support import Acme
from tests.series.test_door import refused_by_its_contract
from tests.support import SMALL, Ended

NOTE, ENTRY = "acme/patches/note.py", "acme/series.py"
OVERLAY = "templates/note.lib.js.j2"


def upstream(acme: Acme, old: str, new: str) -> Acme:
    SMALL.edited(old, new).write(Path(acme.upstream))
    return acme


def check(acme: Acme) -> Ended:
    return acme.run("check", "--format", "github")


WHERE: dict[str, tuple[Callable[[Acme], Ended], str, int, str]] = {
    "moved": (lambda acme: check(upstream(acme, "const session", "\n\n  const session")), NOTE, 0, "notice"),
    "missing": (lambda acme: check(upstream(acme, "store.save(session", "store.put(session")), NOTE, 0, "error"),
    "a gate": (lambda acme: check(acme.write("templates/note.js", "nowhere();\n")), NOTE, 0, "error"),
    "a contract": (lambda acme: refused_by_its_contract(acme).run("prove", "--format", "github"), NOTE, 0, "error"),
    "a contract of a build": (
        lambda acme: refused_by_its_contract(acme).build("--prove", "--format", "github"), NOTE, 0, "error",
    ),
    "a pattern": (lambda acme: check(acme.edit("patches/note.py", "session, total)", "session")), NOTE, 1, "error"),
    "Python that ends": (lambda acme: check(acme.edit("series.py", ".patches", ".patchs")), ENTRY, 2, "error"),
    "no series": (lambda acme: check(acme.edit("series.py", "SERIES", "SERIE")), ENTRY, 1, "error"),
    "a template that is not there": (lambda acme: check(acme.edit("patches/note.py", "note.js", "x.js")), NOTE, 1, "error"),
    "a parameter": (lambda acme: check(acme.write(OVERLAY, "x\n/*= nothing =*/\n")), f"acme/{OVERLAY}", 1, "error"),
    "a template that does not parse": (lambda acme: check(acme.write(OVERLAY, "x\n/*% if =%*/\n")), f"acme/{OVERLAY}", 2, "error"),
    "pins": (lambda acme: check(acme.write("pins.json", "{")), "acme/pins.json", 1, "error"),
}  # fmt: skip
"""What is done, the file, the line (0: that of the declaration), and the level."""


@pytest.mark.parametrize("name", WHERE)
def test_it_stands_in_a_file_of_the_series(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    act, file, line, level = WHERE[name]
    [said] = act(acme.pinned()).out.splitlines()
    found = re.match(r"::(\w+) file=([^,]+),line=(\d+),title=", said)
    assert found and found.groups()[:2] == (level, file), said
    lines = (tmp_path / file).read_text().splitlines()
    number = int(found[3])
    assert number == line if line else lines[number - 1].startswith("PATCH = Patch(")


def test_a_file_that_is_of_no_series_is_not_the_file(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "package.tgz").write_text("no archive")
    ended = acme.cli("check", "--upstream", str(tmp_path / "package.tgz"), "--format", "github")
    assert ended.code == 5 and ended.out.startswith("::error title=")
