"""`bump --html` and `--markdown`, through the command: what is in them, and the page in a real Chromium."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from patcher.__main__ import main
from patcher.errors import NodeMissing
from patcher.model import Line
from patcher.patches import SERIES
from patcher.prove import CONTRACTS, find_node
from patcher.upstream.between import refs_between
from patcher.upstream.history import Repository as History
from tests.lab.consent.browser import chromium
from tests.readable import assert_readable, assert_tab_reaches_everything, focused, in_chromium, open_all
from tests.support import ROOT, SMALL, CommandLine, Ended, Repository, wait_for

V1_SITES = sum(len(patch.sites_for(Line.V1)) for patch in SERIES)
SUPERSEDED = [patch for patch in SERIES if patch.superseded is Line.V2 or patch.superseded_where]
V2_SITES = sum(len(patch.sites_for(Line.V2)) for patch in SERIES if patch not in SUPERSEDED)
UPSTREAM = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
SUBJECT = "one word for the clause, see #12, @everyone <b>"
SESSIONS, HOOKS = "server/routes/sessions.js", "server/routes/hooks.js"
DB, INDEX = "server/db.js", "server/index.js"


@dataclass(frozen=True)
class Story:
    """The builtin sidecar with releases: as it is, with one place broken, with three; and a branch behind the last."""

    repository: Repository

    @property
    def path(self) -> Path:
        return self.repository.path

    def change(self, subject: str, *changes: tuple[str, str, str], tag: str = "") -> str:
        """Commit changes (path, old, new); gives the commit's id."""
        for path, old, new in changes:
            file = self.path / path
            text = file.read_text(encoding="utf-8")
            assert old in text
            file.write_text(text.replace(old, new), encoding="utf-8")
        self.repository.git("add", "--all")
        self.repository.git("commit", "--quiet", "--allow-empty", "--message", subject)
        if tag:
            self.repository.git("tag", tag)
        return self.id_of("HEAD")

    def id_of(self, ref: str) -> str:
        return self.repository.git("rev-parse", f"{ref}^{{commit}}").strip()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    path = tmp_path_factory.mktemp("story") / "upstream"
    shutil.copytree(ROOT / "fixtures/sidecar", path)
    made = Story(Repository(path))
    made.repository.git("init", "--quiet", "--initial-branch=main")
    version = json.loads((path / "package.json").read_text(encoding="utf-8"))["version"]
    made.change("1.5.0", ("package.json", f'"{version}"', '"1.5.0"'), tag="v1.5.0")
    made.change(SUBJECT, (SESSIONS, "whereSql", "clause"))
    moves = (INDEX, "const express", "// a line more\nconst express")
    made.change("1.5.1", moves, ("package.json", '"1.5.0"', '"1.5.1"'), tag="v1.5.1")
    made.change("one export more", (DB, "module.exports = {", "module.exports = {\n  driftNew: 1,"))
    made.change("the reaper has a better name", (HOOKS, "livenessReap", "reapDead"))
    made.change("1.6.0", ("package.json", '"1.5.1"', '"1.6.0"'), tag="v1.6.0")
    made.change("innocent", ("package.json", '"license": "MIT"', '"license":  "MIT"'))
    return made


@dataclass(frozen=True)
class Pages:
    """What one run of the command has written."""

    code: int
    report: dict[str, Any]
    html: str
    markdown: str
    file: Path

    @property
    def matrix(self) -> dict[str, Any]:
        found = self.report["bump"]["matrix"]
        assert isinstance(found, dict)
        return found

    @property
    def refs(self) -> list[str]:
        return [each["ref"] for each in self.matrix["refs"]]


def pages(folder: Path, upstream: "Path | str", to: str, *more: str) -> Pages:
    names = {form: folder / f"page.{form}" for form in ("html", "md", "json")}
    code = main(
        ["bump", "--upstream", str(upstream), "--to", to, *more, "--html", str(names["html"])]
        + ["--markdown", str(names["md"]), "--report", str(names["json"])]
    )
    html, markdown, report = (names[form].read_text(encoding="utf-8") for form in ("html", "md", "json"))
    return Pages(code, json.loads(report), html, markdown, names["html"])


@pytest.fixture(scope="module")
def stopped(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """A bump with three places that stop, two of them new since the tag in between."""
    return pages(tmp_path_factory.mktemp("stopped"), story.path, "v1.6.0")


# --- the matrix of a bump --------------------------------------------------------------------------------------


def test_the_report_has_the_matrix_from_the_beginning_to_the_new_ref(stopped: Pages) -> None:
    assert stopped.code == 3
    assert stopped.refs == ["v1.5.0", "v1.5.1", "v1.6.0"]
    assert [each["supported"] for each in stopped.matrix["refs"]] == [True, False, False]
    words = {each["id"]: each["verdict"] for each in stopped.matrix["refs"][2]["patches"]}
    assert {name for name, word in words.items() if word in {"drifted", "missing"}} == {
        "harness_column",
        "stamp_harness",
        "filter_by_harness",
    }


def bump(cli: CommandLine, upstream: Path, to: str, *more: "str | Path") -> Ended:
    return cli("bump", "--upstream", upstream, "--to", to, *more)


def test_without_a_page_there_is_no_matrix(
    cli: CommandLine, story: Story, monkeypatch: pytest.MonkeyPatch, stopped: Pages
) -> None:
    monkeypatch.setattr("patcher.report.bump_page.matrix", None)  # what would be called
    content = json.loads(bump(cli, story.path, "v1.6.0", "--format", "json").out)
    assert content["bump"]["matrix"] is None
    places = [{**each, "window": None} for each in content["bump"]["places"]]
    assert places == [{**each, "window": None} for each in stopped.report["bump"]["places"]]


@pytest.mark.parametrize(
    ("to", "since", "refs"),
    [
        pytest.param("v1.6.0", "v1.5.1", ["v1.5.1", "v1.6.0"], id="neighbours"),
        pytest.param("v1.5.1", "v1.5.1", ["v1.5.1"], id="from what it is to"),
        pytest.param("main", "v1.5.0", ["v1.5.0", "v1.5.1", "v1.6.0", "main"], id="to a branch"),
        pytest.param("v1.6.0^", "v1.5.0", ["v1.5.0", "v1.5.1", "v1.6.0^"], id="to a commit before its tag"),
        pytest.param("HEAD~1", "v1.5.0", ["v1.5.0", "v1.5.1", "HEAD~1"], id="to a commit that has a tag"),
        pytest.param("v1.5.0", "v1.6.0", ["v1.6.0", "v1.5.0"], id="backwards"),
        pytest.param("main", "v1.5.0^{commit}", ["v1.5.0^{commit}", "v1.5.1", "v1.6.0", "main"], id="from a commit"),
        pytest.param("v1.6.0", "", ["v1.5.0", "v1.5.1", "v1.6.0"], id="no beginning"),
        pytest.param("v1.5.1^", "", ["v1.5.0", "v1.5.1^"], id="no beginning, to a commit"),
        pytest.param("v1.5.0", "", ["v1.5.0"], id="no beginning, to the first tag"),
    ],
)
def test_the_refs_between_two_ends(story: Story, to: str, since: str, refs: list[str]) -> None:
    with History.open(str(story.path)) as history:
        assert refs_between(history, since, to) == refs


def test_a_bump_to_a_commit_without_a_beginning(repository: Repository, tmp_path: Path) -> None:
    repository.commit(SMALL.having({"server/more.js": "1;\n"}), "v1.3.0")
    commit = repository.git("rev-parse", "HEAD~0").strip()
    repository.commit(SMALL.having({"server/more.js": "2;\n"}), "v1.4.0")
    made = pages(tmp_path, repository.path, commit)
    assert made.report["bump"]["from"] is None and made.refs == ["v1.2.0", commit]
    assert f"<h1>Bump to {commit[:12]}</h1>" in made.html and "No older version tag meets the pins." in made.html
    assert made.markdown.startswith(f"## Bump to {commit[:12]}\n")


def test_a_bump_to_where_it_begins(story: Story, tmp_path: Path) -> None:
    made = pages(tmp_path, story.path, "v1.5.0", "--from", "v1.5.0")
    assert (made.code, made.refs) == (0, ["v1.5.0"])
    assert "<h1>Bump from v1.5.0 to v1.5.0</h1>" in made.html and "What fits" in made.html


# --- what a person reads ---------------------------------------------------------------------------------------


def item(made: Pages, place: str) -> str:
    """The part of the page about a place."""
    name, number = place.split(".")
    [found] = [each for each in made.html.split("<details id=") if f"<strong>{name}.<span>{number}</span>" in each]
    return found


def test_each_stop_has_its_commit_its_windows_and_the_payload(story: Story, stopped: Pages) -> None:
    guilty = story.repository.git("log", "--format=%H", "--grep=^one word").strip()
    part = item(stopped, "filter_by_harness.filter")
    assert f"<code>{guilty[:12]}</code>" in part and "@everyone &lt;b&gt;" in part
    assert "As reviewed: v1.5.0" in part and "Candidate 1: route GET / of server/routes/sessions.js" in part
    assert re.search(r'<tr class="payload">.*req\.query\.harness', part)
    assert re.search(r"sidecar-patcher bump --upstream .* --accept .*\bfilter_by_harness\.filter=1\b", part)
    assert "<summary>2 more, less likely</summary>" in part and part.count('class="candidate') == 3
    drifted = item(stopped, "harness_column.statement")
    assert "Now: v1.6.0" in drifted and "one export more" in drifted
    assert re.search(r'class="now new-cell">  driftNew: 1,', drifted), "in its own indentation"


def test_a_place_that_goes_on_stands_beside_what_it_was(stopped: Pages) -> None:
    part = item(stopped, "parse_outside_transaction.transcript")
    assert "As reviewed: v1.5.0" in part and "Now: v1.6.0" in part
    assert re.search(r'<tr class="payload">.*= ingress\.transcript;', part), "the statement that comes of it"
    assert '<tr class="new">' not in part and '<tr class="gone">' not in part
    lines = re.findall('<td class="now ">(.+?)</td>', item(stopped, "parse_outside_transaction.take"))
    assert len(lines) > 1 and [line for line in lines if line.startswith(" ")] == [], (
        "statements of a function, at the left"
    )


def test_a_place_that_was_read_on_the_new_ref_stands_beside_the_beginning(tmp_path: Path) -> None:
    """The comments of its pins end with v1.4.8: there is nothing newer to read, and yet something to compare with."""
    made = Story(Repository(tmp_path / "upstream"))
    shutil.copytree(ROOT / "fixtures/sidecar", made.path)
    made.repository.git("init", "--quiet", "--initial-branch=main")
    made.change("1.4.7", ("package.json", '"1.4.8"', '"1.4.7"'), tag="v1.4.7")
    made.change(
        "1.4.8", (INDEX, "const express", "// 1\nconst express"), ("package.json", "1.4.7", "1.4.8"), tag="v1.4.8"
    )
    part = item(pages(tmp_path, made.path, "v1.4.8", "--from", "v1.4.7"), "parse_outside_transaction.take")
    assert "As reviewed: v1.4.7" in part and "Now: v1.4.8" in part and '<tr class="new">' not in part


def test_what_the_contracts_need_is_said_where_they_did_not_run(stopped: Pages) -> None:
    said = "The contracts were not run: <code>--prove</code> runs them on the pristine and on the patched tree."
    assert said in stopped.html
    assert "The contracts were not run: `--prove` runs them" in stopped.markdown


def test_the_results_of_contracts_on_both_trees(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        find_node(None)
    except NodeMissing as error:
        pytest.skip(f"the contracts need a Node: {error.message}")
    chosen = [each for each in CONTRACTS if each.id in {"filter_separates_harnesses", "codex_hook_stamps_session"}]
    monkeypatch.setattr("patcher.prove.contracts.CONTRACTS", tuple(chosen))
    made = pages(tmp_path, story.path, "v1.5.0", "--prove")
    assert made.code == 0 and "2 of 2 contracts are proven." in made.html
    row = made.html.split("<code>filter_separates_harnesses</code>")[1].split("</tr>")[0]
    pristine, patched = row.split("<td>")[2:4]
    assert ">red</span>" in pristine and ">green</span>" in patched
    assert "| filter_separates_harnesses | ✓ yes | red: " in made.markdown


def test_markdown_says_the_same(story: Story, stopped: Pages) -> None:
    text = stopped.markdown
    assert text.startswith(f"## Bump from v1.5.0 to v1.6.0\n\n3 of {V1_SITES} sites stop.\n\nRead the windows: ")
    first, second, third = (line.split(" | ") for line in text.splitlines() if re.match(r"\| \*{0,2}v1[.]", line))
    assert (first[0], second[0], third[0]) == ("| v1.5.0", "| v1.5.1", "| **v1.6.0**")
    assert (first[2], third[2], third[3]) == ("✓ yes", "✕ no", "✕ drifted")
    guilty = story.repository.git("log", "--format=%H", "--grep=^one word").strip()[:12]
    assert f"- since `{guilty}` of " in text and f": `{SUBJECT}`" in text
    assert re.search(r"```diff\n(! .*\n)+- const whereSql = .*\n\+ const clause = ", text)
    assert "| 1, chosen | pin: `module.exports = $EXPORTS` in `server/db.js`, module | ✓ yes |" in text


def test_markdown_mentions_nobody_and_links_nothing(stopped: Pages) -> None:
    outside = re.sub(r"^```.*?^```$", "", stopped.markdown, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+).*?[^`]\1(?!`)", "", outside)
    assert not re.search(r"@\w", outside) and not re.search(r"#\d", outside)
    assert "<b>" not in re.sub(r"<summary>.*</summary>", "", outside)


# --- in Chromium -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@in_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_can_be_read(browser: Any, stopped: Pages, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert_readable(page, stopped.file, scheme, width)
    page.close()


@in_chromium
def test_the_grid_is_coloured_and_says_it_in_words_too(browser: Any, stopped: Pages) -> None:
    page = browser.new_page()
    page.goto(stopped.file.as_uri())
    found = page.evaluate(
        """() => [...document.querySelectorAll(".grid tbody tr")].map((row) =>
          [...row.cells].map((cell) => [cell.innerText.trim(), getComputedStyle(cell).backgroundColor]))"""
    )
    assert [row[0][0].split()[0] for row in found] == ["v1.5.0", "v1.5.1", "v1.6.0"]
    colours: dict[str, set[str]] = {}
    for row in found:
        for text, colour in row[1:]:
            colours.setdefault({"✓": "good", "→": "moved", "∅": "superseded", "✕": "stops"}[text[0]], set()).add(colour)
            assert len(text.split()) == 2, "a sign and a word"
    assert {len(each) for each in colours.values()} == {1} and len(set.union(*colours.values())) == 4
    page.close()


@in_chromium
@pytest.mark.parametrize("opened", [False, True], ids=["as it opens", "with everything open"])
def test_every_control_is_reached_with_tab(browser: Any, stopped: Pages, opened: bool) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(stopped.file.as_uri())
    if opened:
        open_all(page)
    assert assert_tab_reaches_everything(page) > (35 if opened else 20)
    page.close()


@in_chromium
def test_a_cell_leads_to_its_place_also_from_the_ref_where_it_began(browser: Any, stopped: Pages) -> None:
    page = browser.new_page()
    page.goto(stopped.file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = false; })")
    cells = page.locator(".grid tbody tr").nth(1).get_by_role("link")
    assert cells.count() == 1 and cells.first.inner_text() == "✕ missing"
    cells.first.press("Enter")
    wait_for(lambda: page.locator("details[open]").count() == 1)  # the policy of the page forbids `wait_for_function`
    assert page.locator("details[open] > summary strong").first.inner_text() == "filter_by_harness.filter"
    page.locator(".grid tbody tr").nth(2).get_by_role("link").first.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "✓ exact"
    page.close()


# --- the real upstream -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
def test_a_bump_of_upstream_onto_its_second_line(tmp_path: Path) -> None:
    made = pages(tmp_path, UPSTREAM, "v2.0.0", "--from", "v1.4.6")
    assert (made.code, made.refs) == (0, ["v1.4.6", "v1.4.8", "v2.0.0"])
    assert [each["supported"] for each in made.matrix["refs"]] == [True] * 3
    assert f"All {V2_SITES} sites fit. Upstream does the work of {len(SUPERSEDED)} patches itself." in made.html
    for patch in SUPERSEDED:
        assert f"<li><strong>{patch.id}</strong>" in made.html and f"- **{patch.id}** ∅ superseded: " in made.markdown
    assert made.html.count('href="#superseded"') == len(SUPERSEDED)
    part = item(made, "filter_by_harness.filter")
    assert "As reviewed: v1.4.6" in part and "Now: v2.0.0" in part and '<tr class="payload">' in part
    alone = item(made, "stamp_harness.forward")
    assert "As reviewed: the same tokens" in alone and '<tr class="new">' not in alone, "a place of the v2 line only"
