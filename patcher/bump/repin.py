"""A declaration with more pins: `libcst` says where things stand, and text goes in there. No other character changes.

`libcst` is imported only here, and this module only when something is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import CodePosition, MetadataWrapper, PositionProvider

from patcher.bump.sources import anchor_source, import_order, pin_source
from patcher.errors import DeclarationUnclear
from patcher.model import Anchor, Pin


@dataclass(frozen=True)
class AddPin:
    """A pin more in an anchor, above those of the builtin sidecar. comment: which version it was reviewed for."""

    site: int
    anchor: int
    pin: Pin
    comment: str


@dataclass(frozen=True)
class Comment:
    """Another comment above a pin that is there."""

    site: int
    anchor: int
    pin: int
    comment: str


@dataclass(frozen=True)
class AddAnchor:
    """A new anchor after all others of a site."""

    site: int
    new: Anchor
    comment: str


Change = AddPin | Comment | AddAnchor


@dataclass(frozen=True)
class _Splice:
    """Replace `[start, end)` of the source."""

    start: int
    end: int
    text: str


def repinned(source: str, changes: Sequence[Change], where: str) -> str:
    """The source of a declaration with the changes in it.

    Raises `DeclarationUnclear` where a pin, anchor or site is not written out as a call over several lines.
    """
    there = _Declaration(source, where)
    splices = [splice for change in changes for splice in there.splices(change)]
    names = {name for change in changes for name in _names_of(change)}
    splices += there.imports(names)
    out = source
    for splice in sorted(splices, key=lambda each: each.start, reverse=True):
        out = out[: splice.start] + splice.text + out[splice.end :]
    return out


def _names_of(change: Change) -> Iterator[str]:
    if isinstance(change, AddAnchor):
        kind = change.new.scope.kind
        yield "MODULE" if kind == "module" else kind


class _Declaration:
    """The source of one declaration, and where its calls are, in characters."""

    def __init__(self, source: str, where: str) -> None:
        self.source, self.where = source, where
        wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
        self.module = wrapper.module
        self.positions: Mapping[cst.CSTNode, object] = wrapper.resolve(PositionProvider)
        starts = [0]
        for line in source.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        self.starts = starts

    # --- where things are --------------------------------------------------------------------------------------

    def splices(self, change: Change) -> Iterator[_Splice]:
        """The text that one change puts in, and where."""
        sites = self._calls(self._patch(), "sites")
        site = self._nth(sites, change.site, "site")
        anchors = self._calls(site, "anchors")
        if isinstance(change, AddAnchor):
            yield self._behind(anchors[-1], anchor_source(change.new, change.comment))
            return
        anchor = self._nth(anchors, change.anchor, "anchor")
        if isinstance(change, AddPin):
            yield self._add_pin(self._calls(anchor, "pins"), change)
        else:
            yield self._comment(self._nth(self._calls(anchor, "pins"), change.pin, "pin"), change.comment)

    def _add_pin(self, pins: Sequence[cst.Call], change: AddPin) -> _Splice:
        lines = [f"# {change.comment}", *pin_source(change.pin)]
        builtin = next((pin for pin in pins if self._comment_above(pin).strip() == "# builtin"), None)
        if builtin is None:
            return self._behind(self._nth(pins, len(pins) - 1, "pin"), lines)
        start = self._line_start(self._start(builtin)) - len(self._comment_above(builtin)) - 1
        return _Splice(start, start, self._indented(lines, self._indent(builtin)))

    def _comment(self, pin: cst.Call, comment: str) -> _Splice:
        line = self._line_start(self._start(pin))
        old = self._comment_above(pin)
        if not old.strip().startswith("#"):
            raise self._unclear("a pin without a comment above it")
        start = line - len(old) - 1
        return _Splice(start, line - 1, f"{self._indent(pin)}# {comment}")

    def _behind(self, call: cst.Call, lines: Sequence[str]) -> _Splice:
        """Behind the line that a call and its comma end on."""
        end = self.source.index("\n", self._end(call)) + 1
        if self.source[self._end(call) : end].strip() != ",":
            raise self._unclear("a call that does not end its line with a comma")
        return _Splice(end, end, self._indented(lines, self._indent(call)))

    def imports(self, names: set[str]) -> Iterator[_Splice]:
        """The line that imports the vocabulary, with what is new in use."""
        for statement in self._statements():
            if isinstance(statement, cst.ImportFrom) and isinstance(statement.names, Sequence) and statement.module:
                there = {str(alias.name.value) for alias in statement.names}
                if self.module.code_for_node(statement.module) == "patcher.model" and names - there:
                    listed = ", ".join(sorted(there | names, key=import_order))
                    text = f"from patcher.model import {listed}"
                    yield _Splice(self._start(statement), self._end(statement), text)

    def _statements(self) -> Iterator[cst.BaseSmallStatement]:
        for node in self.module.body:
            yield from node.body if isinstance(node, cst.SimpleStatementLine) else ()

    # --- libcst ------------------------------------------------------------------------------------------------

    def _patch(self) -> cst.Call:
        for statement in self._statements():
            if isinstance(statement, cst.Assign) and isinstance(statement.value, cst.Call):
                target = statement.targets[0].target
                if isinstance(target, cst.Name) and target.value == "PATCH":
                    return statement.value
        raise self._unclear("no `PATCH = Patch(…)`")

    def _calls(self, call: cst.Call, keyword: str) -> list[cst.Call]:
        for argument in call.args:
            named = argument.keyword is not None and argument.keyword.value == keyword
            if named and isinstance(argument.value, cst.Tuple):
                return [each.value for each in argument.value.elements if isinstance(each.value, cst.Call)]
        raise self._unclear(f"`{keyword}` that is not a tuple written out")

    def _nth(self, calls: Sequence[cst.Call], number: int, what: str) -> cst.Call:
        if not 0 <= number < len(calls):
            raise self._unclear(f"no {what} {number} written out")
        return calls[number]

    def _unclear(self, found: str) -> DeclarationUnclear:
        hint = "`bump --format json` has the pin: put it in by hand"
        return DeclarationUnclear(f"expected pins that are written out, found {found}", where=self.where, hint=hint)

    def _start(self, node: cst.CSTNode) -> int:
        return self._offset(self.positions[node].start)  # type: ignore[attr-defined]

    def _end(self, node: cst.CSTNode) -> int:
        return self._offset(self.positions[node].end)  # type: ignore[attr-defined]

    def _offset(self, position: CodePosition) -> int:
        return self.starts[position.line - 1] + position.column

    def _line_start(self, offset: int) -> int:
        return self.source.rfind("\n", 0, offset) + 1

    def _indent(self, call: cst.Call) -> str:
        start = self._line_start(self._start(call))
        indent = self.source[start : self._start(call)]
        if indent.strip():
            raise self._unclear("a call that does not begin its line")
        return indent

    def _comment_above(self, call: cst.Call) -> str:
        """The line above a call, without its line break."""
        end = self._line_start(self._start(call)) - 1
        return self.source[self._line_start(end) : end] if end > 0 else ""

    def _indented(self, lines: Sequence[str], indent: str) -> str:
        return "".join(f"{indent}{line}\n" for line in lines)
