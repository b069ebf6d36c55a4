"""The comment above each pin of a declaration: which versions it was reviewed for.

`# v1.1.1 to v1.4.8, v2.0.0` names the first and the last version of each run; `builtin` is no version of upstream.
"""

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from patcher.model import version_key

if TYPE_CHECKING:
    from semver import Version

_VERSION = re.compile(r"v(\d+(?:\.\d+)*)")
_REF = re.compile(r"v\d[\w.+-]*(?: at [0-9a-f]{7,40})?")


def comments(source: str) -> dict[tuple[int, int, int], str]:
    """The comment above each pin, by the numbers of site, anchor and pin, from 0. Without its `#`."""
    lines = source.splitlines()
    return {
        (number, anchor_number, pin_number): _above(lines, pin.lineno)
        for number, site in enumerate(_calls(_patch(source), "sites"))
        for anchor_number, anchor in enumerate(_calls(site, "anchors"))
        for pin_number, pin in enumerate(_calls(anchor, "pins"))
    }


def refs(comment: str) -> list[str]:
    """The refs that a comment names, in its order: the last one is the newest that was reviewed."""
    return [each.rpartition(" at ")[2] for each in _REF.findall(comment)]


def spans(comment: str, tag: str) -> bool:
    """Whether a version tag is one that a comment names, or lies within one of its runs."""
    for run in comment.split(", "):
        ends = [version_key(each) for each in refs(run)]
        if all(ends) and ends and ends[0] <= version_key(tag) <= ends[-1]:
            return True
    return False


def newest(comment: str) -> tuple["Version", ...]:
    """The newest version that a comment names, as `version_key`."""
    return max((version_key(each) for each in _VERSION.findall(comment)), default=())


def extended(comment: str, ref: str, between: Sequence[str] = ()) -> str:
    """The comment with `ref` in it too. between: refs after the comment's last one where the pin is not met.

    `v1.1.1 to v1.4.8` becomes `v1.1.1 to v1.5.0`, or `v1.1.1 to v1.4.8, v1.5.0` where a ref between does not meet it.
    """
    if ref in refs(comment) or not refs(comment):
        return comment
    head, comma, last = comment.rpartition(", ")
    if between:
        return f"{comment}, {ref}"
    begin = last.partition(" to ")[0]
    return f"{head}{comma}{begin} to {ref}"


def _patch(source: str) -> ast.Call | None:
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        named = any(isinstance(target, ast.Name) and target.id == "PATCH" for target in targets)
        if named and isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            return node.value
    return None


def _calls(call: ast.Call | None, keyword: str) -> list[ast.Call]:
    """The calls in the tuple of a keyword argument; none where it is not written out."""
    values = [each.value for each in (call.keywords if call else ()) if each.arg == keyword]
    elements = values[0].elts if values and isinstance(values[0], ast.Tuple) else []
    return [element for element in elements if isinstance(element, ast.Call)]


def _above(lines: Sequence[str], line: int) -> str:
    text = lines[line - 2].strip() if line > 1 else ""
    return text.removeprefix("#").strip() if text.startswith("#") else ""
