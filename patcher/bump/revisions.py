"""Both ends of a bump, and where each site of the series was last as somebody reviewed it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from patcher import apply
from patcher.bump import ranges
from patcher.bump.model import Moment, Reviewed
from patcher.errors import NoSuchRef, PatcherError, UnrelatedHistories
from patcher.javascript import language_of
from patcher.model import Patch, Site, SiteResult, version_key
from patcher.upstream.history import Repository


def moment(repository: Repository, ref: str) -> Moment:
    """Upstream at a ref. Raises `NoSuchRef`, `NotThisPackage`."""
    return Moment(ref, repository.commit_id(ref), repository.upstream(ref))


def beginning(repository: Repository, until: Moment, series: Sequence[Patch], since: str = "") -> Moment | None:
    """The ref to compare with: `since`, or the newest version tag before `until` whose pins are met; None for no tag.

    Raises `NoSuchRef`, `UnrelatedHistories` (`since` and `until` have no commit in common).
    """
    if since:
        if not repository.merge_base(since, until.ref):
            hint = f"`git -C {repository.path} merge-base {since} {until.ref}` finds none either"
            message = f"{since} and {until.ref} have no commit in common: no commit leads from one to the other"
            raise UnrelatedHistories(message, where=repository.path, hint=hint)
        return moment(repository, since)
    for tag in _older_tags(repository, until):
        found = _readable(repository, tag)
        if found and not apply.apply_series(found.upstream, series).stopped:
            return found
    return None


def _older_tags(repository: Repository, until: Moment) -> list[str]:
    """The version tags that came before `until`, the nearest first: in its history, or beside it and not newer."""
    version = version_key(until.ref) or version_key(until.upstream.version)
    found = []
    for tag in reversed(repository.tags()):
        commit, base = repository.commit_id(tag), repository.merge_base(tag, until.ref)
        if commit != until.commit and base and (base == commit or version_key(tag) <= version):
            found.append((_distance(repository, tag, until), tag))
    return [tag for _, tag in sorted(found, key=lambda each: each[0])]


def _distance(repository: Repository, ref: str, until: Moment) -> int:
    """How many commits of the history of `until` a ref does not have."""
    return repository.count(ref, until.ref)


def _readable(repository: Repository, ref: str) -> Moment | None:
    try:
        return moment(repository, ref)
    except PatcherError:
        return None


@dataclass
class Reviews:
    """Finds the reviewed state of sites: at `since`, at a ref that a pin was reviewed for, or at any older tag."""

    repository: Repository
    series: tuple[Patch, ...]
    since: Moment | None
    until: Moment
    _sites: dict[str, tuple[SiteResult, ...]] = field(default_factory=dict)

    def of(self, site: Site) -> tuple[Reviewed, Moment] | None:
        """The nearest state of a site in which a pin of it is met: where the bump begins, before it, else after it."""
        first = [self.since.ref] if self.since else []
        before = [*self._reviewed_refs(site), *_older_tags(self.repository, self.until)]
        for ref in dict.fromkeys([*first, *before, *self._later_tags(site)]):
            there = self.at(ref, site.id)
            if there is not None and not there.stops:
                return self._reviewed(ref, there), moment(self.repository, ref)
        return None

    def before(self, commit: str, site: Site) -> tuple[Reviewed, Moment] | None:
        """A site at a parent of the commit from which on it stops: where no tag has it, its history still does."""
        for parent in self.repository.commit(commit).parents:
            there = self.at(parent, site.id)
            if there is not None and not there.stops:
                return self._reviewed(parent, there), moment(self.repository, parent)
        return None

    def last_review(self, site: Site) -> tuple[SiteResult, str] | None:
        """A site as it stood when somebody read it last, and the ref of that; None where no such ref is here.

        Whichever pin it was read for: it is the site that was read, and its scope with it.
        """
        for ref in self._reviewed_refs(site):
            there = self.at(ref, site.id)
            if there is not None and there.located.matches:
                return there, ref
        return None

    def _reviewed_refs(self, site: Site) -> list[str]:
        """The refs that the pins of a site name or span, the nearest first; behind them, where the bump begins."""
        reviewed = [pin.reviewed for pin in site.pins]
        tags = [tag for tag in self._tags if any(ranges.spans(each, tag) for each in reviewed)]
        others = [ref for each in reviewed for ref in ranges.refs(each) if not ref.startswith("v")]
        before = [ref for ref in others if _exists(self.repository, ref) and self._is_before(ref)]
        near = sorted([*before, *tags], key=lambda ref: _distance(self.repository, ref, self.until))
        return [*near, *([self.since.ref] if self.since else [])]

    def _later_tags(self, site: Site) -> list[str]:
        """The version tags after the new ref that a site was read for, the nearest first."""
        reviewed = [pin.reviewed for pin in site.pins]
        tags = [tag for tag in self.repository.tags() if tag not in self._tags]
        return [tag for tag in tags if any(ranges.spans(each, tag) for each in reviewed)]

    def is_later(self, ref: str) -> bool:
        """Whether a ref came after the new one: nothing that it has can have been taken away there."""
        new, other = self.until.commit, self.repository.commit_id(ref)
        return new != other and self.repository.merge_base(new, other) == new

    @cached_property
    def _tags(self) -> list[str]:
        """The version tags of the new ref itself and of what came before it, the nearest first."""
        own = [tag for tag in self.repository.tags() if self.repository.commit_id(tag) == self.until.commit]
        return [*reversed(own), *_older_tags(self.repository, self.until)]

    def _is_before(self, ref: str) -> bool:
        return self.repository.merge_base(ref, self.until.ref) == self.repository.commit_id(ref)

    def at(self, ref: str, site: str) -> SiteResult | None:
        """What stands at a site at a ref; None where the ref or the site is not there."""
        if ref not in self._sites:
            found = _readable(self.repository, ref)
            self._sites[ref] = apply.apply_series(found.upstream, self.series).sites if found else ()
        return next((each for each in self._sites[ref] if each.id == site), None)

    def gaps(self, site: str, last: str, tokens: str) -> list[str]:
        """The version tags after `last` and before the new ref at which a site does not meet the pin."""
        between = [tag for tag in _older_tags(self.repository, self.until) if version_key(tag) > version_key(last)]
        found = {tag: self.at(tag, site) for tag in between}
        return [tag for tag, there in found.items() if there is None or tokens not in there.finding.pins]

    def _reviewed(self, ref: str, there: SiteResult) -> Reviewed:
        version = self.repository.upstream(ref).version
        return Reviewed(ref, version, there.site, there.located, there.text, language_of(there.finding.file))


def _exists(repository: Repository, ref: str) -> bool:
    try:
        repository.commit_id(ref)
    except NoSuchRef:
        return False
    return True
