"""What the text of a module says about other modules. Leaf module."""

from collections.abc import Mapping
from typing import NamedTuple


class Take(NamedTuple):
    """One `require` or `import`: the module as it is written, the names that are taken from it, and where.

    module: empty where the code names none. line: from 1. shown: the code, for messages.
    exact: an `import` that Node runs: the path is the file's whole path, and any module has a `default`.
    """

    module: str
    names: tuple[str, ...]
    line: int = 0
    shown: str = ""
    exact: bool = False


class Facts(NamedTuple):
    """What is known of a whole text that parses: what it takes from which module, and the names that it exports.

    kinds: of module that it runs in, `commonjs` and `module`; empty for TypeScript, which Node does not run.
    """

    takes: Mapping[str, tuple[str, ...]]
    gives: frozenset[str]
    kinds: frozenset[str]
