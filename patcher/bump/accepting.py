"""What a person asked for, and what was accepted of what there is to accept."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from patcher.bump import trial
from patcher.bump.model import Place
from patcher.errors import UsageError


@dataclass(frozen=True)
class Asked:
    """What a person asked for. accept: rank by place; only: ids of patches to look at, all of them for none.

    write: only what was accepted counts; else the first choices show what there is to accept.
    candidates: look for new anchors too. everything: all of what is new, not only what matters most.
    """

    until: str
    since: str = ""
    only: Collection[str] = ()
    accept: Mapping[str, int] | None = None
    write: bool = False
    candidates: bool = True
    everything: bool = False


def chosen_of(places: Sequence[Place], asked: Asked) -> tuple[dict[str, int], tuple[str, ...]]:
    """What was accepted, and which of these places need nothing; or the first choices where nothing is written.

    Raises `UsageError`.
    """
    if not asked.accept:
        return ({} if asked.write else trial.first_choices(places)), ()
    known = {place.id: place for place in places}
    for name, rank in asked.accept.items():
        if name not in known:
            raise UsageError(f"there is no place {name} in {asked.until}", hint=_nearest(name, known))
        place = known[name]
        if place.stops and place.waits_for not in asked.accept:  # else it is looked at once that is accepted
            _refuse_without_candidate(place, rank)
    stopping = {name: rank for name, rank in asked.accept.items() if known[name].stops}
    chosen = {name: rank for name, rank in stopping.items() if known[name].waits_for not in asked.accept}
    return chosen, tuple(name for name in asked.accept if name not in stopping)


def _nearest(name: str, known: Mapping[str, Place]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"


def _refuse_without_candidate(place: Place, rank: int) -> None:
    found = next((each for each in place.candidates if each.rank == rank), None)
    if found is None and place.waits_for:
        raise UsageError(
            f"{place.id} waits for {place.waits_for}", hint=f"accept {place.waits_for} in the same command"
        )
    if found is None:
        last = len(place.candidates)
        message = f"{place.id} has no candidate {rank}: it has {f'1 to {last}' if last > 1 else last or 'none'}"
        raise UsageError(message, hint="the same command without `--accept` and `--write` shows them")
    if not found.tried.unique:
        problem = next(iter(found.tried.problems), "nothing is known of it")
        hint = "the same command without `--accept` and `--write` shows the others"
        raise UsageError(f"{place.id}={rank} cannot be accepted: {problem}", hint=hint)
