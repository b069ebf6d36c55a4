"""What a person asked for, and whether what was accepted can be declared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from patcher.bump import trial
from patcher.bump.model import Place
from patcher.errors import UsageError


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


def chosen_of(places: Sequence[Place], asked: Asked) -> dict[str, int]:
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
    return {name: rank for name, rank in asked.accept.items() if known[name].waits_for not in asked.accept}
