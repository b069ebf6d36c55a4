"""The import graph is the architecture: leaves, stages, one rim; and an up-to-date build imports next to nothing."""

import ast
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from patcher.fingerprint import NOT_BUILT_WITH
from patcher.resources import BUILTIN_SIDECAR
from tests.support import ROOT, environment, spawn

PACKAGE = ROOT / "patcher"
LAYERS = (
    {"errors", "model", "progress", "resources"},
    {"codex", "fingerprint", "javascript", "render", "streams"},
    {"upstream"},
    {"generated", "locate", "markers", "node", "patches", "runtime", "verify"},
    {"agents", "existing", "gates", "layers", "manifest", "splice", "write"},
    {"apply", "revert"},
    {"client", "doctor", "prove"},
    {"consent", "series"},
    {"pipeline", "uptodate"},
    {"matrix", "testing"},
    {"adopt", "bump"},
    {"report"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""The package's modules and rooms, each above everything that it imports: read it from the top to meet the words first."""
TOOLS = {"patches.declaration", "patches.pins"}
STAGES = {"locate", "verify", "render", "splice", "gates", "write", "manifest"}
RIM = {"cli", "__main__", "streams"}
MAY_PRINT = RIM | {"uptodate", "commands", "progress"}  # on stderr: nothing to do; waiting; a bar on a terminal
SLOW = {
    "argparse", "ast_grep_py", "asyncio", "ctypes", "dataclasses", "difflib", "esprima", "inspect", "jinja2",
    "logging", "patcher.cli", "patcher.apply", "patcher.model", "pathlib", "rich", "shutil", "sqlite3", "subprocess",
    "tarfile", "tempfile", "tomllib", "traceback", "typing", "urllib.request",
}  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name below `patcher`; the package itself is the empty name."""
    return {name_of(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: str) -> set[str]:
    """The modules of the package that a module imports, wherever in it."""
    return {found for node in ast.walk(modules()[name]) for found in _imported(node)}


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (
            alias.name.removeprefix("patcher").lstrip(".") for alias in node.names if alias.name.startswith("patcher")
        )
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "patcher":
        base = (node.module or "").removeprefix("patcher").lstrip(".")
        for alias in node.names:
            inner = f"{base}.{alias.name}".lstrip(".")
            yield inner if inner in modules() else base


def part(name: str) -> str:
    """The first part of a name: what a whole folder is called."""
    return name.split(".", maxsplit=1)[0]


OWN = sorted(name for name in modules() if name)


def test_every_module_has_its_layer() -> None:
    assert sorted(each for layer in LAYERS for each in layer) == sorted({part(name) for name in OWN})


@pytest.mark.parametrize("name", OWN)
def test_a_module_imports_only_what_is_below_it(name: str) -> None:
    level = next(number for number, layer in enumerate(LAYERS) if part(name) in layer)
    below = {each for layer in LAYERS[:level] for each in layer} | {part(name)}
    assert {part(each) for each in imports_of(name)} - {""} <= below


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("name", [name for name in OWN if part(name) in STAGES])
def test_stages_do_not_import_each_other(name: str) -> None:
    assert {part(each) for each in imports_of(name)} & (STAGES - {part(name)}) == set()


def test_a_patch_is_data() -> None:
    found = {name: imports_of(name) for name in OWN if name.startswith("patches.") and name not in TOOLS}
    assert found and {each for used in found.values() for each in used} <= {"model", "patches.harnesses"}


def test_the_doctor_looks_at_what_there_is_and_builds_nothing() -> None:
    found = {part(used) for name in OWN if part(name) == "doctor" for used in imports_of(name)}
    assert found == {"doctor", "codex", "errors", "upstream", "generated", "node"}
    opened = [ast.unparse(node) for name in OWN if part(name) == "doctor" for node in ast.walk(modules()[name])
              if isinstance(node, ast.Call) and ast.unparse(node.func) == "open"]  # fmt: skip
    assert opened and [call for call in opened if {"'w'", "'a'", "'wb'", "'x'", "'r+'"} & set(call.split(", "))] == []


def test_there_is_no_cycle() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for each in sorted(imports_of(name) - {name, ""}):  # the package itself only opens what somebody asks for
                visit(each, (*path, name))
            done.add(name)

    for name in OWN:
        visit(name, ())


def test_the_pipeline_is_the_figure() -> None:
    """Materialize, flow, gate, manifest, write: called in that order, and no loop or condition but `if`."""
    tree = modules()["pipeline"]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While | ast.Try | ast.ClassDef)]
    assert len([node for node in tree.body if isinstance(node, ast.FunctionDef)]) <= 5


# --- who prints, who exits -------------------------------------------------------------------------------------


def prints(name: str) -> list[str]:
    """Places that write to a standard stream."""
    found = []
    for node in ast.walk(modules()[name]):
        streams = (
            isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"} and ast.unparse(node.value) == "sys"
        )
        if streams or (isinstance(node, ast.Name) and node.id in {"print", "input"}):
            found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")  # type: ignore[attr-defined]
    return found


def exits(name: str) -> list[str]:
    """Places that end the process."""
    nodes = [node for node in ast.walk(modules()[name]) if isinstance(node, ast.Name | ast.Attribute)]
    ends = {"SystemExit", "sys.exit", "os._exit", "exit", "quit", "os.abort"}
    return [f"{name}:{node.lineno}: {ast.unparse(node)}" for node in nodes if ast.unparse(node) in ends]


@pytest.mark.parametrize("name", [name for name in OWN if part(name) not in MAY_PRINT])
def test_only_the_rim_prints(name: str) -> None:
    assert prints(name) == []


@pytest.mark.parametrize("name", [name for name in OWN if part(name) not in RIM])
def test_only_the_rim_exits(name: str) -> None:
    assert exits(name) == []


def test_commands_do_not_write_to_stdout() -> None:
    names = [name for name in OWN if part(name) in MAY_PRINT - RIM]
    assert [place for name in names for place in prints(name) if "stderr" not in place] == []


def test_only_our_own_git_and_the_contracts_start_processes() -> None:
    def starts(name: str) -> bool:
        text = ast.unparse(modules()[name])
        return "import subprocess" in text or "from subprocess" in text

    assert {part(name) for name in OWN if starts(name)} == {"upstream", "prove", "doctor", "node"}


def test_nothing_is_swallowed() -> None:
    """`except` with a bare `pass` or a bare `except:` hides a cause."""
    handlers = [
        (name, node) for name in OWN for node in ast.walk(modules()[name]) if isinstance(node, ast.ExceptHandler)
    ]
    assert [f"{name}:{node.lineno}" for name, node in handlers if node.type is None] == []


def test_a_build_imports_nothing_that_the_fingerprint_leaves_out() -> None:
    """But for the contracts of our series, which are imported where somebody asks what proves it."""
    found, waiting = {"prove.contracts"}, ["pipeline", "client"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += imports_of(name) - found - {""}
    assert {"gates.verified", "patches.pins", "series.python", "upstream.git", "client.toolchain"} <= found
    assert {part(name) for name in found - {"prove.contracts"}} & NOT_BUILT_WITH == set()


# --- the quick path --------------------------------------------------------------------------------------------


def imported_by(*arguments: str, cwd: Path = ROOT) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "patcher", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=cwd, check=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("kind", ["builtin", "directory", "archive", "git", "settings"])
def test_an_up_to_date_build_imports_next_to_nothing(tmp_path: Path, kind: str) -> None:
    out = str(tmp_path / "out")
    spec = "builtin" if kind == "builtin" else str(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))
    if kind == "archive":
        with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
            archive.add(spec, "package")
        spec = str(tmp_path / "a.tgz")
    if kind == "git":
        person = ("-c", "user.name=t", "-c", "user.email=t@t")
        for words in (["init", "-q"], ["add", "--all"], [*person, "commit", "-qm", "x"]):
            subprocess.run(["git", "-C", spec, *words], check=True)
        spec += "@HEAD"
    assert spawn("build", "--upstream", spec, "--out", out).code == 0
    words = ["--upstream", spec, "--out", out]
    if kind == "settings":
        (tmp_path / "sidecar.toml").write_text(f'# Ours.\nupstream = "{spec}"\nout = "{out}"\nseries = ["codex"]\n')
        words = []
    quick = imported_by("build", *words, cwd=tmp_path)
    assert "patcher.uptodate" in quick
    assert quick & SLOW == ({"tomllib", "typing"} if kind == "settings" else set())


def test_a_build_that_has_something_to_do_imports_what_it_needs(tmp_path: Path) -> None:
    """The list above can be wrong: a real build must be seen to import it."""
    slow = imported_by("build", "--out", str(tmp_path / "out"))
    assert {"patcher.apply", "ast_grep_py", "jinja2", "argparse", "dataclasses"} <= slow
    assert not {"rich", "esprima"} & slow


def test_the_list_of_patches_needs_no_parser_of_javascript() -> None:
    assert "esprima" not in imported_by("list")
