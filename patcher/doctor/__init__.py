"""The doctor: everything between the switch and the first session on the screen, looked at in order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from patcher.doctor import codex, delivery, installation
from patcher.doctor.check import Check, Diagnosis, State, not_checked, not_ok
from patcher.doctor.environment import Ground, Unread
from patcher.doctor.installation import accepted


@dataclass(frozen=True)
class _Look:
    """needs: the ids of the looks that have to be ok before this one makes sense."""

    id: str
    title: str
    look: Callable[[Ground], Diagnosis]
    needs: tuple[str, ...] = ()


_LOOKS = (
    _Look("node", "Node", installation.node),
    _Look("tree", "Generated tree", installation.tree),
    _Look("intent", "Switch", installation.intent, ("node", "tree")),
    _Look("master-switch", "Master switch", installation.master_switch, ("node", "tree")),
    _Look("handler", "Hook handler", installation.handler, ("intent", "master-switch")),
    _Look("hooks-file", "Hooks file", installation.hooks_file, ("intent", "master-switch")),
    _Look("duplicates", "No second copy", installation.duplicates),
    _Look("codex", "Codex CLI", codex.version),
    _Look("feature", "Feature flag", codex.feature),
    _Look("trust", "Trust", codex.trust, ("hooks-file",)),
    _Look("sidecar", "Sidecar", delivery.sidecar),
    _Look("round-trip", "Test event", delivery.round_trip, ("node", "handler", "sidecar")),
    _Look("session", "Newest session", delivery.newest_session, ("hooks-file", "feature", "trust", "sidecar")),
)
_ACCEPTED = "accepted"
IDS = (*(look.id for look in _LOOKS), _ACCEPTED)


def examine(ground: Ground) -> Iterator[Check]:
    """Look at everything, in order. A look whose ground is not there is `not checked`, and says for want of what."""
    done: dict[str, Check] = {}
    for look in _LOOKS:
        missing = [done[need].title for need in look.needs if done[need].state is not State.OK]
        found = not_checked(f"first: {', '.join(missing)}") if missing else _looked(look, ground)
        done[look.id] = Check(look.id, look.title, found.state, found.found, found.do)
        yield done[look.id]
        if look.id == "hooks-file":
            yield from _accepted(ground, done)


def _accepted(ground: Ground, done: Mapping[str, Check]) -> Iterator[Check]:
    """What Codex makes of the files: a check `accepted-ID` for each problem, or `accepted` when there is none."""
    title = "Accepted"
    missing = [done[need].title for need in ("intent", "master-switch") if done[need].state is not State.OK]
    if missing:
        found = [("", not_checked(f"first: {', '.join(missing)}"))]
    else:
        try:
            found = accepted(ground)
        except Unread as error:
            found = [("", not_ok(str(error), error.do))]
    for problem, finding in found:
        yield Check(f"{_ACCEPTED}-{problem}" if problem else _ACCEPTED, title, finding.state, finding.found, finding.do)


def _looked(look: _Look, ground: Ground) -> Diagnosis:
    try:
        return look.look(ground)
    except Unread as error:
        return not_ok(str(error), error.do)
