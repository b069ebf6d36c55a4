"""Every splice changes what the program does: a payload of comments, or of what is there already, is not a patch."""

from collections.abc import Iterator

from patcher import javascript
from patcher.gates.problem import Problem
from patcher.model import Build, Position, Splice

_MOST = 60
_HINT = "give the payload what it is to change, or take this site out of the patch"


def check(build: Build) -> Iterator[Problem]:
    """A replacement with the tokens of what it replaces, or an insertion without any token."""
    for layer in build.layers:
        language = javascript.language_of(layer.file)
        for splice in layer.splices:
            if splice.exact or language in javascript.DATA:
                same = splice.payload == splice.was  # comments and blanks count: that is what somebody has changed
            else:
                same = _tokens(splice.payload, language) == _tokens(splice.was, language)  # an insertion was nothing
            if same:
                line = layer.before.count("\n", 0, splice.start) + 1
                yield Problem(f"{layer.file}:{line}", _nothing(splice), _HINT)


def _tokens(text: str, language: str) -> list[str]:
    return list(javascript.tokens(javascript.parse(text, language)))


def _nothing(splice: Splice) -> str:
    name = splice.site
    if splice.position is not Position.REPLACE:
        return f"expected code in the payload of {name}, found none: {_shown(splice.payload)}"
    return f"expected {name} to change what it replaces, {_shown(splice.was)}; found {_shown(splice.payload)}"


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return f"`{line if len(line) <= _MOST else line[:_MOST] + '…'}`"
