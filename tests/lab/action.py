"""`python3 .dev lab action`: the steps of the composite GitHub Action, run here as a runner would, without containers.

It knows what our action uses of the runner: `${{ inputs.NAME }}`, `github.action_path`, `if: inputs.NAME != ''`, and the
files behind GITHUB_PATH, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "sidecar-patcher" / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass
class Ran:
    """How the action ended: its exit code, all that it printed, its outputs and the page of the run."""

    code: int = 0
    text: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def run_action(given: Mapping[str, str], work: Path, *, install: bool) -> Ran:
    """Run the steps in order in the directory `work`, until one fails. install: False where the command is on PATH."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    values = {f"inputs.{name}": str(told.get("default", "")) for name, told in action["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in given.items()} | {"github.action_path": str(ACTION.parent)}
    ran = Ran()
    with tempfile.TemporaryDirectory() as temporary:
        files = {name: Path(temporary) / name for name in ("GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        env = dict(os.environ) | {name: str(file) for name, file in files.items()} | {"RUNNER_TEMP": temporary}
        for step in action["runs"]["steps"]:
            if not _is_due(step, values) or (step["name"] == "Install" and not install):
                continue
            own = {name: _filled(value, values) for name, value in step.get("env", {}).items()}
            path = os.pathsep.join([*reversed(files["GITHUB_PATH"].read_text().split()), env["PATH"]])
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(
                command, cwd=work, env={**env, **own, "PATH": path}, capture_output=True, encoding="utf-8", check=False
            )
            ran.text += done.stdout + done.stderr
            ran.code = done.returncode
            if done.returncode:
                break
        ran.outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        ran.summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    return ran


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found[1]], text)


def _is_due(step: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    asked = re.fullmatch(r"(inputs\.\w+) != ''", step.get("if", ""))
    return "if" not in step or (asked is not None and values[asked[1]] != "")


def main() -> int:
    """Run the action whole, its installation too; its exit code."""
    parser = argparse.ArgumentParser(prog="action", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--upstream", default="builtin")
    parser.add_argument("--canary", default="", help="a bare clone of upstream")
    parser.add_argument("--prove", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        given = {"upstream": options.upstream, "canary": options.canary, "prove": str(options.prove).lower()}
        ran = run_action(given, Path(work), install=True)
    sys.stdout.write(f"{ran.text}\noutputs {ran.outputs}\nexit code {ran.code}\n")
    return ran.code


if __name__ == "__main__":
    sys.exit(main())
