"""What the text of a module says about other modules. Leaf module."""

from collections.abc import Mapping
from typing import NamedTuple


class Take(NamedTuple):
    """One `require` or `import`: the module as it is written, the names that are taken from it, and where.

    module: empty where the code names none. line: from 1. shown: the code, for messages.
    """

    module: str
    names: tuple[str, ...]
    line: int = 0
    shown: str = ""


class Facts(NamedTuple):
    """What is known of a whole text that parses: what it takes from which module, and the names that it exports."""

    takes: Mapping[str, tuple[str, ...]]
    gives: frozenset[str]
