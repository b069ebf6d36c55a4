"""Both ends of a bump, and where each place of the series was last as somebody reviewed it."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from patcher import flow
from patcher.bump import declared
from patcher.bump.model import Moment, Reviewed
from patcher.errors import NoSuchRef, PatcherError, UnrelatedHistories
from patcher.flow import Surveyed
from patcher.history import Repository
from patcher.javascript import language_of
from patcher.model import Patch, version_key
from patcher.patches import module_of


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
        if found and not flow.run(found.upstream, series).stopped:
            return found
    return None


def _older_tags(repository: Repository, until: Moment) -> list[str]:
    version = version_key(until.ref) or version_key(until.upstream.version)
    return [
        tag
        for tag in reversed(repository.tags())
        if version_key(tag) <= version
        and repository.commit_id(tag) != until.commit
        and repository.merge_base(tag, until.ref)
    ]


def _readable(repository: Repository, ref: str) -> Moment | None:
    try:
        return moment(repository, ref)
    except PatcherError:
        return None


@dataclass
class Reviews:
    """Finds the reviewed state of places: at `since`, at the ref that a pin's comment names, or at any older tag."""

    repository: Repository
    series: tuple[Patch, ...]
    since: Moment | None
    until: Moment
    comments: Mapping[str, Mapping[tuple[int, int, int], str]] = field(default_factory=dict)
    _surveys: dict[str, list[Surveyed]] = field(default_factory=dict)

    def of(self, patch: str, number: int) -> tuple[Reviewed, Moment] | None:
        """The newest state of a place in which a pin of it is met."""
        named = [ref for comment in self._comments(patch, number) for ref in declared.refs(comment)[-1:]]
        first = [self.since.ref] if self.since else []
        for ref in dict.fromkeys([*first, *reversed(named), *_older_tags(self.repository, self.until)]):
            there = self.at(ref, patch, number)
            if there is not None and not there.finding.verdict.stops:
                return self._reviewed(ref, there), moment(self.repository, ref)
        return None

    def since_review(self, patch: str, number: int, tokens: str) -> Surveyed | None:
        """The place at the newest ref that the comment of its pin names; None where the repository has none."""
        ref = self.reviewed_ref(patch, number, tokens)
        return self.at(ref, patch, number) if ref else None

    def reviewed_ref(self, patch: str, number: int, tokens: str) -> str:
        """The newest ref that the comments of the pins with these tokens name, else `since`; empty for neither."""
        edit = next(each for each in self.series if each.id == patch).edits[number]
        where = {
            (number, a, p)
            for a, anchor in enumerate(edit.anchors)
            for p, pin in enumerate(anchor.pins)
            if pin.tokens == tokens
        }
        said = [ref for key in sorted(where) for ref in declared.refs(self._source(patch).get(key, ""))]
        newest = version_key(self.until.ref) or version_key(self.until.upstream.version)
        for ref in sorted(said, key=version_key, reverse=True):
            if version_key(ref) <= newest and _exists(self.repository, ref):
                return ref
        return self.since.ref if self.since else ""

    def at(self, ref: str, patch: str, number: int) -> Surveyed | None:
        """What stands at a place at a ref; None where the ref or the place is not there."""
        if ref not in self._surveys:
            found = _readable(self.repository, ref)
            self._surveys[ref] = flow.survey(found.upstream, self.series) if found else []
        return next((s for s in self._surveys[ref] if (s.patch, s.number) == (patch, number)), None)

    def gaps(self, patch: str, number: int, last: str, tokens: str) -> list[str]:
        """The version tags after `last` and before the new ref at which a place does not meet the pin."""
        between = [tag for tag in _older_tags(self.repository, self.until) if version_key(tag) > version_key(last)]
        found = {tag: self.at(tag, patch, number) for tag in between}
        return [tag for tag, there in found.items() if there is None or tokens not in there.finding.pins]

    def _reviewed(self, ref: str, there: Surveyed) -> Reviewed:
        edit = next(each for each in self.series if each.id == there.patch).edits[there.number]
        version = self.repository.upstream(ref).version
        return Reviewed(ref, version, edit, there.located, there.text, language_of(there.finding.file))

    def _comments(self, patch: str, number: int) -> list[str]:
        return [comment for key, comment in self._source(patch).items() if key[0] == number]

    def _source(self, patch: str) -> Mapping[tuple[int, int, int], str]:
        return self.comments.get(patch, {})


def comments_of(series: Sequence[Patch]) -> dict[str, dict[tuple[int, int, int], str]]:
    """The comments above the pins of each patch of the series, from its module's source; nothing for one without."""
    found = {}
    for patch in series:
        try:
            found[patch.id] = declared.comments(inspect.getsource(module_of(patch)))
        except (KeyError, OSError):
            continue
    return found


def _exists(repository: Repository, ref: str) -> bool:
    try:
        repository.commit_id(ref)
    except NoSuchRef:
        return False
    return True
