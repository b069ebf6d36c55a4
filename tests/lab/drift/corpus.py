"""Makes the mutants of one upstream, builds each in memory, and has the results judged."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from patcher.errors import PatcherError
from patcher.model import Build, File, Finding, Patch, Tree
from patcher.pipeline import check_upstream
from patcher.upstream.materialize import identified
from patcher.upstream.travels import Travels
from tests.lab.drift import nodejs
from tests.lab.drift.breaking import breaking, renamed_exports
from tests.lab.drift.changed_series import changed_series
from tests.lab.drift.changes import Span
from tests.lab.drift.harmless import harmless
from tests.lab.drift.judge import Expected, judge
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.reference import Reference, Spot
from tests.lab.drift.site import Site
from tests.lab.drift.twice import twice
from tests.lab.drift.whole_tree import whole_tree


class Result(StrEnum):
    """What became of one mutant."""

    RIGHT = "right"
    STOPPED = "stopped"
    NEEDLESS = "needless stop"
    OTHERWISE = "stopped for another reason"
    MISAPPLIED = "misapplied"
    ILLEGAL = "not JavaScript"

    @property
    def is_bad(self) -> bool:
        return self in {Result.NEEDLESS, Result.OTHERWISE, Result.MISAPPLIED}


@dataclass(frozen=True)
class Outcome:
    """One mutant of one spot, judged. why: the stop, or what is wrong with the result."""

    name: str
    kind: str
    harmless: bool
    result: Result
    why: str = ""


@dataclass(frozen=True)
class Work:
    """Mutants that are one text, and so one build: a layout of a file is one for each spot in it."""

    mutations: tuple[Mutation, ...]


def mutations(reference: Reference, seed: int, only: str = "*") -> Iterator[Mutation]:
    """The mutants of one upstream, in the order of the series. What changes nothing, or comes up again, is left out."""
    aimed, slash, _ = only.partition("/")
    for spot in reference.spots.values():
        if slash and not set("*?[") & set(aimed) and aimed != spot.id:
            continue  # nothing of it can be meant
        site = Site(reference, spot)
        made = [*harmless(site, seed), *breaking(site), *twice(site), *changed_series(site)]
        yield from _distinct(reference, made, only)
    yield from _distinct(reference, [*renamed_exports(reference), *whole_tree(reference)], only)


def _distinct(reference: Reference, made: Iterable[Mutation], only: str) -> Iterator[Mutation]:
    seen: set[object] = set()
    names: Counter[str] = Counter()
    for each in made:
        key = (each.harmless, each.key)
        if key in seen or (each.is_of_one_file and each.text == _text(reference.upstream.tree, each.path)):
            continue
        seen.add(key)
        names[each.name] += 1
        number = names[each.name]
        named = replace(each, detail=f"{each.detail} ({number})") if number > 1 else each
        if fnmatchcase(named.name, only):
            yield named


def _text(tree: Tree, path: str) -> str | None:
    return tree[path].data.decode() if path in tree else None


def sampled(made: Iterable[Mutation], of_each_kind: int, seed: int) -> list[Mutation]:
    """Some mutations of each kind, for a run of seconds."""
    kinds: dict[tuple[bool, str], list[Mutation]] = {}
    for each in made:
        kinds.setdefault((each.harmless, each.kind), []).append(each)
    chance = random.Random(seed)
    return [each for group in kinds.values() for each in chance.sample(group, min(of_each_kind, len(group)))]


def works(made: Iterable[Mutation]) -> list[Work]:
    """The mutants by what has to be built."""
    groups: dict[object, list[Mutation]] = {}
    for each in made:
        key = each.key if each.harmless else each.name
        groups.setdefault(key, []).append(each)
    return [Work(tuple(group)) for group in groups.values()]


# --- one mutant ------------------------------------------------------------------------------------------------


def outcomes(reference: Reference, work: Work) -> list[Outcome]:
    """Build and judge."""
    first = work.mutations[0]
    tree = mutated(reference, first)
    if not first.harmless:
        return [_of_breaking(reference, each, tree) for each in work.mutations]
    if first.path.endswith(".js") and nodejs.syntax_problem(first.text or ""):
        return [_outcome(each, Result.ILLEGAL) for each in work.mutations]
    build, why = attempt(reference, tree, reference.series)
    return [_of_harmless(reference, each, tree, build, why) for each in work.mutations]


def mutated(reference: Reference, mutation: Mutation) -> Tree:
    """Upstream with the mutation in it."""
    tree = dict(reference.upstream.tree)
    for path, text in {**mutation.besides, mutation.path: mutation.text}.items():
        if text is None:
            del tree[path]
        else:
            tree[path] = replace(tree.get(path, File(b"")), data=text.encode())
    return tree


class _InMemory:
    """A tree as a source of files, so that a mutant is read through the same door as every upstream."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.identity = ""

    def package_json(self) -> bytes | None:
        return self._tree["package.json"].data if "package.json" in self._tree else None

    def paths(self, travels: Travels) -> Iterable[str]:
        del travels
        return self._tree

    def submodules(self) -> Iterable[str]:
        return ()

    def file(self, path: str) -> File:
        return self._tree[path]


def attempt(reference: Reference, tree: Tree, series: Sequence[Patch]) -> tuple[Build | None, str]:
    """A build with its gates, and why it did not go through; None for one that ended in an error."""
    try:
        mutant = identified(_InMemory(tree), reference.upstream.ref, reference.upstream.spec)
        build = check_upstream(mutant, series)
    except PatcherError as error:
        return None, f"{error.code}: {error.message}"
    stops = [f"{each.patch} {each.verdict}: {each.message}" for each in build.stops]
    refused = [f"gate {gate.id}: {gate.message}" for gate in build.gates if not gate.ok]
    return build, "; ".join([*stops, *refused])


def _of_harmless(reference: Reference, mutation: Mutation, tree: Tree, build: Build | None, why: str) -> Outcome:
    if build is None or not build.ok:
        if mutation.whole_file and build is not None and _is_about_others(build, reference.spots[mutation.spot]):
            return _outcome(mutation, Result.RIGHT)
        return _outcome(mutation, Result.NEEDLESS, why)
    problems = check(reference, mutation, tree, build.tree, reference.series)
    if mutation.whole_file:
        others = tuple(f"{name} " for name in reference.spots if name != mutation.spot)
        problems = [each for each in problems if not each.startswith(others)]
    return _outcome(mutation, Result.MISAPPLIED if problems else Result.RIGHT, "; ".join(problems))


def _is_about_others(build: Build, spot: Spot) -> bool:
    """Whether a stop is the business of other spots of the file, which have this mutation counted against them."""
    return build.stopped and not any(_is_of(each, spot) for each in build.stops)


def _is_of(finding: Finding, spot: Spot) -> bool:
    return finding.patch == spot.patch.id and finding.scope in {"", str(spot.anchor.scope)}


def _of_breaking(reference: Reference, mutation: Mutation, tree: Tree) -> Outcome:
    """Alone first: a patch must stop of itself, not because another one of the series happens to."""
    for series in all_series(reference, mutation):
        build, why = attempt(reference, tree, series)
        if build is None or not build.ok:
            return _outcome(mutation, Result.STOPPED if mutation.reason in why else Result.OTHERWISE, why)
        problems = check(reference, mutation, tree, build.tree, series)
        if problems or not mutation.may_apply:
            return _outcome(mutation, Result.MISAPPLIED, "; ".join(problems) or "went in, and must not")
    return _outcome(mutation, Result.RIGHT)


def all_series(reference: Reference, mutation: Mutation) -> list[tuple[Patch, ...]]:
    """What a breaking mutant is built with, in order, each with the mutation's edit in it."""
    spot = reference.spots[mutation.spot]
    found = [reference.only(spot), reference.series] if mutation.alone else [reference.series]
    return [tuple(_with_edit(patch, spot, mutation) for patch in series) for series in found]


def _with_edit(patch: Patch, spot: Spot, mutation: Mutation) -> Patch:
    if mutation.edit is None or patch.id != spot.patch.id:
        return patch
    return replace(patch, sites=tuple(mutation.edit if each.id == spot.id else each for each in patch.sites))


def check(reference: Reference, mutation: Mutation, tree: Tree, result: Tree, series: Sequence[Patch]) -> list[str]:
    """What is wrong with a result."""
    expected = [
        _expected(spot, mutation)
        for spot in reference.spots.values()
        if any(patch.id == spot.patch.id and spot.edit in patch.sites for patch in series)
    ]
    problems = judge(tree, result, expected, reference.added)
    path = mutation.path
    if path in result and any(each.spot.file == path for each in expected):
        illegal = nodejs.syntax_problem(result[path].data.decode())
        problems += [f"{path} is not JavaScript any more: {illegal}"] if illegal else []
    return problems


def _expected(spot: Spot, mutation: Mutation) -> Expected:
    def now(span: Span) -> Span | None:
        return mutation.track(span) if spot.file == mutation.path else span

    statement = now(spot.statement)
    return Expected(spot, statement, now(spot.target) if spot.target[1] > spot.target[0] else statement)


def _outcome(mutation: Mutation, result: Result, why: str = "") -> Outcome:
    return Outcome(mutation.name, mutation.kind, mutation.harmless, result, why)


# --- all of them -----------------------------------------------------------------------------------------------

_shared: tuple[Reference, list[Work]] | None = None


def run(
    reference: Reference, todo: list[Work], jobs: int, advance: Callable[[int], None] = lambda _: None
) -> list[Outcome]:
    """The outcomes of all works, in their order, by up to `jobs` processes."""
    global _shared
    if jobs < 2 or len(todo) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return [each for work in todo for each in _advanced(outcomes(reference, work), advance)]
    _shared = (reference, todo)
    nodejs.stop()
    # An executor ends its workers with a message. A `Pool` sends SIGTERM, which one that has just started can lose.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
        found = pool.map(_numbered, range(len(todo)), chunksize=8)
        return [each for group in found for each in _advanced(group, advance)]


def _numbered(number: int) -> list[Outcome]:
    if _shared is None:
        raise RuntimeError("a worker has nothing to work on")
    return outcomes(_shared[0], _shared[1][number])


def _advanced(group: list[Outcome], advance: Callable[[int], None]) -> list[Outcome]:
    advance(len(group))
    return group
