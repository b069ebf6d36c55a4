"""The manifest of a generated tree, as `verify`, `revert`, `build`, `check` and `doctor` read it."""

import json
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from patcher import pipeline
from patcher.doctor import installation
from patcher.doctor.environment import Environment
from patcher.errors import PatcherError
from patcher.model import Series
from patcher.resources import MANIFEST
from patcher.uptodate import is_up_to_date
from tests.lab.fuzz.command import command
from tests.lab.fuzz.engine import SECRET, Broken, Reader
from tests.lab.fuzz.given import generated_tree, small_series
from tests.lab.fuzz.mutations import changed_json

_OUTSIDE = (
    "../../secret.txt", "data/../../../secret.txt", "node_modules/../../../secret.txt", "/etc/hostname", "server/../../../secret.txt", "", ".", "server", "a\0b", "\udcff", "C:\\x", MANIFEST,
)  # fmt: skip


def make(given: Path) -> Reader:
    series = small_series()
    tree = generated_tree(given, series)
    valid = json.loads((tree / MANIFEST).read_bytes())
    del valid["series"]  # else it is never up to date, and nothing behind that is read
    digest = sha256(SECRET.encode()).hexdigest()
    entries = [
        {"path": path, "status": status, "before": digest, "after": digest, "executable": False}
        for path in _OUTSIDE for status in ("copied", "patched")
    ]  # fmt: skip
    values = (*_OUTSIDE, *entries, digest, "added", "git-tree:x", "archive:", valid["files"], valid["files"][0])

    def read(manifest: bytes) -> Iterable[str]:
        shutil.copytree(tree, "tree")
        Path("tree", MANIFEST).write_bytes(manifest)
        yield from command("verify", "--format=json", "tree")
        yield from command("revert", "--format=json", "tree", "--out=out")
        if any(SECRET in path.read_text(errors="replace") for path in Path("out").rglob("*") if path.is_file()):
            raise Broken("a file from outside of the tree was copied into the output")
        yield f"up to date: {is_up_to_date(str(given / 'upstream'), 'tree')}"
        yield _doctor()
        try:
            yield f"as upstream: {'stopped' if pipeline.check('tree', [Series('test', patches=series)]).stopped else 'done'}"
        except PatcherError as error:
            yield error.code

    return Reader(changed_json(valid, values), read)


def _doctor() -> Any:
    return f"doctor: {installation.tree(Environment('tree', {})).state}"
