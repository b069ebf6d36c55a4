"""Every ref of upstream's clone: what builds reverts to the byte, what stops has a reason, and numbers decide nothing.

A ref is a branch, a tag or a pull request. Refs whose patched files are the same are one case; its contracts are run
where a site went in although the version number is older than the site, or stayed out because of it.
"""

import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from patcher import apply
from patcher.errors import PatcherError
from patcher.javascript import language_of
from patcher.locate import locate
from patcher.model import Build, Patch, Upstream, tree_digest, version_key
from patcher.patches import SERIES
from patcher.pipeline import check_upstream, output
from patcher.progress import progress
from patcher.prove import proof
from patcher.revert import pristine, write_new
from patcher.upstream.history import Repository

OLDEST = "1.1.1"
"""What the series is for; older refs stop, and are counted."""


@dataclass
class Case:
    """The refs that have the same patched files. problem: why it is not as it must be; empty for none."""

    upstream: Upstream
    build: Build
    refs: list[str] = field(default_factory=list)
    problem: str = ""
    proven: str = ""


def show(repository: str) -> bool:
    """A line for each case, then the counts. False for a crash, a tree that does not revert, or a red contract."""
    cases, unreadable = read(repository)
    with progress(len(cases)) as advance:
        for case in cases:
            advance(case.refs[0], 1)
            examine(case)
    for case in cases:
        print(line_of(case))
    stopped = [case for case in cases if case.build.stopped]
    needless = [each for case in stopped for each in needless_stops(case.upstream)]
    refs = sum(len(case.refs) for case in cases)
    print(f"{refs + len(unreadable)} refs: {len(cases)} distinct sets of patched files, {len(unreadable)} unreadable")
    print(
        f"  {sum(not case.build.stopped for case in cases)} sets build, {len(stopped)} stop; {len(needless)} stop needlessly"
    )
    by_reason = Counter(reason for case in stopped for reason in reasons(case.build))
    for reason, count in by_reason.most_common():
        print(f"    {count:3} sets: {reason}")
    for ref, said in unreadable:
        print(f"  {ref}: {said}")
    red = [case for case in cases if case.problem]
    ran = sum(bool(case.proven) for case in cases)
    print(f"  contracts run on {ran} sets where a number might decide; {len(red)} sets not as they must be")
    return not red and not needless


def read(repository: str) -> tuple[list[Case], list[tuple[str, str]]]:
    """The cases, and the refs that cannot be read, each with the reason."""
    command = ["git", "-C", repository, "for-each-ref", "--format=%(refname)"]
    refs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    cases: dict[object, Case] = {}
    unreadable = []
    with Repository.open(repository) as clone, progress(len(refs)) as advance:
        for ref in refs:
            advance(ref, 1)
            try:
                upstream = clone.upstream(ref)
                found = apply.apply_series(upstream, SERIES)
            except PatcherError as error:
                unreadable.append((ref, f"{error.code}: {error.message}"))
                continue
            files = {edit.file for patch in SERIES for edit in patch.sites}
            key = tree_digest({path: upstream.tree[path] for path in files & upstream.tree.keys()})
            cases.setdefault((key, upstream.version), Case(upstream, found)).refs.append(ref)
    return list(cases.values()), unreadable


def examine(case: Case) -> None:
    """Gates, `revert`, and the contracts of the patches for which the number might decide."""
    if case.build.stopped:
        return
    case.build = check_upstream(case.upstream, SERIES)
    if not case.build.ok:
        case.problem = "; ".join(f"gate {gate.id}: {gate.message}" for gate in case.build.gates if not gate.ok)
        return
    with tempfile.TemporaryDirectory() as scratch:
        write_new(output(case.build), f"{scratch}/out")
        if tree_digest(pristine(f"{scratch}/out")) != case.upstream.tree_sha256:
            case.problem = "revert does not return the pristine tree"
            return
    patches = list(undecided(case.upstream))
    if patches:
        prove(case, patches)


def undecided(upstream: Upstream) -> Iterable[Patch]:
    """The patches with a site that upstream has only since a later version than this one says it is."""
    for patch in SERIES:
        edits = patch.sites_for(upstream.line)
        if patch.superseded is not upstream.line and not all(e.is_required_in(upstream.version) for e in edits):
            yield patch


def prove(case: Case, patches: Sequence[Patch]) -> None:
    """Run the contracts of these patches."""
    ours = {contract.id for contract in proof.chosen((), case.upstream.line)}
    only = [name for patch in patches for name in patch.contracts if name in ours]
    try:
        results = proof.run(case.build, only=only, install=True)
    except PatcherError as error:
        case.problem = f"the contracts could not be run: {error.message}"
        return
    case.proven = f"{sum(each.ok for each in results)} of {len(results)} contracts"
    case.problem = "; ".join(f"{each.contract.id}: {each.message}" for each in results if not each.ok)


def needless_stops(upstream: Upstream) -> Iterable[str]:
    """Sites that stop although one of their anchors is there once, with the code that was reviewed."""
    for each in apply.apply_series(upstream, SERIES).sites:
        for anchor in each.site.anchors if each.stops else ():
            path = each.site.file_of(anchor)
            located = locate(each.text, anchor, language_of(path))
            if located.is_unique and located.matches[0].tokens in {pin.tokens for pin in anchor.pins}:
                yield each.id


def reasons(build: Build) -> list[str]:
    """What stops, without line numbers and digests."""
    old = version_key(build.upstream.version) < version_key(OLDEST)
    if old:
        return [f"older than {OLDEST}: {build.upstream.version or 'no version'}"]
    return [f"{each.patch} {each.verdict}: {each.message[:120]}" for each in build.stops]


def line_of(case: Case) -> str:
    """One case for a person."""
    more = f" and {len(case.refs) - 1} more" if len(case.refs) > 1 else ""
    state = (
        f"NOT AS IT MUST BE: {case.problem}" if case.problem else "stops" if case.build.stopped else "builds, reverts"
    )
    proven = f", {case.proven}" if case.proven else ""
    return f"{case.upstream.version:>8} {case.upstream.line} {case.refs[0]}{more}: {state}{proven}"
