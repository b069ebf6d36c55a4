"""No template delimiter is left in anything that we rendered."""

from collections.abc import Iterator

from patcher.gates.problem import Problem
from patcher.model import Build
from patcher.resources import DELIMITERS


def check(build: Build) -> Iterator[Problem]:
    """A delimiter in a payload or an added file: something was not rendered."""
    added = {path: file.data.decode("utf-8", "replace") for path, file in build.added.items()}
    for where, text in {**added, **build.payloads}.items():
        for delimiter in DELIMITERS:
            if delimiter in text:
                line = text.count("\n", 0, text.index(delimiter)) + 1
                yield Problem(f"{where}:{line}", f"the template delimiter `{delimiter}` is left over")
