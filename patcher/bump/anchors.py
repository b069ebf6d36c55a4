"""A declaration with more anchors: `libcst` says where things are, and text goes in there. No other character changes.

`libcst` is imported only here, and this module only when an anchor is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import CodePosition, MetadataWrapper, PositionProvider

from patcher.bump.sources import anchor_source, import_order
from patcher.errors import DeclarationUnclear
from patcher.model import Anchor


@dataclass(frozen=True)
class _Insertion:
    """Replace `[start, end)` of the source."""

    start: int
    end: int
    text: str


def with_anchors(source: str, added: Mapping[str, Anchor], where: str) -> str:
    """The source of a declaration with another anchor after all others of a site, by the site's name.

    Raises `DeclarationUnclear` where the site or its anchors are not written out, each as a call over several lines.
    """
    there = _Declaration(source, where)
    insertions = [there.insertion(site, anchor) for site, anchor in added.items()]
    insertions += there.imports({anchor.scope.kind for anchor in added.values()})
    out = source
    for each in sorted(insertions, key=lambda each: each.start, reverse=True):
        out = out[: each.start] + each.text + out[each.end :]
    return out


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

    def insertion(self, site: str, anchor: Anchor) -> _Insertion:
        """An anchor after the line that the last one of the site, and its comma, end on."""
        last = self._calls(self._site(site), "anchors")[-1:]
        if not last:
            raise self._unclear("a site without an anchor")
        end = self.source.index("\n", self._end(last[0])) + 1
        if self.source[self._end(last[0]) : end].strip() != ",":
            raise self._unclear("a call that does not end its line with a comma")
        indent = self._indent(last[0])
        return _Insertion(end, end, "".join(f"{indent}{line}\n" for line in anchor_source(anchor)))

    def imports(self, kinds: set[str]) -> Iterator[_Insertion]:
        """The line that imports the vocabulary, with the kinds of scopes that are new in use."""
        names = {"MODULE" if kind == "module" else kind for kind in kinds}
        for statement in self._statements():
            if isinstance(statement, cst.ImportFrom) and isinstance(statement.names, Sequence) and statement.module:
                there = {str(alias.name.value) for alias in statement.names}
                if self.module.code_for_node(statement.module) == "patcher.model" and names - there:
                    listed = ", ".join(sorted(there | names, key=import_order))
                    text = f"from patcher.model import {listed}"
                    yield _Insertion(self._start(statement), self._end(statement), text)

    def _statements(self) -> Iterator[cst.BaseSmallStatement]:
        for node in self.module.body:
            yield from node.body if isinstance(node, cst.SimpleStatementLine) else ()

    # --- libcst ------------------------------------------------------------------------------------------------

    def _site(self, name: str) -> cst.Call:
        for call in self._calls(self._patch(), "sites"):
            for argument in call.args:
                named = argument.keyword is not None and argument.keyword.value == "name"
                if named and isinstance(argument.value, cst.SimpleString) and argument.value.evaluated_value == name:
                    return call
        raise self._unclear(f"no site `{name}` written out")

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

    def _unclear(self, found: str) -> DeclarationUnclear:
        hint = "`bump --format json` has the anchor: put it in by hand"
        return DeclarationUnclear(f"expected anchors that are written out, found {found}", where=self.where, hint=hint)

    def _start(self, node: cst.CSTNode) -> int:
        return self._offset(self.positions[node].start)  # type: ignore[attr-defined]

    def _end(self, node: cst.CSTNode) -> int:
        return self._offset(self.positions[node].end)  # type: ignore[attr-defined]

    def _offset(self, position: CodePosition) -> int:
        return self.starts[position.line - 1] + position.column

    def _indent(self, call: cst.Call) -> str:
        start = self.source.rfind("\n", 0, self._start(call)) + 1
        indent = self.source[start : self._start(call)]
        if indent.strip():
            raise self._unclear("a call that does not begin its line")
        return indent
