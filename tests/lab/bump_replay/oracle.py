"""Which commit is guilty, found another way than the patcher does: every commit of the range is asked, none is left out.

The patcher walks git's simplified history of a file backwards from the tip. Here plain `git` gives each commit with all its
parents, and a verdict is asked of each text; guilty is who stops, has no parent that stops, and from whom only stops lead to
the tip. What decides about a text is the locator of the patcher: that is tested elsewhere (`tests.lab.drift`).
"""

import subprocess
from collections.abc import Callable, Iterable


def git(repository: str, *arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={repository}", "-C", repository, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8", "surrogateescape")


def guilty(repository: str, since: str, until: str, path: str, stops: Callable[[str | None], bool]) -> set[str]:
    """The ids of the guilty commits for a file in the history of `until`, without that of `since` where that does not stop.

    stops: asked with texts, None for no file.
    """
    parents = _parents(repository, since, until)
    blobs = _blobs(repository, {*parents, *(each for those in parents.values() for each in those)}, path)
    texts = {blob: stops(git(repository, "cat-file", "blob", blob) if blob else None) for blob in set(blobs.values())}
    bad = {commit: texts[blob] for commit, blob in blobs.items()}
    if since and bad.get(git(repository, "rev-parse", f"{since}^{{commit}}").strip(), False):
        return guilty(repository, "", until, path, stops)
    tip = git(repository, "rev-parse", f"{until}^{{commit}}").strip()
    reached, waiting = set(), [tip]
    while waiting:
        commit = waiting.pop()
        if commit not in reached and bad.get(commit, False):
            reached.add(commit)
            waiting += parents.get(commit, ())
    return {commit for commit in reached if parents.get(commit) and not any(bad[each] for each in parents[commit])}


def _parents(repository: str, since: str, until: str) -> dict[str, list[str]]:
    found = {}
    for line in git(repository, "rev-list", "--parents", until, *([f"^{since}"] if since else [])).splitlines():
        commit, *those = line.split()
        found[commit] = those
    return found


def _blobs(repository: str, commits: Iterable[str], path: str) -> dict[str, str]:
    """The blob of the file at each commit; empty for none."""
    named = list(commits)
    command = ["git", "-c", f"safe.directory={repository}", "-C", repository, "cat-file", "--batch-check=%(objectname)"]
    asked = "".join(f"{commit}:{path}\n" for commit in named)
    said = subprocess.run(command, check=True, capture_output=True, input=asked.encode()).stdout.decode().splitlines()
    return {commit: "" if " " in line else line for commit, line in zip(named, said, strict=True)}
