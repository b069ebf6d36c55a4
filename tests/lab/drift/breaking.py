"""Mutations after which the reviewed code is not what was reviewed: the build must stop, or a gate must refuse.

`may_apply` marks the few where going in at the tracked place is right as well; each says why.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from ast_grep_py import SgNode

from patcher.render import render
from tests.lab.drift import code
from tests.lab.drift.changes import Change, Span, delete, insert
from tests.lab.drift.harmless import renamed_copy, scope_name
from tests.lab.drift.mutation import Mutation, nowhere
from tests.lab.drift.reference import Reference, all_overlays
from tests.lab.drift.site import Site

_OPERATORS = {
    "===": "!==", "!==": "===", "==": "!=", "!=": "==", "<": ">=", ">": "<=", "<=": ">", ">=": "<",
    "&&": "||", "||": "&&", "??": "||", "+": "-", "-": "+", "!": "!!", "=": "+=", "?": "&&", "true": "false",
    "false": "true", "null": "undefined", "const": "let", "let": "var", "continue": "break", "return": "throw",
}  # fmt: skip
_IDENTIFIERS = frozenset(
    {"identifier", "property_identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"}
)
_BRANCHES = frozenset({"if_statement", "while_statement", "do_statement", "switch_statement"})
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration"})
_LOOK_ALIKE = "function driftElsewhere() {{\n{}\n}}\n"


def breaking(site: Site) -> Iterator[Mutation]:
    """Every breaking mutation of one spot."""
    yield from _renamed_names(site)
    yield from _renamed_scope(site)
    yield from _removed(site)
    yield from _duplicated(site)
    yield from _made_async(site)
    yield from _wrapped(site)
    yield from _altered_headers(site)
    yield from _changed_tokens(site)
    yield from _added_parameters(site)
    yield from _swapped(site)
    yield from _moved_out(site)
    yield from _code_inside(site)
    yield from _twins(site)


def _made(site: Site, kind: str, detail: str, *changes: Change, may_apply: bool = False) -> Mutation:
    return site.made(kind, detail, changes, harmless=False, may_apply=may_apply)


# --- names -----------------------------------------------------------------------------------------------------


def _renamed_names(site: Site) -> Iterator[Mutation]:
    """Each name of upstream's that the payload relies on, where it is bound and everywhere it is used."""
    kind = "name renamed"
    for name in sorted(site.spot.relies_on):
        everywhere = _renaming(code.uses(site.root, name), name)
        if not everywhere:
            continue  # a name that another payload brings
        yield _made(site, kind, name, *everywhere)
        binder = code.binder(site.statement, name)
        if binder is not None and binder.kind() != "program":
            yield _made(site, kind, f"{name} in its function", *_renaming(code.uses(binder, name), name))
        other = insert(code.top_of_module(site.root), f"\nconst {name} = require('node:os');\n")
        yield _made(site, kind, f"{name}, and another of that name", *everywhere, other)


def _renaming(nodes: Sequence[SgNode], name: str) -> list[Change]:
    new = f"drift{name[0].upper()}{name[1:]}"
    return [Change(*code.span(node), code.respelled(node, new)) for node in nodes]


def _renamed_scope(site: Site) -> Iterator[Mutation]:
    kind = "scope renamed"
    yield Mutation(site.spot.id, "file gone", "", site.spot.file, lambda: None, nowhere, harmless=False)
    if site.in_module:
        return
    name = scope_name(site)
    if name.kind() != "string":
        yield _made(site, kind, "everywhere", *_renaming(code.uses(site.root, name.text()), name.text()))
        yield _made(site, kind, "only there", Change(*code.span(name), "driftScope"))
        return
    for detail, path in {
        "a longer path": "/drift/:id",
        "another path": "/drift",
        "plural": f"{name.text()[1:-1]}s",
    }.items():
        yield _made(site, kind, detail, Change(*code.span(name), f'"{path}"'))
    call = next(node for node in name.ancestors() if node.kind() == "call_expression")
    target = call.field("function")
    verb = target.field("property") if target is not None else None
    if verb is not None:
        for other in ("put", "use", "all", "drift"):
            yield _made(site, kind, f"verb {other}", Change(*code.span(verb), other))


def renamed_exports(reference: Reference) -> Iterator[Mutation]:
    """Each name that a file of ours takes from a module of upstream's, renamed where that module exports it."""
    owner = next(spot for spot in reference.spots.values() if spot.patch.overlays)
    for path, name in sorted(_imports(reference)):
        text = reference.upstream.tree[path].data.decode()
        for detail, changed in _without_export(text, name):
            mutation = Mutation(
                owner.id,
                "export renamed",
                f"{name} of {path}{detail}",
                path,
                partial(str, changed),
                nowhere,
                harmless=False,
            )
            yield mutation


def _imports(reference: Reference) -> set[tuple[str, str]]:
    found = set()
    for overlay in all_overlays(reference.series, reference.upstream.line):
        text = render(overlay.template, **overlay.params)
        for path, name in _taken(text):
            folder = overlay.path.split("/")[:-1]
            for step in path.split("/"):
                folder = folder[:-1] if step == ".." else folder if step == "." else [*folder, step]
            file = "/".join(folder).removesuffix(".js") + ".js"
            if file in reference.upstream.tree and file not in reference.added:
                found.add((file, name))
    return found


def _taken(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of a module's path and a name taken from it: in braces, as a member, or as a member of a variable."""
    for names, path in re.findall(r"\{([^{}]*)\}\s*=\s*require\([\"'](\.[^\"']+)[\"']\)", text):
        yield from ((path, name.split(":")[0].strip()) for name in names.split(",") if name.strip())
    yield from re.findall(r"require\([\"'](\.[^\"']+)[\"']\)\.(\w+)", text)
    for variable, path in re.findall(r"(\w+)\s*=\s*require\([\"'](\.[^\"']+)[\"']\)(?!\s*\.)", text):
        yield from ((path, member) for member in re.findall(rf"\b{variable}\.(\w+)", text))


def _without_export(text: str, name: str) -> Iterator[tuple[str, str]]:
    new = f"drift{name[0].upper()}{name[1:]}"
    root = code.parse(text)
    for export in root.find_all(pattern="module.exports = $VALUE"):
        value = export.get_match("VALUE")
        for child in value.children() if value is not None else []:
            key = child.field("key") or child
            if key.text() == name:
                start, end = code.span(key)
                changed = f"{new}: {name}" if key.kind() == "shorthand_property_identifier" else new
                yield "", text[:start] + changed + text[end:]
                yield ", and its uses", re.sub(rf"\b{name}\b", new, text)
    for pattern in (f"module.exports.{name} = $VALUE", f"exports.{name} = $VALUE"):
        if root.find(pattern=pattern) is not None:
            yield "", text.replace(f"exports.{name}", f"exports.{new}")


# --- the statement ---------------------------------------------------------------------------------------------


def _removed(site: Site) -> Iterator[Mutation]:
    kind = "statement removed"
    start, end = site.spot.statement
    yield _made(site, kind, "", delete((start, end)))
    yield _made(
        site, kind, "commented out", Change(start, end, f"/* {site.source(site.statement).replace('*/', '')} */")
    )
    for node in site.window:
        if code.span(node) != site.spot.statement:
            yield _made(site, kind, f"its neighbour `{node.text()[:24]}`", delete(code.span(node)))
    if len(site.window) > 1:
        yield _made(site, kind, "the whole window", delete(site.window_span))


def _duplicated(site: Site) -> Iterator[Mutation]:
    kind = "statement duplicated"
    source = site.source(site.statement)
    start, end = site.spot.statement
    yield _made(site, kind, "above", insert(start, f"{source}\n"))
    yield _made(site, kind, "below", insert(end, f"\n{source}"))
    blocks = {
        "in a condition": "if (driftOther) {{\n{}\n}}",
        "in a block": "{{\n{}\n}}",
        "in a loop": "while (driftOther()) {{\n{}\n}}",
    }
    for detail, block in blocks.items():
        yield _made(site, kind, f"{detail} above", insert(site.window_span[0], f"{block.format(source)}\n"))
        yield _made(site, kind, f"{detail} below", insert(site.window_span[1], f"\n{block.format(source)}"))
    window = "\n".join(site.source(node) for node in site.window)
    yield _made(site, kind, "the whole window, in a block", insert(site.window_span[1], f"\n{{\n{window}\n}}"))
    if site.in_module:
        yield _made(site, kind, "at the end", insert(len(site.text), f"\n{{\n{source}\n}}\n"))
    else:
        first, last = code.span(site.scope_body)
        yield _made(site, kind, "first in the scope", insert(first + 1, f"\n{{\n{source}\n}}\n"))
        yield _made(site, kind, "last in the scope", insert(last - 1, f"\n{{\n{source}\n}}\n"))


def _made_async(site: Site) -> Iterator[Mutation]:
    kind = "made async"
    for call in _outer_calls(site.statement):
        start, end = code.span(call)
        name = call.text()[:24].splitlines()[0]
        yield _made(site, kind, f"await `{name}`", insert(start, "(await "), insert(end, ")"))
        yield _made(site, kind, f"then `{name}`", insert(end, ".then((driftResult) => driftResult)"))
        yield _made(site, kind, f"void `{name}`", insert(start, "void "))
    for detail, node in {"innermost": _functions(site)[:1], "outermost": _functions(site)[-1:]}.items():
        for function in node:
            yield _made(site, kind, f"{detail} function", insert(code.span(function)[0], "async "))
            if function.kind() == "function_declaration":
                keyword = code.span(function)[0] + len("function")
                yield _made(site, kind, f"{detail} function a generator", insert(keyword, "*"))


def _outer_calls(node: SgNode) -> list[SgNode]:
    if node.kind() == "call_expression":
        return [node]
    children = [] if node.kind() in code.FUNCTIONS else node.children()
    return [call for child in children for call in _outer_calls(child)]


def _functions(site: Site) -> list[SgNode]:
    if site.scope.kind() in code.FUNCTIONS and not site.in_module:
        return [node for node in site.enclosing if node.kind() in code.FUNCTIONS] or [site.scope]
    return [node for node in site.enclosing if node.kind() in code.FUNCTIONS]


def _wrapped(site: Site) -> Iterator[Mutation]:
    kind = "wrapped"
    wrappers = {
        "in a condition": ("if (driftEnabled) {\n", "\n}"),
        "in an else": ("if (driftEnabled) {\n} else {\n", "\n}"),
        "in a try": ("try {\n", "\n} catch (driftError) {\n  console.error(driftError);\n}"),
        "in a catch": ("try {\n  driftAttempt();\n} catch (driftError) {\n", "\n}"),
        "in a finally": ("try {\n  driftAttempt();\n} finally {\n", "\n}"),
        "in a for": ("for (let driftIndex = 0; driftIndex < 2; driftIndex++) {\n", "\n}"),
        "in a for-of": ("for (const driftItem of driftItems) {\n", "\n}"),
        "in a while": ("while (driftNext()) {\n", "\n}"),
        "in a do": ("do {\n", "\n} while (driftNext());"),
        "in a switch": ("switch (driftMode) {\n  case 1:\n", "\n}"),
        "in a labelled block": ("driftLabel: {\n", "\n}"),
        "in a callback": ("setImmediate(() => {\n", "\n});"),
        "in a function that is called": ("(() => {\n", "\n})();"),
        "in a function": ("function driftLater() {\n", "\n}"),
        "in a condition and a block": ("if (driftEnabled) {\n{\n", "\n}\n}"),
    }
    spans = {"": site.spot.statement} | ({"window ": site.window_span} if len(site.window) > 1 else {})
    for what, (start, end) in spans.items():
        for detail, (head, tail) in wrappers.items():
            yield _made(site, kind, f"{what}{detail}", insert(start, head), insert(end, tail))
        # A bare block runs the same statements in the same order; what it hides is for the free-identifiers gate to find.
        yield _made(site, kind, f"{what}in a bare block", insert(start, "{\n"), insert(end, "\n}"), may_apply=True)
    yield from _wrapped_without_braces(site)


def _wrapped_without_braces(site: Site) -> Iterator[Mutation]:
    kind, start = "wrapped", site.spot.statement[0]
    if site.statement.kind() not in _DECLARATIONS:
        heads = {"condition": "if (driftEnabled) ", "else": "if (driftEnabled);\nelse ", "loop": "while (driftNext()) "}
        for detail, head in heads.items():
            yield _made(site, kind, f"in a {detail} without braces", insert(start, head))
    for call in _outer_calls(site.statement)[:1]:
        first, last = code.span(call)
        name = call.text()[:24].splitlines()[0]
        yield _made(site, kind, f"guarded `{name}`", insert(first, "(driftEnabled && "), insert(last, ")"))
        yield _made(site, kind, f"chosen `{name}`", insert(first, "(driftEnabled ? "), insert(last, " : null)"))
        yield _made(site, kind, f"passed on `{name}`", insert(first, "driftWrap("), insert(last, ")"))
        yield _made(site, kind, f"made later `{name}`", insert(first, "(() => "), insert(last, ")"))


def _altered_headers(site: Site) -> Iterator[Mutation]:
    kind = "header altered"
    for node in site.enclosing:
        line = f"`{node.text().splitlines()[0][:32]}`"
        condition = node.field("condition")
        if condition is not None and node.kind() in _BRANCHES | {"for_statement"}:
            yield from _altered_condition(site, line, condition)
        if node.kind() == "for_in_statement":
            right = node.field("right")
            if right is not None:
                yield _made(site, kind, f"{line} another list", insert(code.span(right)[1], ".slice(1)"))
        if node.kind() == "switch_case":
            value = node.field("value")
            if value is not None:
                yield _made(site, kind, f"{line} another value", Change(*code.span(value), '"drift"'))
        if node.kind() == "if_statement":
            yield from _swapped_branches(site, line, node)


def _altered_condition(site: Site, line: str, condition: SgNode) -> Iterator[Mutation]:
    inner = condition.child(1) if condition.kind() == "parenthesized_expression" else condition
    if inner is None:
        return
    start, end = code.span(inner)
    yield _made(site, "header altered", f"{line} negated", insert(start, "!("), insert(end, ")"))
    yield _made(site, "header altered", f"{line} and more", insert(end, " && driftEnabled"))
    yield _made(site, "header altered", f"{line} or more", insert(end, " || driftEnabled"))
    yield _made(site, "header altered", f"{line} never", Change(start, end, "false"))


def _swapped_branches(site: Site, line: str, node: SgNode) -> Iterator[Mutation]:
    first, other = node.field("consequence"), node.field("alternative")
    if first is None or first.kind() != "statement_block":
        return
    start, end = code.span(first)
    if start <= site.spot.statement[0] < end and other is None:
        yield _made(site, "header altered", f"{line} its else", insert(start, "{\n} else "))


# --- tokens ----------------------------------------------------------------------------------------------------


def _changed_tokens(site: Site) -> Iterator[Mutation]:
    """Each identifier, literal and operator of the window, one at a time."""
    for node in (leaf for statement in site.window for leaf in code.leaves(statement)):
        start, end = code.span(node)
        text = node.text()
        where = f"`{text.splitlines()[0][:24]}` at {start - site.window_span[0]}"
        if node.kind() in _IDENTIFIERS:
            yield _made(site, "identifier changed", where, Change(start, end, f"{text}Drift"))
        elif node.kind() in {"string", "template_string"}:
            yield from _changed_text(site, where, node)
        elif node.kind() in {"number", "regex"}:
            yield _made(site, "literal changed", where, Change(start, end, "424242"))
        elif text in _OPERATORS:
            yield _made(site, "operator changed", where, Change(start, end, _OPERATORS[text]))


def _changed_text(site: Site, where: str, node: SgNode) -> Iterator[Mutation]:
    start, end = code.span(node)
    yield _made(site, "literal changed", f"{where} begins otherwise", insert(start + 1, "drift "))
    yield _made(site, "literal changed", f"{where} ends otherwise", insert(end - 1, " drift"))
    yield _made(site, "literal changed", f"{where} empty", Change(start, end, '""'))
    if node.kind() == "template_string":
        yield _made(site, "literal changed", f"{where} wider", *_doubled_spaces(site, (start, end)))
        for inner in node.find_all(kind="identifier"):
            detail = f"`{inner.text()}` at {code.span(inner)[0] - site.window_span[0]}"
            yield _made(site, "identifier changed", f"{detail} in a template", insert(code.span(inner)[1], "Drift"))


def _doubled_spaces(site: Site, span: Span) -> list[Change]:
    """White space in a text is content, not layout."""
    return [insert(at, " ") for at in range(*span) if site.text[at] == " "][:1] or [insert(span[0] + 1, " ")]


def _added_parameters(site: Site) -> Iterator[Mutation]:
    kind = "parameter added"
    for number, function in enumerate(_functions(site), 1):
        parameters = function.field("parameters")
        if parameters is not None:
            start, end = code.span(parameters)
            comma = ", " if len(parameters.children()) > 2 else ""
            yield _made(site, kind, f"first, of function {number}", insert(start + 1, f"driftFirst{comma}"))
            yield _made(site, kind, f"last, of function {number}", insert(end - 1, f"{comma}driftLast"))
    for call in (found for node in site.window for found in node.find_all(kind="call_expression")):
        arguments = call.field("arguments")
        if arguments is not None and arguments.kind() == "arguments":
            _, end = code.span(arguments)
            given = [child for child in arguments.children() if child.is_named() and child.kind() != "comment"]
            where = f"of `{call.text().splitlines()[0][:24]}` at {end - site.window_span[0]}"
            place = code.span(given[-1])[1] if given else end - 1
            yield _made(site, kind, where, insert(place, ", driftMore" if given else "driftMore"))
            if given:
                yield _made(site, kind, f"first {where}", insert(code.span(given[0])[0], "driftMore, "))


# --- order and place -------------------------------------------------------------------------------------------


def _swapped(site: Site) -> Iterator[Mutation]:
    for upper, lower in zip(site.window, site.window[1:], strict=False):
        changes = (Change(*code.span(upper), site.source(lower)), Change(*code.span(lower), site.source(upper)))
        yield _made(site, "statements swapped", f"`{upper.text()[:24]}`", *changes)


def _moved_out(site: Site) -> Iterator[Mutation]:
    kind, span, source = "statement moved", site.spot.statement, site.source(site.statement)
    outer = code.span(site.statement if site.in_module else site.scope)
    elsewhere = _LOOK_ALIKE.format(source)
    yield _made(site, kind, "into a function above", delete(span), insert(outer[0], elsewhere))
    yield _made(site, kind, "into a function below", delete(span), insert(outer[1], f"\n{elsewhere}"))
    if not site.in_module:
        yield _made(site, kind, "out of the scope, above", delete(span), insert(outer[0], f"{source}\n"))
        yield _made(site, kind, "out of the scope, below", delete(span), insert(outer[1], f"\n{source}"))
    holder = _holder(site)
    if holder is not None:
        start, end = code.span(holder)
        yield _made(site, kind, "out of its block, above", delete(span), insert(start, f"{source}\n"))
        yield _made(site, kind, "out of its block, below", delete(span), insert(end, f"\n{source}"))
    for detail, block in _other_blocks(site):
        position = code.span(block)[0] + 1
        yield _made(site, kind, f"into {detail}", delete(span), insert(position, f"\n{source}\n"))


def _holder(site: Site) -> SgNode | None:
    """The statement around the statement's list, where that is not the scope's own."""
    listing = site.statement.parent()
    if listing is None or code.span(listing) == code.span(site.scope_body) or listing.kind() == "program":
        return None
    return code.statement_at(site.root, code.span(listing)[0] - 1) if listing.kind() == "statement_block" else None


def _other_blocks(site: Site) -> Iterator[tuple[str, SgNode]]:
    """Some blocks of the scope that are neither around nor in the statement: conditions and loops first."""
    found = 0
    own = site.spot.statement
    for block in site.scope.find_all(kind="statement_block"):
        start, end = code.span(block)
        parent = block.parent()
        apart = end <= own[0] or own[1] <= start
        if not apart or parent is None or parent.kind() == "arrow_function":
            continue
        if site.in_module and any(each.kind() in code.FUNCTIONS for each in block.ancestors()):
            continue
        found += 1
        yield f"`{parent.text().splitlines()[0][:32]}`", block
        if found == 3:
            return


def _code_inside(site: Site) -> Iterator[Mutation]:
    for node in site.window[1:]:
        added = "driftInside();\n"
        yield _made(site, "code in the window", f"before `{node.text()[:24]}`", insert(code.span(node)[0], added))


def _twins(site: Site) -> Iterator[Mutation]:
    """The scope a second time, under its own name: nobody can say which one is meant."""
    kind = "twin of the scope"
    if site.in_module:
        return
    start, end = code.span(site.scope)
    twin = site.source(site.scope)
    if renamed_copy(site) == twin:
        return
    nested = f"function driftOuter() {{\n{twin}\n}}"
    yield _made(site, kind, "above", insert(start, f"{twin}\n"))
    yield _made(site, kind, "below", insert(end, f"\n{twin}"))
    yield _made(site, kind, "nested above", insert(start, f"{nested}\n"))
    yield _made(site, kind, "nested below", insert(end, f"\n{nested}"))
