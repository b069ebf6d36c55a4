"""The agents besides Codex: are their hooks as the user chose? One check for each agent on this machine."""

import os
from collections.abc import Mapping
from typing import Any

from patcher.doctor.check import Diagnosis, not_checked, not_ok, ok
from patcher.doctor.environment import AGENTS_COMMAND, Environment


def others(environment: Environment) -> Diagnosis | list[tuple[str, Diagnosis]]:
    """The diagnosis of each agent, with `-` and its name."""
    if not os.path.isfile(os.path.join(environment.tree, *AGENTS_COMMAND.split("/"))):
        return not_checked("this tree is too old to report it", "sidecar-patcher build")
    there = [each for each in environment.agents if each["state"] != "absent"]
    return [(f"-{each['agent']}", _diagnosis(each, environment)) for each in there]


def _diagnosis(status: Mapping[str, Any], environment: Environment) -> Diagnosis:
    title, state, problem, file = status["title"], status["state"], status["problem"], status["file"]["path"]
    if state == "problem":
        return not_ok(f"{title}: {problem['message']}", str(problem["do"]))
    if state == "ready":
        return ok(f"{title}: on, {status['entries']} entries of ours in {file}")
    if state == "forced-off":
        return ok(f"{title}: forced off by DASHBOARD_AGENT_HOOKS")
    if problem:
        return not_checked(f"{title}: off, and it could not be switched on: {problem['message']}", str(problem["do"]))
    return ok(f"{title}: off; to switch it on: {environment.enable_agent(status['agent'])}")
