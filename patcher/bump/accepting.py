"""What a person asked for, and what was accepted of what there is to accept."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from patcher.bump import trial
from patcher.bump.model import SiteReport
from patcher.errors import UsageError


@dataclass(frozen=True)
class Asked:
    """What a person asked for. accept: rank by site; only: ids of patches to look at, all of them for none.

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


def chosen_of(sites: Sequence[SiteReport], asked: Asked) -> tuple[dict[str, int], tuple[str, ...]]:
    """What was accepted, and which of these sites need nothing; or the first choices where nothing is written.

    Raises `UsageError`.
    """
    if not asked.accept:
        return ({} if asked.write else trial.first_choices(sites)), ()
    known = {each.id: each for each in sites}
    for name, rank in asked.accept.items():
        if name not in known:
            raise UsageError(f"there is no site {name} in {asked.until}", hint=_nearest(name, known))
        site = known[name]
        if site.stops and site.waits_for not in asked.accept:  # else it is looked at once that is accepted
            _refuse_without_candidate(site, rank)
    stopping = {name: rank for name, rank in asked.accept.items() if known[name].stops}
    chosen = {name: rank for name, rank in stopping.items() if known[name].waits_for not in asked.accept}
    return chosen, tuple(name for name in asked.accept if name not in stopping)


def _nearest(name: str, known: Mapping[str, SiteReport]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"


def _refuse_without_candidate(site: SiteReport, rank: int) -> None:
    found = next((each for each in site.candidates if each.rank == rank), None)
    if found is None and site.waits_for:
        raise UsageError(f"{site.id} waits for {site.waits_for}", hint=f"accept {site.waits_for} in the same command")
    if found is None:
        last = len(site.candidates)
        message = f"{site.id} has no candidate {rank}: it has {f'1 to {last}' if last > 1 else last or 'none'}"
        raise UsageError(message, hint="the same command without `--accept` and `--write` shows them")
    if not found.tried.unique:
        problem = next(iter(found.tried.problems), "nothing is known of it")
        hint = "the same command without `--accept` and `--write` shows the others"
        raise UsageError(f"{site.id}={rank} cannot be accepted: {problem}", hint=hint)
