"""Places in a file: scopes by name, and the kinds of lists in them."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Scope:
    """A named part of a file: `function NAME`, `route VERB /path`, or the `module` top level.

    within: an enclosing scope, where the file has the name more than once.
    """

    kind: str
    name: str = ""
    within: "Scope | None" = None

    def __str__(self) -> str:
        own = f"{self.kind} {self.name}".strip()
        return f"{self.within} > {own}" if self.within else own


MODULE = Scope("module")
FILE = Scope("file")
"""The whole file, of any kind; an `override` replaces it."""


def function(name: str) -> Scope:
    """A function declaration, a method, or a function bound to a `const`, also inside a call: `wrap(() => {})`."""
    return Scope("function", name)


def route(verb: str, path: str) -> Scope:
    """An Express route of a router or app: `route("POST", "/event")`."""
    return Scope("route", f"{verb} {path}")


def callback(called: str, within: Scope | None = None) -> Scope:
    """An unnamed function that is an argument of a call: `callback("app.listen")`.

    called: the called expression as written; of a chain only the last name: `then`.
    """
    return Scope("callback", called, within)


def member(name: str, within: Scope | None = None) -> Scope:
    """A property, field, JSX attribute or target of an assignment, whose value is a function, an object or an array."""
    return Scope("member", name, within)


def variable(name: str, within: Scope | None = None) -> Scope:
    """A variable whose value is an object or an array."""
    return Scope("variable", name, within)


def class_(name: str) -> Scope:
    """A class."""
    return Scope("class", name)


def type_(name: str) -> Scope:
    """An interface, an enumeration or a type with a name."""
    return Scope("type", name)


def pointer(path: str) -> Scope:
    """A value of a JSON file, by its pointer (RFC 6901): `pointer("/scripts")`."""
    return Scope("pointer", path)


def rule(selector: str, within: Scope | None = None) -> Scope:
    """A rule of a CSS file, by the text before its `{`: `rule(".sidebar a")`, `rule("@media print")`."""
    return Scope("rule", selector, within)


def element(tag: str, within: Scope | None = None) -> Scope:
    """An element of an HTML file, by its tag or its tag and id: `element("div#root")`."""
    return Scope("element", tag, within)


class ListKind(StrEnum):
    """The kind of the items of a list. The values are used in declarations and messages."""

    STATEMENTS = "statements"
    PROPERTIES = "properties"
    MEMBERS = "members"
    ARGUMENTS = "arguments"
    ATTRIBUTES = "attributes"
    PARAMETERS = "parameters"
    ELEMENTS = "elements"
    IMPORTS = "imports"
    CHILDREN = "children"
    PAIRS = "pairs"
    RULES = "rules"
