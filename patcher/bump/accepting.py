"""What a person asked for, and whether what was accepted can be declared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from patcher.bump import trial
from patcher.bump.model import Kind, Place
from patcher.bump.moments import Reviews
from patcher.errors import UsageError
from patcher.model import version_key


@dataclass(frozen=True)
class Asked:
    """What a person asked for. accept: rank by place; only: ids of patches to look at, all of them for none.

    write: only what was accepted counts; else the first choices show what there is to accept.
    candidates: look for new anchors too.
    """

    until: str
    since: str = ""
    only: Collection[str] = ()
    accept: Mapping[str, int] | None = None
    write: bool = False
    candidates: bool = True


def chosen_of(places: Sequence[Place], asked: Asked, reviews: Reviews) -> dict[str, int]:
    """What was accepted; the first choices where nothing was, and nothing is written. Raises `UsageError`."""
    if not asked.accept:
        return {} if asked.write else trial.first_choices(places)
    known = {place.id: place for place in places}
    for name, rank in asked.accept.items():
        if name not in known:
            raise UsageError(f"there is no place {name}", hint=f"there are: {', '.join(known)}")
        if known[name].waits_for in asked.accept:
            continue  # its candidates are looked for once that is accepted
        found = [each for each in known[name].candidates if each.rank == rank]
        if not found:
            count = len(known[name].candidates)
            hint = "the same command without `--accept` shows them"
            raise UsageError(f"{name} has no candidate {rank}: it has {count or 'none'}", hint=hint)
        if not found[0].tried.unique:
            problem = next(iter(found[0].tried.problems), "nothing is known of it")
            hint = "the same command without `--accept` shows the others"
            raise UsageError(f"{name}={rank} cannot be accepted: {problem}", hint=hint)
        if found[0].kind is not Kind.PIN:
            _refuse_range(known[name], reviews)
    return {name: rank for name, rank in asked.accept.items() if known[name].waits_for not in asked.accept}


def _refuse_range(place: Place, reviews: Reviews) -> None:
    """A new anchor is for the new version and all later ones: raise `UsageError` where such a range would be wrong."""
    since, until = reviews.since, reviews.until
    version = until.upstream.version
    if since and since.upstream.version == version:
        message = f"{since.ref} and {until.ref} both call themselves {version}: no range tells them apart"
        raise UsageError(message, hint="a new anchor needs a new version of upstream: wait for its release")
    newer = reviews.newest(place.patch, place.number)
    if newer > version_key(version):
        said = ".".join(str(part) for part in newer)
        message = f"{place.id} was reviewed for {said} already: a range from {version} on would take that too"
        raise UsageError(message, hint=f"write this anchor by hand, with `Versions(since=…, until=…)` around {version}")
