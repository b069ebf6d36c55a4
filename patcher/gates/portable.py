"""What runs on the user's own Node, handlers and payloads, stays within ES2017.

`esprima` 4.0.1 parses ES2017 and, it turned out, some of ES2018 and later: those few are looked for by hand.
"""

import re
from collections.abc import Iterator

import esprima
from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.problem import Problem
from patcher.model import Build

_NEWER_IN_A_REGEX = re.compile(r"\(\?<[=!]|\(\?<\w+>|\\p\{")


def check(build: Build) -> Iterator[Problem]:
    """Parse each portable file as it is, and each payload where all statements may stand: in a function and a loop."""
    for where, text in build.portable.items():
        try:
            esprima.parseScript(text)
        except esprima.Error as error:
            yield Problem(where, f"is not ES2017: {error}")
        for node, what in _newer(javascript.parse(text)):
            yield Problem(f"{where}:{javascript.line_of(node)}", f"is not ES2017: {what}")


def _newer(root: SgNode) -> Iterator[tuple[SgNode, str]]:
    for kind, holder, what in (
        ("spread_element", "object", "object spread"),
        ("rest_pattern", "object_pattern", "object rest"),
    ):
        for node in root.find_all(kind=kind):
            parent = node.parent()
            if parent is not None and parent.kind() == holder:
                yield node, what
    for node in root.find_all(kind="import"):
        yield node, "`import()`"
    for node in root.find_all(kind="regex"):
        pattern, flags = node.field("pattern"), node.field("flags")
        if flags is not None and set(flags.text()) - set("gimuy"):
            yield node, f"the regular expression flags `{flags.text()}`"
        if pattern is not None and _NEWER_IN_A_REGEX.search(pattern.text()):
            yield node, "a look-behind, a named group or a Unicode property in a regular expression"
