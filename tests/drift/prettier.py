"""Upstream files as prettier would lay them out, and where each node of the unchanged file is in that."""

import json
import subprocess
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ast_grep_py import SgNode

from tests.drift import code, nodejs
from tests.drift.changes import Span, Track

VERSION = "3.10.1"
STYLES: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "tabWidth 4": {"tabWidth": 4},
    "useTabs": {"useTabs": True},
    "printWidth 60": {"printWidth": 60},
    "printWidth 140": {"printWidth": 140},
    "no semicolons": {"semi": False},
    "single quotes": {"singleQuote": True},
    "trailing commas none": {"trailingComma": "none"},
    "trailing commas es5": {"trailingComma": "es5"},
    "trailing commas all": {"trailingComma": "all", "printWidth": 100},
    "arrowParens avoid": {"arrowParens": "avoid"},
    "quoteProps consistent": {"quoteProps": "consistent"},
    "bracketSpacing false": {"bracketSpacing": False},
    "objectWrap collapse": {"objectWrap": "collapse"},
    "experimentalTernaries": {"experimentalTernaries": True},
    "operators at the start": {"experimentalOperatorPosition": "start", "printWidth": 60},
    "endOfLine crlf": {"endOfLine": "crlf"},
    "standard": {"semi": False, "singleQuote": True, "trailingComma": "none", "arrowParens": "avoid"},
    "wide and flat": {"printWidth": 140, "tabWidth": 4, "trailingComma": "none", "objectWrap": "collapse"},
    "narrow ternaries": {"printWidth": 60, "experimentalTernaries": True, "semi": False, "quoteProps": "consistent"},
    "everything at once": {
        "semi": False,
        "singleQuote": True,
        "useTabs": True,
        "printWidth": 60,
        "bracketSpacing": False,
        "trailingComma": "none",
        "arrowParens": "avoid",
        "endOfLine": "crlf",
    },
}
_SCRIPT = """
const prettier = require("prettier");
let input = "";
process.stdin.on("data", (chunk) => { input += chunk; }).on("end", async () => {
  const { text, styles } = JSON.parse(input);
  const out = [];
  for (const style of styles) out.push(await prettier.format(text, { ...style, parser: "babel" }));
  process.stdout.write(JSON.stringify(out));
});
"""
_DROPPED = frozenset(" \t\r\n();,'\"\\")


class Unmatched(Exception):
    """The two texts are not one program in two layouts."""


@cache
def formatted(text: str) -> Mapping[str, str]:
    """The text in each style. One process for all of them. Raises `nodejs.Unavailable`."""
    modules = nodejs.installed("prettier", VERSION)
    done = subprocess.run(
        [nodejs.node().path, "-e", _SCRIPT],
        input=json.dumps({"text": text, "styles": list(STYLES.values())}),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={"NODE_PATH": modules},
        check=False,
    )
    if done.returncode != 0:
        raise nodejs.Unavailable(f"prettier failed: {done.stderr.strip().splitlines()[-1:]}")
    return dict(zip(STYLES, json.loads(done.stdout), strict=True))


@cache
def tracker(old: str, new: str) -> Track:
    """Where the nodes of a text are in another one, which says the same in another layout.

    Both texts are squeezed to the characters that no formatter changes; these must be equal, and so pair up the rest.
    Raises `Unmatched`.
    """
    before, after = _squeezed(code.parse(old)), _squeezed(code.parse(new))
    if before.letters != after.letters:
        raise Unmatched("prettier changed more than the layout")
    roots = code.parse(old), code.parse(new)
    return lambda span: _again(*roots, before.positions, after.positions, span)


class Squeezed(NamedTuple):
    """The characters of a text that no formatter changes, and where each of them stands."""

    letters: str
    positions: "array[int]"


def _squeezed(node: SgNode) -> Squeezed:
    letters, positions = [], array("I")
    for leaf in code.leaves(node):
        for position, character in enumerate(leaf.text(), code.span(leaf)[0]):
            if character not in _DROPPED:
                letters.append(character)
                positions.append(position)
    return Squeezed("".join(letters), positions)


def _again(old: SgNode, new: SgNode, before: "array[int]", after: "array[int]", span: Span) -> Span | None:
    index = bisect_left(before, span[0])
    if index == len(before) or before[index] != span[0]:
        return None
    start = after[index]
    wanted = {(node.kind(), _squeezed(node).letters) for node in code.covering(old, span[0]) if code.span(node) == span}
    found = [node for node in code.covering(new, start) if code.span(node)[0] == start]
    return next((code.span(node) for node in found if (node.kind(), _squeezed(node).letters) in wanted), None)
