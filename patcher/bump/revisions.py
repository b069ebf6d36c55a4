"""The two revisions of a bump, where each site was last reviewed, and the versions that a pin was reviewed for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from patcher import apply
from patcher.bump.model import Culprit, Reviewed, Revision
from patcher.errors import NoSuchRef, PatcherError, UnrelatedHistories
from patcher.model import Patch, Site, SiteResult, Upstream, version_key, version_of
from patcher.upstream import git
from patcher.upstream.history import Commit, Repository
from patcher.upstream.spec import BUILTIN

if TYPE_CHECKING:
    from semver import Version


def revision_at(repository: Repository, ref: str) -> Revision:
    """Upstream at a ref. Raises `NoSuchRef`, `NotThisPackage`."""
    return Revision(ref, repository.commit_id(ref), repository.upstream(ref))


def base_revision(repository: Repository, until: Revision, series: Sequence[Patch], since: str = "") -> Revision | None:
    """The revision to compare with: `since`, or the nearest older version tag whose pins are met; None without one.

    Raises `NoSuchRef`, `UnrelatedHistories` (`since` and `until` have no commit in common).
    """
    if since:
        if not repository.merge_base(since, until.ref):
            hint = f"`git -C {repository.path} merge-base {since} {until.ref}` finds none either"
            message = f"{since} and {until.ref} have no commit in common: no commit leads from one to the other"
            raise UnrelatedHistories(message, where=repository.path, hint=hint)
        return revision_at(repository, since)
    for tag in _older_tags(repository, until):
        found = _readable(repository, tag)
        if found and not apply.apply_series(found.upstream, series).stopped:
            return found
    return None


def _older_tags(repository: Repository, until: Revision) -> list[str]:
    """The version tags before `until`, the nearest first: those in its history, or on another branch and not newer."""
    version = version_key(until.ref) or version_key(until.upstream.version)
    found = []
    for tag in reversed(repository.tags()):
        commit, base = repository.commit_id(tag), repository.merge_base(tag, until.ref)
        if commit != until.commit and base and (base == commit or version_key(tag) <= version):
            found.append(tag)
    return sorted(found, key=lambda tag: repository.count(tag, until.ref))


def _readable(repository: Repository, ref: str) -> Revision | None:
    try:
        return revision_at(repository, ref)
    except PatcherError:
        return None


def culprit_of(repository: Repository, commit: Commit, until: str) -> Culprit:
    """The commit for a report, with the merge of it into the first-parent line of `until`."""
    line = git.run(repository.path, "rev-list", "--first-parent", repository.commit_id(until)).decode().split()
    found = Culprit(commit.id, commit.date, commit.subject, commit.author)
    if commit.id in line:
        return found
    after = set(git.run(repository.path, "rev-list", "--ancestry-path", f"{commit.id}..{line[0]}").decode().split())
    merge = next((repository.commit(each) for each in reversed(line) if each in after), None)
    brought_by = Culprit(merge.id, merge.date, merge.subject, merge.author) if merge else None
    return replace(found, brought_by=brought_by)


_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass
class Reviews:
    """Finds the reviewed state of sites: at `since`, at a ref that a pin names, or at any older tag."""

    repository: Repository
    series: tuple[Patch, ...]
    since: Revision | None
    until: Revision
    _sites: dict[str, tuple[SiteResult, ...]] = field(default_factory=dict)

    def of(self, site: Site) -> Reviewed | None:
        """The nearest revision at which a pin of the site is met: `since`, else before `until`, else after it."""
        first = [self.since.ref] if self.since else []
        before = [*self._reviewed_refs(site), *_older_tags(self.repository, self.until)]
        return self._first_fitting([*first, *before, *self._later_tags(site)], site)

    def before(self, commit: str, site: Site) -> Reviewed | None:
        """The site at a parent of the first commit at which it stops, for code that no tag has."""
        return self._first_fitting(self.repository.commit(commit).parents, site)

    def _first_fitting(self, refs: Iterable[str], site: Site) -> Reviewed | None:
        found = ((ref, self.at(ref, site.id)) for ref in dict.fromkeys(refs))
        return next((Reviewed(ref, result) for ref, result in found if result and not result.stops), None)

    def last_review(self, site: Site) -> Reviewed | None:
        """The site at the nearest ref that one of its pins names; None where the repository has no such ref."""
        found = ((ref, self.at(ref, site.id)) for ref in self._reviewed_refs(site))
        return next((Reviewed(ref, result) for ref, result in found if result and result.located.matches), None)

    def _reviewed_refs(self, site: Site) -> list[str]:
        """The refs that the pins of a site name or whose range includes them, the nearest first, then `since`."""
        reviewed = [pin.reviewed for pin in site.pins]
        tags = [tag for tag in self._tags if any(spans(each, tag) for each in reviewed)]
        others = [ref for each in reviewed for ref in named_refs(each) if not ref.startswith("v")]
        before = [ref for ref in others if self._is_before(ref)]
        near = sorted([*before, *tags], key=lambda ref: self.repository.count(ref, self.until.ref))
        return [*near, *([self.since.ref] if self.since else [])]

    def _later_tags(self, site: Site) -> list[str]:
        """The version tags after the new ref that a site was reviewed for, the nearest first."""
        tags = [tag for tag in self.repository.tags() if tag not in self._tags]
        return [tag for tag in tags if any(spans(pin.reviewed, tag) for pin in site.pins)]

    def is_later(self, ref: str) -> bool:
        """Whether a ref is a descendant of the new one, so that its code was added later, not removed."""
        new, other = self.until.commit, self.repository.commit_id(ref)
        return new != other and self.repository.merge_base(new, other) == new

    @cached_property
    def _tags(self) -> list[str]:
        """The version tags of the new ref itself and those before it, the nearest first."""
        own = [tag for tag in self.repository.tags() if self.repository.commit_id(tag) == self.until.commit]
        return [*reversed(own), *_older_tags(self.repository, self.until)]

    def _is_before(self, ref: str) -> bool:
        try:
            return self.repository.merge_base(ref, self.until.ref) == self.repository.commit_id(ref)
        except NoSuchRef:
            return False

    def at(self, ref: str, site: str) -> SiteResult | None:
        """The result at a site at a ref; None where the ref or the site does not exist."""
        if ref not in self._sites:
            found = _readable(self.repository, ref)
            self._sites[ref] = apply.apply_series(found.upstream, self.series).sites if found else ()
        return next((each for each in self._sites[ref] if each.id == site), None)

    def gaps(self, site: str, last: str, tokens: str) -> list[str]:
        """The version tags after `last` and before the new ref at which a site does not meet the pin."""
        between = [tag for tag in _older_tags(self.repository, self.until) if version_key(tag) > version_key(last)]
        found = {tag: self.at(tag, site) for tag in between}
        return [tag for tag, result in found.items() if result is None or tokens not in result.finding.pins]


# --- the field `reviewed` of a pin -----------------------------------------------------------------------------
# `v1.1.1 to v1.4.8, v2.0.0: a note` names the first and the last version of each range; `builtin` is not a version.

_VERSION = re.compile(r"v(\d+(?:\.\d+)*)")
_REF = re.compile(r"v\d[\w.+-]*(?: at [0-9a-f]{7,40})?")


def named_refs(reviewed: str) -> list[str]:
    """The refs in the field, in its order: the last one is the newest."""
    return [each.rpartition(" at ")[2] for each in _REF.findall(reviewed)]


def spans(reviewed: str, tag: str) -> bool:
    """Whether a version tag is in one of the ranges of the field."""
    for each in reviewed.split(", "):
        ends = [version_key(ref) for ref in named_refs(each)]
        if all(ends) and ends and ends[0] <= version_key(tag) <= ends[-1]:
            return True
    return False


def newest_version(reviewed: str) -> tuple["Version", ...]:
    """The newest version in the field, as `version_key`."""
    return max((version_key(each) for each in _VERSION.findall(reviewed)), default=())


def extended(reviewed: str, ref: str, gaps: Sequence[str] = ()) -> str:
    """The field with `ref` added. gaps: refs between its last one and `ref` at which the pin is not met.

    `v1.1.1 to v1.4.8` becomes `v1.1.1 to v1.5.0`, or with gaps `v1.1.1 to v1.4.8, v1.5.0`.
    """
    if ref in named_refs(reviewed) or not named_refs(reviewed):
        return reviewed
    ranges, colon, note = reviewed.partition(": ")
    head, comma, last = ranges.rpartition(", ")
    begin = last.partition(" to ")[0]
    more = f"{ranges}, {ref}" if gaps else f"{head}{comma}{begin} to {ref}"
    return f"{more}{colon}{note}"


def reviewed_as(upstream: Upstream) -> str:
    """The field for a pin made without a bump: a version tag, a version and its commit, or a ref and a digest."""
    if upstream.ref == BUILTIN or named_refs(upstream.ref) == [upstream.ref]:
        return upstream.ref
    if _COMMIT.fullmatch(upstream.ref) and version_of(upstream.version) is not None:
        return f"v{upstream.version} at {upstream.ref[:12]}"  # as a bump writes it
    kind = f"the {upstream.ref}" if upstream.ref in {"directory", "archive"} else f"the ref {upstream.ref}"
    return f"{kind} with the tree {upstream.tree_sha256[:12]}"
