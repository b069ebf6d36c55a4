"""The pytest plugin, as a project that installs us has it: the fifteen lines of its page, green and red."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from patcher.errors import NodeMissing
from patcher.prove import Contract, Observation, Sidecar, TestBed, find_node
from patcher.testing import CODE, OLD, LiveCodex, Version, assert_exactly_once
from tests.support import ROOT

pytest_plugins = ["pytester"]

PAGE = (ROOT / "patcher" / "testing" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def node() -> None:
    try:
        find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


def section() -> str:
    return PAGE.partition("## Testing with it\n")[2].partition("\n## ")[0]


def downstream(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    """Run a test file in a directory that knows nothing of ours, with what is installed."""
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", *options)


# --- a project of somebody else --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_lines_of_the_readme_are_green(pytester: pytest.Pytester) -> None:
    [text] = re.findall(r"```python\n(.*?)```", section(), re.S)
    assert len([line for line in text.splitlines() if line.strip()]) <= 15
    downstream(pytester, text).assert_outcomes(passed=2)


def test_each_name_of_the_readme_is_there() -> None:
    fixtures = set(re.findall(r"`(\w+_sidecar|sidecar_tree)`", section()))
    options = set(re.findall(r"--sidecar-\w+", section()))
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert options and all(option in listed for option in options)
    text = (ROOT / "patcher" / "testing" / "plugin.py").read_text()
    assert fixtures and all(f"def {fixture}(" in text for fixture in fixtures)


@pytest.mark.slow
def test_a_failure_reads_like_sentences(pytester: pytest.Pytester) -> None:
    result = downstream(
        pytester,
        """
        from patcher.testing import assert_exactly_once

        def test_pristine(pristine_sidecar, codex):
            session = codex.session()
            session.turn("hello")
            session.stop()
            codex.fire_hooks(pristine_sidecar, times=2)
            codex.write_rollouts(pristine_sidecar)
            assert_exactly_once(pristine_sidecar, codex, timeout=0.5)
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*3 events came to the sidecar, and not each of them is there exactly once:",
            "*  UserPromptSubmit 'hello' of * has 2 rows, not 1",
            "*log of pristine_sidecar*",
        ]
    )
    assert "assertions.py" not in result.stdout.str().partition("short test summary")[0]


@pytest.mark.slow
def test_a_contract_that_is_not_proven_says_what_was_seen(pytester: pytest.Pytester) -> None:
    result = downstream(
        pytester,
        """
        from patcher.prove import Contract, Observation

        def look(bench):
            return Observation(green=bench.tree == bench.pristine_tree, said="it was looked at")

        def test_mine(prove_contract):
            prove_contract(Contract(id="mine", summary="It is there.", patches=("a_patch",), observe=look))

        def test_unknown(prove_contract):
            prove_contract("no_such_contract")
        """,
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*mine is not proven: retire a_patch: upstream does it itself*",
            "*  pristine, green: it was looked at",
            "*  patched, red: it was looked at",
        ]
    )
    result.stdout.fnmatch_lines(["*there is no contract no_such_contract; there are *filter_separates_harnesses*"])


def test_an_upstream_that_is_not_there_is_said_without_a_traceback(pytester: pytest.Pytester) -> None:
    result = downstream(pytester, "def test_it(sidecar_tree): pass", "--sidecar-upstream", "/no/such/tree")
    result.assert_outcomes(errors=1)
    assert "Traceback" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*/no/such/tree*"])


def test_a_run_that_does_not_use_it_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n\ndef test_it():\n    assert not {'ast_grep_py', 'jinja2', 'patcher.prove'} & set(sys.modules)"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_tool_needs_no_pytest() -> None:
    for path in sorted((ROOT / "patcher").rglob("*.py")):
        if path != ROOT / "patcher" / "testing" / "plugin.py":
            assert "import pytest" not in path.read_text(), path


# --- our own tests are its first user --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("version", [OLD, Version(146), Version(146, code=True), CODE], ids=str)
def test_both_roads_of_every_kind_of_codex(patched_sidecar: Sidecar, codex: LiveCodex, version: Version) -> None:
    codex.version = version
    session = codex.session()
    session.turn("make it work")
    session.burst("echo hi", times=3)
    session.patch("one", works=False)
    session.remember({"key": "value"})
    codex.fire_hooks(patched_sidecar)
    codex.write_rollouts(patched_sidecar)
    session.stop()
    session.fork().turn("another way")
    session.end()
    session.turn("go on")
    session.interrupt()
    codex.fire_hooks(patched_sidecar, lose={"Stop"})
    codex.write_rollouts(patched_sidecar)
    assert_exactly_once(patched_sidecar, codex)


@pytest.mark.slow
def test_through_the_handler_that_ships(patched_sidecar: Sidecar, codex: LiveCodex, sidecar_tree: str) -> None:
    assert (Path(sidecar_tree) / "sidecar-patcher.json").is_file()
    session = codex.session()
    session.turn("hello")
    child = session.spawn("look into it")
    child.stop()
    session.stop()
    codex.fire_hooks(patched_sidecar, through_handler=True)
    assert_exactly_once(patched_sidecar, codex)
    codex.write_rollouts(patched_sidecar)
    assert_exactly_once(patched_sidecar, codex)


@pytest.mark.slow
def test_sees_a_row_too_many_and_a_row_too_few(patched_sidecar: Sidecar, codex: LiveCodex) -> None:
    session = codex.session()
    session.turn("hello")
    session.stop()
    codex.fire_hooks(patched_sidecar)
    assert_exactly_once(patched_sidecar, codex)
    codex._arrived[patched_sidecar.home].delivered.clear()
    assert [problem.split()[0] for problem in codex.judge(patched_sidecar).twice] == [
        "SessionStart",
        "UserPromptSubmit",
        "Stop",
    ]
    codex.write_rollouts(patched_sidecar)
    session.turn("more")
    codex._arrived[patched_sidecar.home].delivered.update(range(len(codex.events)))
    with pytest.raises(AssertionError, match="UserPromptSubmit 'more' of .* has no row, not 1"):
        assert_exactly_once(patched_sidecar, codex, timeout=0.2)


def test_a_contract_of_ones_own(prove_contract: Callable[[Contract], None]) -> None:
    def look(bench: TestBed) -> Observation:
        return Observation(green=bench.tree != bench.pristine_tree, said="it was looked at")

    prove_contract(Contract(id="mine", summary="", patches=("a_patch",), observe=look))
