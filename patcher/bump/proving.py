"""A bump on real sidecars: contracts on the proposed tree and on the other candidates, and reasons for what is red."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patcher.bump import trial
from patcher.bump.model import Bump, Candidate, SiteReport, Tried
from patcher.bump.regressions import Look, Reasons, as_problem, in_short
from patcher.pipeline import check_upstream
from patcher.upstream.history import Repository

if TYPE_CHECKING:
    from patcher.model import Build
    from patcher.prove import ProofResult


Advance = Callable[[str, int], None]


def _silent(said: str, by: int) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Prover:
    """Runs contracts. prove: all of them on both trees of a build. look: some on the patched tree alone.

    waiting: a progress bar around what takes long, but for `prove`, which has its own.
    """

    repository: Repository
    prove: "Callable[[Build], list[ProofResult]]"
    look: Look
    waiting: Callable[[], AbstractContextManager[Advance]] = lambda: nullcontext(_silent)

    def first_choices(self, bump: Bump) -> "tuple[Bump, list[ProofResult]]":
        """The proof of the first choices; where one is red and another candidate is green, of that one instead."""
        found, proofs = self.accepted(self._others_tried(bump))
        better = _better(found)
        if not better:
            return found, proofs
        chosen = {**bump.chosen, **better}
        series = trial.accepted(bump.declared, bump.sites, chosen)
        proposed = check_upstream(bump.until.upstream, series)
        if not proposed.ok:
            return found, proofs
        return self.accepted(replace(found, proposed=proposed, series=series, chosen=chosen))

    def accepted(self, bump: Bump) -> "tuple[Bump, list[ProofResult]]":
        """The proof of the proposed tree, and the reason for each contract that is red on it."""
        proofs = self.prove(bump.proposed)
        patches_of = {each.contract.id: each.contract.patches for each in proofs}
        red = [each.contract.id for each in proofs if not each.patched.green]
        with self.waiting() as advance:
            unobserved = {each.contract.id for each in proofs if not each.patched.observed}
            reasons = Reasons(self.repository, bump, self.look, patches_of, unobserved, advance).of(red) if red else ()
        problems = {each.contract.id: _refusal(each) for each in proofs if not each.ok}
        problems |= {each.contract: as_problem(each) for each in reasons}
        return replace(bump, red=reasons, sites=_with_problems(bump, problems, patches_of)), proofs

    # --- the candidates that were not chosen -------------------------------------------------------------------

    def _others_tried(self, bump: Bump) -> Bump:
        with self.waiting() as advance:
            sites = [replace(each, candidates=tuple(self._tried(bump, each, advance))) for each in bump.sites]
        return replace(bump, sites=tuple(sites))

    def _tried(self, bump: Bump, site: SiteReport, advance: Advance) -> Iterator[Candidate]:
        for each in site.candidates:
            tell = each.tried.fits and bump.chosen.get(site.id) != each.rank and site.id in bump.chosen
            if tell:
                advance(f"{site.id}={each.rank}", 1)
            yield self._try(bump, site, each) if tell else each

    def _try(self, bump: Bump, site: SiteReport, candidate: Candidate) -> Candidate:
        """With the choices that there are for the other sites."""
        chosen = {**bump.chosen, site.id: candidate.rank}
        series = trial.accepted(bump.declared, bump.sites, chosen)
        build = check_upstream(bump.until.upstream, series)
        if not build.ok:
            said = next((gate.message for gate in build.gates if not gate.ok), "another site stops")
            return replace(candidate, tried=_failed(candidate, f"with the other choices: {said}"))
        names = next(each.contracts for each in bump.declared if each.id == site.patch)
        seen = self.look(build, names)
        red = {name: in_short(each.said) for name, each in seen.items() if not each.green}
        if red:
            return replace(candidate, tried=_failed(candidate, *(f"contract {n} is red: {s}" for n, s in red.items())))
        return replace(candidate, tried=replace(candidate.tried, contracts=True if seen else None))


def _refusal(result: "ProofResult") -> str:
    return f"contract {result.contract.id} refuses: {in_short(result.message)}"


def _failed(candidate: Candidate, *problems: str) -> Tried:
    return replace(candidate.tried, contracts=False, problems=(*candidate.tried.problems, *problems))


def _better(bump: Bump) -> dict[str, int]:
    """Another candidate whose contracts are green, for each site whose chosen one has a red contract."""
    found = {}
    for site in bump.sites:
        now = bump.chosen.get(site.id)
        red = any(each.rank == now and each.tried.contracts is False for each in site.candidates)
        green = next((each.rank for each in site.candidates if each.tried.contracts and each.tried.fits), None)
        if now and red and green:
            found[site.id] = green
    return found


def _with_problems(
    bump: Bump, problems: Mapping[str, str], patches_of: Mapping[str, Sequence[str]]
) -> tuple[SiteReport, ...]:
    """The sites, with what the contracts of their patches said of the candidates that were chosen."""

    def one(site: SiteReport, candidate: Candidate) -> Candidate:
        if bump.chosen.get(site.id) != candidate.rank:
            return candidate
        mine = [said for name, said in problems.items() if site.patch in patches_of[name]]
        if mine:
            return replace(candidate, tried=_failed(candidate, *mine))
        return replace(candidate, tried=replace(candidate.tried, contracts=True))

    return tuple(replace(site, candidates=tuple(one(site, each) for each in site.candidates)) for site in bump.sites)
