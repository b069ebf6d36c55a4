"""One process, timed and weighed by a small launcher: how long it took, and how much memory it held at its peak.

The launcher matters: Linux counts what a parent held when it forked to its child, so a large parent hides a small child.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_LAUNCHER = """
import json, os, sys, time
reader, writer = os.pipe()
quiet = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, 2, 2)]
begun = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, used = os.wait4(process, 0)
took = time.perf_counter() - begun
print(json.dumps([took, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""
_LONGEST = 300


class Failed(Exception):
    """A command that was to be measured ended badly; the message is its last words."""


@dataclass(frozen=True)
class Cost:
    """seconds: of the wall clock. megabytes: resident, at the peak."""

    seconds: float
    megabytes: float


def run(command: Sequence[str], cwd: str) -> Cost:
    """Run a command, its path absolute, to its end. Raises `Failed`."""
    launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(
        launched,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise Failed(f"{command[0]}: {_last_words(done.stderr)}")
    seconds, peak, code = json.loads(done.stdout)
    if code != 0:
        raise Failed(f"{' '.join(command[:4])} ended with {code}: {_last_words(done.stderr)}")
    return Cost(seconds, peak / (1024**2 if sys.platform == "darwin" else 1024))


def _last_words(stderr: str) -> str:
    return " / ".join(stderr.strip().splitlines()[-3:]) or "it said nothing"


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(statistics.median(each.seconds for each in costs), statistics.median(each.megabytes for each in costs))
