"""Checks of delivery: does an event arrive? The sidecar, a test event, and the newest session."""

import os

from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.environment import Environment, Unreadable
from patcher.doctor.rollouts import newest
from patcher.doctor.round_trip import send_test_event
from patcher.doctor.sidecar import NotResponding, Running, ports_of_the_handler, reach
from patcher.upstream import foreign_json

_ACTIVITY = "codex-hooks-seen.json"


def sidecar(environment: Environment) -> Diagnosis:
    """Whether a sidecar answers on the port that the hooks send to."""
    their_ports = ports_of_the_handler(environment.env)
    port = environment.port or their_ports[0]
    try:
        environment.running = reach(port)
    except NotResponding as error:
        return not_ok(
            f"no sidecar answers on port {port} of this machine ({error})",
            f"node {environment.server}  (on another port? sidecar-patcher doctor --port N)",
        )
    if port not in their_ports:
        sent = ", ".join(map(str, their_ports))
        return not_ok(
            f"it answers on port {port}, and the hooks send to {sent}", f"export CLAUDE_DASHBOARD_PORT={port}"
        )
    return _same_files(environment, environment.running) or ok(f"answers on port {port}")


def _same_files(environment: Environment, running: Running) -> Diagnosis | None:
    """The diagnosis of a sidecar that uses other files than this environment; None where it uses the same."""
    port, hooks_file = running.port, running.hooks_file
    if running.status.get("forced_off"):
        return not_ok(
            f"the sidecar on port {port} was started with DASHBOARD_CODEX_HOOKS, which forces the hooks off",
            "unset DASHBOARD_CODEX_HOOKS where the sidecar is started, and start it again",
        )
    data_dir, own = running.data_dir, _data_dir_of_the_tree(environment)
    if data_dir and own and os.path.realpath(data_dir) != os.path.realpath(own):
        return not_ok(
            f"it answers on port {port}, with its data in {data_dir}, not in {own}",
            f"sidecar-patcher doctor --data-dir {data_dir}",
        )
    if hooks_file and os.path.realpath(os.path.dirname(hooks_file)) != os.path.realpath(environment.home):
        other = os.path.dirname(hooks_file)
        return not_ok(
            f"the sidecar on port {port} manages {hooks_file}, not {environment.home}",
            f"start it with CODEX_HOME={environment.home}, or look there: sidecar-patcher doctor --codex-home {other}",
        )
    return None


def _data_dir_of_the_tree(environment: Environment) -> str | None:
    try:
        return os.path.dirname(str(environment.status["handler"]["path"]))
    except Unreadable:
        return None  # an earlier check has reported it


def round_trip(environment: Environment) -> Diagnosis:
    """Send an event through the real handler, find it through the API, and remove it from the database."""
    running = _running(environment)
    if running.data_dir is None:
        return not_checked("the sidecar does not say where its data is, so a test event could not be removed again")
    try:
        seconds = send_test_event(
            running, str(environment.node), environment.status["handler"]["path"], environment.env
        )
    except NotResponding as error:
        return not_ok(f"the sidecar stopped answering: {error}", "start it again")
    return ok(f"there and back in {seconds * 1000:.0f} ms; removed again")


def newest_session(environment: Environment) -> Diagnosis:
    """Whether the sidecar knows the newest session of Codex, and has events of it from hooks."""
    found = newest(environment.home)
    if found is None:
        return not_checked(f"there is no session below {environment.home}/sessions yet", "codex")
    session, path = found
    try:
        status, content = _running(environment).get(f"/api/sessions/{session}")
    except NotResponding as error:
        return not_ok(f"the sidecar stopped answering: {error}", "start it again")
    if status != 200:
        return not_ok(
            f"the sidecar does not know {session} ({path})",
            "start the sidecar with the CODEX_HOME of your Codex; a new file takes some seconds",
        )
    if _hooked(environment, session, content):
        return ok(f"{session}: known, and reported by hooks")
    if _must_be_hooked(environment):
        return not_ok(
            f"{session}: known from its file; no hook has reported it",
            "leave `codex` and start it again: a session keeps the hooks that it began with",
        )
    return not_checked(f"{session}: known from its file; it began before the hooks were in place", "codex")


def _running(environment: Environment) -> Running:
    if environment.running is None:
        raise NotResponding("nothing has answered yet")
    return environment.running


def _hooked(environment: Environment, session: str, content: object) -> bool:
    """Whether rows of the session, or the sidecar's file of hook activity, come from hooks."""
    events = content.get("events") if isinstance(content, dict) else None
    rows = events if isinstance(events, list) else []
    if any(isinstance(row, dict) and row.get("capture") in {"hook", "both"} for row in rows):
        return True
    try:
        with open(os.path.join(_running(environment).data_dir or "", _ACTIVITY), encoding="utf-8") as file:
            return session in foreign_json.loads(file.read()).get("sessions", ())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _must_be_hooked(environment: Environment) -> bool:
    """Whether the session began with hooks and trust in place, according to the sidecar."""
    receiving = _running(environment).status.get("receiving")
    return isinstance(receiving, dict) and receiving.get("last_session_hooked") is False
