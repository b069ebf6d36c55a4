"""Run contracts for a bump on real sidecars: on the proposed tree and on other candidates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patcher.bump import trial
from patcher.bump.model import Bump, Candidate, SiteReport
from patcher.bump.regressions import Observe, Regressions, as_problem
from patcher.bump.run import Advance
from patcher.pipeline import check_upstream
from patcher.prove.contract import in_short
from patcher.upstream.history import Repository

if TYPE_CHECKING:
    from patcher.model import Build, Patch
    from patcher.prove import ProofResult


def _silent(message: str, by: int) -> None:
    """No progress bar."""


@dataclass(frozen=True)
class Prover:
    """Runs contracts. prove: all of them on both trees of a build. observe: some of them on the patched tree only.

    waiting: a progress bar for everything except `prove`, which has its own.
    """

    repository: Repository
    prove: "Callable[[Build], list[ProofResult]]"
    observe: Observe
    waiting: Callable[[], AbstractContextManager[Advance]] = lambda: nullcontext(_silent)

    def first_choices(self, bump: Bump) -> "tuple[Bump, list[ProofResult]]":
        """The proof of the first choices. Where one is red, a candidate whose contracts are green replaces it."""
        found, proofs = self.accepted(self._others_tried(bump))
        better = _better(found)
        if not better:
            return found, proofs
        chosen = {**bump.chosen, **better}
        proposed, series = _with_choices(bump, chosen)
        if not proposed.ok:
            return found, proofs
        return self.accepted(replace(found, proposed=proposed, series=series, chosen=chosen))

    def accepted(self, bump: Bump) -> "tuple[Bump, list[ProofResult]]":
        """The proof of the proposed tree, and the reason for each contract that is red on it."""
        proofs = self.prove(bump.proposed)
        patches_of = {each.contract.id: each.contract.patches for each in proofs}
        red = [each.contract.id for each in proofs if not each.patched.green]
        unobserved = {each.contract.id for each in proofs if not each.patched.observed}
        with self.waiting() as advance:
            regressions = Regressions(self.repository, bump, self.observe, patches_of, unobserved, advance)
            reasons = regressions.of(red) if red else ()
        problems = {
            each.contract.id: f"contract {each.contract.id} refuses: {in_short(each.message)}"
            for each in proofs
            if not each.ok
        }
        problems |= {each.contract: as_problem(each) for each in reasons}
        return replace(bump, red=reasons, sites=_with_problems(bump, problems, patches_of)), proofs

    # --- the candidates that were not chosen -------------------------------------------------------------------

    def _others_tried(self, bump: Bump) -> Bump:
        with self.waiting() as advance:
            sites = [replace(each, candidates=tuple(self._tried(bump, each, advance))) for each in bump.sites]
        return replace(bump, sites=tuple(sites))

    def _tried(self, bump: Bump, site: SiteReport, advance: Advance) -> Iterator[Candidate]:
        for each in site.candidates:
            if each.tried.fits and bump.chosen.get(site.id, each.rank) != each.rank:
                advance(f"{site.id}={each.rank}", 1)
                yield self._try(bump, site, each)
            else:
                yield each

    def _try(self, bump: Bump, site: SiteReport, candidate: Candidate) -> Candidate:
        """The candidate, tried with the choices for the other sites."""
        build, _ = _with_choices(bump, {**bump.chosen, site.id: candidate.rank})
        if not build.ok:
            message = next((gate.message for gate in build.gates if not gate.ok), "another site stops")
            return _judged(candidate, f"with the other choices: {message}")
        names = next(each.contracts for each in bump.declared if each.id == site.patch)
        observations = self.observe(build, names)
        red = {name: in_short(each.said) for name, each in observations.items() if not each.green}
        if not observations:
            return replace(candidate, tried=replace(candidate.tried, contracts=None))
        return _judged(candidate, *(f"contract {name} is red: {message}" for name, message in red.items()))


def _with_choices(bump: Bump, chosen: Mapping[str, int]) -> "tuple[Build, tuple[Patch, ...]]":
    series = trial.with_accepted(bump.declared, bump.sites, chosen)
    return check_upstream(bump.until.upstream, series), series


def _judged(candidate: Candidate, *problems: str) -> Candidate:
    """The candidate after its contracts ran: green, unless there are problems."""
    tried = candidate.tried
    return replace(candidate, tried=replace(tried, contracts=not problems, problems=(*tried.problems, *problems)))


def _better(bump: Bump) -> dict[str, int]:
    """The rank of a candidate whose contracts are green, for each site whose chosen one has a red contract."""
    found = {}
    for site in bump.sites:
        chosen = site.candidate(bump.chosen.get(site.id))
        green = next((each.rank for each in site.candidates if each.tried.contracts and each.tried.fits), None)
        if chosen and chosen.tried.contracts is False and green:
            found[site.id] = green
    return found


def _with_problems(
    bump: Bump, problems: Mapping[str, str], patches_of: Mapping[str, Sequence[str]]
) -> tuple[SiteReport, ...]:
    """The sites, with the problems of the contracts of their patches added to the chosen candidates."""

    def one(site: SiteReport, candidate: Candidate) -> Candidate:
        if bump.chosen.get(site.id) != candidate.rank:
            return candidate
        return _judged(candidate, *(message for name, message in problems.items() if site.patch in patches_of[name]))

    return tuple(replace(site, candidates=tuple(one(site, each) for each in site.candidates)) for site in bump.sites)
