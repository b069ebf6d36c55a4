"""The same edits to the same tree by patch-package: a project with the pristine tree in it, and the diff as its patch."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from patcher.model import File, Tree
from patcher.revert import write_new
from tests.lab.bench.measured import Cost, run
from tests.lab.drift import nodejs

VERSION = "8.0.1"
_PACKAGE = "node_modules/agent-dashboard"
_HEADER = re.compile(rb"^diff --git [ab]/(.+) [ab]/\1$", re.MULTILINE)  # git says `b/… b/…` for a file that is new


class Project:
    """A scratch npm project whose only dependency is the pristine tree."""

    def __init__(self, directory: str, version: str, pristine: Tree, generated: Tree) -> None:
        self.directory = directory
        self.pristine = pristine
        project = File(b'{"name": "scratch", "version": "1.0.0", "private": true}\n')
        text = patch_text(directory, pristine, generated)
        patch = f"patches/agent-dashboard+{version}.patch"
        write_new({"package.json": project, patch: File(text)}, os.path.join(directory, "project"))

    @property
    def root(self) -> str:
        return os.path.join(self.directory, "project")

    def reset(self) -> None:
        """The pristine tree again. Not part of what is timed."""
        package = os.path.join(self.root, _PACKAGE)
        shutil.rmtree(package, ignore_errors=True)
        os.makedirs(os.path.dirname(package), exist_ok=True)
        write_new(self.pristine, package)

    def apply(self) -> Cost:
        """Run patch-package. Raises `measured.Failed`, `nodejs.Unavailable`."""
        script = os.path.join(nodejs.installed("patch-package", VERSION), "patch-package", "index.js")
        return run([nodejs.node().path, script, "--error-on-fail"], self.root)

    def result(self) -> Mapping[str, File]:
        """The tree as patch-package left it."""
        return read_tree(os.path.join(self.root, _PACKAGE))


def patch_text(scratch: str, pristine: Tree, generated: Tree) -> bytes:
    """What `git diff` says about the two trees, with the paths that a file in `patches/` has."""
    for name, tree in (("a", pristine), ("b", generated)):
        write_new(tree, os.path.join(scratch, name, *_PACKAGE.split("/")))
    settings = ["-c", "core.autocrlf=false", "-c", "core.quotepath=false", "-c", "core.fileMode=true"]
    command = [
        "git",
        *settings,
        "diff",
        "--no-index",
        "--no-ext-diff",
        "--no-color",
        "--no-renames",
        "--no-prefix",
        "a",
        "b",
    ]
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(command, cwd=scratch, capture_output=True, env={**os.environ, **quiet}, check=False)
    if done.returncode != 1:
        raise ValueError(f"git diff found no difference, or none that it can say: {done.stderr.decode()}")
    return _HEADER.sub(rb"diff --git a/\1 b/\1", done.stdout)


def read_tree(directory: str) -> Mapping[str, File]:
    """The files below a directory: bytes, and whether the owner may execute them."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                executable = bool(os.fstat(stream.fileno()).st_mode & 0o100)
                found[os.path.relpath(path, directory).replace(os.sep, "/")] = File(stream.read(), executable)
    return found


def differences(left: Mapping[str, File], right: Mapping[str, File]) -> list[str]:
    """Paths that are not the same in both trees, by bytes and executable bit."""
    return [path for path in sorted({*left, *right}) if left.get(path) != right.get(path)]
