"""What a gate found wrong, and where. Leaf module."""

from typing import NamedTuple


class Problem(NamedTuple):
    """`where` is a path of the generated tree, with `:line` where there is one. `hint`: what to do."""

    where: str
    message: str
    hint: str = ""
