"""Checks of the installation: Node, the generated tree, the user's choice, the handler, and Codex's hooks file."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from patcher import generated
from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.entries import events_in
from patcher.doctor.environment import COMMAND, Environment, Unreadable, read_hooks, read_toml
from patcher.errors import ManifestUnreadable
from patcher.node.find import OLDEST

_OF_THE_FILES = ("hooks-file-", "config-", "managed-")
_MORE = {"entry-async"}
_MAX_SHOWN = 3
_OLDEST = (16,)  # for `codex-hooks.js`; the handler runs on anything
_INSTALL = "install Node 22.5 or newer, in front on PATH"


def node(environment: Environment) -> Diagnosis:
    """The `node` that the hooks run; the sidecar may run on another one."""
    if environment.node_on_path is None:
        return not_ok("the hooks run `node`, and there is none on PATH", _INSTALL)
    found = environment.version(environment.node_on_path)
    if found is None:
        return not_ok(f"{environment.node_on_path} does not run", _INSTALL)
    shown = f"{'.'.join(map(str, found))}, {environment.node_on_path}"
    if found < _OLDEST:
        return not_ok(f"{shown} is older than {_OLDEST[0]}", _INSTALL)
    return ok(shown if found >= OLDEST else f"{shown}: enough for the hooks; the sidecar itself needs 22.5")


def tree(environment: Environment) -> Diagnosis:
    """Whether the generated tree is unchanged since it was built."""
    build = f"sidecar-patcher build --out {environment.tree}"
    try:
        manifest = generated.read(environment.tree)
        different = list(generated.differences(environment.tree, manifest["files"]))
    except ManifestUnreadable as error:
        return not_ok(f"{error.where}: {error.message}", f"name it with --tree DIR, or build one: {build}")
    except OSError as error:
        return not_ok(f"{error.filename}: {error.strerror}", f"ls -l {environment.tree}")
    if different:
        shown = ", ".join(f"{path} {what}" for what, path in different[:_MAX_SHOWN])
        more = f" and {len(different) - _MAX_SHOWN} more" if len(different) > _MAX_SHOWN else ""
        return not_ok(f"not as it was built: {shown}{more}", f"sidecar-patcher verify {environment.tree}")
    if not os.path.isfile(os.path.join(environment.tree, *COMMAND.split("/"))):
        return not_ok(f"{environment.tree} has no {COMMAND}: it is older than the hooks", build)
    return ok(f"{environment.tree}, {len(manifest['files'])} files as built")


def intent(environment: Environment) -> Diagnosis:
    """Whether the user has switched the hooks on."""
    problem = environment.status["hooks_file"].get("problem") or {}
    if str(problem.get("code", "")).startswith("intent"):
        return not_ok(str(problem.get("message")), environment.enable)
    if not environment.status["enabled"]:
        return not_ok("Codex CLI session tracking (experimental) is off", environment.enable)
    return ok("Codex CLI session tracking (experimental) is on")


def master_switch(environment: Environment) -> Diagnosis:
    """The master switch of the sidecar's host, an environment variable."""
    if environment.status["forced_off"]:
        value = environment.env.get("DASHBOARD_CODEX_HOOKS", "off")
        return not_ok(f"DASHBOARD_CODEX_HOOKS={value} forces the hooks off", "unset DASHBOARD_CODEX_HOOKS")
    return ok("not forced off")


def handler(environment: Environment) -> Diagnosis:
    """The copy of the handler that the hooks run."""
    found = environment.status["handler"]
    if not found["present"]:
        return not_ok(f"{found['path']} is not there", environment.enable)
    if not found["current"]:
        return not_ok(f"{found['path']} is not the one of {environment.tree}", environment.enable)
    return ok(f"{found['path']}, as in the tree")


def hooks_file(environment: Environment) -> Diagnosis:
    """Our entries, complete and current, in a file that Codex reads."""
    file = environment.status["hooks_file"]
    if problem := file.get("problem"):
        return not_ok(str(problem["message"]), str(problem["do"]))
    if not file["exists"]:
        return not_ok(f"{file['path']} is not there", environment.enable)
    if missing := environment.status["missing_events"]:
        return not_ok(f"{file['path']} has no current entry of ours for {', '.join(missing)}", environment.enable)
    stale = sorted({entry["event"] for entry in environment.status["entries"] if not entry["current"]})
    if stale:
        return not_ok(
            f"{file['path']} has an old entry of ours beside the current one: {', '.join(stale)}", environment.enable
        )
    return ok(f"{file['path']}, {len(environment.status['entries'])} entries of ours")


def accepted(environment: Environment) -> Diagnosis | list[tuple[str, Diagnosis]]:
    """The problems that Codex would have with its files, as the generated tree reports them: `-` and the id of each."""
    problems = environment.status.get("problems")
    if not isinstance(problems, list):
        return not_checked("this tree is too old to report it", "sidecar-patcher build")
    own = [each for each in problems if str(each["id"]).startswith(_OF_THE_FILES) or each["id"] in _MORE]
    found = [(f"-{each['id']}", _diagnosis(each)) for each in own]
    return found or ok("Codex takes hooks.json and config.toml as they are")


def _diagnosis(problem: Mapping[str, Any]) -> Diagnosis:
    certain = problem["stops"] is not None
    return (not_ok if certain else not_checked)(f"{problem['says']} ({problem['where']})", str(problem["do"]))


def duplicates(environment: Environment) -> Diagnosis:
    """Whether our hooks are in more than one file: Codex would run every copy."""
    twice = [f"{path} ({', '.join(events)})" for path, events in _second_copies(environment)]
    if twice:
        return not_ok(f"our hooks are also in {'; '.join(twice)}", "take them out there: Codex runs both")
    try:
        counted = Counter(events_in(read_hooks(environment.hooks_path)))
    except Unreadable as error:
        return not_checked(str(error))
    several = [event for event, count in counted.items() if count > 1]
    if several:
        return not_ok(f"{environment.hooks_path} has ours more than once for {', '.join(several)}", environment.enable)
    return ok(f"none in config.toml, none in the project {environment.directory}")


def _second_copies(environment: Environment) -> Iterator[tuple[str, list[str]]]:
    """The other files with entries of ours, and the events. Codex does not run hooks of a file that cannot be read."""
    projects = [os.path.join(folder, ".codex") for folder in _up_to_the_repository(environment.directory)]
    own = [folder for folder in projects if os.path.realpath(folder) != os.path.realpath(environment.home)]
    places = [(os.path.join(folder, "hooks.json"), read_hooks) for folder in own]
    tomls = (os.path.join(folder, "config.toml") for folder in (*own, environment.home))
    places += [(path, lambda path: read_toml(path).get("hooks")) for path in tomls]
    for path, reader in places:
        try:
            found = sorted(set(events_in(reader(path))))
        except Unreadable:
            continue
        if found:
            yield path, found


def _up_to_the_repository(directory: str) -> Iterator[str]:
    folder = os.path.abspath(directory)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent
