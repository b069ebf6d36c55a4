"""The versions that a pin was reviewed for, as its field `reviewed` says them.

`v1.1.1 to v1.4.8, v2.0.0: a note` names the first and the last version of each run, and `builtin` is not a version of
upstream.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from patcher.model import version_key

if TYPE_CHECKING:
    from semver import Version

_VERSION = re.compile(r"v(\d+(?:\.\d+)*)")
_REF = re.compile(r"v\d[\w.+-]*(?: at [0-9a-f]{7,40})?")


def refs(reviewed: str) -> list[str]:
    """The refs that it names, in its order: the last one is the newest that was reviewed."""
    return [each.rpartition(" at ")[2] for each in _REF.findall(reviewed)]


def spans(reviewed: str, tag: str) -> bool:
    """Whether a version tag is one that it names, or lies within one of its runs."""
    for run in reviewed.split(", "):
        ends = [version_key(each) for each in refs(run)]
        if all(ends) and ends and ends[0] <= version_key(tag) <= ends[-1]:
            return True
    return False


def newest(reviewed: str) -> tuple["Version", ...]:
    """The newest version that it names, as `version_key`."""
    return max((version_key(each) for each in _VERSION.findall(reviewed)), default=())


def extended(reviewed: str, ref: str, between: Sequence[str] = ()) -> str:
    """The same with `ref` in it too. between: refs after its last one where the pin is not met.

    `v1.1.1 to v1.4.8` becomes `v1.1.1 to v1.5.0`, or `v1.1.1 to v1.4.8, v1.5.0` where a ref between does not meet it.
    """
    if ref in refs(reviewed) or not refs(reviewed):
        return reviewed
    runs, colon, note = reviewed.partition(": ")
    head, comma, last = runs.rpartition(", ")
    begin = last.partition(" to ")[0]
    more = f"{runs}, {ref}" if between else f"{head}{comma}{begin} to {ref}"
    return f"{more}{colon}{note}"
