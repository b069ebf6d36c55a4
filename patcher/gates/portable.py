"""What runs on the user's own Node stays within ES2017; a payload within what upstream's `engines` allow.

`esprima` 4.0.1 parses ES2017 and, it turned out, some of ES2018 and later: those few are looked for by hand. Loading it
takes half a second and 100 MB, so only a text that is not in the record of verified texts is parsed.

It does not judge TypeScript: what is put into the client is compiled by upstream's own tool chain, for the browsers
that it names; there is no ES2017 to hold it to before that.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates import verified
from patcher.gates.engines import least_node, newer
from patcher.gates.problem import Problem
from patcher.model import Build

_NEWER_IN_A_REGEX = re.compile(r"\(\?<[=!]|\(\?<\w+>|\\p\{")


def check(build: Build) -> Iterator[Problem]:
    """Judge each portable file: ES2017. A payload may use what upstream's `engines` allow."""
    for where, text in build.portable.items():
        if where in build.payloads:
            yield from _beyond_engines(where, build)
        elif not verified.is_es2017(text):
            yield from judge(where, text)


def _beyond_engines(where: str, build: Build) -> Iterator[Problem]:
    """A payload runs in the sidecar: what its `engines` allow, it may use."""
    node = least_node(build.tree)
    hint = f"upstream's `engines` allow Node {node}: write it in an older way"
    for found, what in newer(javascript.parse(build.payloads[where]), node):
        yield Problem(f"{where}:{javascript.line_of(found)}", f"is newer than the sidecar's Node: {what}", hint)


def judge(where: str, text: str) -> Iterator[Problem]:
    """Whether the text is ES2017, by `esprima` and by the list of what it lets through."""
    import esprima

    try:
        esprima.parseScript(re.sub(r"\A#!", "//", text))
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
