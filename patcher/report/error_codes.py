"""The meaning of each error code and what to do, for `explain CODE` and for the table in `patcher/README.md`."""

import ast
import inspect
import os
import tomllib
from dataclasses import dataclass

from patcher import errors
from patcher.resources import PACKAGE


@dataclass(frozen=True)
class ErrorCode:
    """One code, or a family: `gate-…` is every code with this prefix. exit_code: of a run that ends with it."""

    code: str
    meaning: str
    exit_code: int
    fix: str

    def is_of(self, code: str) -> bool:
        """Whether this is the code or a family that it belongs to."""
        return code == self.code or (self.code.endswith("…") and code.startswith(self.code[:-1]))


def known() -> list[ErrorCode]:
    """Every code, sorted. The meaning of the code of an error class is the docstring of the class."""
    with open(os.path.join(PACKAGE, "report", "error_codes.toml"), "rb") as stream:
        table = tomllib.load(stream)
    for node in ast.parse(inspect.getsource(errors)).body:  # `python -OO` has no docstrings
        if isinstance(node, ast.ClassDef) and (of_class := getattr(errors, node.name)).code in table:
            meaning = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            table[of_class.code] |= {"meaning": meaning, "exit_code": of_class.exit_code}
    return [ErrorCode(code, **fields) for code, fields in sorted(table.items())]


def of(code: str) -> ErrorCode | None:
    """The entry of a code, given as `CODE` or `error[CODE]`; None for an unknown one."""
    wanted = code.removeprefix("error[").removesuffix("]")
    return max((each for each in known() if each.is_of(wanted)), key=lambda each: len(each.code), default=None)


def to_text(found: ErrorCode) -> str:
    """For a person at a terminal."""
    return f"{found.code}: {found.meaning}\n\nwhat to do  {found.fix}\nexit code   {found.exit_code}\n"


def to_markdown() -> str:
    """The table of all codes."""
    rows = (f"| `{each.code}` | {each.exit_code} | {each.meaning} | {each.fix} |\n" for each in known())
    return f"| error | exit code | meaning | what to do |\n|---|---|---|---|\n{''.join(rows)}"
