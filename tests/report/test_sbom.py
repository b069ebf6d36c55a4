"""The bill of materials of a tree whose `package.json`, manifest or environment is odd."""

import json
from pathlib import Path
from typing import Any

import pytest

from patcher.errors import EXIT_DONE, EXIT_IO, EXIT_USAGE
from patcher.report.sbom import to_sbom
from tests.support import CommandLine, refusal

ENTRY = {"path": "package.json", "after": "0" * 64, "status": "copied", "executable": False}
MANIFEST: dict[str, Any] = {
    "upstream": {"name": "agent-dashboard", "version": "1.2.0"},
    "tool": {"name": "sidecar-patcher", "version": "1"},
    "files": [ENTRY],
}


@pytest.mark.parametrize(
    "package",
    [
        {},
        {"author": ["A"]},
        {"author": 1},
        {"author": {"name": 1}},
        {"author": None},
        {"license": ["MIT"]},
        {"license": {"type": "MIT"}},
        {"license": "SEE LICENSE IN x"},
        {"dependencies": {"": "1"}},
        {"dependencies": {"@scope/": "1"}},
        {"dependencies": {"a": None, "ä": 1}},
        {"dependencies": ["a"], "optionalDependencies": "a"},
    ],
)
def test_fields_of_the_package_that_npm_would_not_take(package: dict[str, Any]) -> None:
    bill = json.loads(to_sbom(MANIFEST, json.dumps(package).encode()))
    assert bill["metadata"]["component"]["name"] == "agent-dashboard"
    assert "author" not in bill["metadata"]["component"]


@pytest.mark.parametrize(
    "change",
    [
        {"tool": None},
        {"tool": {}},
        {"tool": {"name": 1, "version": 2}},
        {"upstream": {"name": "agent-dashboard"}},
        {"files": [{**ENTRY, "status": None}]},
        {"files": [{"path": "package.json", "after": "0" * 64}]},
    ],
)
def test_a_manifest_that_says_too_little(change: dict[str, Any]) -> None:
    error = refusal(to_sbom, {**MANIFEST, **change}, b"{}")
    assert (error.code, error.exit_code) == ("manifest-unreadable", EXIT_IO)
    assert error.hint


@pytest.mark.parametrize("epoch", ["253402300800", "9" * 5000, "-1", "abc", "1e5", "\u0663", " "])
def test_a_time_that_is_none_is_not_taken_for_now(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    error = refusal(to_sbom, MANIFEST, b"{}")
    assert error.exit_code == EXIT_USAGE
    assert error.message.startswith("expected SOURCE_DATE_EPOCH to be the seconds since 1970, found ")


def test_a_tree_of_the_builtin_sidecar_where_a_warning_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    """As with `python -W error`, and in these tests."""
    assert cli("build", "--out", tmp_path / "out").code == EXIT_DONE
    assert cli("verify", tmp_path / "out", "--sbom", tmp_path / "bill.json").code == EXIT_DONE
    package = json.loads((tmp_path / "out/package.json").read_text())
    whole = json.loads((tmp_path / "bill.json").read_text())["metadata"]["component"]
    assert whole["author"] == package["author"]


def test_the_command_says_so_and_writes_nothing(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("build", "--out", tmp_path / "out").code == EXIT_DONE
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "later")
    assert cli("verify", tmp_path / "out", "--sbom", tmp_path / "bill.json").code == EXIT_USAGE
    assert not (tmp_path / "bill.json").exists()
