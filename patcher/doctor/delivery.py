"""Does an event arrive? The sidecar, a test event there and back, and the newest session."""

import os

from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.environment import Ground, Unread
from patcher.doctor.rollouts import Session, newest
from patcher.doctor.round_trip import Refused, travel
from patcher.doctor.sidecar import Running, Silent, ports_of_the_handler, reach
from patcher.upstream import foreign_json

_SEEN = "codex-hooks-seen.json"


def sidecar(ground: Ground) -> Diagnosis:
    """A sidecar that answers, where the hooks would send their events."""
    theirs = ports_of_the_handler(ground.env)
    port = ground.port or theirs[0]
    try:
        ground.running = reach(port)
    except Silent as error:
        return not_ok(
            f"no sidecar answers on port {port} of this machine ({error})",
            f"node {ground.server}  (on another port? sidecar-patcher doctor --port N)",
        )
    if port not in theirs:
        sent = ", ".join(map(str, theirs))
        return not_ok(
            f"it answers on port {port}, and the hooks send to {sent}", f"export CLAUDE_DASHBOARD_PORT={port}"
        )
    return _same_files(ground, ground.running) or ok(f"answers on port {port}")


def _same_files(ground: Ground, running: Running) -> Diagnosis | None:
    """Where the sidecar looks elsewhere than we do; its environment may be another."""
    port, theirs = running.port, running.hooks_file
    if running.says.get("forced_off"):
        return not_ok(
            f"the sidecar on port {port} was started with DASHBOARD_CODEX_HOOKS, which forces the hooks off",
            "unset DASHBOARD_CODEX_HOOKS where the sidecar is started, and start it again",
        )
    there, own = running.data_dir, _data_dir_of_the_tree(ground)
    if there and own and os.path.realpath(there) != os.path.realpath(own):
        return not_ok(
            f"it answers on port {port}, with its data in {there}, not in {own}",
            f"sidecar-patcher doctor --data-dir {there}",
        )
    if theirs and os.path.realpath(os.path.dirname(theirs)) != os.path.realpath(ground.home):
        other = os.path.dirname(theirs)
        return not_ok(
            f"the sidecar on port {port} looks after {theirs}, not after {ground.home}",
            f"start it with CODEX_HOME={ground.home}, or look there: sidecar-patcher doctor --codex-home {other}",
        )
    return None


def _data_dir_of_the_tree(ground: Ground) -> str | None:
    try:
        return os.path.dirname(str(ground.status["handler"]["path"]))
    except Unread:
        return None  # the look at the tree has said why


def round_trip(ground: Ground) -> Diagnosis:
    """One event through the real handler into the database, seen through the API, and taken out again."""
    running = _running(ground)
    if running.data_dir is None:
        return not_checked("the sidecar does not say where its data is, so a test event could not be removed again")
    try:
        seconds = travel(running, str(ground.node), ground.status["handler"]["path"], ground.env)
    except Refused as error:
        return not_ok(str(error), error.do)
    except Silent as error:
        return not_ok(f"the sidecar stopped answering: {error}", "start it again")
    return ok(f"there and back in {seconds * 1000:.0f} ms; removed again")


def newest_session(ground: Ground) -> Diagnosis:
    """The session that Codex wrote last: known to the sidecar, and told of by hooks."""
    session = newest(ground.home)
    if session is None:
        return not_checked(f"there is no session below {ground.home}/sessions yet", "codex")
    try:
        status, content = _running(ground).get(f"/api/sessions/{session.id}")
    except Silent as error:
        return not_ok(f"the sidecar stopped answering: {error}", "start it again")
    if status != 200:
        return not_ok(
            f"the sidecar does not know {session.id} ({session.path})",
            "start the sidecar with the CODEX_HOME of your Codex; a new file takes some seconds",
        )
    if _hooked(ground, session, content):
        return ok(f"{session.id}: known, and told of by hooks")
    if _must_be_hooked(ground):
        return not_ok(
            f"{session.id}: known from its file; no hook has told of it",
            "leave `codex` and start it again: a session keeps the hooks that it began with",
        )
    return not_checked(f"{session.id}: known from its file; it began before the hooks were in place", "codex")


def _running(ground: Ground) -> Running:
    if ground.running is None:
        raise Silent("nothing has answered yet")
    return ground.running


def _hooked(ground: Ground, session: Session, content: object) -> bool:
    """By the rows of the session, or by what the sidecar remembers of hooks."""
    events = content.get("events") if isinstance(content, dict) else None
    rows = events if isinstance(events, list) else []
    if any(isinstance(row, dict) and row.get("capture") in {"hook", "both"} for row in rows):
        return True
    try:
        with open(os.path.join(_running(ground).data_dir or "", _SEEN), encoding="utf-8") as file:
            return session.id in foreign_json.loads(file.read()).get("sessions", ())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _must_be_hooked(ground: Ground) -> bool:
    """Whether that session began with hooks and trust in place: the sidecar keeps count of that."""
    receiving = _running(ground).says.get("receiving")
    return isinstance(receiving, dict) and receiving.get("last_session_hooked") is False
