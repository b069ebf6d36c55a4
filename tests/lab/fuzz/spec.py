"""Specs of upstream: any text, most of it made of the parts of a valid one."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from patcher.errors import PatcherError, UpstreamUnreadable
from patcher.upstream import git
from patcher.upstream import spec as specs
from patcher.upstream.materialize import materialize
from patcher.uptodate import is_up_to_date
from tests.lab.fuzz.command import command
from tests.lab.fuzz.engine import Broken, Reader
from tests.support import SMALL, Repository, tar

_PARTS = (
    "../given/repo", "../given/dir", "../given/at@sign", "../given/a.tgz", "builtin", "@", "@", "@v1.2.0", "@main", "@HEAD",
    "https://", "ssh://", "file://", "user:pass@", "git@host:", "host", "/", ":", ".git", "..", "~1", "^{tree}", "^{/x}",
    ":/x", "@{0}", "-", "--upload-pack=x", ".tgz", ".tar.gz", "\0", "\n", " ", "é", "\udcff", "\ud800", "[", "*", "%00", "?q",
    "x" * 300, "a/" * 3000, "0" * 40, "#",
)  # fmt: skip


def make(given: Path) -> Reader:
    SMALL.write(given / "dir")
    for name in ("repo", "at@sign"):
        (given / name).mkdir()
        Repository.made(given / name)
    tar(given / "a.tgz", SMALL.files)
    git._run = _without_network
    parts = st.lists(st.sampled_from(_PARTS) | st.text(st.characters(), max_size=5), max_size=6)
    return Reader(parts.map("".join), _read)


_run = git._run


def _without_network(repository: str, *arguments: str, **more: Any) -> bytes:
    """`git fetch` gets its words, as a real process, and there is no network."""
    if "fetch" not in arguments:
        return _run(repository, *arguments, **more)
    subprocess.run(["true", *arguments], check=True)
    raise UpstreamUnreadable("git fetch failed: no network", where=repository)


def _read(spec: str) -> Iterable[str]:
    repository, ref = specs.split(spec)
    if spec != (f"{repository}@{ref}" if len(repository) < len(spec) else repository):
        raise Broken(f"the parts are not the whole: {repository!r} {ref!r}")
    try:
        materialize(spec)
        yield "done"
    except PatcherError as error:
        yield error.code
        str(error).encode()
    is_up_to_date(spec, "out")
    try:
        os.fsencode(spec)
    except UnicodeEncodeError:
        return  # no word of a command line
    if not spec.startswith("-") and not (spec == "builtin" or os.path.isdir(spec)):
        yield from command("check", "--format=json", f"--upstream={spec}")
