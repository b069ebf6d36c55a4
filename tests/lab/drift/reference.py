"""Where each payload of the series stands in an unchanged upstream, by offsets in upstream's own text.

The places are read off the generated text. That they are right there is what the contracts prove and what a person reviewed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ast_grep_py import SgNode

from patcher import apply
from patcher.gates.free_identifiers import GLOBALS, free_names
from patcher.model import Anchor, Build, Line, Overlay, Patch, Position, Upstream
from patcher.model import Site as Edit
from patcher.pipeline import check_upstream
from patcher.render import payload_of
from tests.lab.drift import blocks, code
from tests.lab.drift.changes import Span

REFS = ("v1.2.0", "v1.4.8", "v2.0.3")
"""Of the real upstream, besides the builtin sidecar."""


class NoReference(Exception):
    """The series does not go into the unchanged upstream, so there is nothing to compare with."""


@dataclass(frozen=True)
class Spot:
    """One edit of the series and the place of its payload in upstream.

    id: `patch.name`. statement: the one that the payload stands at. target: for `replace`, what is replaced.
    inside: the payload that this one stands in, and `above` what of it comes first. needs: edits that this one builds on.
    """

    id: str
    patch: Patch
    edit: Edit
    anchor: Anchor
    statement: Span
    window: tuple[Span, ...]
    target: Span = (0, 0)
    inside: str = ""
    above: str = ""
    needs: frozenset[str] = frozenset()
    relies_on: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        return self.edit.file

    def payload(self, text: str, target: Span) -> str:
        """What goes in, given the text that it goes into."""
        return payload_of(self.edit, text[target[0] : target[1]])


class Active(NamedTuple):
    """An edit that this upstream version needs, and the anchor that it uses there."""

    patch: Patch
    edit: Edit
    anchor: Anchor


@dataclass(frozen=True)
class Reference:
    """An unchanged upstream, the series, and the spots."""

    upstream: Upstream
    series: tuple[Patch, ...]
    spots: Mapping[str, Spot]
    added: frozenset[str]
    texts: Mapping[str, str]

    @cached_property
    def roots(self) -> Mapping[str, SgNode]:
        """The syntax trees of the files that the series changes."""
        return {path: code.parse(text) for path, text in self.texts.items()}

    def only(self, spot: Spot) -> tuple[Patch, ...]:
        """The series with nothing but this patch and what it builds on, so that no other patch's stop hides a misapply."""
        own = [each for each in self.spots.values() if each.patch.id == spot.patch.id]
        return _reduced(
            self.series,
            self.upstream.line,
            frozenset().union(*({each.id} | each.needs for each in own)),
            spot.patch.id,
        )

    def in_file(self, path: str) -> list[Spot]:
        return [spot for spot in self.spots.values() if spot.file == path]


def reference(upstream: Upstream, series: Sequence[Patch]) -> Reference:
    """Build the unchanged upstream and read off where everything went. Raises `NoReference`."""
    build = check_upstream(upstream, series)
    if not build.ok:
        stops = [f"{each.patch}: {each.verdict}" for each in build.findings if each.verdict.stops]
        refused = [f"{gate.id}: {gate.message}" for gate in build.gates if not gate.ok]
        raise NoReference("; ".join([*stops, *refused]))
    patches = {patch.id: patch for patch in series}
    edits = {
        each.id: Active(patches[each.site.patch], each.site, each.located.anchor)
        for each in apply.apply_series(upstream, series).sites
    }
    texts = {each.edit.file: upstream.tree[each.edit.file].data.decode() for each in edits.values()}
    found = {spot.id: spot for path in texts for spot in _spots(build, path, texts[path], edits)}
    spots = {name: found[name] for name in edits}
    return Reference(upstream, tuple(series), _with_needs(spots, build), frozenset(build.added), texts)


def _spots(build: Build, path: str, text: str, edits: Mapping[str, Active]) -> Iterator[Spot]:
    generated = build.tree[path].data.decode()
    removed = blocks.remove(generated, blocks.scan(generated))
    if removed.text != text:
        raise NoReference(f"{path} without its payloads is not upstream's")
    root = code.parse(text)
    for block, stood in removed.stood:
        spot = _outermost(block, stood, root, text, edits)
        yield spot
        yield from _inner_spots(generated, block, spot, root, edits)


def _outermost(block: blocks.Block, stood: Span, root: SgNode, text: str, edits: Mapping[str, Active]) -> Spot:
    active = edits[block.id]
    position = stood[0]
    if active.edit.position is Position.AFTER:
        position = max(span[1] for node in _statements(root) if (span := code.span(node))[1] <= position) - 1
        if "\n" in text[position + 1 : stood[0]]:
            raise NoReference(f"{block.id} stands on a line of its own behind its statement")
    statement = code.statement_at(root, position)
    window = _window(statement, active.anchor.before, active.anchor.after)
    return Spot(block.id, *active, code.span(statement), window, target=stood)


def _statements(root: SgNode) -> Iterator[SgNode]:
    for kind in sorted(code.LISTS):
        for node in [root] if kind == "program" else root.find_all(kind=kind):
            yield from (child for child in node.children() if child.is_named() and child.kind() != "comment")


def _window(statement: SgNode, before: int, after: int) -> tuple[Span, ...]:
    listed = [code.span(node) for node in code.siblings(statement)]
    index = listed.index(code.span(statement))
    return tuple(listed[max(0, index - before) : index + after + 1])


def _inner_spots(
    generated: str, outer: blocks.Block, spot: Spot, root: SgNode, edits: Mapping[str, Active]
) -> Iterator[Spot]:
    """A payload in a payload: its window is what it has in common with upstream, the statement of the outer one."""
    for block in outer.inside:
        active = edits[block.id]
        statement = code.statement_at(root, spot.statement[0])
        window = _window(statement, max(0, active.anchor.before - 1), active.anchor.after)
        above = squeezed_lines(blocks.prefix(generated, outer, block))
        inner = Spot(block.id, *active, spot.statement, window, inside=outer.id, above=above)
        yield inner
        yield from _inner_spots(generated, block, inner, root, edits)


def squeezed_lines(text: str) -> str:
    """The lines of a text without their indentation and without empty ones."""
    return "\n".join(line for each in text.splitlines() if (line := each.strip()))


def _with_needs(spots: Mapping[str, Spot], build: Build) -> dict[str, Spot]:
    payloads = {name: build.payloads[f"{spot.file} ({name})"] for name, spot in spots.items()}
    names = {name: frozenset(free_names(payload) - GLOBALS) for name, payload in payloads.items()}
    brings = {name: set().union(*map(code.declared, code.parse(text).children())) for name, text in payloads.items()}
    needs: dict[str, frozenset[str]] = {}
    for name, spot in spots.items():
        direct = {
            other
            for other in spots
            if other != name
            and spots[other].file == spot.file
            and (brings[other] & names[name] or other == spot.inside)
        }
        needs[name] = frozenset(direct.union(*(needs.get(other, frozenset()) for other in direct)))
    return {name: replace(spot, needs=needs[name], relies_on=names[name]) for name, spot in spots.items()}


def _reduced(series: Sequence[Patch], line: Line, kept: frozenset[str], owner: str) -> tuple[Patch, ...]:
    """Patches with an edit that is kept, in order; every overlay comes with `owner`, as payloads require some of them."""
    patches = {name.rpartition(".")[0] for name in kept}
    return tuple(
        replace(
            patch,
            sites=_kept_edits(patch, kept),
            requires=tuple(name for name in patch.requires if name in patches),
            overlays=all_overlays(series, line) if patch.id == owner else (),
        )
        for patch in series
        if patch.id in patches
    )


def _kept_edits(patch: Patch, kept: frozenset[str]) -> tuple[Edit, ...]:
    """The edits that are kept."""
    return tuple(edit for edit in patch.sites if edit.id in kept)


def all_overlays(series: Sequence[Patch], line: Line) -> tuple[Overlay, ...]:
    """Every file of ours that the series adds on this line of upstream."""
    there = [patch for patch in series if patch.superseded is not line]
    return tuple(overlay for patch in there for overlay in patch.overlays_for(line))
