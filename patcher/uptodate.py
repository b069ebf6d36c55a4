"""Is there anything to do? Answered before the flow is even imported: a build that is up to date returns at once.

Leaf module on purpose: it imports no dataclass, parser or template engine (DESIGN.md section 9, `build`).
"""

import json
import os
import sys

from patcher.fingerprint import tool_fingerprint
from patcher.inventory import MANIFEST, differences


def is_up_to_date(spec: str, out: str, *, client: bool = False) -> bool:
    """Whether `out` holds, unedited, what this tool makes of this upstream. Says False whenever it is not sure.

    client: with the built client, or without.
    """
    parent, name = os.path.split(os.path.abspath(out))
    if any(os.path.lexists(os.path.join(parent, f".{name}.{left}")) for left in ("stage", "previous")):
        return False  # a build was killed: let the next one clear up
    try:
        with open(os.path.join(out, MANIFEST), "rb") as stream:
            manifest = json.loads(stream.read())
        return (
            manifest["tool"]["fingerprint"] == tool_fingerprint()
            and ("client" in manifest) == client
            and _same_upstream(spec, manifest["upstream"])
            and next(differences(out, manifest["files"]), None) is None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _same_upstream(spec: str, upstream: dict[str, str]) -> bool:
    if spec == "builtin":
        return upstream["ref"] == "builtin" and not upstream["source"]  # its files are part of the fingerprint
    repository, _, ref = spec.rpartition("@")
    if not repository or os.path.exists(spec) or not os.path.isdir(repository) or ref != upstream["ref"]:
        return False
    return bool(upstream["source"]) and upstream["source"] == f"git-tree:{_tree_id(repository, ref)}"


def _tree_id(repository: str, ref: str) -> str:
    """`git rev-parse`, spawned without the `subprocess` module: importing that takes longer than git does."""
    if ref.startswith("-") or not hasattr(os, "posix_spawnp"):
        return ""
    reader, writer = os.pipe()
    quiet = os.open(os.devnull, os.O_RDWR)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-c", f"safe.directory={os.path.abspath(repository)}", "-C", repository]
    command += ["rev-parse", "--verify", "--quiet", f"{ref}^{{tree}}"]
    try:
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, quiet, 2), (os.POSIX_SPAWN_DUP2, quiet, 0)]
        process = os.posix_spawnp("git", command, environment, file_actions=actions)
        os.close(writer)
        writer = -1
        with os.fdopen(reader, "rb", closefd=False) as stream:
            said = stream.read().decode().strip()
        _, status = os.waitpid(process, 0)
        return said if status == 0 else ""
    finally:
        for descriptor in (reader, writer, quiet):
            if descriptor >= 0:
                os.close(descriptor)


DEFAULT_SPEC = "builtin"
DEFAULT_OUT = os.path.join(".generated", "agent-monitor")


def quick_build(arguments: list[str]) -> bool:
    """Answer a plain `build [--upstream SPEC] [--out DIR]` that has nothing to do; leave the rest to the parser."""
    options = {"--upstream": DEFAULT_SPEC, "--out": DEFAULT_OUT}
    if len(arguments) % 2 or any(name not in options for name in arguments[::2]):
        return False
    options.update(zip(arguments[::2], arguments[1::2], strict=True))
    out = os.path.abspath(options["--out"])
    if not is_up_to_date(options["--upstream"], out):
        return False
    sys.stderr.write(up_to_date_message(options["--out"]))
    return True


def up_to_date_message(out: str) -> str:
    """What a person reads when there was nothing to do."""
    return f"up to date: {out}\n"
