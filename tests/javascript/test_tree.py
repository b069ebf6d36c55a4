"""Parsing is most of a build: each text once."""

from collections import Counter

import pytest
from ast_grep_py import SgRoot

from patcher import pipeline
from patcher.javascript import tree
from patcher.resources import CODEX


@pytest.mark.parametrize("client", [False, True], ids=["server", "client"])
def test_a_build_parses_each_text_once(monkeypatch: pytest.MonkeyPatch, *, client: bool) -> None:
    parsed: Counter[tuple[str, str]] = Counter()

    def counted(text: str, language: str) -> SgRoot:
        parsed[text, language] += 1
        return SgRoot(text, language)

    monkeypatch.setattr(tree, "SgRoot", counted)
    tree._parsed.cache_clear()
    assert pipeline.check("builtin", [CODEX], client=client).ok
    assert len(parsed) > 40 and set(parsed.values()) == {1}
