"""Read a git repository at many refs: tags, commits, and upstream at each, without a checkout.

The work tree is not read. Nothing is fetched, and nothing in the repository changes.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from shlex import quote
from types import TracebackType
from typing import Self

from patcher.errors import (
    EmptyRange,
    NoSuchRef,
    NotThisPackage,
    UnrelatedHistories,
    UpstreamUnreadable,
)
from patcher.model import File, Upstream, version_key
from patcher.upstream import clone, git
from patcher.upstream.materialize import identified
from patcher.upstream.spec import is_local, readable, split
from patcher.upstream.text import decode
from patcher.upstream.travels import description
from patcher.upstream.trees import CommitTree, Trees

_VERSION_TAG = re.compile(r"v?\d+(\.\d+)+([-+][\w.+-]+)?")
_FORMAT = "--format=%H%x1f%P%x1f%cI%x1f%an%x1f%s"


@dataclass(frozen=True)
class Commit:
    """One commit. date: committer date, ISO 8601 with time zone. subject: first line of the message.

    parents: ids; of `connected` commits, those of the nearest ancestors that change the paths.
    """

    id: str
    date: str
    subject: str
    author: str
    parents: tuple[str, ...] = ()


class Repository:
    """A local clone of upstream, with or without a work tree. A context manager; create it with `open`."""

    def __init__(self, path: str, *, client: bool = False) -> None:
        self.path = path
        self.client = client
        self._objects = git.Objects(path)
        self._trees = Trees(path, self._objects)
        self._commits: dict[str, str] = {}

    @classmethod
    def open(cls, path: str, *, client: bool = False) -> "Repository":
        """Open a clone for reading. client: read upstreams with the client's sources.

        Raises `UpstreamUnreadable` (no git, no repository), `IncompleteClone` (shallow or partial), `NotThisPackage`,
        `NoSuchRef` (there is no commit).
        """
        if not is_local(path):
            hint = f"`git clone --bare {quote(path)} upstream.git`, then give upstream.git"
            raise UpstreamUnreadable("the history of a URL cannot be read", where=path, hint=hint)
        if not os.path.isdir(path):
            name, ref = split(path)
            alone = f"give the clone without a ref, `--upstream {quote(name)}`: other options name the refs"
            hint = alone if ref and os.path.isdir(name) else "give the path of a clone"
            raise UpstreamUnreadable("there is no such repository", where=path, hint=hint)
        repository = cls(git.local(path), client=client)
        try:
            clone.refuse_incomplete(repository.path)
            repository._refuse_something_else()
        except BaseException:
            repository.close()
            raise
        return repository

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the git process."""
        self._objects.close()

    @property
    def sources(self) -> tuple[str, ...]:
        """The top-level paths that the result of a build and its gates depend on."""
        return ("server", "scripts", "bin", "package.json", *(("client",) if self.client else ()))

    @property
    def is_shallow(self) -> bool:
        """Whether older commits of the history are missing."""
        return clone.is_shallow(self.path)

    @property
    def is_partial(self) -> bool:
        """Whether objects were left out when it was cloned."""
        return clone.is_partial(self.path)

    @property
    def may_fetch_tags(self) -> bool:
        """Whether there is no version tag, but a remote to fetch some from."""
        return not self._tags and bool(self._git("remote").strip())

    @property
    def is_dirty(self) -> bool:
        """Whether the work tree has uncommitted changes of tracked files, which are not read."""
        return clone.is_dirty(self.path)

    def _refuse_something_else(self) -> None:
        """Raises unless HEAD or a version tag has `agent-dashboard`: HEAD may be on a branch with other files."""
        first: NotThisPackage | None = None
        for ref in ("HEAD", *reversed(self._tags)):
            try:
                package = self._trees.blob(self._trees.find(self.commit_id(ref), "package.json"))
                description(package, f"{self.path}@{ref}")
            except NoSuchRef:
                continue
            except NotThisPackage as error:
                first = first or error
            else:
                return
        raise first or NoSuchRef("there is no commit yet", where=self.path, hint="fetch upstream's branches and tags")

    # --- refs --------------------------------------------------------------------------------------------------

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """Every tag whose name is a version, in version order."""
        names = self._git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").splitlines()
        versions = (name for name in names if _VERSION_TAG.fullmatch(name))
        return tuple(sorted(versions, key=lambda tag: (version_key(tag), tag)))

    @cached_property
    def _tags(self) -> tuple[str, ...]:
        return tuple(tag for tag in self._named if self._is_commit(tag))

    def _is_commit(self, ref: str) -> bool:
        try:
            self.commit_id(ref)
        except NoSuchRef:
            return False
        return True

    @property
    def tags_without_commit(self) -> list[str]:
        """Tags whose name is a version, but that point to a file or a folder."""
        return [tag for tag in self._named if tag not in self._tags]

    def tags(self) -> list[str]:
        """The version tags (`v1.2.0`, `1.2`, `v2.0.0-rc.1`), in version order."""
        return list(self._tags)

    def refs(self, names: Sequence[str] = ()) -> list[str]:
        """The refs that command-line arguments name, each once.

        None: every version tag. `A..B`: both ends and the version tags between them, by version where both ends are
        version tags, else by history; an empty A is the first tag, an empty B is `HEAD`. Any other: itself.

        Raises `NoSuchRef`, `UnrelatedHistories`, `EmptyRange`.
        """
        if not names and not self._tags:
            hint = f"`git -C {quote(self.path)} fetch --tags`, or name refs with --refs"
            raise EmptyRange("there is no version tag", where=self.path, hint=hint)
        found = [ref for name in names for ref in (self._between(name) if ".." in name else [name])]
        for ref in found:
            self.commit_id(ref)
        return list(dict.fromkeys(found)) if names else self.tags()

    def ends(self, name: str) -> tuple[str, str]:
        """Both ends of `A..B`; an empty A is the first version tag, an empty B is `HEAD`.

        Raises `NoSuchRef`, `UnrelatedHistories`, `EmptyRange` (A is empty, and there is no tag).
        """
        since, _, until = name.partition("..")
        since, until = since or next(iter(self._tags), ""), until or "HEAD"
        if not since:
            raise EmptyRange(f"there is no version tag for {name} to begin with", where=self.path, hint="give A..B")
        if not self.merge_base(since, until):
            message = f"{since} and {until} have no commit in common: nothing is between them"
            raise UnrelatedHistories(message, where=self.path, hint="name the refs one by one instead of A..B")
        return since, until

    def _between(self, name: str) -> list[str]:
        since, until = self.ends(name)
        if {since, until} <= set(self._tags):
            between = self._tags[self._tags.index(since) : self._tags.index(until) + 1]
            if not between:
                hint = f"did you mean {until}..{since}?"
                raise EmptyRange(f"there is nothing in {name}", where=self.path, hint=hint)
            return list(between)
        query = ("for-each-ref", "--format=%(refname:strip=2)", f"--merged={self.commit_id(until)}")
        reachable = self._git(*query, f"--no-merged={self.commit_id(since)}", "refs/tags").splitlines()
        return [since, *(tag for tag in self._tags if tag in reachable), until]

    def commit_id(self, ref: str) -> str:
        """The full id of the commit that a ref names. Raises `NoSuchRef`."""
        if ref not in self._commits:
            self._commits[ref] = self._trees.commit(ref)
        return self._commits[ref]

    def merge_base(self, one: str, other: str) -> str:
        """The newest common ancestor of two refs; empty for unrelated histories. Raises `NoSuchRef`."""
        found = git.run(self.path, "merge-base", self.commit_id(one), self.commit_id(other), accept=(0, 1))
        return found.decode().strip()

    def count(self, since: str, until: str) -> int:
        """The number of commits in the history of `until` but not of `since`. Raises `NoSuchRef`."""
        return int(self._git("rev-list", "--count", self.commit_id(until), f"^{self.commit_id(since)}"))

    # --- commits -----------------------------------------------------------------------------------------------

    def commit(self, ref: str) -> Commit:
        """The commit that a ref names. Raises `NoSuchRef`."""
        [found] = self._log("--max-count=1", self.commit_id(ref))
        return found

    def described(self, refs: Sequence[str]) -> dict[str, Commit]:
        """The commits of many refs, read by one git process. Raises `NoSuchRef`."""
        ids = {ref: self.commit_id(ref) for ref in refs}
        known = {commit.id: commit for commit in self._log("--no-walk=unsorted", *dict.fromkeys(ids.values()))}
        return {ref: known[commit] for ref, commit in ids.items()}

    def commits(
        self, paths: Sequence[str], since: str = "", until: str = "HEAD", *, connected: bool = False
    ) -> list[Commit]:
        """The commits that change a path, oldest first, as `git log -- PATH` shows them.

        since: leave out the history of this ref. connected: also the merges between them, and `parents` are those among
        the returned commits. Raises `NoSuchRef`, `EmptyRange`.
        """
        chosen = [self.commit_id(until), *([f"^{self.commit_id(since)}"] if since else [])]
        more = ["--parents"] if connected else []
        found = list(self._log("--topo-order", "--reverse", *more, *chosen, "--", *paths))
        if not found:
            span = f"{since}..{until}" if since else until
            message = f"no commit of {span} touches {', '.join(paths) or 'anything'}"
            raise EmptyRange(message, where=self.path, hint="paths start at the top of the repository")
        return found

    def _log(self, *arguments: str) -> Iterator[Commit]:
        for line in self._git("rev-list", _FORMAT, *arguments).split("\n"):
            if "\x1f" in line:
                commit, parents, date, author, subject = line.split("\x1f", 4)
                yield Commit(commit, date, subject, author, tuple(parents.split()))

    # --- contents ----------------------------------------------------------------------------------------------

    def upstream(self, ref: str) -> Upstream:
        """As `materialize("PATH@REF")`; files with the same content are the same object at every ref.

        Raises `NoSuchRef`, `NotThisPackage`, and what `materialize` raises (with `client` also `ClientMissing`).
        """
        spec = f"{self.path}@{ref}"
        source = CommitTree(self._trees, self.commit_id(ref), spec)
        return identified(source, readable(ref), spec, client=self.client)

    def blob_id(self, ref: str, path: str) -> str | None:
        """The object id of the entry at a path; None without one. Raises `NoSuchRef`."""
        entry = self._trees.find(self.commit_id(ref), path)
        return entry.id if entry else None

    def text(self, ref: str, path: str) -> str | None:
        """The text of a file; None without one. Raises `NoSuchRef`, `NotUtf8`."""
        data = self._trees.blob(self._trees.find(self.commit_id(ref), path))
        return None if data is None else decode(File(data), path)

    def _git(self, *arguments: str) -> str:
        return git.run(self.path, *arguments).decode("utf-8", "replace")
