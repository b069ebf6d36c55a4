"""A small series on the disk, and what a test changes in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import SMALL, CommandLine, Ended

SERIES = """\
from patcher import Series
from .patches import note

SERIES = Series("acme", version="1.0", patches=(note.PATCH,))
"""
NOTE = '''\
"""Says what is saved.

Why:      a test.
Upstream: `server/app.js`. If it moves, search for `store.save(`.
"""

from patcher.model import Anchor, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="note",
    summary="Says what is saved.",
    sites=(
        Site(
            name="one",
            file="server/app.js",
            position=Position.AFTER,
            template="note.js",
            anchors=(
                Anchor(
                    scope=function("handle"),
                    pattern="store.save(session, total)",
                ),
            ),
        ),
    ),
    overlays=(Overlay(path="server/lib/note.js", template="note.lib.js.j2", params={"word": "saved"}),),
)
'''
FILES = {
    "series.py": SERIES,
    "patches/note.py": NOTE,
    "templates/note.js": "console.log(session);\n",
    "templates/note.lib.js.j2": "exports.word = /*= word | tojson =*/;\n",
}


class Acme:
    """A series in a directory, an upstream that it fits, and the command line."""

    def __init__(self, folder: Path, cli: CommandLine) -> None:
        self.path, self.out, self.cli = folder / "acme", folder / "out", cli
        self.upstream = SMALL.write(folder / "upstream")
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> "Acme":
        """Replace a file of the series."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return self

    def edit(self, name: str, old: str, new: str) -> "Acme":
        """Replace a piece of a file of the series."""
        text = (self.path / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        return self.write(name, text.replace(old, new))

    def pinned(self) -> "Acme":
        """With pins for what stands in the upstream."""
        assert self.run("pin", "note.one", "--write").code == 0
        return self

    def run(self, verb: str, *more: str, series: tuple[str, ...] = ()) -> Ended:
        """A verb with this upstream and this series, or these."""
        chosen = [word for each in series or (str(self.path),) for word in ("--series", each)]
        upstream = [] if verb in {"list", "verify", "revert"} else ["--upstream", self.upstream]
        return self.cli(verb, *more, *upstream, *chosen)

    def build(self, *more: str) -> Ended:
        """`build` into `out`."""
        return self.run("build", "--out", str(self.out), *more)


@pytest.fixture
def acme(tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Acme:
    """The series, not pinned yet, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    return Acme(tmp_path, cli)


Change = Callable[[Acme], object]
