"""Every patched or added file of JavaScript or TypeScript parses; a patched one did so before, as upstream ships it."""

import re
from collections.abc import Iterator

from patcher import javascript
from patcher.gates import verified
from patcher.gates.problem import Problem
from patcher.model import Build

_CONFLICT = re.compile(r"^<{7} .*^={7}\s.*^>{7} ", re.MULTILINE | re.DOTALL)
_HINT = "no patch can be judged in a file that Node does not load: mend it upstream, or build from another ref"


def check(build: Build) -> Iterator[Problem]:
    """The first syntax error of each file; one that upstream had before us is not forgiven, and told apart."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for layer in build.layers:
        first.setdefault(layer.file, layer.before)
        last[layer.file] = layer.after
    for path, text in first.items():
        errors = _errors(path, text)
        if errors:
            last.pop(path)
            yield Problem(f"{path}:{errors[0]}", f"upstream's own file has a syntax error{_about(text)}", _HINT)
    for path, file in build.added.items():
        if javascript.is_program(path, file.data) and verified.facts(path, file) is None:
            last[path] = file.data.decode()
    for path, text in last.items():
        errors = _errors(path, text)
        if errors:
            yield Problem(f"{path}:{errors[0]}", "does not parse")


def _errors(path: str, text: str) -> list[int]:
    return javascript.syntax_errors(javascript.parse(text, javascript.language_of(path)))


def _about(text: str) -> str:
    return ": there are markers of a merge conflict" if _CONFLICT.search(text) else ""
