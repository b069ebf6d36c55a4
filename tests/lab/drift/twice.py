"""The scope's name defined a second time, by whatever JavaScript takes for it: which code runs is then not decided here.

Of functions the later one runs, of routes the earlier one answers. The patch must stop wherever its statement stands.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.lab.drift import code
from tests.lab.drift.changes import Change, insert
from tests.lab.drift.harmless import scope_name
from tests.lab.drift.mutation import Mutation
from tests.lab.drift.site import Site

_AGAIN = {
    "a function": "function {0}() {{\n  return null;\n}}",
    "an async function": "async function {0}() {{}}",
    "a generator": "function* {0}() {{}}",
    "a variable": "var {0} = () => null;",
    "a variable that is taken apart": "var {{ {0} }} = driftOther;",
    "a variable that is taken out of a list": "var [, {0} = null] = driftOther;",
}
"""Beside a function declaration. Beside a `const` they are syntax errors."""
_ASSIGNED = {
    "a function": "{0} = () => null;",
    "a name": "{0} = driftOther;",
    "null": "{0} = null;",
    "itself, wrapped": "{0} = driftWrap({0});",
    "in parentheses": "({0}) = driftOther;",
    "in a chain": "const driftBoth = ({0} = driftOther);",
    "when it is something": "{0} &&= driftOther;",
    "when it is nothing": "{0} ||= driftOther;",
    "out of an object": "({{ {0} }} = driftOther);",
    "out of a member": "({{ drift: {0} }} = driftOther);",
    "out of an object, with a default": "({{ {0} = null }} = driftOther);",
    "out of a list": ";[{0}] = driftOther;",
    "the rest of a list": ";[, ...{0}] = driftOther;",
    "in a loop": "for ({0} of driftOthers) break;",
    "in a condition": "if (driftOther) {0} = driftOther;",
    "in a function": "function driftLater() {{\n  {0} = driftOther;\n}}",
    "in an arrow function": "const driftLater = () => ({0} = driftOther);",
    "in a method": "class DriftLater {{\n  set(value) {{\n    {0} = value;\n  }}\n}}",
}
_REGISTERED = {
    "a handler": "{router}.{verb}({path}, (req, res) => {{\n  res.end();\n}});",
    "a named handler": "{router}.{verb}({path}, driftHandler);",
    "two handlers": "{router}.{verb}({path}, driftCheck, driftHandler);",
    "a list of handlers": "{router}.{verb}({path}, [driftCheck, driftHandler]);",
    "handlers that are spread": "{router}.{verb}({path}, ...driftHandlers);",
    "all verbs": "{router}.all({path}, driftHandler);",
    "route()": "{router}.route({path}).{verb}(driftHandler);",
    "route(), all verbs": "{router}.route({path}).all(driftHandler);",
    "route(), another verb before": "{router}.route({path}).{other}(driftOther).{verb}(driftHandler);",
    "another route before it in the chain": '{router}.{other}("/drift", driftOther).{verb}({path}, driftHandler);',
    "in a list of paths": '{router}.{verb}(["/drift", {path}], driftHandler);',
    "route() of a list of paths": '{router}.route(["/drift", {path}]).{verb}(driftHandler);',
    "a template": "{router}.{verb}(`{plain}`, driftHandler);",
    "single quotes": "{router}.{verb}('{plain}', driftHandler);",
    "comments": "{router}.{verb}(/* a remark */ {path}, /* a remark */ driftHandler);",
    "a member in brackets": '{router}["{verb}"]({path}, driftHandler);',
    "a slash behind the path": '{router}.{verb}("{slash}", driftHandler);',
    "capital letters": '{router}.{verb}("{capital}", driftHandler);',
    "in a condition": "if (driftOther) {{\n  {router}.{verb}({path}, driftHandler);\n}}",
    "in a function": "function driftRoutes() {{\n  {router}.{verb}({path}, driftHandler);\n}}",
}


def twice(site: Site) -> Iterator[Mutation]:
    """Every second definition of the scope's name."""
    if site.in_module:
        return
    if site.spot.anchor.scope.kind == "route":
        yield from _placed(site, "route shadowed", _routes(site))
        return
    name = site.spot.anchor.scope.name
    if site.scope.kind() in code.FUNCTIONS:
        yield from _placed(site, "scope twice", {detail: text.format(name) for detail, text in _AGAIN.items()})
    assigned = {detail: text.format(name) for detail, text in _ASSIGNED.items()}
    yield from _placed(site, "scope reassigned", assigned)
    first, _ = code.span(site.scope_body)
    yield _made(site, "scope reassigned", "by itself", insert(first + 1, f"\n{name} = null;\n"))


def _routes(site: Site) -> dict[str, str]:
    path = scope_name(site)
    call = next(node for node in path.ancestors() if node.kind() == "call_expression")
    target = call.field("function")
    router, verb = (target.field("object"), target.field("property")) if target is not None else (None, None)
    if router is None or verb is None:
        raise LookupError(f"{site.spot.id}: {call.text()[:40]} registers no route")
    plain = path.text()[1:-1]
    words = {
        "router": router.text(),
        "verb": verb.text(),
        "other": "delete" if verb.text() != "delete" else "put",
        "path": path.text(),
        "plain": plain,
        "slash": f"{plain.rstrip('/')}/",
        "capital": plain.upper(),
    }
    return {detail: text.format(**words) for detail, text in _REGISTERED.items()}


def _placed(site: Site, kind: str, texts: dict[str, str]) -> Iterator[Mutation]:
    start, end = code.span(site.scope)
    for detail, text in texts.items():
        yield _made(site, kind, f"{detail}, before", insert(start, f"{text}\n"))
        yield _made(site, kind, f"{detail}, after", insert(end, f"\n{text}"))
    some = next(iter(texts.values()))
    yield _made(site, kind, "before and after", insert(start, f"{some}\n"), insert(end, f"\n{some}"))


def _made(site: Site, kind: str, detail: str, *changes: Change) -> Mutation:
    return replace(site.made(kind, detail, changes, harmless=False), reason="ambiguous: expected")
