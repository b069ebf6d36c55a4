"""The README says what the code does: commands, exit codes, series, verdicts, gates and error codes."""

import re
import subprocess
from pathlib import Path

import pytest

from patcher import errors
from patcher.cli import parser
from patcher.gates import GATE_IDS
from patcher.model import Line, Verdict
from patcher.patches import CLIENT_SERIES, SERIES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_the_series_in_the_readme_is_the_series_of_the_code() -> None:
    section = README.partition("## The series")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| `(.+?)` \|$", section, re.M)
    assert rows == [(patch.id, patch.summary, patch.file) for patch in (*SERIES, *CLIENT_SERIES)]


def test_every_verdict_and_every_gate_is_explained() -> None:
    missing = [str(word) for word in (*Verdict, *GATE_IDS) if f"`{word}`" not in README]
    assert missing == []


@pytest.mark.parametrize("error", errors.PatcherError.__subclasses__() + errors.UpstreamUnreadable.__subclasses__())
def test_every_error_code_a_user_can_meet_has_a_row(error: type[errors.PatcherError]) -> None:
    assert error.exit_code in {errors.EXIT_BUG, errors.EXIT_USAGE} or f"`{error.code}`" in README


def test_the_two_commands_of_the_readme_exist() -> None:
    listed = subprocess.run(["python3", ".dev", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    commands = set(re.findall(r"python3 \.dev (\w+)", README))
    assert {"demo", "test"} <= commands <= set(re.findall(r"^  (\w+)", listed, re.M))


def test_the_readme_says_what_is_superseded_on_the_v2_line() -> None:
    section = README.partition("## The series")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| \*\*(\w+)\*\* \| .+? \| (.+?) \|$", section, re.M))
    assert list(rows) == [patch.id for patch in (*SERIES, *CLIENT_SERIES)]
    assert {name for name, said in rows.items() if said == "superseded"} == {
        patch.id for patch in SERIES if patch.superseded is Line.V2
    }
