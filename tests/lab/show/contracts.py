"""Each contract, on builtin and real upstream: red on the pristine tree, green on the patched one."""

import subprocess
import sys

UPSTREAMS = ("v1.2.0", "v1.4.8", "v2.0.0", "v2.0.1", "v2.0.2", "v2.0.3")


def show(repository: str) -> bool:
    """What `sidecar-patcher prove` prints for each upstream."""
    good = True
    for spec in ("builtin", *(f"{repository}@{ref}" for ref in UPSTREAMS)):
        print(f"{spec.rpartition('@')[2]}:", flush=True)
        command = [sys.executable, "-m", "patcher", "prove", "--install", "--upstream", spec]
        good &= subprocess.run(command, check=False).returncode == 0
    return good
