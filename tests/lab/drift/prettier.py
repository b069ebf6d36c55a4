"""Upstream files as prettier would lay them out, and where each node of the unchanged file is in that."""

import json
import re
import subprocess
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ast_grep_py import SgNode

from tests.lab.drift import code, nodejs
from tests.lab.drift.changes import Span, Track

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
_KEPT = re.compile(r"[^\s();,'\"\\\ufeff]+")


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
    before, after = Squeezed.of(old), Squeezed.of(new)
    if before.letters != after.letters:
        raise Unmatched("prettier changed more than the layout")
    roots = code.parse(old), code.parse(new)
    return lambda span: _again(*roots, before, after, span)


@dataclass(frozen=True)
class Squeezed:
    """The characters of a text that no formatter changes, in runs: where each starts in the text, and in `letters`."""

    letters: str
    starts: list[int]
    offsets: list[int]

    @classmethod
    @cache
    def of(cls, text: str) -> "Squeezed":
        """Without comments, white space and what formatters add and drop."""
        letters: list[str] = []
        starts, offsets, length, position = [], [], 0, 0
        comments = [code.span(node) for node in code.parse(text).find_all(kind="comment")]
        for start, end in [*sorted(comments), (len(text), len(text))]:
            for run in _KEPT.finditer(text, position, start):
                letters.append(run[0])
                starts.append(run.start())
                offsets.append(length)
                length += len(run[0])
            position = end
        return cls("".join(letters), starts, offsets)

    def index(self, position: int) -> int:
        """How many letters stand before this character of the text."""
        run = bisect_right(self.starts, position) - 1
        if run < 0:
            return 0
        end = self.offsets[run + 1] if run + 1 < len(self.offsets) else len(self.letters)
        return min(self.offsets[run] + position - self.starts[run], end)

    def position(self, index: int) -> int:
        """Where a letter stands in the text."""
        run = bisect_right(self.offsets, index) - 1
        return self.starts[run] + index - self.offsets[run]

    def between(self, span: Span) -> str:
        """The letters of a part of the text."""
        return self.letters[self.index(span[0]) : self.index(span[1])]


def _again(old: SgNode, new: SgNode, before: Squeezed, after: Squeezed, span: Span) -> Span | None:
    index = before.index(span[0])
    if index == len(before.letters) or before.position(index) != span[0]:
        return None
    start = after.position(index)
    wanted = {(node.kind(), before.between(span)) for node in code.covering(old, span[0]) if code.span(node) == span}
    found = [node for node in code.covering(new, start) if code.span(node)[0] == start]
    return next((code.span(node) for node in found if (node.kind(), after.between(code.span(node))) in wanted), None)
