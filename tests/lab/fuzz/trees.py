"""Git repositories: trees of any entries, loose objects that are damaged or missing, commits of any text."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from patcher.errors import PatcherError
from patcher.upstream import git, trees
from patcher.upstream.materialize import identified
from patcher.upstream.trees import CommitTree, Trees
from tests.lab.fuzz.engine import Reader
from tests.lab.fuzz.mutations import damaged
from tests.support import APP, PACKAGE_JSON

_NAMES = (
    b"package.json", b"server", b"bin", b"scripts", b"app.js", b"client", b".gitmodules", b"..", b".", b"", b".git", b".GIT", b"a/b",
    b"/", b"../x", b"\\", b"C:", b"\xff.js", b"\xed\xa0\x80", b"x" * 5000, b"a\nb", b" ", b"._app.js", b"node_modules", b"LICENSE",
)  # fmt: skip
_MODES = (
    b"100644", b"100755", b"40000", b"040000", b"120000", b"160000", b"0", b"", b"-1", b"777777777777777777777777", b"0o17", b"1_0",
    b"100664", b"010644", b"abc", b"60000", b"\xff",
)  # fmt: skip
_BLOBS = (
    PACKAGE_JSON.encode(), APP.encode(), b"app.js", b"../server", b"server", b"..", b"/etc/passwd", b"../../x", b"link", b"", b"\xff",
    b"app.js\0x", b"a/" * 500, b'{"name": "agent-dashboard", "files": ["a"]}', b"\n", b"^{/x}",
)  # fmt: skip
_HEAD = b"tree %s\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n"


def make(given: Path) -> Reader:
    patch.object(trees, "MOST_FILES", 20_000).start()  # so that a tree that repeats itself costs little here
    small = st.binary(max_size=8)
    entry = st.tuples(st.sampled_from(_MODES), st.sampled_from(_NAMES) | small, st.integers(-3, 30))
    folder = st.lists(entry, max_size=5)
    return Reader(
        st.fixed_dictionaries({
            "trees": st.lists(folder, min_size=1, max_size=4),
            "valid": st.booleans() | st.just(True),
            "levels": st.sampled_from([0] * 30 + [1, 90, 120, 1500]),
            "twice": st.booleans(),
            "commit": st.just(_HEAD) | damaged(st.just(_HEAD), [b"tree ", b"%s"]),
            "raw": st.none() | st.none() | small,
            "loose": st.none() | st.none() | st.tuples(st.integers(0, 40), damaged(st.just(b"tree 4\0abcd") | small), st.booleans()),
        }),
        _read,
    )  # fmt: skip


class _Store:
    """The loose objects of a bare repository that is made without git."""

    def __init__(self) -> None:
        for folder in ("repo/objects/pack", "repo/refs"):
            Path(folder).mkdir(parents=True)
        Path("repo/HEAD").write_text("ref: refs/heads/main\n")
        self.paths: list[Path] = []

    def add(self, kind: str, data: bytes) -> str:
        whole = f"{kind} {len(data)}\0".encode() + data
        name = hashlib.sha1(whole).hexdigest()
        path = Path("repo/objects", name[:2], name[2:])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        self.paths.append(path)
        return name

    def tree(self, entries: Iterable[tuple[bytes, bytes, str]]) -> str:
        return self.add("tree", b"".join(mode + b" " + name + b"\0" + bytes.fromhex(id) for mode, name, id in entries))


def _read(made: dict[str, Any]) -> Iterable[str]:
    store = _Store()
    blobs = [store.add("blob", data) for data in _BLOBS]
    folders: list[str] = []
    for entries in made["trees"]:
        inner = [(mode, name, _target(number, [*folders, *blobs], mode, folders)) for mode, name, number in entries]
        folders.append(store.tree(inner))
    root = folders[-1]
    for _ in range(made["levels"]):
        root = store.tree([(b"40000", name, root) for name in ((b"a", b"b") if made["twice"] else (b"a",))])
    if made["valid"]:
        package = (b"100644", b"package.json", blobs[0])
        inner = [(b"100644", b"app.js", blobs[1]), (b"40000", b"d", root), (b"120000", b"link", blobs[2])]
        folders_of_root = ((b"client", [package, (b"40000", b"d", root)]), (b"server", inner))
        root = store.tree([package, *((b"40000", name, store.tree(below)) for name, below in folders_of_root)])
    if made["raw"] is not None:
        root = store.add("tree", made["raw"])
    commit = store.add("commit", made["commit"].replace(b"%s", root.encode()))
    if made["loose"] is not None:
        which, data, packed = made["loose"]
        store.paths[-1 - which % len(store.paths)].write_bytes(zlib.compress(data) if packed else data)
    with git.Objects("repo") as objects:  # one process for both: it is what takes the time
        for ref in (commit, root):
            try:
                yield (
                    "done"
                    if identified(
                        CommitTree(Trees("repo", objects), ref, f"repo@{ref}"), ref, f"repo@{ref}", client=ref == root
                    ).tree
                    else "empty"
                )
            except PatcherError as error:
                yield error.code


def _target(number: int, there: Sequence[str], mode: bytes, folders: Sequence[str]) -> str:
    if number < 0:
        return "0" * 40 if number == -1 else "12" * 20
    if mode.endswith(b"40000") and folders:
        return folders[number % len(folders)]
    return there[number % len(there)]
