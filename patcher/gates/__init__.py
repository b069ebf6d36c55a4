"""Stage 6: the static gates, in the order in which they run. Each is one module with one `check`.

A gate yields problems; none means it passed. A gate that cannot run has failed.
"""

from collections.abc import Callable, Iterable

from patcher.errors import PatcherError
from patcher.gates import (
    changes_something,
    declared_once,
    declared_scopes,
    free_identifiers,
    imports,
    module_kinds,
    parses,
    portable,
    residue,
    reversible,
    untouched,
)
from patcher.gates.problem import Problem
from patcher.model import Build, GateResult, Tree

Gate = Callable[[Build], Iterable[Problem]]

GATES: tuple[tuple[str, Gate], ...] = (
    ("template-residue", residue.check),
    ("parses", parses.check),
    ("untouched-bytes", untouched.check),
    ("declared-scopes", declared_scopes.check),
    ("declared-once", declared_once.check),
    ("changes-something", changes_something.check),
    ("module-kind", module_kinds.check),
    ("free-identifiers", free_identifiers.check),
    ("imports", imports.check),
    ("portable", portable.check),
    ("reversible", reversible.check),
)
SECOND_BUILD = "second-build"
GATE_IDS = (*(name for name, _ in GATES), SECOND_BUILD)


def gate(build: Build, build_again: Callable[[Tree], Tree]) -> tuple[GateResult, ...]:
    """Run every gate on what a build produced. `build_again` is the flow itself, for the second build."""

    def second_build(first: Build) -> Iterable[Problem]:
        again = build_again(first.tree)
        changed = [path for path in sorted({*first.tree, *again}) if first.tree.get(path) != again.get(path)]
        return [Problem(path, "a second build over the result changes this file") for path in changed]

    return tuple(_run(name, check, build) for name, check in (*GATES, (SECOND_BUILD, second_build)))


def _run(name: str, check: Gate, build: Build) -> GateResult:
    try:
        problems = list(check(build))
    except PatcherError as error:
        message = f"could not run: {error.code}: {error.message}"
        return GateResult(name, ok=False, message=message, where=error.where, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - whatever broke it, a gate that cannot run has failed
        return GateResult(name, ok=False, message=f"could not run: {type(error).__name__}: {error}")
    if not problems:
        return GateResult(name, ok=True)
    message = "; ".join(f"{problem.where}: {problem.message}" for problem in problems)
    hint = next((problem.hint for problem in problems if problem.hint), "")
    return GateResult(name, ok=False, message=message, where=problems[0].where, hint=hint)
