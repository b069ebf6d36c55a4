"""The series with one edit changed: what a candidate would make of it, and what it would be without its stops."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher.bump.model import Candidate, Kind
from patcher.model import Anchor, Edit, Line, Patch, Pin


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
                replace(edit, line=Line.NEVER) if (each.id, number) in places else edit
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
    """The edit with this anchor only, in every upstream: to see what a candidate does."""
    return replace(edit, file=file, anchors=(replace(anchor, file=""),), line=None, since="")


def accept(series: Sequence[Patch], patch: str, number: int, candidate: Candidate) -> tuple[Patch, ...]:
    """The series as `--write` declares it: a pin joins its anchor, a new anchor stands after all others of its edit."""
    [owner] = [each for each in series if each.id == patch]
    edit = owner.edits[number]
    if candidate.kind is not Kind.PIN:
        return with_edit(series, patch, number, replace(edit, anchors=(*edit.anchors, new_anchor(edit, candidate))))
    index = pinned_anchor(edit, candidate)
    more = with_pin(edit.anchors[index], candidate.anchor.pins[-1])
    anchors = tuple(more if each is edit.anchors[index] else each for each in edit.anchors)
    return with_edit(series, patch, number, replace(edit, anchors=anchors))


def new_anchor(edit: Edit, candidate: Candidate) -> Anchor:
    """The anchor that a candidate adds to the edit; it names its file where that is another one."""
    return replace(candidate.anchor, file="" if candidate.file == edit.file else candidate.file)


def pinned_anchor(edit: Edit, candidate: Candidate) -> int:
    """The number of the edit's anchor that a candidate adds a pin to."""
    wanted = replace(candidate.anchor, pins=())
    return next(index for index, each in enumerate(edit.anchors) if replace(each, pins=()) == wanted)


def with_pin(anchor: Anchor, pin: Pin) -> Anchor:
    """The anchor with another pin; unchanged where it has it."""
    return anchor if pin in anchor.pins else replace(anchor, pins=(*anchor.pins, pin))
