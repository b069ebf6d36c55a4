"""A spot with the syntax around it: what the mutations are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ast_grep_py import SgNode

from patcher import javascript
from patcher.model import MODULE
from tests.drift import code
from tests.drift.changes import Change, Span, apply
from tests.drift.mutation import Mutation
from tests.drift.reference import Reference, Spot


@dataclass(frozen=True)
class Site:
    """One spot of one upstream. Everything is in the offsets of the unchanged file."""

    reference: Reference
    spot: Spot

    @property
    def text(self) -> str:
        return self.reference.texts[self.spot.file]

    @property
    def root(self) -> SgNode:
        return self.reference.roots[self.spot.file]

    @cached_property
    def statement(self) -> SgNode:
        return code.statement_at(self.root, self.spot.statement[0])

    @cached_property
    def window(self) -> list[SgNode]:
        """The statements that the anchor's pins cover, as far as they are upstream's."""
        return [code.statement_at(self.root, start) for start, _ in self.spot.window]

    @cached_property
    def window_span(self) -> Span:
        return self.spot.window[0][0], self.spot.window[-1][1]

    @property
    def in_module(self) -> bool:
        return self.spot.anchor.scope == MODULE

    @cached_property
    def scope(self) -> SgNode:
        """The statement that makes the scope; the program for the module scope."""
        if self.in_module:
            return self.root
        start, end = self.spot.statement
        named = [node for scope, node in javascript.named_scopes(self.root) if scope == self.spot.anchor.scope]
        return next(node for node in named if code.span(node)[0] <= start and end <= code.span(node)[1])

    @cached_property
    def scope_body(self) -> SgNode:
        """The list of statements of the scope itself."""
        return self.root if self.in_module else next(iter(_bodies(self.scope, self.spot.statement)))

    @cached_property
    def enclosing(self) -> list[SgNode]:
        """The nodes between the window and the scope, inside out, the scope's own statement last."""
        return code.around(self.statement, self.scope)

    def source(self, node: SgNode) -> str:
        start, end = code.span(node)
        return self.text[start:end]

    def indent(self, node: SgNode) -> str:
        return code.indent_at(self.text, code.span(node)[0])

    def made(
        self, kind: str, detail: str, changes: Iterable[Change], *, harmless: bool, may_apply: bool = False
    ) -> Mutation:
        """The mutation that these changes of the spot's file make."""
        text, track = apply(self.text, changes)
        return Mutation(self.spot.id, kind, detail, {self.spot.file: text}, track, harmless, may_apply)


def _bodies(scope: SgNode, within: Span) -> Iterable[SgNode]:
    """The function bodies in the scope that hold the statement, outermost first."""
    for node in [scope, *scope.find_all(kind="statement_block")]:
        parent = node.parent()
        start, end = code.span(node)
        if node.kind() == "statement_block" and parent is not None and parent.kind() in code.FUNCTIONS:
            if start <= within[0] and within[1] <= end:
                yield node
