"""The page of `list --html`: what the series change, why, and what proves it."""

import re
from pathlib import Path

import pytest

from patcher.patches import SERIES
from patcher.prove import CONTRACTS
from tests.series.support import Acme, acme
from tests.support import CommandLine

__all__ = ["acme"]


def test_the_page_has_every_patch_with_its_change_and_its_proof(cli: CommandLine, tmp_path: Path) -> None:
    ended = cli("list", "--series", "codex", "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert ended.code == 0 and ended.out.startswith("harness_column")
    assert [patch.id for patch in SERIES if f'<h2 id="{patch.id}">' not in page] == []
    assert "+stmts.setSessionHarness = " in page and "In <code>server/db.js</code>" in page
    assert "<code>server/lib/codex-importer.js</code>" in page and "not needed here" in page
    summaries = {each.id: each.summary for each in CONTRACTS}
    assert summaries["existing_database_gains_columns"] in page
    assert not re.search(r"(src|href)=\"(?!#|data:)", page) and "<script" not in page


def test_text_of_an_author_is_text(acme: Acme, tmp_path: Path) -> None:
    acme.pinned().edit("patches/note.py", "Says what is saved.", "Says <b>what</b> is saved.")
    acme.write("templates/note.js", 'console.log("</pre><script>1</script>");\n')
    assert acme.cli("list", "--upstream", acme.upstream, "--series", acme.path, "--html", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "Says &lt;b&gt;what&lt;/b&gt; is saved." in page and "&lt;/pre&gt;&lt;script&gt;" in page
    assert "<script" not in page and "nobody has said what it is for" in page
    assert "1 patches change 1 of upstream's files, and add 1 files of their own." in page


@pytest.mark.parametrize("change", ["pattern", "pin"])
def test_a_patch_that_stops_says_why_instead(acme: Acme, change: str) -> None:
    if change == "pattern":
        acme.pinned().edit("patches/note.py", "store.save(session, total)", "store.gone()")
    assert acme.cli("list", "--upstream", acme.upstream, "--series", acme.path, "--html", "page.html").code == 0
    page = Path("page.html").read_text()
    said = "nobody has reviewed the code" if change == "pin" else "expected <code>store.gone()</code> once in"
    assert said in page and '<pre class="diff"' not in page
