"""Would Codex run them? Its version, its feature flag, and what its user has trusted."""

from collections import Counter
from collections.abc import Mapping

from patcher.doctor.app_server import NoAnswer, hooks_list
from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.environment import Ground, Unread
from patcher.doctor.rollouts import newest
from patcher.doctor.trust import SINCE, TRUST_SINCE, entries_in, is_ours, state_of, unknown_to

_ON_BY_DEFAULT = (0, 124)
_UPGRADE = "npm install -g @openai/codex"
_REVIEW = "codex, and there choose `Trust all and continue`; or type /hooks in a session"
_AT_LEAST = "Codex has hooks that are on by default since 0.124.0"


def version(ground: Ground) -> Diagnosis:
    """The Codex on PATH, and what it cannot tell."""
    if ground.codex is None:
        return not_ok("there is no `codex` on PATH", _UPGRADE)
    found = ground.codex_version
    if found is None:
        return not_ok(f"{ground.codex} does not say its version", _UPGRADE)
    shown = ".".join(map(str, found))
    if found < _ON_BY_DEFAULT:
        return not_ok(f"{shown}, {ground.codex}: {_AT_LEAST}", _UPGRADE)
    never = [event for event, since in SINCE.items() if found < since]
    return ok(f"{shown}, {ground.codex}{'; has no ' + ', '.join(never) if never else ''}")


def feature(ground: Ground) -> Diagnosis:
    """`[features].hooks`; `codex_hooks` is its old name, which the new one overrules."""
    config = f"{ground.home}/config.toml"
    try:
        features = ground.config.get("features", {})
    except Unread:
        if not _codex_reads_it(ground):
            raise
        held = ground.status["feature"]
        features = {held["key"]: held["enabled"]} if held["key"] else {}
    if not isinstance(features, dict):
        return not_ok(f"`features` in {config} is no table", f"make it one in {config}")
    key = next((name for name in ("hooks", "codex_hooks") if name in features), None)
    if key is None:
        return ok("on, as by default")
    if features[key] is True:
        return ok(f"on, by `{key} = true`")
    old = " (the old name of `hooks`)" if key == "codex_hooks" else ""
    said = str(features[key]).lower()
    return not_ok(
        f"`[features]` in {config} has `{key} = {said}`{old}", f"set `hooks = true` under [features] in {config}"
    )


def trust(ground: Ground) -> Diagnosis:
    """Whether the user has trusted each entry of ours. Read only: a `trusted_hash` is the user's to give."""
    known = ground.codex_version or _version_of_the_newest(ground)
    if known is not None and known < TRUST_SINCE:
        return ok("this Codex runs hooks without asking")
    if ground.ask_codex:
        return _asked(ground)
    states = states_by_config(ground)
    lacking = unknown_to(known, states)
    return _judged({event: state for event, state in states.items() if event not in lacking}, "by [hooks.state]")


def states_by_config(ground: Ground) -> dict[str, str]:
    """The state of each event's entry of ours, by `hooks.json` and `[hooks.state]`. Raises `Unread`."""
    try:
        held = ground.config.get("hooks", {})
    except Unread:
        if not _codex_reads_it(ground):
            raise
        return {str(entry["event"]): str(entry["state"]) for entry in ground.status["trust"]["entries"]}
    states = held.get("state", {}) if isinstance(held, dict) else {}
    if not isinstance(states, dict):
        raise Unread(f"[hooks.state] in {ground.home}/config.toml is no table", _REVIEW)
    return {entry.event: state_of(entry, states, ground.hooks_paths) for entry in entries_in(ground.hooks)}


def _codex_reads_it(ground: Ground) -> bool:
    """Whether the generated tree, which reads TOML 1.1 as Codex does, has nothing against what Python cannot read."""
    config = ground.status.get("config")
    return isinstance(config, dict) and config.get("problem") is None


def states_by_codex(ground: Ground) -> dict[str, str]:
    """The same, as Codex tells it; an event that it does not know is not in it. Raises `NoAnswer`."""
    if ground.codex is None:
        raise NoAnswer("there is no `codex` on PATH")
    said = hooks_list(ground.codex, ground.directory, ground.env)
    states = {}
    for hook in said.get("hooks", ()):
        if is_ours(hook.get("command")) and hook.get("source") == "user":
            on = hook.get("enabled", True)
            states[str(hook["eventName"])] = str(hook["trustStatus"]) if on else "disabled"
    problems = [*(error.get("message") for error in said.get("errors", ())), *said.get("warnings", ())]
    if not states:
        raise NoAnswer(f"Codex lists no hook of ours{': ' + str(problems[0]) if problems else ''}")
    return states


def _asked(ground: Ground) -> Diagnosis:
    try:
        return _judged(states_by_codex(ground), "says Codex itself")
    except NoAnswer as error:
        return not_ok(str(error), "start `codex`: it says what is wrong")


def _judged(states: Mapping[str, str], source: str) -> Diagnosis:
    if not states:
        return not_checked("there is no entry of ours")
    other = Counter(state for state in states.values() if state not in {"trusted", "managed"})
    if not other:
        return ok(f"{len(states)} of {len(states)} hooks trusted, {source}")
    said = ", ".join(f"{count} {state}" for state, count in sorted(other.items()))
    do = "codex, and there type /hooks to switch them on" if set(other) == {"disabled"} else _REVIEW
    return not_ok(f"{said} of {len(states)} hooks, {source}: Codex skips them without a word", do)


def _version_of_the_newest(ground: Ground) -> tuple[int, ...] | None:
    session = newest(ground.home)
    return session.version if session else None
