"""A pattern matches with comments in the code or without, and no shortcut changes what it finds."""

import random
import re
from pathlib import Path

import pytest

from patcher.javascript import matching, parse, span
from patcher.patches import SERIES
from patcher.resources import BUILTIN_SIDECAR

PATTERNS = sorted({anchor.pattern for patch in SERIES for site in patch.sites for anchor in site.anchors} - {""})


def found(text: str, pattern: str) -> list[str]:
    return [node.text() for node in matching(text, parse(text), pattern)]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        pytest.param("save(a, b)", "save(a, /* why */ b)", id="an argument"),
        pytest.param("save(a, b)", "save(a, // why\n  b)", id="a line comment"),
        pytest.param("store.save($$$A)", "store /* why */ .save(a)", id="in the chain before the call"),
        pytest.param("$STORE.save(a)", "store.save(/* why */ a)", id="a pattern that begins with anything"),
        pytest.param("$CALL(a)", "(0, save)(/* why */ a)", id="a call of parentheses"),
        pytest.param("const a = $B", "const /* why */ a = b", id="a declaration"),
        pytest.param("new Store(a)", "new Store(/* why */ a)", id="a construction"),
        pytest.param("{ $$$A; save(a) }", "{ b; /* why */ save(a) }", id="a block"),
        pytest.param('say("why not")', 'say(/* why */ "why not")', id="a string"),
    ],
)
def test_a_comment_in_the_code_is_no_difference(pattern: str, code: str) -> None:
    [match] = found(f"function handle() {{ run(() => {{ {code}; }}); }}", pattern)
    assert match.removesuffix(";") == code


@pytest.mark.parametrize("path", sorted(Path(BUILTIN_SIDECAR).rglob("*.js")), ids=lambda path: path.name)
def test_the_shortcut_leaves_nothing_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern of ours, in the text with comments at random places: found as if everything were looked through."""
    chosen = random.Random(path.name)
    text = re.sub(r"[(,.] ?", lambda sign: sign[0] + "/* c */" * (chosen.random() < 0.2), path.read_text())
    quick = {pattern: list(map(span, matching(text, parse(text), pattern))) for pattern in PATTERNS}
    monkeypatch.setattr("patcher.javascript.patterns._may_be", lambda *_: True)
    assert {pattern: list(map(span, matching(text, parse(text), pattern))) for pattern in PATTERNS} == quick
