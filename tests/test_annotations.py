"""Annotations of GitHub: what belongs to a patch stands on the line that declares it, whatever the command."""

import re
import shutil
from pathlib import Path

import pytest

from patcher.annotations import to_github
from patcher.patches import CLIENT_SERIES, SERIES
from tests.support import ROOT, CommandLine, Repository

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
    "harness_column": ("anchor-drifted", "server/db.js:198"),
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
        assert f"%0A`sidecar-patcher explain {name} " in found[name][2]
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
        assert level == "error anchor-drifted" and message.startswith("harness_column on v1.4.9 at server/db.js:198: ")
    else:
        assert level == "warning drifted"
        assert message.startswith("harness_column at server/db.js:198: drifted on v1.4.9 to v1.4.9 since ")


def test_text_and_json_say_where_it_is_in_upstream(cli: CommandLine, drifted: Repository) -> None:
    assert (
        "error[anchor-drifted]: server/db.js:198: harness_column: the code"
        in cli("check", "--upstream", drifted.at("v1.4.9")).out
    )


# --- what belongs to a patch by other ways -----------------------------------------------------------------------


def error(code: str, where: str, message: str) -> "dict[str, object]":
    return {"errors": [{"code": code, "where": where, "message": message, "hint": ""}], "patches": []}


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
            "server/index.js (codex_hooks_page.0):2",
            "is not ES2017",
            "codex_hooks_page",
            "server/index.js (codex_hooks_page.0):2: is not ES2017",
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
    content = {**error(code, where, message), "patches": [_patch(each.id) for each in SERIES]}
    out = to_github(content)
    assert list(told(out)) == ([owner] if owner else [])
    assert out.endswith(f"title={code}::{said}\n")


def _patch(name: str) -> "dict[str, object]":
    return {"id": name, "file": "server/x.js", "line": 1, "verdict": "exact", "message": ""}


def test_a_contract_is_its_patchs() -> None:
    contract = {"id": "keeps_it", "patches": ["stamp_harness", "harness_column"]}
    out = to_github({**error("contract-refused", "keeps_it", "red on the patched tree"), "contracts": [contract]})
    assert told(out)["stamp_harness"][2] == "keeps_it, of stamp_harness, harness_column: red on the patched tree"


def test_every_patch_has_a_line() -> None:
    names = [each.id for each in (*SERIES, *CLIENT_SERIES)]
    out = to_github({"errors": [], "patches": [{**_patch(name), "verdict": "moved"} for name in names]})
    assert list(told(out)) == names
