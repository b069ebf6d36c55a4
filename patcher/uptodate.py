"""Is there anything to do? Answered before the flow is even imported: a build that is up to date returns at once.

Budget: at most 3 times `python -c pass`, for every kind of spec. So this module and what it imports are leaves: no
dataclass, parser, template engine, `typing` or `subprocess`. `python3 .dev lab bench` measures it.
"""

import os
import sys
from hashlib import sha256

from patcher.errors import PatcherError
from patcher.fingerprint import tool_fingerprint
from patcher.generated import differences
from patcher.resources import MANIFEST, content
from patcher.series.settings import settings
from patcher.series.where import CODEX, digest_of, directory_of, is_series
from patcher.upstream import foreign_json
from patcher.upstream import spec as specs
from patcher.upstream.git_command import READ_ONLY, command, environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self


def is_up_to_date(spec: str, out: str, *, client: bool = False, series: "Sequence[str]" = (CODEX,)) -> bool:
    """Whether `out` holds, unedited, what these series make of this upstream. False when it is not sure.

    client: with the built client, or without. series: as `--series` names them, in their order.
    """
    parent, name = os.path.split(os.path.abspath(out))
    if any(os.path.lexists(os.path.join(parent, f".{name}.{left}")) for left in ("stage", "previous")):
        return False  # a build was killed: let the next one clear up
    try:
        manifest = foreign_json.loads(content(os.path.join(out, MANIFEST)))
        with _TreeId(spec) as tree_id:
            return (
                manifest["tool"]["fingerprint"] == tool_fingerprint()
                and _same_series(series, manifest["series"])
                and ("client" in manifest) == client
                and next(differences(out, manifest["files"]), None) is None
                and _same_upstream(spec, manifest["upstream"], tree_id, client=client)
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PatcherError):
        return False


def _same_series(words: "Sequence[str]", there: "Sequence[Mapping[str, str]]") -> bool:
    """Whether these are the series that the manifest names. Ours is part of the tool's fingerprint."""
    return len(words) == len(there) and all(_is_same(word, each) for word, each in zip(words, there, strict=True))


def _is_same(word: str, there: "Mapping[str, str]") -> bool:
    if word == CODEX or there["name"] == CODEX:
        return word == there["name"] and bool(there["sha256"])
    directory = directory_of(word)
    return directory is not None and is_series(directory) and digest_of(directory) == there["sha256"]


def _same_upstream(spec: str, upstream: dict[str, str], tree_id: "_TreeId", *, client: bool) -> bool:
    """The same order as in `materialize`, and the same identities."""
    kind, _, identity = upstream["source"].partition(":")
    if kind != _kind(spec):
        return False
    if kind == "directory":
        return identity == _directory_digest(spec, client=client)
    if kind == "archive":
        return identity == sha256(content(spec)).hexdigest()
    if kind == "git-tree":
        return upstream["ref"] == specs.readable(tree_id.ref) and identity == tree_id.read()
    return upstream["ref"] == specs.BUILTIN  # its files are part of the fingerprint


def _kind(spec: str) -> str:
    """What a manifest calls the kind of its upstream; empty for the builtin sidecar."""
    if spec == specs.BUILTIN:
        return ""
    if os.path.isdir(spec):
        return "directory"
    return "archive" if spec.endswith(specs.ARCHIVES) and os.path.isfile(spec) else "git-tree"


def _directory_digest(path: str, *, client: bool) -> str:
    from patcher.upstream.directory import Directory, digest
    from patcher.upstream.travels import Travels, description

    directory = Directory(path)
    return digest(directory, Travels(description(directory.package_json(), path), client=client))


class _TreeId:
    """The tree of REPOSITORY@REF, asked of `git rev-parse`, which works while we look at the rest.

    Spawned without the `subprocess` module: importing that takes longer than git does.
    """

    def __init__(self, spec: str) -> None:
        """Does nothing for any other kind of spec, and where there is no such repository."""
        repository, self.ref = specs.split(spec) if _kind(spec) == "git-tree" else ("", "")
        self._process = self._reader = -1
        if not self.ref or self.ref.startswith("-") or "\0" in spec or not os.path.isdir(repository):
            return
        if hasattr(os, "posix_spawnp"):
            self._start([*command(repository), "rev-parse", "--verify", "--quiet", f"{self.ref}^{{tree}}"], repository)

    def _start(self, words: list[str], repository: str) -> None:
        self._reader, writer = os.pipe()
        quiet = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, quiet, 2), (os.POSIX_SPAWN_DUP2, quiet, 0)]
        try:
            variables = {**environment(repository), **READ_ONLY}
            self._process = os.posix_spawnp("git", words, variables, file_actions=actions)
        except OSError:  # there is no git
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
            os.close(quiet)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.read()

    def read(self) -> str:
        """The object id; empty where git has none, or was not asked. Once."""
        process, reader, self._process, self._reader = self._process, self._reader, -1, -1
        if process < 0:
            return ""
        with os.fdopen(reader, "rb") as stream:
            said = stream.read().decode().strip()
        _, status = os.waitpid(process, 0)
        return said if status == 0 else ""


DEFAULT_SPEC = specs.BUILTIN
DEFAULT_OUT = os.path.join(".generated", "agent-monitor")


def quick_build(arguments: list[str]) -> bool:
    """Answer a `build` that has nothing to do; leave the rest to the parser.

    It has no options but `--upstream`, `--out`, `--series` and `--client`; the rest is as `sidecar.toml` sets it.
    """
    typed: dict[str, list[str]] = {"--upstream": [], "--out": [], "--series": []}
    flags = [word for word in arguments if word in {"--client", "--no-client"}]
    arguments = [word for word in arguments if word not in flags]
    if len(arguments) % 2 or any(name not in typed for name in arguments[::2]):
        return False
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        typed[name].append(value)
    try:
        known = settings()
    except PatcherError:
        return False
    client = flags[-1] == "--client" if flags else known.get("client", False)
    spec = typed["--upstream"][-1] if typed["--upstream"] else known.get("upstream", DEFAULT_SPEC)
    out = typed["--out"][-1] if typed["--out"] else known.get("out", DEFAULT_OUT)
    series = typed["--series"] or known.get("series", [CODEX])
    if not is_up_to_date(spec, os.path.abspath(out), client=client, series=series):
        return False
    sys.stderr.write(up_to_date_message(out))
    return True


def up_to_date_message(out: str) -> str:
    """What a person reads when there was nothing to do."""
    return f"up to date: {specs.readable(out)}\n"
