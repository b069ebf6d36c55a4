"""The result of one check of the doctor: what it has found, and what to type. Leaf module."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The words are part of the interface."""

    OK = "ok"
    NOT_OK = "not ok"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Diagnosis:
    """detail: what is there, in a sentence. fix: what to type or to do; empty when there is nothing to do."""

    state: State
    detail: str
    fix: str = ""


class Problem(Exception):
    """Why a check is not ok, from deep inside it; `fix` is what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True)
class Check:
    """A diagnosis with the name of what was checked. id: stable, what a script matches on."""

    id: str
    title: str
    state: State
    detail: str
    fix: str = ""


def ok(detail: str) -> Diagnosis:
    """It is as it has to be."""
    return Diagnosis(State.OK, detail)


def not_ok(detail: str, fix: str) -> Diagnosis:
    """It is not as it has to be."""
    return Diagnosis(State.NOT_OK, detail, fix)


def not_checked(why: str, fix: str = "") -> Diagnosis:
    """It was not checked, or there is nothing to check yet."""
    return Diagnosis(State.NOT_CHECKED, why, fix)
