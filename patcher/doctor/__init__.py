"""The doctor: everything between the switch and the first session on the screen, looked at in order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from patcher.doctor import codex, delivery, installation
from patcher.doctor.check import Check, Diagnosis, State, not_checked, not_ok
from patcher.doctor.environment import Environment, Unreadable
from patcher.doctor.installation import accepted


@dataclass(frozen=True)
class _CheckSpec:
    """needs: the ids of the checks that have to be ok before this one makes sense."""

    id: str
    title: str
    run: Callable[[Environment], Diagnosis]
    needs: tuple[str, ...] = ()


_SPECS = (
    _CheckSpec("node", "Node", installation.node),
    _CheckSpec("tree", "Generated tree", installation.tree),
    _CheckSpec("intent", "Switch", installation.intent, ("node", "tree")),
    _CheckSpec("master-switch", "Master switch", installation.master_switch, ("node", "tree")),
    _CheckSpec("handler", "Hook handler", installation.handler, ("intent", "master-switch")),
    _CheckSpec("hooks-file", "Hooks file", installation.hooks_file, ("intent", "master-switch")),
    _CheckSpec("duplicates", "No second copy", installation.duplicates),
    _CheckSpec("codex", "Codex CLI", codex.version),
    _CheckSpec("feature", "Feature flag", codex.feature),
    _CheckSpec("trust", "Trust", codex.trust, ("hooks-file",)),
    _CheckSpec("sidecar", "Sidecar", delivery.sidecar),
    _CheckSpec("round-trip", "Test event", delivery.round_trip, ("node", "handler", "sidecar")),
    _CheckSpec("session", "Newest session", delivery.newest_session, ("hooks-file", "feature", "trust", "sidecar")),
)
_ACCEPTED = "accepted"
IDS = (*(spec.id for spec in _SPECS), _ACCEPTED)


def examine(environment: Environment) -> Iterator[Check]:
    """Look at everything, in order. A check whose needs are not ok is `not checked`, and names them."""
    done: dict[str, Check] = {}
    for spec in _SPECS:
        missing = [done[need].title for need in spec.needs if done[need].state is not State.OK]
        found = not_checked(f"first: {', '.join(missing)}") if missing else _diagnosed(spec, environment)
        done[spec.id] = Check(spec.id, spec.title, found.state, found.detail, found.fix)
        yield done[spec.id]
        if spec.id == "hooks-file":
            yield from _accepted(environment, done)


def _accepted(environment: Environment, done: Mapping[str, Check]) -> Iterator[Check]:
    """What Codex makes of the files: a check `accepted-ID` for each problem, or `accepted` when there is none."""
    title = "Accepted"
    missing = [done[need].title for need in ("intent", "master-switch") if done[need].state is not State.OK]
    if missing:
        found = [("", not_checked(f"first: {', '.join(missing)}"))]
    else:
        try:
            found = accepted(environment)
        except Unreadable as error:
            found = [("", not_ok(str(error), error.fix))]
    for problem, finding in found:
        yield Check(
            f"{_ACCEPTED}-{problem}" if problem else _ACCEPTED, title, finding.state, finding.detail, finding.fix
        )


def _diagnosed(spec: _CheckSpec, environment: Environment) -> Diagnosis:
    try:
        return spec.run(environment)
    except Unreadable as error:
        return not_ok(str(error), error.fix)
