"""The pages say what the code does: commands, exit codes, series, verdicts, gates, error codes; their links lead somewhere."""

import re
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from patcher import errors
from patcher.cli import parser
from patcher.gates import GATE_IDS
from patcher.model import Line, Verdict
from patcher.patches import CLIENT_SERIES, SERIES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSIDE = (ROOT / "patcher" / "README.md").read_text(encoding="utf-8")
PATCHES = (ROOT / "patcher" / "patches" / "README.md").read_text(encoding="utf-8")


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository, those included that the next commit will add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in found if name and (ROOT / name).is_file()]


PAGES = tracked("*.md")


def test_each_verb_of_the_parser_is_in_the_table_of_commands() -> None:
    [verbs] = [action for action in parser()._actions if action.dest == "verb"]
    assert verbs.choices is not None
    section = README.partition("## Commands")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`(build|check|verify|revert|diff|list|explain|prove|\w+) ?[^`]*`", section))
    assert set(verbs.choices) <= documented


def test_the_table_of_exit_codes_has_the_codes_of_errors_py() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    section = README.partition("| exit code | means |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.M)} == codes


def test_the_series_on_the_page_of_the_patches_is_the_series_of_the_code() -> None:
    section = PATCHES.partition("## The series")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| `(.+?)` \|$", section, re.M)
    assert rows == [(patch.id, patch.summary, patch.file) for patch in (*SERIES, *CLIENT_SERIES)]


def test_every_verdict_and_every_gate_is_explained() -> None:
    missing = [str(word) for word in (*Verdict, *GATE_IDS) if f"`{word}`" not in INSIDE]
    assert missing == []


@pytest.mark.parametrize("error", errors.PatcherError.__subclasses__() + errors.UpstreamUnreadable.__subclasses__())
def test_every_error_code_a_user_can_meet_has_a_row(error: type[errors.PatcherError]) -> None:
    assert error.exit_code in {errors.EXIT_BUG, errors.EXIT_USAGE} or f"`{error.code}`" in INSIDE


def test_the_two_commands_of_the_readme_and_those_of_all_pages_exist() -> None:
    listed = subprocess.run(["python3", ".dev", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    exist = set(re.findall(r"^  (\w+)", listed, re.M))
    commands = set(re.findall(r"python3 \.dev (\w+)", README))
    assert {"demo", "test"} <= commands <= exist
    assert {name for page in PAGES for name in re.findall(r"python3 \.dev (\w+)", page.read_text("utf-8"))} <= exist


def test_the_page_of_the_patches_says_what_is_superseded_on_the_v2_line() -> None:
    section = PATCHES.partition("## The series")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| \*\*(\w+)\*\* \| .+? \| (.+?) \|$", section, re.M))
    assert list(rows) == [patch.id for patch in (*SERIES, *CLIENT_SERIES)]
    assert {name for name, said in rows.items() if said == "superseded"} == {
        patch.id for patch in (*SERIES, *CLIENT_SERIES) if patch.superseded is Line.V2 or patch.superseded_where
    }


def test_the_readme_is_a_first_page() -> None:
    assert 120 <= len(README.splitlines()) <= 160
    assert len(README.encode()) <= 12_000


def broken_links(page: Path, files: Collection[Path] = tuple(tracked())) -> list[str]:
    """The relative links of a page that lead to none of the files, or to no heading of it. Code is not looked at."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target not in files or (fragment and fragment not in fragments(target)):
            broken.append(link)
    return broken


def fragments(page: Path) -> list[str]:
    """The fragments that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_of_a_page_is_broken(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](gone.md) [b](#one-thing) [c](#two) [d](https://example.org/x) `[e](code.md)`\n")
    assert broken_links(page, [page]) == ["gone.md", "#two"]


def test_a_reference_to_a_page_is_to_a_page_of_the_repository() -> None:
    pages = {page.name for page in PAGES}
    elsewhere = re.compile(r"\b(DESIGN|REDESIGN|PEERS|STYLE|AGENTS|ADOPT|CODEX|README|CONTRIBUTING|CHANGELOG)\.md\b")
    numbered = re.compile(r"\.md`?,? (?:section|part)s? \w*\d|\b(?:issue|point) #?\d+\b|(?<![\w.])/work/", re.I)
    found = []
    for path in tracked(
        "patcher", "templates", "tests", ".dev", ".ci", ".github", "fixtures", "*.md", "pyproject.toml"
    ):
        if path.suffix in {".png", ".lock"} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            names = [match[0] for match in elsewhere.finditer(line) if match[0] not in pages]
            if names or numbered.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []
