"""Why a contract is red on a tree whose gates all pass: the first bad commit, its changes, and what can be done.

A contract takes seconds, unlike a site, so the commit is found by bisection, on real sidecars.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patcher import apply, javascript
from patcher.bump.model import Bump, ContractRegression, Revision, ScopeChange
from patcher.bump.revisions import culprit_of
from patcher.errors import DependenciesMissing, PatcherError
from patcher.model import Build, Scope
from patcher.pipeline import check_upstream
from patcher.prove.contract import in_short
from patcher.upstream.culprits import bisect
from patcher.upstream.history import Repository

if TYPE_CHECKING:
    from patcher.prove import Observation

Observe = Callable[[Build, Collection[str]], "Mapping[str, Observation]"]
"""`(build, contract ids)` to the observations on the patched tree; contracts for other versions are left out."""

_MAX_CHANGES = 8


@dataclass
class Regressions:
    """Finds the reasons. patches_of: the patches of each contract. advance: called with each thing that is observed.

    unobserved: the contracts that could not be observed on the new tree; for these, the first commit with the same
    problem is searched.
    """

    repository: Repository
    bump: Bump
    observe: Observe
    patches_of: Mapping[str, Sequence[str]]
    unobserved: Collection[str] = ()
    advance: Callable[[str, int], None] = lambda message, by: None
    _builds: dict[str, Build | None] = field(default_factory=dict)

    def of(self, red: Sequence[str]) -> tuple[ContractRegression, ...]:
        """A reason for each of these contracts, compared with `since`, where the declared series is observed."""
        since = self.bump.since
        before: Mapping[str, Observation] = {}
        if since is None:
            reason = "no ref is known where it was green: there is none whose pins are met"
            return tuple(ContractRegression(each, reason) for each in red)
        build, reason = check_upstream(since.upstream, self.bump.declared), ""
        self.advance(f"red contracts at {since.ref}", 1)
        try:
            if build.ok:
                before = self.observe(build, red)
            else:
                reason = f"as it is declared, the series does not build at {since.ref}: {_why(build)}"
        except DependenciesMissing as error:
            reason = f"it was not run at {since.ref}, because {error.message}"
        return tuple(self._one(each, since, reason or before.get(each)) for each in red)

    def _one(self, contract: str, since: Revision, before: "Observation | str | None") -> ContractRegression:
        """before: the observation at `since`; a text where there is none, None for a contract of other versions."""
        if before is None:
            before = f"it is not for {since.ref}, or needs the built client"
        elif not isinstance(before, str) and not before.observed:
            before = f"at {since.ref} it was not observed: {in_short(before.said)}"
        if isinstance(before, str):
            return ContractRegression(contract, f"nothing to compare with: {before}")
        if not before.green:
            reason = f"it is red at {since.ref} too, as the series is declared, so no candidate of this bump repairs it"
            return ContractRegression(contract, f"{reason}: {in_short(before.said)}")
        until = self.bump.until
        paths = self.repository.sources
        found = bisect(
            self.repository, since.commit, until.commit, paths, lambda commit: self._is_red(commit, contract)
        )
        if found is None:
            reason = f"it is green at {since.ref}, and no commit since touches {', '.join(paths)}: run it again"
            return ContractRegression(contract, reason)
        changes = self._changes(found.commit.id, contract)
        culprit = culprit_of(self.repository, found.commit, until.ref)
        return ContractRegression(
            contract, self._explanation(contract, since.ref, changes), culprit, found.skipped, changes
        )

    def _explanation(self, contract: str, ref: str, changes: Sequence[ScopeChange]) -> str:
        patches = self.patches_of[contract]
        names = ", ".join(patches)
        ours = [site for site in self.bump.chosen if site.rpartition(".")[0] in patches]
        green = f"it is green at {ref}"
        if contract in self.unobserved:
            return (
                f"{green}; since this commit it cannot be observed: the contract has to follow what the sidecar answers"
            )
        if ours:
            accepted = ", ".join(f"{site}={self.bump.chosen[site]}" for site in ours)
            return f"{green}; {accepted} fits, and no longer does what the contract asks: read what the commit did"
        bare = next((each for each in changes if not each.sites), None)
        where = f" (look at {bare.scope} of {bare.file})" if bare else ""
        return f"{green}; no candidate repairs it: each site of {names} fits. It needs another site{where}"

    # --- one commit --------------------------------------------------------------------------------------------

    def _is_red(self, commit: str, contract: str) -> bool | None:
        build = self._build(commit)
        if build is None:
            return None
        self.advance(f"{contract} at {commit[:12]}", 1)
        try:
            observation = self.observe(build, [contract]).get(contract)
        except DependenciesMissing:
            return None
        if observation is None or (not observation.observed and contract not in self.unobserved):
            return None
        return not observation.green

    def _build(self, commit: str) -> Build | None:
        """The build of the declared series, or of the proposed one where that fails; None where both fail."""
        if commit not in self._builds:
            self._builds[commit] = next((build for build in self._tries(commit) if build.ok), None)
        return self._builds[commit]

    def _tries(self, commit: str) -> Iterator[Build]:
        try:
            upstream = self.repository.upstream(commit)
            yield from (check_upstream(upstream, series) for series in (self.bump.declared, self.bump.series))
        except PatcherError:
            return

    # --- what it changed ---------------------------------------------------------------------------------------

    def _changes(self, commit: str, contract: str) -> tuple[ScopeChange, ...]:
        """The scopes that the commit added or changed in the files of the series: new ones without a site first."""
        parent = next(iter(self.repository.commit(commit).parents), "")
        files = dict.fromkeys(site.file for patch in self.bump.series for site in patch.sites)
        sites = _sites(self.bump, self.patches_of[contract])
        found = [
            ScopeChange(file, str(scope), scope not in before, sites.get((file, scope), ()))
            for file in files
            for before, after in [(self._scopes(parent, file), self._scopes(commit, file))]
            for scope, text in after.items()
            if before.get(scope) != text
        ]
        return tuple(sorted(found, key=lambda each: (bool(each.sites), not each.new))[:_MAX_CHANGES])

    def _scopes(self, commit: str, file: str) -> dict[Scope, str]:
        text = self.repository.text(commit, file) if commit and file.endswith(".js") else None
        return {scope: node.text() for scope, node in javascript.named_scopes(text)} if text else {}


def _sites(bump: Bump, patches: Sequence[str]) -> dict[tuple[str, Scope], tuple[str, ...]]:
    found: dict[tuple[str, Scope], tuple[str, ...]] = {}
    for each in apply.apply_series(bump.until.upstream, bump.series).sites:
        if each.site.patch in patches:
            key = each.finding.file, each.located.anchor.scope
            found[key] = (*found.get(key, ()), each.id)
    return found


def _why(build: Build) -> str:
    stop = next(iter(build.stops), None)
    if stop is not None:
        return f"{stop.patch} is {stop.verdict} at {stop.file}{f':{stop.line}' if stop.line else ''}"
    return next((f"gate {each.id}: {each.message}" for each in build.gates if not each.ok), "no reason was reported")


def as_problem(red: ContractRegression) -> str:
    """The reason as a problem of a candidate."""
    since = f" since {red.culprit.commit[:12]} ({red.culprit.subject})" if red.culprit else ""
    return f"contract {red.contract} is red{since}: {red.said}"
