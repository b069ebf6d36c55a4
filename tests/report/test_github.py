"""Annotations of GitHub: what belongs to a patch stands on the line that declares it, whatever the command."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from patcher.model import Build, Finding, Upstream, Verdict
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.prove.contract import Contract, Observation, ProofResult
from patcher.report.github import to_github
from patcher.report.model import Problem, Report
from tests.support import ROOT, CommandLine, Repository, spawn

PLACE = re.compile(r"::(error|warning|notice) (?:file=([^,]+),line=(\d+),)?title=([^:]+)::(.*)")


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The builtin sidecar, and a commit after which one place drifts, one is gone and one has moved."""
    path = tmp_path_factory.mktemp("drifted") / "upstream"
    shutil.copytree(ROOT / "fixtures/sidecar", path)
    made = Repository(path)
    made.git("init", "--quiet", "--initial-branch=main")
    for tag, changes in {
        "v1.4.8": (),
        "v1.4.9": (
            ("server/db.js", "module.exports = {", "module.exports = {\n  driftNew: 1,"),
            ("server/routes/sessions.js", "whereSql", "clause"),
            ("server/index.js", "const express", "// a line more\nconst express"),
        ),
    }.items():
        for name, old, new in changes:
            text = (path / name).read_text(encoding="utf-8")
            (path / name).write_text(text.replace(old, new), encoding="utf-8")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message", tag)
        made.git("tag", tag)
    return made


@pytest.fixture(autouse=True)
def _in_our_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(ROOT))


def told(out: str) -> "dict[str, tuple[str, str, str]]":
    """Title, place and message of each annotation, by the patch whose declaration it stands on."""
    found = {}
    for line in out.splitlines():
        match = PLACE.fullmatch(line)
        assert match, line
        level, file, number, title, message = match.groups()
        if file:
            name = Path(file).stem
            assert file == f"patcher/patches/{name}.py"
            assert (ROOT / file).read_text(encoding="utf-8").splitlines()[int(number) - 1].startswith("PATCH = Patch(")
            found[name] = (f"{level} {title}", f"{file}:{number}", message)
    return found


STOPS = {
    "harness_column": ("anchor-drifted", "server/db.js:220"),
    "filter_by_harness": ("anchor-missing", "server/routes/sessions.js:15"),
}


@pytest.mark.parametrize("verb", ["check", "build", "prove"])
def test_a_stop_stands_on_the_declaration_and_names_upstream(
    cli: CommandLine, drifted: Repository, tmp_path: Path, verb: str
) -> None:
    more = ("--out", tmp_path / "out") if verb == "build" else ()
    ended = cli(verb, "--upstream", drifted.at("v1.4.9"), "--format", "github", *more)
    found = told(ended.out)
    assert ended.code == 3
    for name, (title, there) in STOPS.items():
        assert found[name][0] == f"error {title}"
        assert re.match(rf"{name} at {re.escape(there.rpartition(':')[0])}:\d+: ", found[name][2])
        assert re.search(rf"%0A`sidecar-patcher .*`sidecar-patcher explain {name} ", found[name][2])
    assert found["codex_hooks"][0] == "notice moved"
    assert re.match(r"codex_hooks at server/index\.js:\d+: reviewed at line \d+, now at line ", found["codex_hooks"][2])
    assert len(found) == len(ended.out.splitlines()), "there is none without a place"


def test_upstream_is_never_the_file_of_an_annotation(cli: CommandLine, drifted: Repository) -> None:
    for arguments in (
        ("check", "--upstream", drifted.at("v1.4.9")),
        ("matrix", "--upstream", drifted.path),
        ("matrix", "--upstream", drifted.path, "--require", "newest"),
        ("bump", "--upstream", drifted.path, "--to", "v1.4.9"),
    ):
        ended = cli(*arguments, "--format", "github")
        assert ended.out and "file=server" not in ended.out
        assert STOPS.keys() <= told(ended.out).keys()


@pytest.mark.parametrize("more", [(), ("--require", "newest")], ids=["warnings", "errors"])
def test_a_matrix_names_the_ref_and_upstreams_line(
    cli: CommandLine, drifted: Repository, more: "tuple[str, ...]"
) -> None:
    found = told(cli("matrix", "--upstream", drifted.path, "--format", "github", *more).out)
    level, _, message = found["harness_column"]
    if more:
        assert level == "error anchor-drifted" and message.startswith("harness_column on v1.4.9 at server/db.js:220: ")
    else:
        assert level == "warning drifted"
        assert message.startswith("harness_column at server/db.js:220: drifted on v1.4.9 to v1.4.9 since ")


def test_text_and_json_say_where_it_is_in_upstream(cli: CommandLine, drifted: Repository) -> None:
    assert (
        "error[anchor-drifted]: server/db.js:220: harness_column: the code"
        in cli("check", "--upstream", drifted.at("v1.4.9")).out
    )


# --- what belongs to a patch by other ways -----------------------------------------------------------------------


def report(code: str, where: str, message: str, *patches: str, **more: Any) -> Report:
    findings = tuple(Finding(name, "server/x.js", Verdict.EXACT, 1) for name in patches)
    build = Build(Upstream("agent-dashboard", "1", "v1", {}), findings)
    return Report("check", build, (Problem(code, where, message),), **more)


@pytest.mark.parametrize(
    ("code", "where", "message", "owner", "said"),
    [
        pytest.param(
            "gate-free-identifiers",
            "server/db.js:7",
            "server/db.js:7: the payload of capture_columns uses `x`",
            "capture_columns",
            "server/db.js:7: server/db.js:7: the payload of capture_columns uses `x`",
            id="a gate that names it",
        ),
        pytest.param(
            "gate-imports",
            "server/lib/codex-hooks-optin.js:3",
            "`x` is not in the generated tree",
            "codex_hooks",
            "server/lib/codex-hooks-optin.js:3: `x` is not in the generated tree",
            id="a file that one patch brings",
        ),
        pytest.param(
            "gate-portable",
            "server/index.js (codex_hooks_page.routes):2",
            "is not ES2017",
            "codex_hooks_page",
            "server/index.js (codex_hooks_page.routes):2: is not ES2017",
            id="a payload by its name",
        ),
        pytest.param(
            "gate-parses", "server/routes/hooks.js:9", "does not parse", "",
            "server/routes/hooks.js:9: does not parse", id="a file of several",
        ),
        pytest.param(
            "file-taken", "codex_rollouts: server/lib/x.js", "it is there", "codex_rollouts",
            "codex_rollouts: server/lib/x.js: it is there", id="a file that upstream has now",
        ),
        pytest.param("upstream-x", "/clone:12", "no", "", "/clone:12: no", id="what is of no patch"),
    ],
)  # fmt: skip
def test_whose_a_refusal_is(code: str, where: str, message: str, owner: str, said: str) -> None:
    out = to_github(report(code, where, message, *(each.id for each in SERIES)))
    assert list(told(out)) == ([owner] if owner else [])
    assert out.endswith(f"title={code}::{said}\n")


def test_a_contract_is_its_patchs() -> None:
    contract = Contract("keeps_it", "", ("stamp_harness", "harness_column"), lambda bed: SEEN)
    proof = ProofResult(contract, SEEN, SEEN, ok=False, message="")
    out = to_github(report("contract-refused", "keeps_it", "red on the patched tree", contracts=(proof,)))
    assert told(out)["stamp_harness"][2] == "keeps_it, of stamp_harness, harness_column: red on the patched tree"


SEEN = Observation(green=False, said="nothing")


def test_every_patch_has_a_line() -> None:
    names = [each.id for each in (*SERIES, *CLIENT_SERIES)]
    findings = tuple(Finding(name, "server/x.js", Verdict.MOVED, 1) for name in names)
    out = to_github(Report("check", Build(Upstream("agent-dashboard", "1", "v1", {}), findings)))
    assert list(told(out)) == names


# --- where the file is -------------------------------------------------------------------------------------------


def made_checkout(top: Path, below: str) -> Path:
    """A repository of somebody's that has our package in a directory of it. Returns that directory."""
    project = top / below
    for part in ("patcher", "templates", "fixtures"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    return project


def files_of(project: Path, cwd: Path, drifted: Repository, **changes: str) -> set[str]:
    """The files of the annotations of a `check` that stops, with the package of this directory."""
    ended = spawn(
        *("check", "--upstream", drifted.at("v1.4.9"), "--format", "github"),
        cwd=cwd,
        PYTHONPATH=str(project),
        **changes,
    )
    assert ended.code == 3 and all(line.startswith("::") for line in ended.out.splitlines())
    return set(re.findall(r"file=([^,]+),", ended.out))


@pytest.mark.slow
@pytest.mark.parametrize("below", [".", "tools", "packages/tools, a b 100%"])
@pytest.mark.parametrize("workspace", ["GITHUB_WORKSPACE", "git"])
def test_a_path_begins_at_the_root_of_the_workspace(
    drifted: Repository, tmp_path: Path, below: str, workspace: str
) -> None:
    project = made_checkout(tmp_path, below)
    changes = {"GITHUB_WORKSPACE": str(tmp_path) if workspace == "GITHUB_WORKSPACE" else ""}
    for cwd in (tmp_path, project, project / "patcher"):
        found = files_of(project, cwd, drifted, **changes)
        paths = {each.replace("%3A", ":").replace("%2C", ",").replace("%25", "%") for each in found}
        assert len(paths) > 2 and {path for path in paths if not (tmp_path / path).is_file()} == set()
        assert not {":", ","} & set("".join(found))


@pytest.mark.slow
def test_a_declaration_outside_of_the_workspace_has_no_file(drifted: Repository, tmp_path: Path) -> None:
    project = made_checkout(tmp_path, "tools")
    (tmp_path / "elsewhere").mkdir()
    assert files_of(project, tmp_path, drifted, GITHUB_WORKSPACE=str(tmp_path / "elsewhere")) == set()
    assert files_of(project, tmp_path, drifted, GITHUB_WORKSPACE=str(tmp_path / "tool")) == set()


@pytest.mark.slow
def test_an_installed_package_has_no_file_even_inside_of_the_workspace(drifted: Repository, tmp_path: Path) -> None:
    """As in a virtual environment of the checkout, which git does not know."""
    project = made_checkout(tmp_path, "tools")
    (project / "patcher/_data").mkdir()
    for part in ("templates", "fixtures"):
        shutil.move(project / part, project / "patcher/_data" / part)
    assert files_of(project, tmp_path, drifted, GITHUB_WORKSPACE=str(tmp_path)) == set()


def test_a_property_is_escaped() -> None:
    out = to_github(report("a:b,c%\nd", "", "a:b,c%\nd"))
    assert out == "::error title=a%3Ab%2Cc%25%0Ad::a:b,c%25%0Ad\n"
