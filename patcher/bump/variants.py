"""The series with one edit changed: what a candidate would make of it, and what it would be without its stops."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher.bump.model import Candidate, Kind
from patcher.model import Anchor, Edit, Patch, Pin, Versions

NEVER = Versions(since="999999")
"""No upstream has this version: an edit with it stays in its patch, so that the numbers of the others stay."""


def with_edit(series: Sequence[Patch], patch: str, number: int, edit: Edit) -> tuple[Patch, ...]:
    """The series with another edit at `patch.number`."""
    return tuple(
        replace(each, edits=tuple(edit if index == number else one for index, one in enumerate(each.edits)))
        if each.id == patch
        else each
        for each in series
    )


def without(series: Sequence[Patch], places: Collection[tuple[str, int]]) -> tuple[Patch, ...]:
    """The series without some places; numbers stay."""
    return tuple(
        replace(
            each,
            edits=tuple(
                replace(edit, versions=NEVER) if (each.id, number) in places else edit
                for number, edit in enumerate(each.edits)
            ),
        )
        for each in series
    )


def closure(series: Sequence[Patch], patch: str) -> tuple[Patch, ...]:
    """The patch and all that it requires, in the order of the series."""
    needed = {patch}
    for each in reversed(series):
        if each.id in needed:
            needed.update(each.requires)
    return tuple(each for each in series if each.id in needed)


def tried_edit(edit: Edit, file: str, anchor: Anchor) -> Edit:
    """The edit with this anchor only, whatever the version: to see what a candidate does."""
    return replace(edit, file=file, anchors=(replace(anchor, versions=Versions()),), versions=Versions())


def accept(series: Sequence[Patch], patch: str, number: int, candidate: Candidate, version: str) -> tuple[Patch, ...]:
    """The series as `--write` declares it.

    A pin joins its anchor. A new anchor stands behind the old one, for `version` and later; the old one ends there. In
    another file that is a new edit behind all others.
    """
    [owner] = [each for each in series if each.id == patch]
    edit = owner.edits[number]
    [pin] = candidate.anchor.pins[-1:]
    if candidate.kind is Kind.PIN:
        return with_edit(series, patch, number, with_pin(edit, edit.anchor_for(version), pin))
    if candidate.kind is not Kind.FILE:
        return with_edit(series, patch, number, with_anchor(edit, candidate.anchor, version))
    ended = replace(edit, versions=until(edit.versions, version))
    moved = replace(edit, file=candidate.file, anchors=(replace(candidate.anchor, versions=Versions()),))
    moved = replace(moved, versions=since(edit.versions, version))
    changed = with_edit(series, patch, number, ended)
    return tuple(replace(each, edits=(*each.edits, moved)) if each.id == patch else each for each in changed)


def with_pin(edit: Edit, anchor: Anchor, pin: Pin) -> Edit:
    """The edit with a pin more in one of its anchors; unchanged where the anchor has it."""
    if pin in anchor.pins:
        return edit
    more = replace(anchor, pins=(*anchor.pins, pin))
    return replace(edit, anchors=tuple(more if each is anchor else each for each in edit.anchors))


def with_anchor(edit: Edit, new: Anchor, version: str) -> Edit:
    """The edit with a new anchor from `version` on, behind the one that was for it before."""
    old = edit.anchor_for(version)
    made = replace(new, versions=since(old.versions, version))
    ended = replace(old, versions=until(old.versions, version))
    return replace(
        edit, anchors=tuple(one for each in edit.anchors for one in ((ended, made) if each is old else (each,)))
    )


def since(versions: Versions, version: str) -> Versions:
    """What of a range is not before `version`."""
    return Versions(since=version, until=versions.until if version in Versions(until=versions.until) else "")


def until(versions: Versions, version: str) -> Versions:
    """What of a range is before `version`."""
    return Versions(since=versions.since, until=version)
