"""What runs on the user's own Node, handlers and payloads, stays within ES2017: `esprima` parses that and no more."""

from collections.abc import Iterator

import esprima

from patcher.gates.problem import Problem
from patcher.model import Build


def check(build: Build) -> Iterator[Problem]:
    """Parse each portable file as it is, and each payload inside a function and a loop, where all statements may stand."""
    for where, text in build.portable.items():
        try:
            esprima.parseScript(text)
        except esprima.Error as error:
            yield Problem(where, f"is not ES2017: {error}")
