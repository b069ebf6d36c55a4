"""The list of texts that esprima has passed is what esprima says today."""

from patcher.gates.portable import LOCK
from tests.lab.portable_lock import expected


def test_the_lock_lists_exactly_what_esprima_passes() -> None:
    with open(LOCK, encoding="ascii") as stream:
        assert stream.read() == expected(), "python -m tests.lab.portable_lock --write"
