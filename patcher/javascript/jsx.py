"""What JSX adds to JavaScript: elements in a list as statements are, and text whose layout does not count. Leaf module.

React's rule for text (https://legacy.reactjs.org/docs/jsx-in-depth.html): line breaks and the spaces around them are
layout; what stands on one line is what is shown.
"""

import re
from collections.abc import Iterable, Iterator

from ast_grep_py import SgNode

ELEMENTS = frozenset({"jsx_element", "jsx_self_closing_element"})
TAGS = frozenset({"jsx_opening_element", "jsx_closing_element"})
_TEXTS = frozenset({"jsx_text", "html_character_reference"})
_BLANK_STRING = re.compile(r"""\{\s*(["'])( +)\1\s*\}\Z""")
_LINE_BREAK = re.compile(r"[ \t]*\r?\n[ \t]*")
_BLANKS = re.compile(r"[ \t]+")


def is_child(node: SgNode) -> bool:
    """Whether a node stands in the list between an element's tags."""
    parent = node.parent()
    return parent is not None and parent.kind() == "jsx_element" and node.kind() not in TAGS


def is_comment(node: SgNode) -> bool:
    """Whether a node is `{/* a comment */}`, as comments are written between elements."""
    inner = node.named_children() if node.kind() == "jsx_expression" else []
    return bool(inner) and all(child.kind() == "comment" for child in inner)


def counts(node: SgNode) -> bool:
    """Whether a node between two tags is more than layout: an element, an expression, or text that is shown."""
    if node.kind() in _TEXTS:
        return bool(_shown(node.text()))
    return node.kind() not in TAGS and not is_comment(node)


def pieces(children: Iterable[SgNode]) -> Iterator[SgNode | str]:
    """The children of an element, each run of text and of `{" "}` as the one string that is shown, comments left out.

    A formatter breaks text where it likes, and writes `{" "}` where a line break would swallow a space.
    """
    raw = shown = ""
    for child in children:
        blank = _BLANK_STRING.match(child.text()) if child.kind() == "jsx_expression" else None
        if child.kind() in _TEXTS:
            raw += child.text()
            continue
        shown, raw = shown + _shown(raw), ""
        if blank is not None:
            shown += blank[2]
        elif not is_comment(child):
            if shown:
                yield _BLANKS.sub(" ", shown)
            shown = ""
            yield child
    if shown or _shown(raw):
        yield _BLANKS.sub(" ", shown + _shown(raw))


def _shown(raw: str) -> str:
    """What React shows of a text: each line break and the spaces around it are one space, none at the ends."""
    return " ".join(line for line in _LINE_BREAK.split(raw) if line)
