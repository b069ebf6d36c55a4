"""Real changes to adopt: commits and pull requests of upstream, and the newest state of clones of its forks."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from patcher.javascript import has_grammar

LARGEST = 250_000


@dataclass(frozen=True)
class Change:
    """One modified file: its text before and after. name: of the fork. base: the commit that it was before."""

    fork: str
    base: str
    path: str
    before: str
    after: str


def git(repository: str, *words: str) -> str:
    """What git says; empty where it fails."""
    done = subprocess.run(["git", "-C", repository, *words], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")


@lru_cache(maxsize=4096)
def text(repository: str, ref: str, path: str) -> str | None:
    """A file of a commit; None where it is not there, or no text."""
    done = subprocess.run(["git", "-C", repository, "show", f"{ref}:{path}"], capture_output=True, check=False)
    try:
        return done.stdout.decode() if done.returncode == 0 else None
    except UnicodeDecodeError:
        return None


def travels(path: str) -> bool:
    """Whether a file is one that a build with the client has, and has a grammar."""
    tops = ("server/", "scripts/", "bin/", "client/", "package.json")
    never = ("__tests__", "package-lock", "node_modules", "client/dist/", "/docs/")
    return path.startswith(tops) and not any(each in path for each in never) and has_grammar(path)


def changes(repository: str, fork: str, base: str, head: str) -> Iterator[Change]:
    """The modified files between two commits of one repository."""
    names = git(repository, "diff", "--name-only", "--no-renames", "--diff-filter=M", base, head).split("\n")
    for path in filter(travels, filter(None, names)):
        before, after = text(repository, base, path), text(repository, head, path)
        if before is not None and after is not None and max(len(before), len(after)) <= LARGEST:
            yield Change(fork, base, path, before, after)


def commits(repository: str, count: int, *, undone: bool = False) -> Iterator[Change]:
    """The newest commits of upstream that touch what travels, each as a fork of its parent.

    undone: each taken back instead; at later tags stands what it had changed, so that its place can be looked for.
    """
    where = ("server", "scripts", "client/src")
    for commit in git(repository, "log", "--format=%H", "--no-merges", f"-n{count}", "HEAD", "--", *where).split():
        ends = (commit, f"{commit}^") if undone else (f"{commit}^", commit)
        yield from changes(repository, f"commit {commit[:8]}", *ends)


def pulls(repository: str) -> Iterator[Change]:
    """The pull requests that were not taken as they are, against where they began."""
    for ref in git(repository, "for-each-ref", "--format=%(refname)", "refs/pull").split():
        base = git(repository, "merge-base", ref, "HEAD").strip()
        if base and ref.endswith("/head"):
            yield from changes(repository, ref.removeprefix("refs/").removesuffix("/head"), base, ref)


def clone(repository: str, upstream: str) -> Iterator[Change]:
    """The newest state of a clone of a fork, against the newest commit that upstream has as well."""
    for commit in git(repository, "rev-list", "HEAD").split():
        if git(upstream, "cat-file", "-t", commit).strip() == "commit":
            yield from changes(repository, repository.rstrip("/").split("/")[-2], commit, "HEAD")
            return
