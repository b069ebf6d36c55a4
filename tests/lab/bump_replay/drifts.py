"""Each breaking mutation of the drift corpus, committed to a throw-away repository among 20 innocent commits: who is named?"""

import multiprocessing
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from patcher.bump.model import BumpOptions
from patcher.bump.run import bump
from patcher.model import Patch, Tree
from patcher.patches import SERIES
from patcher.upstream.history import Repository
from patcher.upstream.materialize import materialize
from tests.lab.drift import corpus
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.reference import REFS, Reference, reference

INNOCENT = 20
_BATCH = 60


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation. named: the commits that the bump names, of those of its branch."""

    name: str
    result: str
    said: str = ""


def show(repository: str, every: int, specs: Sequence[str] | None, jobs: int = 2) -> bool:
    """A table. Whether the guilty commit is named each time that something stops."""
    upstreams = specs or ["builtin", *(f"{repository}@{ref}" for ref in REFS if repository)]
    good = True
    for spec in upstreams:
        began = time.monotonic()
        unchanged = reference(materialize(spec), SERIES)
        made = breaking(unchanged)
        found = run(unchanged, made[::every], jobs)
        counts = Counter(each.result for each in found)
        stopped = len(found) - counts["went in rightly"]
        print(
            f"{spec.rpartition('@')[2]}: {len(found)} of {len(made)} breaking mutations, each among {INNOCENT} innocent "
            f"commits, {time.monotonic() - began:.0f} s: {counts['named']} of {stopped} that stop name the guilty commit; "
            f"{counts['went in rightly']} go in rightly"
        )
        for each in found:
            if each.result not in {"named", "went in rightly"}:
                print(f"  {each.result}: {each.name}: {each.said}")
                good = False
    return good


def breaking(unchanged: Reference) -> list[Mutation]:
    """The breaking mutations that one commit can make in a patched file, and that stop a patch."""
    return [each for each in corpus.mutations(unchanged, 0) if not each.harmless and each.is_of_one_file]


_shared: tuple[Reference, Sequence[Mutation]] | None = None


def run(unchanged: Reference, made: Sequence[Mutation], jobs: int = 1) -> list[Verdict]:
    """The verdicts, in order."""
    global _shared
    _shared = (unchanged, made)
    starts = range(0, len(made), _BATCH)
    if jobs < 2:
        return [each for start in starts for each in _batch(start)]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
        return [each for group in pool.map(_batch, starts) for each in group]


def _batch(start: int) -> list[Verdict]:
    assert _shared is not None
    unchanged, made = _shared
    batch = made[start : start + _BATCH]
    with tempfile.TemporaryDirectory(prefix="bump-replay-") as folder:
        path = Path(folder)
        subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
        stream = b"".join(_stream(unchanged.upstream.tree, batch, start))
        command = ["git", "-C", folder, "fast-import", "--quiet", "--force"]
        subprocess.run(command, input=stream, check=True, capture_output=True)
        with Repository.open(str(path)) as repository:
            return [_judged(repository, unchanged, mutation, start + number) for number, mutation in enumerate(batch)]


# --- the repository --------------------------------------------------------------------------------------------


def _stream(tree: Tree, batch: Sequence[Mutation], start: int) -> Iterator[bytes]:
    """One branch for each mutation, all from one commit with the unchanged tree."""
    yield _commit("refs/heads/base", "base", 1, "", [_file(path, file.data) for path, file in tree.items()])
    yield b"reset refs/tags/v0.0.1\nfrom refs/heads/base\n\n"
    yield b"reset refs/heads/master\nfrom refs/heads/base\n\n"
    for number, mutation in enumerate(batch):
        yield from _branch(tree, mutation, start + number)


def _branch(tree: Tree, mutation: Mutation, number: int) -> Iterator[bytes]:
    """20 innocent commits and the guilty one, at a place of its own; on each third branch it comes with a merge."""
    chance = random.Random(number)
    at = chance.randrange(INNOCENT + 1)
    with_merge = number % 3 == 0
    branch = f"refs/heads/m{number}"
    others = sorted(path for path in tree if path.endswith(".js") and path != mutation.path)
    before, after = "", ""
    is_guilty = False
    parent = "refs/heads/base"
    for step in range(INNOCENT + 1):
        if step == at:
            is_guilty = True
            subject, changes = "guilty", [_state(tree, mutation, before, after, guilty=True)]
            if with_merge:
                yield _commit(f"{branch}-side", subject, step + 2, parent, changes)
                yield _commit(branch, "beside it", step + 2, parent, [_innocent(tree, chance.choice(others), step)])
                yield _commit(branch, "merge", step + 2, branch, changes, merge=f"{branch}-side")
                parent = branch
                continue
        elif chance.random() < 0.5:
            line = f"// innocent {step}\n"
            before, after = (f"{line}{before}", after) if chance.random() < 0.5 else (before, f"{after}\n{line}")
            subject, changes = (
                f"innocent {step}, in the file",
                [_state(tree, mutation, before, after, guilty=is_guilty)],
            )
        else:
            subject, changes = f"innocent {step}", [_innocent(tree, chance.choice(others), step)]
        yield _commit(branch, subject, step + 2, parent, changes)
        parent = branch


def _state(tree: Tree, mutation: Mutation, before: str, after: str, *, guilty: bool) -> bytes:
    text = mutation.text if guilty else tree[mutation.path].data.decode()
    return f"D {mutation.path}\n".encode() if text is None else _file(mutation.path, f"{before}{text}{after}".encode())


def _innocent(tree: Tree, path: str, step: int) -> bytes:
    return _file(path, tree[path].data + f"\n// innocent {step}\n".encode())


def _file(path: str, data: bytes) -> bytes:
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)


def _commit(branch: str, subject: str, when: int, parent: str, changes: Sequence[bytes], merge: str = "") -> bytes:
    head = f"commit {branch}\ncommitter t <t@example.invalid> {1700000000 + when * 60} +0000\n"
    head += f"data {len(subject.encode())}\n{subject}\n"
    head += f"from {parent}\n" if parent not in {"", branch} else ""
    head += f"merge {merge}\n" if merge else ""
    return head.encode() + b"".join(changes) + b"\n"


# --- who is named ----------------------------------------------------------------------------------------------


def _judged(repository: Repository, unchanged: Reference, mutation: Mutation, number: int) -> Verdict:
    """The whole series, and where that hides it, the patch alone: as the corpus judges."""
    spot = unchanged.spots[mutation.spot]
    named: set[str] = set()
    for series in (unchanged.series, unchanged.only(spot)):
        named |= _named(repository, series, f"m{number}")
        if named:
            break
    if not named:
        return Verdict(mutation.name, "went in rightly" if mutation.may_apply else "nothing stops")
    return Verdict(mutation.name, "named" if named == {"guilty"} else "WRONG", ", ".join(sorted(named)))


def _named(repository: Repository, series: Sequence[Patch], branch: str) -> set[str]:
    found = bump(repository, series, BumpOptions(branch, "v0.0.1", candidates=False))
    stops = [place for place in found.sites if place.stops and place.change != "waits"]
    commits = [*(place.culprit for place in stops), *(refusal.culprit for refusal in found.refusals)]
    return {commit.subject if commit else "nobody" for commit in commits}
