"""Checks of Codex: would it run the hooks? Its version, its feature flag, and the hooks that its user trusts.

Feature flag and trust are read by the command of the generated tree, as for the sidecar itself.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from patcher.codex.version import HOOK_SINCE, TRUST_SINCE
from patcher.doctor.app_server import NoAnswer, hooks_list
from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.entries import is_ours
from patcher.doctor.environment import Environment, Unreadable, numbers

_ON_BY_DEFAULT = (0, 124)
_UPGRADE = "npm install -g @openai/codex"
_REVIEW = "codex, and there choose `Trust all and continue`; or type /hooks in a session"


def version(environment: Environment) -> Diagnosis:
    """The Codex on PATH, and the hook events that it does not have."""
    if environment.codex is None:
        return not_ok("there is no `codex` on PATH", _UPGRADE)
    found = environment.codex_version
    if found is None:
        return not_ok(f"{environment.codex} does not say its version", _UPGRADE)
    shown = ".".join(map(str, found))
    if found < _ON_BY_DEFAULT:
        return not_ok(f"{shown}, {environment.codex}: Codex has hooks that are on by default since 0.124.0", _UPGRADE)
    lacking = [event for event in HOOK_SINCE if not _knows(found, event)]
    return ok(f"{shown}, {environment.codex}{'; has no ' + ', '.join(lacking) if lacking else ''}")


def feature(environment: Environment) -> Diagnosis:
    """The flag `[features].hooks`; its old name `codex_hooks` is used only without the new one."""
    try:
        status = environment.status
    except Unreadable as error:
        return not_checked(str(error), error.fix)
    if unanswered := _unanswered(status):
        return unanswered
    flag = status["feature"]
    if flag["key"] is None:
        return ok("on, as by default")
    if flag["enabled"] is None:
        return not_checked(f"`{flag['key']}` under [features] is neither true nor false")
    return ok(f"on, by `{flag['key']} = true`") if flag["enabled"] else _feature_off(status)


def _feature_off(status: Mapping[str, Any]) -> Diagnosis:
    for problem in status.get("problems", ()):
        if problem["id"] == "managed-feature-off":  # not in the user's own file
            return not_ok(str(problem["says"]), str(problem["do"]))
    flag, config = status["feature"], status["config"]["path"]
    old = " (the old name of `hooks`)" if flag["old_name"] else ""
    return not_ok(
        f"`[features]` in {config} has `{flag['key']} = false`{old}", f"set `hooks = true` under [features] in {config}"
    )


def trust(environment: Environment) -> Diagnosis:
    """Whether the user trusts each entry of ours. Read only: only the user may give trust."""
    status = {} if environment.ask_codex else environment.status
    known = environment.codex_version or numbers(status.get("codex_version"))
    if known is not None and known < (0, TRUST_SINCE):
        return ok("this Codex runs hooks without asking")
    if environment.ask_codex:
        try:
            return _judged(states_by_codex(environment), "says Codex itself")
        except NoAnswer as error:
            return not_ok(str(error), "start `codex`: it shows the error")
    if unanswered := _unanswered(status):
        return unanswered
    states = {str(entry["event"]): str(entry["state"]) for entry in status["trust"]["entries"]}
    if known is not None:
        states = {event: state for event, state in states.items() if _knows(known, event)}
    elif status["trust"]["state"] == "trusted":  # the other events are not known to this Codex
        states = {event: state for event, state in states.items() if state == "trusted"}
    return _judged(states, "by [hooks.state]")


def _knows(version: tuple[int, ...], event: str) -> bool:
    return version >= (0, HOOK_SINCE.get(event, 0))


def _unanswered(status: Mapping[str, Any]) -> Diagnosis | None:
    """The diagnosis where the generated tree does not report Codex's flag and trust; None where it does."""
    if not {"feature", "trust", "config"} <= status.keys():
        return not_checked("this tree is too old to report it", "sidecar-patcher build")
    if problem := status["config"]["problem"]:
        config = status["config"]["path"]
        return not_ok(f"Codex does not start with {config}: {problem}", f"correct it in {config}")
    return None


def states_by_codex(environment: Environment) -> dict[str, str]:
    """The state of our entry for each event that this Codex knows, as Codex reports it.

    Raises `NoAnswer`.
    """
    if environment.codex is None:
        raise NoAnswer("there is no `codex` on PATH")
    answer = hooks_list(environment.codex, environment.directory, environment.env)
    states = {}
    for hook in answer.get("hooks", ()):
        if is_ours(hook.get("command")) and hook.get("source") == "user":
            on = hook.get("enabled", True)
            states[str(hook["eventName"])] = str(hook["trustStatus"]) if on else "disabled"
    problems = [*(error.get("message") for error in answer.get("errors", ())), *answer.get("warnings", ())]
    if not states:
        raise NoAnswer(f"Codex lists no hook of ours{': ' + str(problems[0]) if problems else ''}")
    return states


def _judged(states: Mapping[str, str], source: str) -> Diagnosis:
    if not states:
        return not_checked("there is no entry of ours")
    other = Counter(state for state in states.values() if state not in {"trusted", "managed"})
    if not other:
        return ok(f"{len(states)} of {len(states)} hooks trusted, {source}")
    counts = ", ".join(f"{count} {state}" for state, count in sorted(other.items()))
    fix = "codex, and there type /hooks to switch them on" if set(other) == {"disabled"} else _REVIEW
    return not_ok(f"{counts} of {len(states)} hooks, {source}: Codex skips them silently", fix)
