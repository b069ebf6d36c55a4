"""What one look of the doctor has found, and what to type. Leaf module."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The words are part of the interface."""

    OK = "ok"
    NOT_OK = "not ok"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Diagnosis:
    """One look. found: what is there, in a sentence. do: what to type or to do; empty when there is nothing to do."""

    state: State
    found: str
    do: str = ""


@dataclass(frozen=True)
class Check:
    """A finding with the name of what was looked at. id is stable and is what a script matches on."""

    id: str
    title: str
    state: State
    found: str
    do: str = ""


def ok(found: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(State.OK, found)


def not_ok(found: str, do: str) -> Diagnosis:
    """It is not as it has to be; `do` puts it right."""
    return Diagnosis(State.NOT_OK, found, do)


def not_checked(why: str, do: str = "") -> Diagnosis:
    """Nobody has looked, or there is nothing to look at yet."""
    return Diagnosis(State.NOT_CHECKED, why, do)
