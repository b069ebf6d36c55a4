"""Every verb on a series in a directory of its own, beside ours and alone."""

import json
import re
import shlex
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from patcher import pipeline
from patcher.patches import SERIES
from patcher.series.load import choose, load
from patcher.uptodate import quick_build
from tests.series.support import Acme
from tests.support import APP_FILE, SMALL, CommandLine, Repository, environment, snapshot, start, stop


@pytest.fixture
def first(tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> str:
    """A series that fits the builtin sidecar, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    assert cli("series", "new", "first").code == 0
    return "first"


# --- the author's first hour -----------------------------------------------------------------------------------


def test_a_site_without_a_pin_names_the_command_that_works(acme: Acme) -> None:
    ended = acme.run("check", "--format", "json")
    [error] = json.loads(ended.out)["errors"]
    assert (ended.code, error["code"]) == (3, "anchor-unreviewed")
    command = error["hint"].partition("`")[2].partition("`")[0]
    words = shlex.split(command)
    assert words[0] == "sidecar-patcher" and acme.cli(*words[1:], "--write").code == 0
    assert acme.run("check").code == 0


@pytest.mark.parametrize(
    ("target", "verdict", "said"),
    [
        pytest.param("gone", "missing", "found the pattern at line 6, and no such target in it", id="a target that is not there"),
        pytest.param("$ONE", "ambiguous", "expected the target `$ONE` in `store.save(session, total)` once in", id="a target of many"),
    ],
)  # fmt: skip
def test_a_target_is_named(acme: Acme, target: str, verdict: str, said: str) -> None:
    acme.pinned().edit("patches/note.py", "Position.AFTER", "Position.REPLACE")
    acme.edit("patches/note.py", 'total)",', f'total)",\n                    target="{target}",')
    ended = acme.run("check")
    assert ended.code == 3 and f"error[anchor-{verdict}]: {APP_FILE}" in ended.out and said in ended.out


def test_an_overlay_where_upstream_has_a_file_is_told_of_overrides(acme: Acme) -> None:
    acme.pinned().edit("patches/note.py", "server/lib/note.js", "server/store.js")
    ended = acme.run("check")
    assert ended.code == 3 and "expected room for our server/store.js, found a file of upstream's own" in ended.out
    hint = (
        f"hint: rename the overlay in `{acme.path}/patches/note.py`; to replace the whole of upstream's file, declare"
    )
    assert hint in ended.out


def test_a_payload_in_the_window_of_another_patch_is_told_what_to_require(acme: Acme) -> None:
    """Ours is read as it was reviewed: what somebody puts into its window goes in after it."""
    acme.write("templates/note.js", 'app.get("/x", (_req, res) => res.json({}));\n').edit(
        "patches/note.py", "server/app.js", "server/index.js"
    ).edit("patches/note.py", '"handle"', '"createApp"').edit(
        "patches/note.py", "store.save(session, total)", "app.use(express.json($OPTIONS))"
    )
    chosen = ["--series", "codex", "--series", str(acme.path)]
    assert acme.cli("pin", "note.one", *chosen, "--write").code == 0
    ended = acme.cli("check", *chosen)
    assert ended.code == 3 and "; the payload of note is in its window" in ended.out
    hint = 'hint: write `requires=("codex_hooks_page",)` in note, '
    assert f"{hint}so that it goes in after codex_hooks_page\n" in ended.out
    reverse = acme.cli("check", *chosen[2:], *chosen[:2])
    assert f"{hint}and name `--series codex` before its series\n" in reverse.out
    acme.edit("patches/note.py", "    overlays=", '    requires=("codex_hooks_page",),\n    overlays=')
    assert acme.cli("check", *chosen).code == 0


def test_a_later_window_with_an_earlier_payload_says_whom_to_require_and_to_pin(acme: Acme) -> None:
    text = (acme.path / "patches/note.py").read_text()
    later = text.replace('id="note"', 'id="later"').replace(f"    overlays=({text.partition('overlays=(')[2]}", ")\n")
    later = (
        later.replace('name="one"', 'name="two"')
        .replace("store.save(session, total)", "return total")
        .replace("Position.AFTER", "Position.BEFORE")
        .replace('return total",', 'return total",\n                    before=1,')
    )
    acme.write("patches/later.py", later)
    third = (
        later.replace('id="later"', 'id="base"')
        .replace("return total", "const session = $X")
        .replace("before=1", "before=0")
    )
    acme.write("patches/base.py", third)
    acme.edit("series.py", "import note", "import base, later, note").edit(
        "series.py", "(note.PATCH,)", "(base.PATCH, note.PATCH, later.PATCH)"
    )
    assert acme.run("pin", "note.one", "base.two", "later.two", "--write").code == 0
    acme.edit("patches/later.py", "    sites=(", '    requires=("base",),\n    sites=(')
    ended = acme.run("check")
    assert ended.code == 3 and "; the payload of note is in its window" in ended.out
    assert (
        'hint: write `requires=("note",)` in later, so that it goes in after note; then `sidecar-patcher pin later.two'
        in ended.out
    )


HINTED = {
    "gate": lambda acme: acme.write("templates/note.js", "nowhere(session);\n").run("check"),
    "gate of a build": lambda acme: acme.write("templates/note.js", "nowhere(session);\n").build(),
    "patch": lambda acme: acme.run("diff", "nothing"),
    "explained": lambda acme: acme.run("explain", "nothing"),
    "contract": lambda acme: refused_by_its_contract(acme).run("build", "--prove", "--out", str(acme.out)),
}


def refused_by_its_contract(acme: Acme) -> Acme:
    """A contract that holds on both trees."""
    acme.write(
        "contracts.py",
        "from patcher.prove import Contract, Observation\n"
        'CONTRACT = Contract("keeps", "", ("note",), lambda bed: Observation(green=True, said="it"))\n',
    )
    acme.edit("series.py", "from .patches", "from .contracts import CONTRACT\nfrom .patches")
    acme.edit("series.py", "patches=(", "contracts=(CONTRACT,), patches=(")
    return acme.edit("patches/note.py", "    overlays=", '    contracts=("keeps",),\n    overlays=')


@pytest.mark.parametrize("which", HINTED)
def test_a_hint_chooses_upstream_and_series_again(acme: Acme, which: str) -> None:
    acme.pinned()
    ended = HINTED[which](acme)
    [command] = re.findall(r"hint: .*`sidecar-patcher ((?:diff|prove|list) [^`]*)`", ended.out + ended.err)
    words = shlex.split(command.replace("CONTRACT", "keeps"))
    assert words.count("--series") == 1 and words.count("--upstream") == (words[0] != "list")
    again = acme.cli(*words)
    assert again.code == (4 if words[0] == "prove" else 0) and "error[usage]" not in again.err
    assert "note" in again.out or "keeps" in again.out


# --- every verb ------------------------------------------------------------------------------------------------


def test_every_verb_works_on_a_series_of_its_own(acme: Acme, tmp_path: Path) -> None:
    acme.pinned()
    assert acme.run("check").code == acme.build().code == 0
    assert acme.run("verify", str(acme.out)).err == f"{acme.out} is as it was built, by acme 1.0\n"
    assert acme.run("list").out == "note  Says what is saved.\n"
    assert "+  console.log(session);\n" in acme.run("diff").out
    explained = acme.run("explain", "note").out
    assert "Why:      a test." in explained and "there     exact at server/app.js:6" in explained
    assert acme.run("revert", str(acme.out), "--out", str(tmp_path / "pristine")).code == 0
    assert snapshot(tmp_path / "pristine") == snapshot(acme.upstream)


def test_two_series_in_either_order_make_the_same_files(cli: CommandLine, first: str) -> None:
    for out, chosen in (("one", ("codex", first)), ("two", (first, "codex"))):
        options = [word for each in chosen for word in ("--series", each)]
        assert cli("build", "--out", out, *options).code == 0
    one, two = snapshot("one"), snapshot("two")
    assert {path for path in one if one[path] != two[path]} == {"sidecar-patcher.json"}
    names = [json.loads(tree["sidecar-patcher.json"][0])["series"] for tree in (one, two)]
    assert [[each["name"] for each in order] for order in names] == [["codex", "first"], ["first", "codex"]]


def test_a_build_is_the_same_wherever_the_series_is(cli: CommandLine, first: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/copy").symlink_to(tmp_path / first)
    cli("build", "--out", "one", "--series", first)
    cli("build", "--out", "two", "--series", tmp_path / "elsewhere/copy")
    assert snapshot("one") == snapshot("two")


def test_a_patch_may_require_one_of_ours(cli: CommandLine, first: str, tmp_path: Path) -> None:
    file = tmp_path / first / "patches/first_greeting.py"
    file.write_text(file.read_text().replace("    sites=(", '    requires=("harness_column",),\n    sites=(', 1))
    assert cli("check", "--series", "codex", "--series", first).code == 0
    alone, reverse = cli("check", "--series", first), cli("check", "--series", first, "--series", "codex")
    assert alone.code == reverse.code == 2
    assert "first_greeting requires harness_column, which no series has before it" in alone.err
    assert "name the one with harness_column first" in reverse.err


# --- whose a tree is -------------------------------------------------------------------------------------------


def test_whose_a_tree_is_is_said(cli: CommandLine, first: str) -> None:
    cli("build", "--out", "out", "--series", "codex", "--series", first)
    ended = cli("check", "--upstream", "out")
    assert ended.code == 3 and "the payload of first_greeting is there, which is of the series first 0.1.0" in ended.out
    assert "with `--series` name all that made this tree: codex " in ended.out
    assert cli("check", "--upstream", "out", "--series", "codex", "--series", first).code == 0
    assert cli("verify", "out").code == cli("verify", "out", "--series", "codex", "--series", first).code == 0
    other = cli("verify", "out", "--series", "codex", "--format", "json")
    [error] = json.loads(other.out)["errors"]
    assert (other.code, error["code"]) == (1, "series-differ") and error["message"].endswith("and first 0.1.0")


@pytest.mark.parametrize("there", ["{}", "[1]", '"x"', "null", '[{"name": 1, "version": "", "sha256": ""}]'])
def test_a_manifest_with_no_good_series_in_it(acme: Acme, there: str) -> None:
    acme.pinned().build()
    manifest = acme.out / "sidecar-patcher.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "series": json.loads(there)}))
    assert acme.cli("verify", acme.out).code == 0
    assert acme.run("verify", str(acme.out)).code == 1
    assert acme.cli("check", "--upstream", acme.out).code == 3


# --- up to date ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("templates/note.js", "session", "total", id="a template"),
        pytest.param("templates/note.lib.js.j2", "exports.word", "exports.said", id="a template that is rendered"),
        pytest.param("patches/note.py", "Position.AFTER", "Position.BEFORE", id="a patch"),
        pytest.param("pins.json", '"reviewed": "', '"reviewed": "again ', id="a pin"),
        pytest.param("series.py", '"1.0"', '"1.1"', id="its version"),
    ],
)
def test_an_edited_series_means_a_build(acme: Acme, name: str, old: str, new: str) -> None:
    assert acme.pinned().build().err.startswith("built ")
    options = ["--upstream", acme.upstream, "--out", str(acme.out), "--series"]
    assert quick_build([*options, str(acme.path)]) and acme.build().err.startswith("up to date")
    before = snapshot(acme.out)
    acme.edit(name, old, new)
    assert not quick_build([*options, str(acme.path)])
    assert acme.build().err.startswith("built ") and quick_build([*options, str(acme.path)])
    assert (snapshot(acme.out)[APP_FILE] != before[APP_FILE]) == name.endswith(("note.js", "note.py"))


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "from a directory"])
def test_what_python_made_of_a_loaded_series_is_never_up_to_date(acme: Acme, *, ours: bool) -> None:
    assert ours or acme.pinned().run("check").code == 0
    word, spec = ("codex", "builtin") if ours else (str(acme.path), acme.upstream)
    loaded, options = load(word), ["--upstream", spec, "--out", str(acme.out), "--series", word]
    changed = replace(loaded, patches=loaded.patches[:-1], client_patches=())
    for series in (changed, replace(changed), replace(loaded, client_patches=()), replace(loaded)):
        assert pipeline.build(spec, str(acme.out), series=[series]).ok
        assert not quick_build(options)
    for same in (loaded, *choose([word]), *choose([word], options="--series here")):
        assert pipeline.build(spec, str(acme.out), series=[same]).ok
        assert quick_build(options)


def test_other_series_are_not_up_to_date(cli: CommandLine, first: str) -> None:
    built = ["--out", "out", "--series", "codex", "--series", first]
    assert cli("build", *built).err.startswith("built ") and cli("build", *built).err.startswith("up to date")
    for other in (["--out", "out"], ["--out", "out", "--series", first, "--series", "codex"], built[:4]):
        assert not quick_build(other)


# --- sidecar.toml ----------------------------------------------------------------------------------------------


def test_what_is_set_need_not_be_typed(cli: CommandLine, first: str, tmp_path: Path) -> None:
    Path("sidecar.toml").write_text(f'series = ["codex", "{first}"]\nout = "there"\nupstream = "builtin"\n')
    assert cli("build").err.startswith("built there: ")
    assert quick_build([]) and not quick_build(["--series", "codex"])
    assert cli("list").out.splitlines()[-1].startswith("first_greeting")
    assert cli("list", "--series", first).out.count("\n") == 1
    assert cli("check", "--upstream", "there").code == 0
    assert "first_greeting" not in cli("diff", "--series", "codex").out
    Path(first, "pins.json").unlink()
    hint = "hint: `sidecar-patcher pin first_greeting.route --upstream builtin` shows the code that is there"
    assert hint in cli("check").out


def test_settings_that_an_editor_began_with_a_byte_order_mark(cli: CommandLine, first: str) -> None:
    Path("sidecar.toml").write_text('\ufeffout = "there"\r\n', newline="")
    assert cli("build").err.startswith("built there: ") and quick_build([])


def test_the_client_may_be_set_and_unset(cli: CommandLine, first: str) -> None:
    Path("sidecar.toml").write_text("client = true\n")
    assert "settings_switch" in cli("check").out and "settings_switch" not in cli("check", "--no-client").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("series = [", "is not TOML: "),
        ("serie = 1", "expected upstream, series, out, client, found 'serie'"),
        ("series = []", "expected `series` to be a list of series, found []"),
        ("series = [1]", "expected `series` to be a list of series, found [1]"),
        ("out = 3", "expected `out` to be text, found 3"),
        ('out = "a\\u0000b"', "expected `out` to be text, found 'a\\x00b'"),
        ('series = ["a\\u0000b"]', "expected `series` to be a list of series, found ['a\\x00b']"),
        ('upstream = ""', "expected `upstream` to be text, found ''"),
        ('client = "yes"', "expected `client` to be true or false, found 'yes'"),
    ],
)
@pytest.mark.parametrize("verb", ["build", "list"])
def test_damaged_settings_are_refused(cli: CommandLine, first: str, text: str, said: str, verb: str) -> None:
    Path("sidecar.toml").write_text(text)
    ended = cli(verb)
    assert (ended.code, ended.out) == (2, "")
    assert ended.said.startswith(f"error[settings-unreadable]: sidecar.toml: {said}")
    assert not Path(".generated").exists()


# --- interrupted -----------------------------------------------------------------------------------------------


def test_killed_at_any_instant_the_old_tree_or_the_new_one_is_there(acme: Acme) -> None:
    acme.pinned().build()
    old = snapshot(acme.out)
    acme.edit("templates/note.js", "session", "total")
    seen = set()
    for instant in range(12):
        words = ["-m", "patcher", "build", "--upstream", acme.upstream, "--out", acme.out, "--series", acme.path]
        process = start(*words, cwd=acme.out.parent)
        if instant < 11:
            try:
                process.wait(0.03 * instant)
            except Exception:
                stop(process, signal.SIGKILL)
        out, err = process.communicate(timeout=30) if process.stdout and not process.stdout.closed else ("", "")
        now = snapshot(acme.out)
        assert now == old or b"console.log(total)" in now[APP_FILE][0]
        assert acme.cli("verify", acme.out).code == 0
        seen.add(now == old)
    assert False in seen, "the last one was not killed"


# --- the public face -------------------------------------------------------------------------------------------


def test_the_public_face(acme: Acme) -> None:
    import patcher

    acme.pinned()
    assert set(patcher.__all__) == {"SERIES", "PatcherError", "Series", "Verdict", "__version__", "build", "check"}
    assert all(getattr(patcher, name) is not None for name in patcher.__all__) and set(patcher.__all__) <= set(
        dir(patcher)
    )
    assert (patcher.SERIES.name, len(patcher.SERIES.patches)) == ("codex", len(SERIES))
    assert patcher.check(acme.upstream, [str(acme.path)]).ok
    build = patcher.build(acme.upstream, str(acme.out), series=[str(acme.path)])
    assert build.ok and build.findings[0].verdict is patcher.Verdict.EXACT
    assert acme.build().err.startswith("up to date")
    with pytest.raises(patcher.PatcherError):
        patcher.check("nowhere")
    with pytest.raises(AttributeError, match="no attribute 'gone'"):
        patcher.gone  # noqa: B018


def test_the_face_costs_nothing() -> None:
    done = spawn_python("import sys, patcher; print([name for name in sys.modules if name.startswith('patcher')])")
    assert done == "['patcher']\n"


def spawn_python(code: str) -> str:
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment()).stdout


# --- what is written into it -----------------------------------------------------------------------------------


def test_a_bump_writes_anchors_and_pins_into_the_series(acme: Acme, repository: Repository) -> None:
    acme.pinned()
    changed = SMALL.edited("store.save(session, total)", "store.keep(session, total)")
    repository.commit(changed.edited('"1.2.0"', '"1.3.0"', "package.json"), "v1.3.0")
    words = ["bump", "--upstream", str(repository.path), "--series", str(acme.path), "--to", "v1.3.0"]
    said = acme.cli(*words)
    assert said.code == 3 and f"--series {acme.path} --to v1.3.0 --accept note.one=1 --write" in " ".join(
        said.out.split()
    )
    written = acme.cli(*words, "--accept", "note.one=1", "--write", "--format", "json")
    assert written.code == 0, written
    assert json.loads(written.out)["bump"]["written"] == ["acme/patches/note.py", "acme/pins.json"]
    assert "store.keep(session, total)" in (acme.path / "patches/note.py").read_text()
    assert [pin["reviewed"] for pin in json.loads((acme.path / "pins.json").read_text())["note.one"]][-1] == "v1.3.0"
    for ref in ("v1.2.0", "v1.3.0"):
        assert acme.cli("check", "--upstream", repository.at(ref), "--series", acme.path).code == 0


def test_what_cannot_be_written_is_said_before_anything_is(acme: Acme, repository: Repository, tmp_path: Path) -> None:
    packages = tmp_path / "lib/site-packages"
    packages.mkdir(parents=True)
    acme.pinned().path.rename(packages / "acme")
    chosen = ["--series", str(packages / "acme")]
    for words in (
        ["pin", "note.one", "--upstream", acme.upstream],
        ["bump", "--upstream", str(repository.path), "--to", "v1.2.0"],
    ):
        ended = acme.cli(*words, *chosen, "--write")
        assert ended.code == 5 and "this series is an installed package" in ended.err


def test_github_is_told_of_the_line_of_an_author(acme: Acme, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert acme.run("check", "--format", "github").out.startswith(
        "::error file=acme/patches/note.py,line=9,title=anchor-unreviewed::"
    )
