"""A spot with the syntax around it: what the mutations are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ast_grep_py import SgNode

from patcher.model import MODULE, Scope
from tests.lab.drift import code
from tests.lab.drift.changes import Change, Span, apply, tracked
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.reference import Reference, Spot


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

    @cached_property
    def reviewed_span(self) -> Span:
        """The window, and whatever other windows it lies in: code that is added in there was never harmless."""
        start, end = self.window_span
        for other in self.reference.in_file(self.spot.file):
            first, last = other.window[0][0], other.window[-1][1]
            if first < end and start < last:
                start, end = min(first, start), max(last, end)
        return start, end

    @property
    def in_module(self) -> bool:
        return self.spot.anchor.scope == MODULE

    @cached_property
    def scope(self) -> SgNode:
        """The statement that makes the scope; the program for the module scope."""
        if self.in_module:
            return self.root
        for node in self.statement.ancestors():
            if _is_named(node, self.spot.anchor.scope):
                return code.statement_at(self.root, code.span(node)[0])
        raise LookupError(f"{self.spot.id} does not stand in {self.spot.anchor.scope}")

    @cached_property
    def scope_body(self) -> SgNode:
        """The list of statements of the scope itself."""
        return self.root if self.in_module else next(iter(_bodies(self.scope, self.spot.statement)))

    @cached_property
    def enclosing(self) -> list[SgNode]:
        """The nodes between the window and the scope, inside out, the scope's own statement last."""
        return code.around(self.statement, self.scope)

    @cached_property
    def templates(self) -> list[Span]:
        """The template literals of more than one line: white space in them is content."""
        return [code.span(node) for node in self.root.find_all(kind="template_string") if "\n" in node.text()]

    def source(self, node: SgNode) -> str:
        start, end = code.span(node)
        return self.text[start:end]

    def indent(self, node: SgNode) -> str:
        return code.indent_at(self.text, code.span(node)[0])

    def made(
        self, kind: str, detail: str, changes: Iterable[Change], *, harmless: bool, may_apply: bool = False
    ) -> Mutation:
        """The mutation that these changes of the spot's file make."""
        ordered = tuple(changes)
        track = tracked(ordered)
        return Mutation(
            self.spot.id, kind, detail, self.spot.file, lambda: apply(self.text, ordered), track, harmless, may_apply
        )


def _is_named(node: SgNode, scope: Scope) -> bool:
    """Whether a node is what gives the scope its name: a function, the declaration of one, or the call that adds a route."""
    if node.kind() == "call_expression" and scope.kind == "route":
        verb, _, path = scope.name.partition(" ")
        target, arguments = node.field("function"), node.field("arguments")
        member = target.field("property") if target is not None else None
        first = arguments.child(1) if arguments is not None else None
        found = (member.text().upper() if member is not None else "", first.text()[1:-1] if first is not None else "")
        return found == (verb, path)
    name = node.field("name")
    is_function = node.kind() in code.FUNCTIONS or node.kind() == "variable_declarator"
    return scope.kind == "function" and is_function and name is not None and name.text() == scope.name


def _bodies(scope: SgNode, within: Span) -> Iterable[SgNode]:
    """The function bodies in the scope that hold the statement, outermost first."""
    for node in [scope, *scope.find_all(kind="statement_block")]:
        parent = node.parent()
        start, end = code.span(node)
        if node.kind() == "statement_block" and parent is not None and parent.kind() in code.FUNCTIONS:
            if start <= within[0] and within[1] <= end:
                yield node
