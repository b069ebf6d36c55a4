"""Another machine, as far as one machine can play it: a second network namespace, behind a pair of virtual interfaces."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

NAMESPACE = f"strangers{os.getpid()}"
HERE, THERE = "198.51.100.1", "198.51.100.2"  # addresses that are for documents only


class NoNamespace(Exception):
    """This machine does not let us make one; the text says what it said."""


@contextlib.contextmanager
def second_machine() -> Iterator[tuple[str, ...]]:
    """The command line to put before another, so that it runs there; this machine is `HERE` to it.

    Raises `NoNamespace`.
    """
    if shutil.which("ip") is None:
        raise NoNamespace("there is no command `ip`")
    inner, outer = f"in{os.getpid()}"[:15], f"out{os.getpid()}"[:15]
    try:
        for words in (
            f"netns add {NAMESPACE}",
            f"link add {outer} type veth peer name {inner}",
            f"link set {inner} netns {NAMESPACE}",
            f"addr add {HERE}/24 dev {outer}",
            f"link set {outer} up",
            f"-n {NAMESPACE} addr add {THERE}/24 dev {inner}",
            f"-n {NAMESPACE} link set {inner} up",
        ):
            done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise NoNamespace(f"`ip {words}`: {done.stderr.strip()}")
        yield ("ip", "netns", "exec", NAMESPACE)
    finally:
        for words in (f"link del {outer}", f"netns del {NAMESPACE}"):
            subprocess.run(["ip", *words.split()], capture_output=True, check=False)


def statuses(prefix: tuple[str, ...], port: int) -> list[str]:
    """What the other machine gets of `port` here, by address and by name: the status, or why there is none."""
    found = []
    for host in (f"{HERE}:{port}", f"localhost:{port}", "evil.example"):
        for upgrade in ((), ("-H", "Connection: Upgrade", "-H", "Upgrade: websocket")):
            command = [*prefix, "curl", "-s", "-m", "3", "-o", os.devnull, "-w", "%{http_code}", "-H", f"Host: {host}"]
            done = subprocess.run(
                [*command, *upgrade, f"http://{HERE}:{port}/api/sessions"], capture_output=True, text=True, check=False
            )
            found.append(done.stdout.strip() or "000")
    return found
