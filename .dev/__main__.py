"""Set-up and everyday commands: `python3 .dev COMMAND`. Needs only Python 3.11 and the package registries.

Everything it installs stays in this checkout (`.venv`, `.cache`) and in uv's own cache.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LABORATORIES = ROOT / "tests" / "lab"
TOOLS = ROOT / ".cache" / "tools"
UV_VERSION = "0.13.9"
COMMANDS = {
    "demo": (["sidecar-patcher", "build", "--prove"], "build the builtin sidecar and show the patches at work on it"),
    "test": (["pytest", "-n", "4", "--dist", "worksteal"], "run the tests"),
    "lint": (
        ["sh", "-c", "ruff check && ruff format --check && mypy && python .dev/javascript"],
        "check style and types; of JavaScript too, where npm can be reached",
    ),
    "generate": (["python", ".dev/generate.py"], "write the files that are computed; `--check` only compares them"),
    "lab": ([], "a laboratory of tests/README.md: `lab simulate`, `lab drift`, `lab bench`"),
    "run": ([], "run a command in the project's environment: `run sidecar-patcher list`"),
}


def main(arguments: list[str]) -> int:
    """Run one of the commands; what follows its name goes to it."""
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write("usage: python3 .dev COMMAND [ARGUMENT…]\n\n")
        sys.stderr.writelines(f"  {name:<8} {summary}\n" for name, (_, summary) in COMMANDS.items())
        return 0 if arguments in (["--help"], ["-h"]) else 2
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python reaches
        sys.stderr.write(f"expected Python 3.11 or newer, found {sys.version.split()[0]}\n")
        return 2
    command = [*COMMANDS[arguments[0]][0], *arguments[1:]]
    if arguments[0] == "lab":
        if len(arguments) < 2:
            names = sorted(path.name.removesuffix(".py") for path in LABORATORIES.glob("[!_t]*"))
            sys.stderr.write(f"expected the name of a laboratory: {', '.join(names)}\n")
            return 2
        command = ["python", "-m", f"tests.lab.{arguments[1]}", *arguments[2:]]
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")  # as pip and git do; `UV_NATIVE_TLS` is its older name
    os.environ.setdefault("UV_NATIVE_TLS", "1")
    uv = find_uv()
    if subprocess.call([uv, "sync", "--locked", "--quiet"], cwd=ROOT) != 0:
        sys.stderr.write("the environment could not be set up; the lines above say why\n")
        return 5
    try:
        return subprocess.call([uv, "run", "--no-sync", *command], cwd=ROOT)
    except KeyboardInterrupt:
        return 130


def find_uv() -> str:
    """The `uv` on PATH, or one of our own from PyPI."""
    found = shutil.which("uv")
    own = TOOLS / ("Scripts" if os.name == "nt" else "bin") / ("uv.exe" if os.name == "nt" else "uv")
    if found or own.exists():
        return found or str(own)
    sys.stderr.write(f"setting up: uv {UV_VERSION} into {TOOLS.relative_to(ROOT)}\n")
    venv.create(TOOLS, with_pip=True, clear=True)
    python = own.with_name("python.exe" if os.name == "nt" else "python")
    subprocess.check_call([python, "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"])
    return str(own)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
