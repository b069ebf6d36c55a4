"""The command line: verbs, exit codes, formats, and what goes to which stream."""

import argparse
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from patcher import __version__, apply, pipeline, uptodate
from patcher.cli import parser
from patcher.model import Patch, Series
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.report.github import to_github
from patcher.report.model import Problem, Report
from patcher.resources import BUILTIN_SIDECAR, MANIFEST
from patcher.upstream.materialize import materialize
from patcher.write import target
from tests.support import (
    APP_FILE,
    ROOT,
    SMALL,
    CommandLine,
    Ended,
    PatchMaker,
    environment,
    said_by,
    snapshot,
    spawn,
    start,
)

VERBS = sorted(next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)).choices)
JUDGING = ["build", "check", "verify", "revert", "list", "prove"]
SeriesOf = Callable[..., str]


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A copy of the builtin sidecar, to be changed."""
    return Path(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))


@pytest.fixture
def drifted(upstream: Path) -> Path:
    """An upstream in which `processEvent` has another name."""
    hooks = upstream / "server/routes/hooks.js"
    hooks.write_text(hooks.read_text().replace("processEvent", "takeEvent"))
    return upstream


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A small upstream on the disk."""
    return SMALL.write(tmp_path / "upstream")


@pytest.fixture
def of_small(small: str, bench: PatchMaker, series: SeriesOf) -> list[str]:
    """The options for it, and for a series of one patch."""
    return ["--upstream", small, "--series", series(bench.audit())]


# --- help ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_the_exit_codes(cli: CommandLine, verb: str) -> None:
    ended = cli(verb, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"usage: sidecar-patcher {verb} ") and "130  interrupted" in ended.out


def test_the_verbs_are_those_of_the_design() -> None:
    wanted = {"build", "check", "verify", "revert", "diff", "list", "explain", "prove"}
    assert wanted <= set(VERBS)


def test_the_help_lists_every_verb(cli: CommandLine) -> None:
    ended = cli("--help")
    assert ended.code == 0 and all(f"\n    {verb} " in ended.out for verb in VERBS)


def test_the_version_is_told(cli: CommandLine) -> None:
    assert cli("--version") == Ended(0, f"sidecar-patcher {__version__}\n", "")


@pytest.mark.parametrize("verb", JUDGING)
def test_every_verb_that_judges_takes_a_format_and_a_report(cli: CommandLine, verb: str) -> None:
    out = cli(verb, "--help").out
    assert "--format {text,json,github}" in out and "--report FILE" in out


# --- exit codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no verb"),
        pytest.param(["fly"], id="an unknown verb"),
        pytest.param(["check", "--fly"], id="an unknown option"),
        pytest.param(["check", "--format", "xml"], id="an unknown format"),
        pytest.param(["verify"], id="a directory that is missing"),
        pytest.param(["revert", "x"], id="an --out that is missing"),
        pytest.param(["build", "--out"], id="a value that is missing"),
        pytest.param(["build", "extra"], id="an argument too many"),
        pytest.param(["explain", "nothing"], id="a patch that is not there"),
        pytest.param(["diff", "nothing"], id="a patch that is not there, to diff"),
    ],
)
def test_exit_2_the_command_line_is_wrong(cli: CommandLine, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_exit_2_says_what_is_there(cli: CommandLine) -> None:
    expected = "error[usage]: there is no patch and no error nothing\n  hint: `sidecar-patcher list` shows the series\n"
    ended = cli("explain", "nothing")
    assert (ended.code, ended.out, ended.said) == (2, "", expected)


def test_an_error_begins_on_the_first_line(cli: CommandLine) -> None:
    assert cli("explain", "nothing").err.startswith("error[")


def test_exit_0_a_build_and_a_check(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("check").code == 0
    assert cli("build", "--out", tmp_path / "out").code == 0
    assert cli("verify", tmp_path / "out").code == 0


def test_exit_1_verify_found_a_difference(cli: CommandLine, tmp_path: Path) -> None:
    cli("build", "--out", tmp_path / "out")
    (tmp_path / "out/LICENSE").unlink()
    (tmp_path / "out/server/db.js").write_text("")
    (tmp_path / "out/server/zzz.js").write_text("")
    expected = "deleted  LICENSE\nedited   server/db.js\nadded    server/zzz.js\n"
    assert cli("verify", tmp_path / "out") == Ended(1, expected, "3 differences\n")


def test_exit_3_an_anchor_stopped_the_build(cli: CommandLine, drifted: Path, tmp_path: Path) -> None:
    ended = cli("build", "--upstream", drifted, "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (3, "nothing was written\n")
    assert "error[anchor-missing]: server/routes/hooks.js:" in ended.out
    assert not (tmp_path / "out").exists()


def test_exit_3_a_generated_tree_was_edited(cli: CommandLine, tmp_path: Path) -> None:
    cli("build", "--out", tmp_path / "out")
    (tmp_path / "out/LICENSE").write_text("mine")
    ended = cli("build", "--out", tmp_path / "out")
    assert (ended.code, ended.out) == (3, "")
    assert ended.said.startswith("error[output-tampered]: ") and "LICENSE (edited)" in ended.err


def test_exit_4_a_gate_refused(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    """Every anchor fits, but a module that ours need has no longer what they take from it."""
    module = upstream / "server/websocket.js"
    module.write_text(
        re.sub(r"(module\.exports = \{.*)\bbroadcast\b", r"\1tell: broadcast", module.read_text(), flags=re.S)
    )
    ended = cli("build", "--upstream", upstream, "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (4, "nothing was written\n")
    assert "error[gate-imports]: " in ended.out and "does not export `broadcast`" in ended.out


def test_exit_4_a_gate_refused_a_small_series(
    cli: CommandLine, bench: PatchMaker, series: SeriesOf, tmp_path: Path
) -> None:
    directory = series(bench.insert("audit", "store.save(session, total)", "console.log(gone);"))
    upstream = SMALL.write(tmp_path / "upstream")
    ended = cli("build", "--upstream", upstream, "--series", directory, "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (4, "nothing was written\n")
    assert f"error[gate-free-identifiers]: {APP_FILE}:7: the payload of audit uses " in ended.out
    assert "gates  11 of 12 passed: refused by free-identifiers" in ended.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["check", "--upstream", "nowhere"], "upstream-unreadable", id="no upstream"),
        pytest.param(["build", "--upstream", "nowhere"], "upstream-unreadable", id="no upstream to build"),
        pytest.param(["diff", "--upstream", "nowhere"], "upstream-unreadable", id="no upstream to diff"),
        pytest.param(["check", "--upstream", "."], "upstream-not-agent-dashboard", id="another tree"),
        pytest.param(["verify", "nowhere"], "manifest-unreadable", id="no generated tree"),
        pytest.param(["revert", "nowhere", "--out", "x"], "manifest-unreadable", id="no generated tree to revert"),
        pytest.param(["build", "--out", "."], "output-not-ours", id="a directory with files"),
        pytest.param(["build", "--out", "file/out"], "output-unwritable", id="a file in the way"),
    ],
)
def test_exit_5_something_cannot_be_read_or_written(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (5, "")
    assert ended.said.startswith(f"error[{code}]: ") and "\n  hint: " in ended.err


def test_exit_70_a_bug_of_ours(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patcher.commands.series.list_series", lambda _: 1 / 0)
    ended = cli("list")
    assert (ended.code, ended.out) == (70, "")
    assert ended.err.startswith("Traceback ") and "ZeroDivisionError: division by zero" in ended.err
    assert (
        f"error[bug]: this is a bug of ours; please report the lines above (sidecar-patcher {__version__}, Python "
        in ended.err
    )


def test_exit_2_a_series_that_is_wrong(cli: CommandLine, bench: PatchMaker, series: SeriesOf) -> None:
    ended = cli("check", "--series", series(replace(bench.audit(), requires=("other",))))
    assert (ended.code, ended.out) == (2, "")
    assert ended.said.startswith("error[series-invalid]: ")
    assert "audit requires other, which no series has before it\n" in ended.said


def test_exit_130_interrupted_while_it_waits(tmp_path: Path) -> None:
    with target(str(tmp_path / "out")):
        build = start("-m", "patcher", "build", "--out", tmp_path / "out")
        assert said_by(build.stderr).startswith("another build is writing")
        build.send_signal(signal.SIGINT)
        out, err = build.communicate(timeout=30)
    assert (build.returncode, out, err) == (130, "", "\ninterrupted; nothing is left half done\n")
    assert sorted(os.listdir(tmp_path)) == [".out.lock"]


@pytest.mark.parametrize("module", ["patcher.uptodate", "ast_grep_py", "patcher.apply"])
def test_exit_130_interrupted_while_modules_are_imported(tmp_path: Path, module: str) -> None:
    build = start("-X", "importtime", "-m", "patcher", "build", "--out", tmp_path / "out")
    while not said_by(build.stderr).rstrip().endswith(f" {module}"):
        pass
    build.send_signal(signal.SIGINT)
    _, err = build.communicate(timeout=30)
    assert (build.returncode, "Traceback" in err) == (130, False)
    assert not (tmp_path / "out").exists()


# --- streams ---------------------------------------------------------------------------------------------------


def test_data_goes_to_stdout_and_messages_to_stderr(
    cli: CommandLine, small: str, of_small: list[str], tmp_path: Path
) -> None:
    ended = cli("build", *of_small, "--out", tmp_path / "out")
    assert ended.err == f"built {tmp_path / 'out'}: 1 patched, 0 added, 3 copied\n"
    digest = materialize(small).tree_sha256[:12]
    assert ended.out == (
        f"upstream agent-dashboard 1.2.0 (directory), tree {digest}\n\n"
        f"  audit  exact       {APP_FILE}:6\n\n  gates  12 of 12 passed\n"
    )


def test_a_check_says_what_a_build_would_do(cli: CommandLine, small: str, of_small: list[str]) -> None:
    assert cli("check", *of_small).err == "would build: 1 patched, 0 added, 3 copied\n"


def test_an_error_has_its_hint_below_it(cli: CommandLine, small: str, of_small: list[str]) -> None:
    Path(small, APP_FILE).write_text("")
    ended = cli("check", *of_small)
    assert (ended.code, ended.err) == (3, "a build would stop\n")
    assert f"\nerror[anchor-missing]: {APP_FILE}: audit: expected `store.save(session, total)` once in" in ended.out
    assert f"\n  hint: `sidecar-patcher explain audit {shlex.join(of_small)}` shows the code that is there" in ended.out


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        pytest.param(
            "store.save(session, total)", "store.saved(total)", "write an anchor for the new code beside the old one in {}; then ",
            id="gone",
        ),
        pytest.param("handle(request)", "handle(req, res)", "if the payload is still correct at the code above: ", id="changed"),
    ],
)  # fmt: skip
def test_what_the_hint_of_a_stop_names_says_what_to_do_next(
    cli: CommandLine, small: str, of_small: list[str], old: str, new: str, step: str
) -> None:
    """The hint is followed word for word, and leads on to the command that records the review."""
    app = Path(small, APP_FILE)
    app.write_text(app.read_text().replace(old, new))
    [command] = re.findall(r"hint: `sidecar-patcher (explain .*?)`", cli("check", *of_small).out)
    explained = cli(*shlex.split(command))
    [series] = [word for word in of_small if Path(word, "series.py").is_file()]
    pin = f"sidecar-patcher pin audit.one {shlex.join(of_small)}"
    wanted = step.format(Path(series, "series.py").resolve())
    assert f"\n  next      {wanted}`{pin}` shows the code that is there; read it, then add `--write`\n" in explained.out
    [site] = json.loads(cli(*shlex.split(command), "--format", "json").out)["patch"]["sites"]
    assert f"  next      {site['there']['next']}\n" in explained.out


def test_a_clean_tree_is_as_it_was_built(cli: CommandLine, small: str, of_small: list[str], tmp_path: Path) -> None:
    cli("build", *of_small, "--out", tmp_path / "out")
    assert cli("verify", tmp_path / "out") == Ended(0, "", f"{tmp_path / 'out'} is as it was built, by test\n")


def test_the_list_has_a_line_for_each_patch(cli: CommandLine) -> None:
    ended = cli("list")
    assert [line.split()[0] for line in ended.out.splitlines()] == [patch.id for patch in (*SERIES, *CLIENT_SERIES)]
    assert ended.err == ""


@pytest.mark.parametrize("patch", (*SERIES, *CLIENT_SERIES), ids=lambda patch: patch.id)
def test_a_patch_is_explained(cli: CommandLine, patch: Patch) -> None:
    out = cli("explain", patch.id).out
    wanted = [patch.summary, "Why:", "Upstream:", *patch.contracts, *(overlay.path for overlay in patch.overlays)]
    wanted += [pin.tokens for edit in patch.sites for anchor in edit.anchors for pin in anchor.pins]
    assert [text for text in wanted if text not in out] == []


def test_a_patch_is_explained_with_what_stands_there(cli: CommandLine) -> None:
    out = cli("explain", "filter_by_harness", "--upstream", "builtin").out
    assert "  there     | const whereSql = " in out and "  there     tokens " in out


@pytest.mark.parametrize("name", ["filter_by_harness", "stamp_harness", "settings_switch"])
def test_a_patch_is_explained_as_json_with_all_that_the_text_says(cli: CommandLine, name: str) -> None:
    arguments = ("explain", name, "--upstream", "builtin")
    text, content = cli(*arguments).out, json.loads(cli(*arguments, "--format", "json").out)
    patch = content["patch"]
    assert (content["command"], content["ok"], content["upstream"]["ref"]) == ("explain", True, "builtin")
    assert text.startswith(f"{patch['id']}: {patch['summary']}\n\n{patch['why']}\n")
    for site in patch["sites"]:
        assert f"\nsite {site['site']}: {site['place']} in {site['file']}, " in text
        assert [line for line in site["payload"].splitlines() if f"  payload   {line}\n" not in text] == []
        assert {
            f"pin       {pin['tokens']} ({pin['reviewed']}, line {pin['line']})" in text for pin in site["pins"]
        } == {True}
        if there := site["there"]:
            assert f"  there     {there['verdict']} at {there['file']}:{there['line']}" in text
            assert {f"  there     tokens {window['tokens']}\n" in text for window in there["windows"]} == {True}
            assert [
                line
                for window in there["windows"]
                for line in window["text"].splitlines()
                if f"  there     | {line}\n" not in text
            ] == []
    assert sum(site["there"] is not None for site in patch["sites"]) == text.count("  there     tokens ") > 0
    assert text.count("\n  payload   ") == sum(site["payload"].count("\n") for site in patch["sites"])
    assert [each["path"] for each in patch["adds"] if f"\nadds       {each['path']}" not in text] == []


def test_an_error_is_explained_as_json(cli: CommandLine) -> None:
    content = json.loads(cli("explain", "gate-imports", "--format", "json").out)
    assert content["error"]["code"] == "gate-…" and content["error"]["exit_code"] == 4 and content["ok"]
    refused = cli("explain", "nothing", "--format", "json")
    assert refused.code == 2 and json.loads(refused.out)["errors"][0]["code"] == "usage"


def test_the_diff_is_one_that_git_can_apply(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    (tmp_path / "series.diff").write_text(cli("diff", "--upstream", upstream).out)
    subprocess.run(
        ["git", "apply", "--directory", "upstream", "series.diff"],
        cwd=tmp_path,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    cli("build", "--out", tmp_path / "out")
    wanted = {path: data for path, (data, _) in snapshot(tmp_path / "out").items() if path != MANIFEST}
    there = {path: data for path, (data, _) in snapshot(upstream).items() if not path.startswith("client/")}
    assert there == wanted


def test_the_diff_of_one_patch_is_what_it_adds(cli: CommandLine) -> None:
    out = cli("diff", "filter_by_harness").out
    assert [line for line in out.splitlines() if line.startswith("+++")] == ["+++ b/server/routes/sessions.js"]
    assert not [line for line in out.splitlines() if line.startswith("-") and not line.startswith("---")]


def test_there_is_no_diff_of_a_stopped_series(cli: CommandLine, drifted: Path) -> None:
    ended = cli("diff", "--upstream", drifted)
    assert (ended.code, ended.err) == (3, "there is no diff of a stopped series\n")


# --- formats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["build", "check"])
def test_json_has_the_schema_of_the_design(
    cli: CommandLine, small: str, of_small: list[str], tmp_path: Path, verb: str
) -> None:
    more = ["--out", str(tmp_path / "out")] if verb == "build" else []
    content = json.loads(cli(verb, *of_small, *more, "--format", "json").out)
    assert (content["schema"], content["ok"], content["command"]) == (1, True, verb)
    assert set(content["upstream"]) == {"name", "version", "ref", "tree_sha256"}
    assert set(content["patches"][0]) >= {"id", "file", "verdict", "line", "message", "hint"}
    assert set(content["gates"][0]) == {"id", "ok", "message"}
    assert {tuple(each) for each in content["files"]} == {("path", "status", "before", "after")}
    assert content["errors"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["check", "--upstream", "nowhere"], "upstream-unreadable", id="no upstream"),
        pytest.param(["verify", "nowhere"], "manifest-unreadable", id="no manifest"),
        pytest.param(["build", "--out", "/dev/null"], "output-not-ours", id="an output that is no directory"),
    ],
)
def test_json_tells_of_an_error_too(cli: CommandLine, arguments: list[str], code: str) -> None:
    content = json.loads(cli(*arguments, "--format", "json").out)
    assert (content["ok"], content["upstream"], content["command"]) == (False, None, arguments[0])
    assert [set(error) for error in content["errors"]] == [{"code", "where", "message", "hint"}]
    assert content["errors"][0]["code"] == code


def test_json_of_a_stopped_build_has_every_stop(cli: CommandLine, drifted: Path) -> None:
    content = json.loads(cli("check", "--upstream", drifted, "--format", "json").out)
    stops = [each for each in content["places"] if each["verdict"] == "missing"]
    assert len(content["errors"]) == len(stops) > 3
    assert all(each["site"].startswith(f"{each['id']}.") for each in stops)
    assert {error["code"] for error in content["errors"]} == {"anchor-missing"}
    assert all(error["hint"] for error in content["errors"])


DECLARED = "file=patcher/patches/audit.py,line=17"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(None, "", id="nothing to say"),
        pytest.param(
            ("const store", "\nconst store"),
            f"::notice {DECLARED},title=moved::audit at {APP_FILE}:7: reviewed at line 6, now at line 7\n",
            id="a patch that moved",
        ),
        pytest.param(
            ("store.save(", "store.keep("),
            f"::error {DECLARED},title=anchor-missing::audit at {APP_FILE}:3: expected `store.save(session, total)` once in",
            id="an error",
        ),
    ],
)
def test_github_gets_annotations(
    cli: CommandLine,
    small: str,
    of_small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, str] | None,
    expected: str,
) -> None:
    monkeypatch.setattr("patcher.patches.declaration.declared_by", lambda name: (f"patcher/patches/{name}.py", 17))
    if change:
        SMALL.edited(*change).write(Path(small))
    out = cli("check", *of_small, "--format", "github").out
    assert out.startswith(expected) and out.count("\n") == bool(expected)


def test_an_annotation_is_one_line(cli: CommandLine) -> None:
    out = cli("check", "--upstream", "nowhere", "--format", "github").out
    assert out.count("\n") == 1 and "%0Agive `builtin`, a directory" in out


@pytest.mark.parametrize(
    ("message", "escaped"),
    [pytest.param("100%", "100%25", id="a per cent sign"), pytest.param("a\r\nb", "a%0D%0Ab", id="line breaks")],
)
def test_an_annotation_is_escaped(message: str, escaped: str) -> None:
    assert to_github(Report("check", problems=(Problem("x", "", message),))) == f"::error title=x::{escaped}\n"


def test_github_is_told_of_differences(cli: CommandLine, small: str, of_small: list[str], tmp_path: Path) -> None:
    cli("build", *of_small, "--out", tmp_path / "out")
    (tmp_path / "out/LICENSE").unlink()
    assert "LICENSE" in cli("verify", tmp_path / "out", "--format", "github").out


# --- reports ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_the_report_is_json_whatever_the_format(
    cli: CommandLine, small: str, of_small: list[str], tmp_path: Path, form: str
) -> None:
    cli("check", *of_small, "--format", form, "--report", tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert (content["ok"], [patch["verdict"] for patch in content["patches"]]) == (True, ["exact"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["check", "--upstream", "nowhere"], "upstream-unreadable", id="no upstream"),
        pytest.param(["verify", "nowhere"], "manifest-unreadable", id="no manifest"),
    ],
)
def test_the_report_is_written_when_a_run_fails(
    cli: CommandLine, tmp_path: Path, arguments: list[str], code: str
) -> None:
    assert cli(*arguments, "--report", tmp_path / "report.json").code == 5
    content = json.loads((tmp_path / "report.json").read_text())
    assert (content["ok"], [error["code"] for error in content["errors"]]) == (False, [code])


def test_the_report_is_written_when_an_anchor_stops(cli: CommandLine, drifted: Path, tmp_path: Path) -> None:
    assert cli("build", "--upstream", drifted, "--report", tmp_path / "report.json").code == 3
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["ok"] is False and content["errors"]


def test_the_report_of_a_build_that_is_up_to_date_is_whole(cli: CommandLine, tmp_path: Path) -> None:
    for _ in range(2):
        cli("build", "--out", tmp_path / "out", "--report", tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["upstream"] and len(content["patches"]) == len(SERIES) and content["files"]


def test_a_relative_report_is_that_of_the_working_directory(
    cli: CommandLine, small: str, of_small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("check", *of_small, "--report", "report.json").code == 0
    assert (tmp_path / "report.json").exists()


# --- colour ----------------------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str, **changes: str) -> str:
    """What a person sees."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "patcher", *arguments], stdout=follower, stderr=follower, env=environment(**changes)
    )
    os.close(follower)
    seen = b""
    try:
        while chunk := os.read(leader, 4096):
            seen += chunk
    except OSError:  # Linux: the other side is closed
        pass
    os.close(leader)
    process.wait(timeout=30)
    return seen.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "coloured"),
    [
        pytest.param({"TERM": "xterm"}, True, id="on a terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, id="with NO_COLOR"),
        pytest.param({"TERM": "xterm", "NO_COLOR": ""}, True, id="with an empty NO_COLOR"),
        pytest.param({"TERM": "dumb"}, False, id="on a dumb terminal"),
    ],
)
def test_there_is_colour(changes: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[" in on_a_terminal("check", **changes)) is coloured


def test_there_is_no_colour_when_nobody_looks(cli: CommandLine) -> None:
    assert "\x1b" not in cli("check").out + cli("diff").out


# --- processes -------------------------------------------------------------------------------------------------


def test_the_package_is_a_program() -> None:
    ended = spawn("list")
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == len((*SERIES, *CLIENT_SERIES))


@pytest.mark.parametrize("verb", [["diff"], ["list"], ["check", "--format", "json"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(verb: list[str]) -> None:
    reader, writer = os.pipe()
    process = start("-m", "patcher", *verb, stdout=writer)
    os.close(writer)
    os.close(reader)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err, "Broken" in err) == (0, False, False)


def test_a_terminal_that_is_not_utf_8_is_no_error(upstream: Path) -> None:
    db = upstream / "server/routes/sessions.js"
    db.write_text(db.read_text().replace("const whereSql = ", "const whereSql = '' + "))
    ended = spawn("check", "--upstream", upstream, PYTHONIOENCODING="ascii")
    assert (ended.code, "Traceback" in ended.err) == (3, False)


# --- up to date ------------------------------------------------------------------------------------------------


def test_a_second_build_has_nothing_to_do(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("build", "--out", tmp_path / "out").code == 0
    before = (tmp_path / "out").stat()
    assert cli("build", "--out", tmp_path / "out") == Ended(0, "", f"up to date: {tmp_path / 'out'}\n")
    assert (tmp_path / "out").stat().st_mtime_ns == before.st_mtime_ns


def test_a_second_build_of_a_git_ref_has_nothing_to_do(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(upstream), *arguments], check=True)
    spec = f"{upstream}@HEAD"
    assert cli("build", "--upstream", spec, "--out", tmp_path / "out").err.startswith("built ")
    assert cli("build", "--upstream", spec, "--out", tmp_path / "out").err.startswith("up to date: ")
    subprocess.run(["git", "-C", str(upstream), "rm", "-q", "LICENSE"], check=True)
    subprocess.run(
        ["git", "-C", str(upstream), "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "y"], check=True
    )
    assert cli("build", "--upstream", spec, "--out", tmp_path / "out").err.startswith("built ")


def archive_of(upstream: Path) -> Path:
    made = upstream.parent / "upstream.tgz"
    with tarfile.open(made, "w:gz") as archive:
        archive.add(upstream, "package")
    return made


def committed(upstream: Path, tag: str) -> str:
    person = ("-c", "user.name=t", "-c", "user.email=t@t")
    for words in (
        ["init", "-q"],
        ["add", "--all"],
        [*person, "commit", "--allow-empty", "-qm", "x"],
        ["tag", "-f", tag],
    ):
        subprocess.run(["git", "-C", str(upstream), *words], check=True, capture_output=True)
    return f"{upstream}@{tag}"


KINDS: dict[str, Callable[[Path], str]] = {
    "directory": str,
    "archive": lambda upstream: str(archive_of(upstream)),
    "git": lambda upstream: committed(upstream, "v1"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_build_of_every_kind_returns_at_once(
    cli: CommandLine, upstream: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, out = KINDS[kind](upstream), tmp_path / "out"
    assert cli("build", "--upstream", spec, "--out", out).err.startswith("built ")
    before = snapshot(out)
    monkeypatch.setattr(apply, "apply_series", lambda *_: pytest.fail("the work was done again"))
    assert cli("build", "--upstream", spec, "--out", out) == Ended(0, "", f"up to date: {out}\n")
    assert cli("build", f"--upstream={spec}", "--out", out) == Ended(0, "", f"up to date: {out}\n")
    assert snapshot(out) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: (path / "LICENSE").write_text("x"), id="an edited file"),
        pytest.param(lambda path: (path / "LICENSE").unlink(), id="a deleted file"),
        pytest.param(lambda path: (path / "server/new.js").write_text("1;"), id="an added file"),
        pytest.param(lambda path: (path / "server/db.js").chmod(0o755), id="an executable bit"),
        pytest.param(lambda path: (path / "LICENSE").rename(path / "server/LICENSE"), id="a moved file"),
    ],
)
def test_an_upstream_that_changed_is_built_again(
    cli: CommandLine, upstream: Path, tmp_path: Path, kind: str, change: Callable[[Path], object]
) -> None:
    out = tmp_path / "out"
    assert cli("build", "--upstream", KINDS[kind](upstream), "--out", out).code == 0
    change(upstream)
    changed = KINDS[kind](upstream)  # once: an archive that is packed anew is another archive
    assert cli("build", "--upstream", changed, "--out", out).err.startswith("built ")
    assert cli("build", "--upstream", changed, "--out", out).err.startswith("up to date: ")


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_the_same_tree_from_somewhere_else_is_built_again(
    cli: CommandLine, upstream: Path, tmp_path: Path, first: str, second: str
) -> None:
    """The manifest says where it came from."""
    if first == second:
        return
    specs = {kind: KINDS[kind](upstream) for kind in (first, second)}
    assert cli("build", "--upstream", specs[first], "--out", tmp_path / "out").code == 0
    assert cli("build", "--upstream", specs[second], "--out", tmp_path / "out").err.startswith("built ")


def test_what_does_not_travel_makes_no_directory_new(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    assert cli("build", "--upstream", upstream, "--out", tmp_path / "out").code == 0
    for path in ("docs/new.md", "server/__tests__/a.js", "node_modules/x/index.js", "data/dashboard.db", "README.md"):
        (upstream / path).parent.mkdir(parents=True, exist_ok=True)
        (upstream / path).write_text("x")
    assert cli("build", "--upstream", upstream, "--out", tmp_path / "out").err.startswith("up to date: ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("package.json", "{", id="a package that is not JSON"),
        pytest.param("server/x.js", "<<<<<<< a\n=======\n>>>>>>> b\n", id="a conflict"),
        pytest.param("server/caf\udce9.js", "1;", id="a name that is not UTF-8"),
    ],
)
def test_a_directory_that_is_refused_now_is_not_up_to_date(
    cli: CommandLine, upstream: Path, tmp_path: Path, path: str, text: str
) -> None:
    assert cli("build", "--upstream", upstream, "--out", tmp_path / "out").code == 0
    (upstream / path).write_text(text)
    assert cli("build", "--upstream", upstream, "--out", tmp_path / "out").code == 5


def test_what_another_set_of_patches_made_is_never_up_to_date(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    for number, series in enumerate([SERIES[:1], SERIES[:-1], ()]):
        out = tmp_path / f"out-{number}"
        made_by = [Series("codex", patches=series)]
        assert pipeline.build(str(upstream), str(out), series=made_by).ok
        assert cli("build", "--upstream", upstream, "--out", out).err.startswith("built ")
        assert cli("build", "--upstream", upstream, "--out", out).err.startswith("up to date: ")


def test_without_the_client_is_not_up_to_date_with_it(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("build", "--out", tmp_path / "out").code == 0
    assert not uptodate.quick_build(["--client", "--out", str(tmp_path / "out")])
    assert uptodate.quick_build(["--out", str(tmp_path / "out")])


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param(lambda out: os.utime(out / "LICENSE"), 0, "up to date: ", id="a touched file"),
        pytest.param(lambda out: (out / "data").mkdir(), 0, "up to date: ", id="a database"),
        pytest.param(lambda out: (out / "LICENSE").write_text("x"), 3, "error[output-tampered]", id="an edited file"),
        pytest.param(lambda out: (out / "LICENSE").unlink(), 3, "error[output-tampered]", id="a deleted file"),
        pytest.param(lambda out: (out / "x").write_text("x"), 3, "error[output-tampered]", id="an added file"),
        pytest.param(lambda out: (out / MANIFEST).unlink(), 5, "error[output-not-ours]", id="no manifest"),
        pytest.param(
            lambda out: (out / MANIFEST).write_text("{}"), 5, "error[manifest-unreadable]", id="another manifest"
        ),
        pytest.param(lambda out: shutil.rmtree(out), 0, "built ", id="nothing there any more"),
    ],
)
def test_a_second_build_looks_at_the_tree(
    cli: CommandLine, tmp_path: Path, change: object, code: int, said: str
) -> None:
    cli("build", "--out", tmp_path / "out")
    assert callable(change)
    change(tmp_path / "out")
    ended = cli("build", "--out", tmp_path / "out")
    assert (ended.code, ended.said[: len(said)]) == (code, said)


def test_another_upstream_is_built_over_the_old_one(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    cli("build", "--out", tmp_path / "out")
    (upstream / "server/extra.js").write_text("1;\n")
    assert cli("build", "--upstream", upstream, "--out", tmp_path / "out").err.startswith("built ")
    assert (tmp_path / "out/server/extra.js").exists()
    assert cli("build", "--out", tmp_path / "out").err.startswith("built ")


def test_a_git_ref_named_builtin_is_not_the_builtin(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    (upstream / "server/extra.js").write_text("1;\n")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
        ["tag", "builtin"],
    ):
        subprocess.run(["git", "-C", str(upstream), *arguments], check=True)
    cli("build", "--upstream", f"{upstream}@builtin", "--out", tmp_path / "out")
    assert cli("build", "--out", tmp_path / "out").err.startswith("built ")


@pytest.mark.slow
def test_a_changed_template_makes_a_tree_out_of_date(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    for part in ("patcher", "templates", "fixtures"):
        shutil.copytree(ROOT / part, tool / part, ignore=shutil.ignore_patterns("__pycache__"))
    first = spawn("build", "--out", tmp_path / "out", PYTHONPATH=str(tool), cwd=tool)
    template = tool / "templates/payload/filter_by_harness.js"
    template.write_text(f"// changed\n{template.read_text()}")
    second, third = (spawn("build", "--out", tmp_path / "out", PYTHONPATH=str(tool), cwd=tool) for _ in range(2))
    assert [ended.err.split()[0] for ended in (first, second, third)] == ["built", "built", "up"]
    assert b"// changed" in (tmp_path / "out/server/routes/sessions.js").read_bytes()


def test_the_default_output_is_hidden_in_the_working_directory(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("build").err.startswith("built .generated/agent-monitor: ")
    assert (tmp_path / ".generated/agent-monitor/server/index.js").exists()
