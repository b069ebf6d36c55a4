"""The doctor: checks, in order, everything from the switch to the first session on the screen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from patcher.doctor import agents, codex, delivery, installation
from patcher.doctor.check import Check, Diagnosis, Problem, State, not_checked, not_ok
from patcher.doctor.environment import Environment


@dataclass(frozen=True)
class _CheckSpec:
    """run: returns a diagnosis, or several with a suffix for the id. needs: the checks that must be ok first."""

    id: str
    title: str
    run: Callable[[Environment], Diagnosis | list[tuple[str, Diagnosis]]]
    needs: tuple[str, ...] = ()


_SPECS = (
    _CheckSpec("node", "Node", installation.node),
    _CheckSpec("tree", "Generated tree", installation.tree),
    _CheckSpec("intent", "Switch", installation.intent, ("node", "tree")),
    _CheckSpec("master-switch", "Master switch", installation.master_switch, ("node", "tree")),
    _CheckSpec("handler", "Hook handler", installation.handler, ("intent", "master-switch")),
    _CheckSpec("hooks-file", "Hooks file", installation.hooks_file, ("intent", "master-switch")),
    _CheckSpec("accepted", "Accepted", installation.accepted, ("intent", "master-switch")),
    _CheckSpec("duplicates", "No second copy", installation.duplicates),
    _CheckSpec("codex", "Codex CLI", codex.version),
    _CheckSpec("feature", "Feature flag", codex.feature),
    _CheckSpec("trust", "Trust", codex.trust, ("hooks-file",)),
    _CheckSpec("sidecar", "Sidecar", delivery.sidecar),
    _CheckSpec("round-trip", "Test event", delivery.round_trip, ("node", "handler", "sidecar")),
    _CheckSpec("session", "Newest session", delivery.newest_session, ("hooks-file", "feature", "trust", "sidecar")),
    _CheckSpec("agents", "Other agents", agents.others, ("tree",)),
)
IDS = tuple(spec.id for spec in _SPECS)


def examine(environment: Environment) -> Iterator[Check]:
    """Run the checks, in order. A check whose needs are not ok is `not checked`, and names them.

    Instead of `accepted` there is one check `accepted-PROBLEM` for each problem, if there are any; instead of `agents`
    one check `agents-AGENT` for each other agent on this machine.
    """
    done: dict[str, Check] = {}
    for spec in _SPECS:
        missing = [done[need].title for need in spec.needs if done[need].state is not State.OK]
        found = not_checked(f"first: {', '.join(missing)}") if missing else _diagnosed(spec, environment)
        for end, each in found if isinstance(found, list) else [("", found)]:
            done[spec.id] = Check(f"{spec.id}{end}", spec.title, each.state, each.detail, each.fix)
            yield done[spec.id]


def _diagnosed(spec: _CheckSpec, environment: Environment) -> Diagnosis | list[tuple[str, Diagnosis]]:
    try:
        return spec.run(environment)
    except Problem as error:
        return not_ok(str(error), error.fix)
