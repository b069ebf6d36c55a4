"""Words of the command line: parser, destinations and reports are real; a stub stands for what the verbs do."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from patcher import cli
from patcher.commands.arguments import parser
from patcher.commands.outcome import Outcome
from patcher.errors import EXIT_DONE
from patcher.report.model import Report
from tests.lab.fuzz.command import command
from tests.lab.fuzz.engine import Reader
from tests.support import SMALL

_NEEDED = {
    "adopt": ["--edited=up", "--series=x"],
    "verify": ["up"],
    "revert": ["up"],
    "explain": ["x"],
    "pin": ["x.one"],
    "series": ["new", "x"],
    "bump": ["--upstream=up", "--to=v"],
    "matrix": ["--upstream=up"],
}
_VALUES = (
    "builtin", "up", "up@v1", "file", "new", "new/x", "link", "loop", "text", "json", "github", "0", "-1", "9" * 5000, "\udcff", "é",
    "x.1=2", "https://u:p@host/x@v", "", "\0", "\n", "a" * 5000, "up/package.json", "/dev/null", ".", "audit", "codex", "json",
)  # fmt: skip


def make(given: Path) -> Reader:
    stub = SimpleNamespace(**dict.fromkeys(_FUNCTIONS, _stub))
    patch.object(cli, "import_module", lambda module: stub).start()
    own = st.text(st.characters(exclude_characters="/.", codec="utf-8"), max_size=6)
    value = st.sampled_from(_VALUES) | own
    [verbs] = (each.choices for each in parser()._actions if isinstance(each.choices, dict))
    words = st.sampled_from(sorted(verbs)).flatmap(lambda verb: _words(verb, verbs[verb], value))
    some = st.builds(
        lambda verb, more: [*verb, *more],
        words,
        st.lists(value | st.sampled_from(["--", "-", "--up", "-x"]), max_size=1),
    )
    return Reader(words | some, _read)


def _words(verb: str, parser: Any, value: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """The verb with what it needs, and options that it has, each with a value or without."""
    option = st.sampled_from(sorted(parser._option_string_actions))
    pair = st.one_of(
        st.tuples(option), st.tuples(option, value), st.builds(lambda *both: ("=".join(both),), option, value)
    )
    return st.lists(pair, max_size=5).map(
        lambda pairs: [verb, *_NEEDED.get(verb, []), *(word for pair in pairs for word in pair)]
    )


_FUNCTIONS = (
    "adopt",
    "new",
    "pin",
    "build",
    "check",
    "prove",
    "verify",
    "revert",
    "diff",
    "list_series",
    "explain",
    "bump",
    "matrix",
    "doctor",
)


def _stub(options: Any) -> Outcome:
    return Outcome(EXIT_DONE, Report(options.verb), text="x\n", message="said")


def _read(words: list[str]) -> Iterable[str]:
    SMALL.write(Path("up"))
    Path("file").write_text("x")
    Path("link").symlink_to("file")
    Path("loop").symlink_to("loop")
    yield from command(*words)
