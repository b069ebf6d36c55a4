"""The trees of a git repository as upstreams in memory: each tree object and each blob is read once.

Two refs that share a blob share the `File` object, and so everything that is remembered about its text.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from patcher import git
from patcher.materialize import CLIENT, NEVER, description, identified, materialize, names_that_travel
from patcher.model import File, Upstream

_TREE, _FILES, _EXECUTABLE = "40000", frozenset({"100644", "100755", "100664"}), "100755"
_REWRITES = re.compile(rb"\b(export-|crlf|ident\b|filter\b|working-tree-encoding)")  # what `git archive` would act on


class Trees:
    """Reads trees through one `git.Objects`. `path` is the repository, for specs and messages.

    client: the client's sources travel too, as for `materialize`.
    """

    def __init__(self, path: str, objects: git.Objects, *, client: bool = False) -> None:
        self._path = path
        self._client = client
        self._objects = objects
        self._entries: dict[str, dict[str, git.Entry]] = {}
        self._files: dict[tuple[str, bool], File] = {}
        self._plain: dict[str, bool] = {}

    def upstream(self, commit: str, ref: str) -> Upstream:
        """What `materialize` makes of the commit, byte for byte. Raises what it raises.

        Links and attributes that rewrite files on the way out are rare: then `materialize` itself reads the tree.
        """
        spec = f"{self._path}@{ref}"
        package = self.blob(self.find(commit, "package.json"))
        tops = {name.split("/")[0] for name in names_that_travel(description(package, spec), client=self._client)}
        root = self._root(commit)
        found = [
            (path, entry) for path, entry in self._walk(root, "") if path.split("/")[0] in tops | {".gitattributes"}
        ]
        if not all(self._is_plain(path, entry) for path, entry in found):
            return replace(materialize(f"{self._path}@{commit}", client=self._client), ref=ref, spec=spec)
        files = ((path, self._file(entry)) for path, entry in found if entry.mode in _FILES)
        return replace(identified(files, ref, spec, client=self._client), source=f"git-tree:{root}")

    def find(self, commit: str, path: str) -> git.Entry | None:
        """The entry at a path of the commit's tree; None where there is none."""
        *folders, name = path.split("/")
        tree = self._root(commit)
        for folder in folders:
            entry = self._tree(tree).get(folder)
            if entry is None or entry.mode != _TREE:
                return None
            tree = entry.id
        return self._tree(tree).get(name)

    def blob(self, entry: git.Entry | None) -> bytes | None:
        """The content of a file; None for no entry, and for one that is no file."""
        return self._file(entry).data if entry is not None and entry.mode in _FILES else None

    def _root(self, commit: str) -> str:
        return self._read(f"{commit}^{{tree}}").id

    def _tree(self, tree: str) -> dict[str, git.Entry]:
        if tree not in self._entries:
            data = self._read(tree).data
            self._entries[tree] = {entry.name: entry for entry in git.entries(data, len(tree) // 2)}
        return self._entries[tree]

    def _walk(self, tree: str, prefix: str) -> Iterator[tuple[str, git.Entry]]:
        for name, entry in self._tree(tree).items():
            if name in NEVER and not (self._client and (prefix + name).split("/")[0] == CLIENT):
                continue
            if entry.mode == _TREE:
                yield from self._walk(entry.id, f"{prefix}{name}/")
            else:
                yield f"{prefix}{name}", entry

    def _is_plain(self, path: str, entry: git.Entry) -> bool:
        """Whether `git archive` would bring the file as the blob is. A submodule is an empty folder to it."""
        if not path.endswith(".gitattributes"):
            return entry.mode != "120000"
        if entry.id not in self._plain:
            self._plain[entry.id] = not _REWRITES.search(self.blob(entry) or b"")
        return self._plain[entry.id]

    def _file(self, entry: git.Entry) -> File:
        key = entry.id, entry.mode == _EXECUTABLE
        if key not in self._files:
            self._files[key] = File(self._read(entry.id).data, key[1])
        return self._files[key]

    def _read(self, name: str) -> git.Object:
        found = self._objects.get(name)
        if found is None:
            raise git.missing(self._path, name)
        return found
