"""Mutations that leave the reviewed code as it was reviewed: each payload must go in, and at the place that has moved along."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile

from ast_grep_py import SgNode

from tests.lab.drift import code, nodejs, prettier
from tests.lab.drift.changes import Change, Track, delete, insert
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.site import Site

_SAMPLED_GAPS = 8
_STATEMENT = "const driftUnrelated = 1;"
_FUNCTION = "function driftUnrelated(value) {\n  return value + 1;\n}"
_CONDITION = 'if (process.env.DRIFT_UNRELATED) console.log("drift");'
_CODE = {"a statement": _STATEMENT, "a function": _FUNCTION, "a condition": _CONDITION}
_PROSE = {
    "a line comment": "// a remark that says nothing",
    "a block comment": "/* a remark\n * that says nothing\n */",
    "characters beyond ASCII": "// naïve — 漢字 😀 𝒳 \N{COMBINING ACUTE ACCENT}",
    "a marker of somebody else's": "/* other-patcher:begin x.0 (after) */",
}


def harmless(site: Site, seed: int) -> Iterator[Mutation]:
    """Every harmless mutation of one spot; a text that comes up twice is made once."""
    chance = random.Random(f"{seed} {site.spot.id}")
    yield from _by_prettier(site)
    yield from _of_whole_file(site)
    yield from _comments_in_window(site, chance)
    yield from _comments_in_headers(site, chance)
    yield from _blank_lines(site)
    yield from _lines(site, chance)
    yield from _code_around_scope(site)
    yield from _code_in_scope(site)
    yield from _same_line(site)
    yield from _moved_scope(site)
    yield from _look_alike_scopes(site)
    yield from _look_alike_statements(site)
    yield from _namesakes(site)


def _made(site: Site, kind: str, detail: str, *changes: Change) -> Mutation:
    return site.made(kind, detail, changes, harmless=True)


# --- the whole file --------------------------------------------------------------------------------------------


def _by_prettier(site: Site) -> Iterator[Mutation]:
    try:
        layouts = prettier.formatted(site.text)
    except nodejs.Unavailable:
        return
    for style, text in layouts.items():
        yield _file(site, "reformatted by prettier", style, partial(str, text), prettier.tracker(site.text, text))


def _file(site: Site, kind: str, detail: str, make: Callable[[], str | None], track: Track) -> Mutation:
    return Mutation(site.spot.id, kind, detail, site.spot.file, make, track, harmless=True, whole_file=True)


def _of_whole_file(site: Site) -> Iterator[Mutation]:
    text = site.text
    breaks = [index for index, character in enumerate(text) if character == "\n"]
    crlf = [Change(at, at + 1, "\r\n") for at in breaks]
    mark = insert(0, "\ufeff")
    yield _all(site, "CRLF", "", crlf)
    yield _all(site, "CRLF", "in every second line", crlf[::2])
    yield _all(site, "BOM", "", [mark])
    yield _all(site, "BOM", "and CRLF", [mark, *crlf])
    yield _all(site, "re-indented", "tabs", _reindented(site, "\t"))
    yield _all(site, "re-indented", "four spaces", _reindented(site, "    "))
    yield _all(site, "re-indented", "not at all", _reindented(site, ""))
    yield _all(site, "quotes", "single", _requoted(site, '"', "'"))
    yield _all(site, "white space at line ends", "", [insert(at, "  ") for at in breaks if not _in_template(site, at)])
    yield _all(site, "end of file", "no line break", [delete((len(text.rstrip()), len(text)))])
    yield _all(site, "end of file", "blank lines", [insert(len(text), "\n\n\n")])


def _all(site: Site, kind: str, detail: str, changes: Sequence[Change]) -> Mutation:
    made = _made(site, kind, detail, *changes)
    return _file(site, kind, detail, made.make, made.track)


def _reindented(site: Site, unit: str) -> list[Change]:
    changes, position = [], 0
    for line in site.text.splitlines(keepends=True):
        blanks = len(line) - len(line.lstrip(" "))
        if blanks and not _in_template(site, position):
            changes.append(Change(position, position + blanks, unit * (blanks // 2)))
        position += len(line)
    return changes


def _in_template(site: Site, position: int) -> bool:
    return any(start < position < end for start, end in site.templates)


def _requoted(site: Site, old: str, new: str) -> list[Change]:
    strings = (code.span(node) for node in site.root.find_all(kind="string"))
    plain = [(a, b) for a, b in strings if site.text[a] == old and not set(site.text[a + 1 : b - 1]) & set("\\'\"")]
    return [Change(at, at + 1, new) for start, end in plain for at in (start, end - 1)]


# --- in the window ---------------------------------------------------------------------------------------------


def _comments_in_window(site: Site, chance: random.Random) -> Iterator[Mutation]:
    kind = "comments in the window"
    for number, node in enumerate(site.window, 1):
        start, end = code.span(node)
        indent = site.indent(node)
        for detail, prose in _PROSE.items():
            yield _made(site, kind, f"{detail} above {number}", insert(start, _block(prose, indent)))
        yield _made(site, kind, f"a block comment before {number}", insert(start, "/* a remark */ "))
        yield _made(site, kind, f"a block comment behind {number}", insert(end, " /* a remark */"))
        if not site.text[end:].lstrip(" ").startswith("//"):
            yield _made(site, kind, f"a line comment behind {number}", insert(end, " // a remark"))
            yield _made(site, kind, f"both kinds behind {number}", insert(end, " /* a */ // remark"))
    gaps = _gaps(site)
    yield _made(site, kind, "between all tokens", *(insert(at, "/* a remark */ ") for at, _ in gaps))
    yield _made(site, kind, "lines between all tokens", *(insert(at, "// a remark\n") for at, may in gaps if may))
    for at, may in chance.sample(gaps, min(_SAMPLED_GAPS, len(gaps))):
        detail = f"before `{site.text[at : at + 16].splitlines()[0].strip()}` at {at - site.window_span[0]}"
        yield _made(site, kind, detail, insert(at, "// a remark\n" if may else "/* a remark */ "))


def _comments_in_headers(site: Site, chance: random.Random) -> Iterator[Mutation]:
    """Between the tokens of the scope's own header, and of those of the blocks around the window."""
    kind = "comments in the headers"
    tokens = code.tokens_between(site.scope, site.window_span) if not site.in_module else []
    gaps = [code.span(token)[0] for token in tokens]
    if gaps:
        yield _made(site, kind, "between all tokens", *(insert(at, "/* a remark */ ") for at in gaps))
    for at in sorted(chance.sample(gaps, min(_SAMPLED_GAPS, len(gaps)))):
        detail = f"before `{site.text[at : at + 16].splitlines()[0].strip()}` at {at - site.window_span[0]}"
        yield _made(site, kind, detail, insert(at, "/* a remark */ "))


def _gaps(site: Site) -> list[tuple[int, bool]]:
    return [gap for node in site.window for gap in code.gaps(node)]


def _block(prose: str, indent: str) -> str:
    return "".join(f"{line}\n{indent}" for line in prose.split("\n"))


def _blank_lines(site: Site) -> Iterator[Mutation]:
    kind = "blank lines in the window"
    starts = [start for start, _ in site.spot.window]
    yield _made(site, kind, "above", insert(starts[0], "\n\n\n"))
    yield _made(site, kind, "below", insert(site.window_span[1], "\n\n\n"))
    if len(starts) > 1:
        yield _made(site, kind, "between statements", *(insert(start, "\n\n") for start in starts[1:]))
    yield _made(site, kind, "between all tokens", *(insert(at, "\n\n") for at, may in _gaps(site) if may))


def _lines(site: Site, chance: random.Random) -> Iterator[Mutation]:
    kind = "line breaks in the window"
    gaps = [at for at, may in _gaps(site) if may]
    yield _made(site, kind, "between all tokens", *(insert(at, "\n") for at in gaps))
    for at in chance.sample(gaps, min(_SAMPLED_GAPS // 2, len(gaps))):
        yield _made(site, kind, f"at {at - site.window_span[0]}", insert(at, "\n      "))
    start, end = site.window_span
    above = len(site.text[:start]) - len(site.text[:start].rstrip())
    if above and not _ends_in_comment(site, start - above):
        yield _made(site, kind, "none above", Change(start - above, start, " "))
    below = len(site.text[end:]) - len(site.text[end:].lstrip())
    if below and not site.text[end + below :].startswith("//") and end + below < len(site.text):
        yield _made(site, kind, "none below", Change(end, end + below, " "))


def _ends_in_comment(site: Site, position: int) -> bool:
    return any(code.span(node)[1] == position for node in site.root.find_all(kind="comment"))


# --- around the window -----------------------------------------------------------------------------------------


def _code_around_scope(site: Site) -> Iterator[Mutation]:
    top = code.top_of_module(site.root)
    many = "\n".join(f"const driftUnrelated{number} = {number};" for number in range(60))
    for detail, added in {**_CODE, "sixty statements": many, **_PROSE}.items():
        yield _made(site, "code above the scope", f"{detail} at the top", insert(top, f"\n{added}\n"))
        yield _made(site, "code below the scope", f"{detail} at the end", insert(len(site.text), f"\n{added}\n"))
        if not site.in_module:
            start, end = code.span(site.scope)
            indent = site.indent(site.scope)
            yield _made(site, "code above the scope", f"{detail} above", insert(start, f"{added}\n{indent}"))
            yield _made(site, "code below the scope", f"{detail} below", insert(end, f"\n{indent}{added}"))


def _code_in_scope(site: Site) -> Iterator[Mutation]:
    start, end = site.reviewed_span
    indent = code.indent_at(site.text, start)
    for detail, added in {**_CODE, **_PROSE}.items():
        yield _made(site, "code above the window", detail, insert(start, f"{added}\n{indent}"))
        yield _made(site, "code below the window", detail, insert(end, f"\n{indent}{added}"))
        if not site.in_module:
            first, last = code.span(site.scope_body)
            yield _made(
                site, "code above the window", f"{detail} first in the scope", insert(first + 1, f"\n{added}\n")
            )
            yield _made(site, "code below the window", f"{detail} last in the scope", insert(last - 1, f"\n{added}\n"))


def _same_line(site: Site) -> Iterator[Mutation]:
    start, end = site.reviewed_span
    yield _made(site, "code above the window", "in the same line", insert(start, f"{_STATEMENT} "))
    yield _made(site, "code below the window", "in the same line", insert(end, f" {_STATEMENT}"))


# --- the scope moved -------------------------------------------------------------------------------------------


def _moved_scope(site: Site) -> Iterator[Mutation]:
    """As far up and down in its list as the order of declarations and calls allows; and past the nearest neighbour."""
    if site.in_module:
        return
    listed = code.siblings(site.scope)
    index = next(i for i, node in enumerate(listed) if code.span(node) == code.span(site.scope))
    up = _reach(site.scope, listed[:index][::-1], _may_move_up)
    down = _reach(site.scope, listed[index + 1 :], _may_move_down)
    span, source = code.span(site.scope), site.source(site.scope)
    for detail, past in {"up by one": up[:1], "to the top": up}.items():
        if past:
            start, _ = code.span(past[-1])
            yield _made(site, "scope moved", detail, delete(span), Change(start, start, f"{source}\n", span))
    for detail, past in {"down by one": down[:1], "to the end": down}.items():
        if past:
            _, end = code.span(past[-1])
            yield _made(site, "scope moved", detail, delete(span), Change(end, end, f"\n{source}", span, at=1))


def _reach(scope: SgNode, neighbours: list[SgNode], may: Callable[[SgNode, SgNode], bool]) -> list[SgNode]:
    return list(takewhile(lambda node: may(scope, node), neighbours))


def _may_move_up(scope: SgNode, past: SgNode) -> bool:
    return not code.used_now(scope) & code.declared(past)


def _may_move_down(scope: SgNode, past: SgNode) -> bool:
    names = code.declared(scope)
    if scope.kind() in code.FUNCTIONS:
        return past.kind() != "return_statement"
    return not names & code.used_now(past) and not (names and _calls_now(past))


def _calls_now(node: SgNode) -> bool:
    """Whether a statement calls a function of the file when it runs, which may use what has not been made yet."""
    if node.kind() in code.FUNCTIONS:
        return False
    target = node.field("function") if node.kind() == "call_expression" else None
    if target is not None and target.kind() == "identifier" and target.text() != "require":
        return True
    return any(_calls_now(child) for child in node.children())


# --- look-alikes -----------------------------------------------------------------------------------------------


def _look_alike_scopes(site: Site) -> Iterator[Mutation]:
    kind = "look-alike scope"
    start, end = code.span(site.scope)
    if site.in_module:
        copy = f"function driftLookAlike() {{\n{site.source(site.statement)}\n}}\n"
        start, end = code.span(site.statement)
    else:
        copy = f"{renamed_copy(site)}\n"
    outer = f"function driftOuter() {{\n{copy}}}\n"
    arrow = f"const driftOuter = (driftGiven) => {{\n{copy}}};\n"
    method = f"class DriftOuter {{\n  driftMethod() {{\n{copy}  }}\n}}\n"
    details = {"": copy, "nested in a function": outer, "nested in an arrow function": arrow, "in a method": method}
    for detail, added in details.items():
        yield _made(site, kind, f"above {detail}".strip(), insert(start, added))
        yield _made(site, kind, f"below {detail}".strip(), insert(end, f"\n{added}"))
    yield _made(site, kind, "at the top", insert(code.top_of_module(site.root), f"\n{outer}"))
    yield _made(site, kind, "both above and below", insert(start, copy), insert(end, f"\n{outer}"))


def renamed_copy(site: Site) -> str:
    """The scope's text under another name; a route's under another path."""
    name = scope_name(site)
    start, _ = code.span(site.scope)
    first, last = code.span(name)
    text = site.source(site.scope)
    new = '"/drift-look-alike"' if name.kind() == "string" else "driftLookAlike"
    return text[: first - start] + new + text[last - start :]


def scope_name(site: Site) -> SgNode:
    """The node that names the scope: a function's name, or a route's path."""
    wanted = site.spot.anchor.scope.name.rpartition(" ")[2]
    kinds = ["string"] if site.spot.anchor.scope.kind == "route" else ["identifier", "property_identifier"]
    nodes = [node for kind in kinds for node in site.scope.find_all(kind=kind)]
    return min((node for node in nodes if node.text().strip("'\"") == wanted), key=code.span)


def _look_alike_statements(site: Site) -> Iterator[Mutation]:
    kind = "look-alike statement"
    text = "\n".join(site.source(node) for node in site.window)
    start, end = code.span(site.statement if site.in_module else site.scope)
    yield _made(site, kind, "in another function above", insert(start, f"function driftOther() {{\n{text}\n}}\n"))
    yield _made(site, kind, "in another function below", insert(end, f"\nfunction driftOther() {{\n{text}\n}}"))
    first, last = site.reviewed_span
    commented = "".join(f"// {line}\n" for line in text.split("\n"))
    quoted = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    yield _made(site, kind, "in a comment", insert(first, commented))
    yield _made(site, kind, "in a text", insert(first, f"const driftText = `{quoted}`;\n"))
    sibling = _sibling(site)
    if sibling:
        yield _made(site, kind, "with another name above", insert(first, f"{sibling}\n"))
        yield _made(site, kind, "with another name below", insert(last, f"\n{sibling}"))


def _sibling(site: Site) -> str:
    """The matched statement with another name in the place of what it declares, calls or sets."""
    statement = site.statement
    if statement.kind() in {"lexical_declaration", "variable_declaration"}:
        declarator = next(child for child in statement.children() if child.kind() == "variable_declarator")
        name = declarator.field("name")
    else:
        call = statement.find(kind="call_expression") or statement.find(kind="assignment_expression")
        target = (call.field("function") or call.field("left")) if call is not None else None
        name = (target.field("property") or target) if target is not None else None
    if name is None or name.kind() not in {"identifier", "property_identifier"}:
        return ""
    start, text = code.span(statement)[0], site.source(statement)
    first, last = (position - start for position in code.span(name))
    return f"{text[:first]}driftSibling{text[last:]}"


def _namesakes(site: Site) -> Iterator[Mutation]:
    """Something else of the scope's name, without the anchored statement in it: the place is still the only one."""
    if site.in_module:
        return
    kind, name = "namesake without the statement", site.spot.anchor.scope.name
    start, end = code.span(site.scope)
    for detail, added in (_OTHER_ROUTES if site.spot.anchor.scope.kind == "route" else _OTHER_VARIABLES).items():
        text = added.format(name.partition(" ")[2] or name)
        yield _made(site, kind, f"{detail} above", insert(start, f"{text}\n"))
        yield _made(site, kind, f"{detail} below", insert(end, f"\n{text}"))


_OTHER_VARIABLES = {
    "a method": "class DriftOther {{\n  {0}() {{\n    return 1;\n  }}\n}}",
    "a nested function": "function driftOther() {{\n  function {0}() {{\n    return 1;\n  }}\n  return {0};\n}}",
    "a nested constant": "function driftOther() {{\n  const {0} = () => 1;\n  return {0};\n}}",
    "a nested variable, assigned": "function driftOther() {{\n  let {0};\n  {0} = 1;\n  return {0};\n}}",
    "a nested variable, taken apart": "function driftOther(given) {{\n  let {{ {0} }} = given;\n  {0} = 1;\n  return {0};\n}}",
    "a parameter, assigned": "function driftOther({0}) {{\n  {0} = 1;\n  return {0};\n}}",
    "a parameter of an arrow function, assigned": "const driftOther = ({{ {0} }}) => {{\n  {0} = 1;\n}};",
    "a variable of a block, assigned": "if (process.env.DRIFT) {{\n  let {0} = 1;\n  {0} = 2;\n}}",
    "a variable of a loop": "for (const {0} of []) console.log({0});",
    "a member of another object, assigned": "const driftOther = {{ {0}: 1 }};\ndriftOther.{0} = 2;",
    "another name, out of a member of the name": "const {{ {0}: driftOther }} = {{ {0}: 1 }};",
    "only used": "const driftOther = () => [{0}, {{ {0} }}];",
}
_OTHER_ROUTES = {
    "another verb": 'router.patch("{0}", (req, res) => res.end());',
    "a path below": 'router.get("/drift{0}", (req, res) => res.end());\nrouter.post("/drift{0}", (req, res) => res.end());',
    "a longer path": 'router.get("{0}/drift", (req, res) => res.end());\nrouter.post("{0}/drift", (req, res) => res.end());',
    "something that is got": 'const driftOther = new Map().get("{0}");',
    "a path in a text": 'const driftOther = "router.post({0})";',
}
