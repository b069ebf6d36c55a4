"""The result of one check of the doctor: what it found, and how to fix it. Leaf module."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The result of a check. The values are part of the interface."""

    OK = "ok"
    NOT_OK = "not ok"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Diagnosis:
    """detail: what was found, in a sentence. fix: the command or the action; empty when there is nothing to do."""

    state: State
    detail: str
    fix: str = ""


class Problem(Exception):
    """Raised inside a check that is not ok; `fix` is what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True)
class Check:
    """A diagnosis with the name of the check. id: stable, for scripts to match."""

    id: str
    title: str
    state: State
    detail: str
    fix: str = ""


def ok(detail: str) -> Diagnosis:
    """The diagnosis of a check that passed."""
    return Diagnosis(State.OK, detail)


def not_ok(detail: str, fix: str) -> Diagnosis:
    """The diagnosis of a check that failed."""
    return Diagnosis(State.NOT_OK, detail, fix)


def not_checked(why: str, fix: str = "") -> Diagnosis:
    """The diagnosis of a check that was not run, or has nothing to check yet."""
    return Diagnosis(State.NOT_CHECKED, why, fix)
