"""`explain CODE`: every code is known, and the table in the README is what `explain` says."""

import ast
from pathlib import Path

import pytest

from patcher.gates import GATE_IDS
from patcher.model import STOPPING
from patcher.report import error_codes
from tests.support import ROOT, CommandLine, spawn
from tests.test_errors import every_class


def test_every_code_of_a_class_is_explained() -> None:
    classes = [each for each in every_class() if each.__module__.startswith("patcher.")]
    assert [each.code for each in classes if error_codes.of(each.code) is None] == []
    for each in classes:
        found = error_codes.of(each.code)
        assert found and (found.code, found.exit_code) == (each.code, each.exit_code)
        assert each.__doc__ and " ".join(each.__doc__.partition("\n\n")[0].split()) == found.meaning


def test_every_code_that_is_given_to_an_error_is_explained() -> None:
    """`SomeError(…, code="x")`, or a constant of the same module."""
    codes = []
    for path in (ROOT / "patcher").rglob("*.py"):
        tree = ast.parse(path.read_text())
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Name):
                codes.append(constants.get(node.value.id))
    found = [code for code in codes if isinstance(code, str)]
    assert "git-missing" in found and [code for code in found if error_codes.of(code) is None] == []


def test_every_result_is_explained() -> None:
    codes = [f"anchor-{verdict}" for verdict in STOPPING] + [f"gate-{gate}" for gate in GATE_IDS]
    codes += [
        "gate-refused",
        "file-taken",
        "file-edited",
        "doctor-trust",
        "stdout-unwritable",
        "upstream-dangling-link",
        "bug",
    ]
    assert [code for code in codes if error_codes.of(code) is None] == []
    taken = error_codes.of("file-taken")
    assert taken and taken.code == "file-taken", "the code itself comes before its family"


def test_nothing_is_explained_that_is_not_a_code() -> None:
    classes = {each.code for each in every_class()}
    known = [each for each in error_codes.known() if each.code not in classes]
    text = "".join(path.read_text() for path in (ROOT / "patcher").rglob("*.py"))
    unused = [each.code for each in known if each.code.rstrip("…") not in text and not each.code.startswith("anchor-")]
    assert unused == []
    assert [each.code for each in error_codes.known() if not each.meaning.endswith(".") or each.fix.endswith(".")] == []


def test_the_table_in_the_readme_is_what_explain_says() -> None:
    assert error_codes.to_markdown() in Path(ROOT / "patcher/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["node-missing", "error[node-missing]"])
def test_a_code_is_explained_as_it_is_printed(cli: CommandLine, name: str) -> None:
    ended = cli("explain", name)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("node-missing: No Node that has `node:sqlite` ")
    assert "\nwhat to do  install Node 22.5 or newer, " in ended.out and ended.out.endswith("\nexit code   5\n")


def test_a_code_is_explained_without_docstrings() -> None:
    """`python -OO` has none."""
    optimized = spawn("explain", "node-missing", PYTHONOPTIMIZE="2")
    assert optimized.code == 0 and "No Node that has" in optimized.out


def test_what_is_neither_a_patch_nor_an_error_is_said(cli: CommandLine) -> None:
    ended = cli("explain", "anchor-drift")
    said = "error[usage]: there is no patch and no error anchor-drift\n  hint: did you mean `anchor-drifted`?\n"
    assert (ended.code, ended.out, ended.err) == (2, "", said)
    assert cli("explain", "anchor-drifted", "--upstream", "builtin").code == 2
