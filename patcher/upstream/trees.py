"""The trees of a git repository in memory: each tree object and each blob is read once, by its object id.

The bytes are those of the commit: no attribute, filter or line-ending conversion changes them.
Two commits that share a blob share the `File` object, and so everything that is cached for its text.
"""

import posixpath
import stat
from collections.abc import Iterable

from patcher.errors import DANGLING, UnsafePath, UpstreamUnreadable
from patcher.model import File
from patcher.upstream import clone, git
from patcher.upstream.directory import UNSAFE
from patcher.upstream.travels import DEEPEST, MOST_FILES, Travels


class Trees:
    """Reads trees through one `git.Objects`. `path` is the repository, for messages."""

    def __init__(self, path: str, objects: git.Objects) -> None:
        self.path = path
        self._objects = objects
        self._roots: dict[str, str] = {}
        self._entries: dict[str, dict[str, git.Entry]] = {}
        self._files: dict[tuple[str, bool], File] = {}

    def root(self, ref: str) -> str:
        """The object id of the tree of a commit, or of a tree itself.

        Raises `NoSuchRef`, `IncompleteClone`, `UpstreamUnreadable`.
        """
        if ref not in self._roots:
            self._roots[ref] = self._root(ref)
        return self._roots[ref]

    def find(self, ref: str, path: str) -> git.Entry | None:
        """The entry at a path of the ref's tree; None without one. Raises what `root` raises."""
        *folders, name = path.split("/")
        tree = self.root(ref)
        for folder in folders:
            entry = self.entries(tree).get(folder)
            if entry is None or not entry.is_tree:
                return None
            tree = entry.id
        return self.entries(tree).get(name)

    def blob(self, entry: git.Entry | None) -> bytes | None:
        """The content of a file; None for None, and for an entry that is not a file."""
        return self.file(entry).data if entry is not None and entry.is_file else None

    def entries(self, tree: str) -> dict[str, git.Entry]:
        """The entries of a tree object by name. Raises `UpstreamUnreadable` for a damaged one."""
        if tree not in self._entries:
            try:
                found = git.entries(self.read(tree), len(tree) // 2)
            except ValueError as error:
                message = f"the tree {tree} is damaged: {error}"
                raise UpstreamUnreadable(message, where=self.path, hint=git.broken(self.path)) from error
            self._entries[tree] = {entry.name: entry for entry in found}
            if len(self._entries[tree]) < len(found):
                raise UnsafePath(f"a name is twice in the tree {tree}", where=self.path, hint=UNSAFE)
        return self._entries[tree]

    def file(self, entry: git.Entry) -> File:
        """The file of an entry. Raises what `read` raises."""
        key = entry.id, bool(entry.mode & stat.S_IXUSR)
        if key not in self._files:
            self._files[key] = File(self.read(entry.id), key[1])
        return self._files[key]

    def read(self, name: str) -> bytes:
        """The data of an object that must be there. Raises `IncompleteClone`, `UpstreamUnreadable`."""
        found = self._get(name)
        if found is None:
            raise clone.missing(self.path, name)
        return found.data

    def _get(self, name: str) -> git.Object | None:
        try:
            return self._objects.get(name)
        except UpstreamUnreadable as error:  # old versions of git end when they may not fetch
            raise clone.missing(self.path, name) if clone.is_partial(self.path) else error from error

    def _root(self, ref: str) -> str:
        commit = self._get(f"{ref}^{{commit}}")
        if commit is not None:
            return commit.data.partition(b"\n")[0].removeprefix(b"tree ").decode()
        tree = self._get(f"{ref}^{{tree}}")
        if tree is not None:
            return tree.id
        raise self.no_such_ref(ref)

    def commit(self, ref: str) -> str:
        """The full id of the commit that a ref names. Raises `NoSuchRef`, `IncompleteClone`, `UpstreamUnreadable`."""
        found = self._get(f"{ref}^{{commit}}")
        if found is None:
            raise self.no_such_ref(ref)
        return found.id

    def no_such_ref(self, ref: str) -> UpstreamUnreadable:
        """The error for a ref that does not name a commit."""
        found = self._get(f"{ref}^{{}}") or self._get(ref)
        return clone.no_such_ref(self.path, ref, found.kind if found else "")


class CommitTree:
    """The tree of one commit as a source of files."""

    def __init__(self, trees: Trees, ref: str, where: str) -> None:
        """where: for messages. Raises what `Trees.root` raises."""
        self._trees = trees
        self._ref = ref
        self._where = where
        self.tree = trees.root(ref)
        self.identity = f"git-tree:{self.tree}"
        self._modules: list[str] = []

    def package_json(self) -> bytes | None:
        """The content of `package.json`; None where there is none. Raises what `file` raises."""
        return self.file("package.json").data if "package.json" in self._trees.entries(self.tree) else None

    def paths(self, travels: Travels) -> Iterable[str]:
        """Every file and link in the folders that may have copied files; records submodules."""
        found, waiting, count = [], [("", self.tree)], 0
        while waiting:
            prefix, tree = waiting.pop()
            count += len(self._trees.entries(tree))
            if count > MOST_FILES or prefix.count("/") > DEEPEST:
                most = f"{MOST_FILES:,} files, {DEEPEST} folders deep"
                raise UnsafePath(
                    f"expected at most {most}, found more below {prefix!r}", where=self._where, hint=UNSAFE
                )
            for name, entry in self._trees.entries(tree).items():
                path = prefix + name
                if entry.is_module:
                    self._modules.append(path)
                elif not entry.is_tree:
                    found.append(path)
                elif travels.may_be_below(path):
                    waiting.append((f"{path}/", entry.id))
        return found

    def submodules(self) -> Iterable[str]:
        """The submodules that `paths` found."""
        return self._modules

    def file(self, path: str) -> File:
        """A file, symlinks followed. Raises `UnsafePath`, `UpstreamUnreadable`."""
        named, visited = "", {path}
        entry, at = self._trees.find(self._ref, path), path
        while entry is not None and entry.is_link:
            named = self._trees.read(entry.id).decode("utf-8", "surrogateescape")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(at), named))
            if named.startswith("/") or target == ".." or target.startswith("../"):
                raise UnsafePath(f"{path!r} is a symlink to {named!r}", where=self._where, hint=UNSAFE)
            entry, at = self._trees.find(self._ref, target) if target not in visited else None, target
            visited.add(target)
        if entry is None or not entry.is_file:
            message = f"{path!r} is a link to {named!r}, which is not a file that travels"
            raise UpstreamUnreadable(message, where=self._where, hint=UNSAFE, code=DANGLING)
        return self._trees.file(entry)
