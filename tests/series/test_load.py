"""What is no series, and what a series says that cannot be: each in words of its own, and nothing is written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from patcher.errors import PatcherError
from patcher.series.load import choose, load
from patcher.series.new import write_new
from tests.series.support import Acme, Change
from tests.support import Says, environment, refusal, snapshot

INVALID, TEMPLATE, LOADED, MISSING = "series-invalid", "template-unusable", "series-not-loaded", "series-missing"
FULL = "`patcher/patches/README.md` has a declaration in full"


def one(name: str, old: str, new: str) -> Change:
    return lambda acme: acme.edit(name, old, new)


def text(name: str, new: str) -> Change:
    return lambda acme: acme.write(name, new)


def in_note(old: str, new: str) -> Change:
    return one("patches/note.py", old, new)


def in_series(old: str, new: str) -> Change:
    return one("series.py", old, new)


SITE = "        Site(\n            name"
FAULTS = [
    # --- its Python
    pytest.param(text("series.py", "import gone\n"), LOADED, "its Python ended with ModuleNotFoundError: No module named 'gone'", "series.py:1", "mend that line; `python3 -m py_compile FILE` finds what does not parse", id="a module that is not there"),
    pytest.param(in_series("from .patches", "from patches"), LOADED, "its Python ended with ModuleNotFoundError: No module named 'patches'", "series.py:2", "the directory is a package: write `from .patches import …`", id="an import from nowhere"),
    pytest.param(text("patches/note.py", "PATCH = (\n"), LOADED, "its Python ended with SyntaxError: '(' was never closed", "patches/note.py:1", "mend that line; `python3 -m py_compile FILE` finds what does not parse", id="Python that does not parse"),
    pytest.param(text("patches/note.py", "def f():\n    1 / 0\n\nf()\n"), LOADED, "its Python ended with ZeroDivisionError: division by zero", "patches/note.py:2", "mend that line; `python3 -m py_compile FILE` finds what does not parse", id="an exception of theirs"),
    pytest.param(text("patches/note.py", "raise SystemExit(3)\n"), LOADED, "its Python ended with SystemExit: 3", "patches/note.py:1", "mend that line; `python3 -m py_compile FILE` finds what does not parse", id="an exit of theirs"),
    pytest.param(in_note('id="note",', 'id="note", colour=1,'), LOADED, "its Python ended with TypeError: Patch.__init__() got an unexpected keyword argument 'colour'", "patches/note.py:9", "mend that line; `python3 -m py_compile FILE` finds what does not parse", id="a field that there is not"),
    # --- what it declares
    pytest.param(text("series.py", "X = 1\n"), INVALID, "expected `SERIES` to be a Series, found no such name", "series.py", 'write `from patcher import Series` and `SERIES = Series("name", patches=(…), contracts=(…))`', id="no SERIES"),
    pytest.param(text("series.py", "SERIES = ['a']\n"), INVALID, "expected `SERIES` to be a Series, found list ['a']", "series.py", 'write `from patcher import Series` and `SERIES = Series("name", patches=(…), contracts=(…))`', id="a list"),
    pytest.param(in_series("note.PATCH,", "note,"), INVALID, "acme: expected `patches` to be Patch, found the module note; write `note.PATCH`", "series.py", FULL, id="a module for a patch"),
    pytest.param(in_series("(note.PATCH,)", "(note.PATCH)"), INVALID, "acme: expected `patches` to be a tuple of Patch, found a Patch; a tuple of one needs a comma: `(…,)`", "series.py", FULL, id="a tuple without its comma"),
    pytest.param(in_series('"acme"', '"Acme!"'), INVALID, "expected a name of small letters, digits, `-` and `_`, found 'Acme!'", "series.py", "it is the first word of `Series(…)`", id="a name of the series"),
    pytest.param(in_series('"acme"', '"codex"'), INVALID, "codex is the name of ours", "series.py", "give it another name: the first word of its `Series(…)`", id="our name"),
    pytest.param(in_note("Position.AFTER", '"after"'), INVALID, "note.one: expected `position` to be Position, found str 'after'; write `Position.AFTER`", "series.py", FULL, id="text for a position"),
    pytest.param(in_note('function("handle")', '"handle"'), INVALID, "note.one: expected `scope` to be Scope, found str 'handle'", "series.py", FULL, id="text for a scope"),
    pytest.param(in_note('name="one"', 'name="One"'), INVALID, "note.One: expected a name of small letters, digits and `_`, found 'One'", "series.py", "name the site", id="the name of a site"),
    pytest.param(in_note('id="note"', 'id="no te"'), INVALID, "expected the id of a patch in small letters, digits and `_`, found 'no te'", "series.py", "name it after its effect", id="the id of a patch"),
    pytest.param(in_series("(note.PATCH,)", "(note.PATCH, note.PATCH)"), INVALID, "the patch note is there twice", "series.py", "take one out of `patches`, or give it an id of its own", id="a patch twice"),
    pytest.param(lambda acme: acme.write("patches/note.py", acme_twice()), INVALID, "the site note.one is there twice", "series.py", "give each site of a patch a name of its own", id="a site twice"),
    pytest.param(in_note("    overlays=", '    requires=("noted",),\n    overlays='), INVALID, "note requires noted, which no series has before it", "patches/note.py", "a series that has it goes before this one: `--series codex --series DIR`", id="a requirement that nobody has"),
    pytest.param(in_note("    overlays=", '    contracts=("notes",),\n    overlays='), INVALID, "note names the contract notes, which `contracts` does not have", "series.py", "list it in `Series(…, contracts=(…))`", id="a contract that is not there"),
    pytest.param(in_note('"server/app.js"', '"client/src/App.tsx"'), INVALID, "note: client/src/App.tsx is one of the client's sources, which travel with `--client` only", "series.py", "list the patch in `client_patches`, which go in with `--client`", id="the client's among the others"),
    pytest.param(in_note('"Says what is saved."', '"\\ud800"'), INVALID, "note: expected `summary` to be text, found '\\ud800', which UTF-8 cannot write", "series.py", FULL, id="half of a pair"),
    pytest.param(in_note('"server/lib/note.js"', '"sidecar-patcher.json"'), INVALID, "note: expected the path of an overlay in the tree, found 'sidecar-patcher.json'", "patches/note.py", "write it with `/`, from the root of upstream's tree", id="our manifest"),
    pytest.param(lambda acme: acme.write("patches/note.py", overlay_twice()), INVALID, "note brings the file server/lib/note.js twice", "patches/note.py", "give one of them another path, or a line of upstream of its own", id="a file twice"),
    # --- patterns
    pytest.param(in_note('"store.save(session, total)"', '""'), INVALID, "note.one: `pattern`: expected code, found nothing", "patches/note.py", "write the statement that it is to find, `$NAME` for what varies", id="an empty pattern"),
    pytest.param(in_note('"store.save(session, total)"', '"store.save("'), INVALID, "note.one: `pattern`: expected code, found `store.save(`, which does not parse", "patches/note.py", "a pattern is whole code: close what it opens", id="half a pattern"),
    pytest.param(in_note('"store.save(session, total)"', '"a(); b()"'), INVALID, "note.one: `pattern`: expected one statement or expression, found 2 of them, `a(); b()`", "patches/note.py", "name one; its neighbours are `before=` and `after=`, and another place is a site of its own", id="two statements"),
    pytest.param(in_note('total)",', 'total)",\n                    target="(",'), INVALID, "note.one: `target`: expected code, found `(`, which does not parse", "patches/note.py", "a pattern is whole code: close what it opens", id="half a target"),
    # --- templates and overlays
    pytest.param(in_note('"note.js"', '"notes.js"'), TEMPLATE, "note.one: there is no template notes.js; did you mean `note.js`?", "patches/note.py", "write {home}/templates/notes.js", id="a template that is not there"),
    pytest.param(in_note('"note.js"', '"../series.py"'), TEMPLATE, "note.one names a template outside of its series: '../series.py'", "patches/note.py", "templates are in {home}/templates", id="a template outside"),
    pytest.param(in_note('"note.js"', '"/etc/hostname"'), TEMPLATE, "note.one names a template outside of its series: '/etc/hostname'", "patches/note.py", "templates are in {home}/templates", id="a template of the machine"),
    pytest.param(in_note('"note.lib.js.j2"', '"x/../../../up"'), TEMPLATE, "note, server/lib/note.js names a template outside of its series: 'x/../../../up'", "patches/note.py", "templates are in {home}/templates", id="an overlay from outside"),
    pytest.param(in_note('"server/lib/note.js"', '"../note.js"'), INVALID, "note: expected the path of an overlay in the tree, found '../note.js'", "patches/note.py", "write it with `/`, from the root of upstream's tree", id="an overlay that leaves the tree"),
    pytest.param(in_note('{"word": "saved"}', "{}"), TEMPLATE, "the template of note, server/lib/note.js: a parameter is missing: 'word' is undefined", "templates/note.lib.js.j2", "it gets none; an overlay has `params={{…}}`, and what a payload replaces is `original`", id="a parameter that is missing"),
    pytest.param(text("templates/note.lib.js.j2", "/*= word"), TEMPLATE, "the template of note, server/lib/note.js: does not parse: unexpected end of template, expected 'end of print statement'.", "templates/note.lib.js.j2:1", "a value is written `/*= value =*/`, a condition `/*% if … %*/ … /*% endif %*/`", id="a template that does not parse"),
    pytest.param(text("templates/note.lib.js.j2", '/*% include "other.js" %*/'), TEMPLATE, "the template of note, server/lib/note.js: includes other.js, and there is no such template", "templates/note.lib.js.j2", "what a template includes is looked up in {home}/templates", id="a part that is not there"),
    pytest.param(text("templates/note.lib.js.j2", "/*= word.x.y.z() =*/"), TEMPLATE, "the template of note, server/lib/note.js: a parameter is missing: 'str object' has no attribute 'x'", "templates/note.lib.js.j2", "it gets word; an overlay has `params={{…}}`, and what a payload replaces is `original`", id="a field that is missing"),
    # --- pins
    pytest.param(text("pins.json", "{"), "pins-unreadable", "expected JSON, found Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", "pins.json", "", id="damaged pins"),
    pytest.param(text("pins.json", '{"note.two": []}'), "pins-unreadable", "expected the site of a patch, found note.two; did you mean `note.one`?", "pins.json", "", id="pins of a site that is gone"),
]  # fmt: skip


def acme_twice() -> str:
    from tests.series.support import NOTE

    begin, end = NOTE.index("        Site("), NOTE.index("    overlays=")
    site = NOTE[begin : NOTE.rindex("    ),\n", begin, end)]
    return NOTE[:begin] + site + site + NOTE[begin + len(site) :]


def overlay_twice() -> str:
    from tests.series.support import NOTE

    one = NOTE[NOTE.index("Overlay(path") : NOTE.rindex(",)")]
    return NOTE.replace(one, f"{one}, {one}")


@pytest.mark.parametrize(("change", "code", "message", "where", "hint"), FAULTS)
def test_what_is_wrong_with_a_series(
    acme: Acme, change: Change, code: str, message: str, where: str, hint: str
) -> None:
    acme.pinned()
    change(acme)
    before = snapshot(acme.path)
    ended = acme.build("--format", "json")
    [error] = json.loads(ended.out)["errors"]
    wanted = {"code": code, "message": message, "where": f"{acme.path}/{where}", "hint": hint.format(home=acme.path)}
    assert {**error, "hint": error["hint"] if hint else ""} == wanted
    assert ended.code == (5 if code == "pins-unreadable" else 2)
    assert "Traceback" not in ended.err and not acme.out.exists() and snapshot(acme.path) == before


@pytest.mark.parametrize("verb", ["check", "diff", "list", "prove", "explain", "pin"])
def test_every_verb_refuses_what_is_no_series(acme: Acme, verb: str, tmp_path: Path) -> None:
    more = {"explain": ["note"], "pin": ["note.one"]}.get(verb, [])
    for word, said in (
        (str(tmp_path / "nothing"), "expected a series, found no such directory and no such package"),
        (acme.upstream, "is not a series: there is no series.py in it"),
        ("json", "is not a series: there is no series.py in it"),
    ):
        ended = acme.run(verb, *more, series=(word,))
        assert (ended.code, ended.out) == (2, ""), word
        assert ended.said.startswith(f"error[{MISSING}]: ") and said in ended.said


def test_two_series_of_one_name_are_refused(acme: Acme, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for path, (data, _) in snapshot(acme.path).items():
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_bytes(data)
    said = refusal(choose, [str(acme.path), str(other)])
    message = f"two series are named acme: {acme.path} and {other}"
    assert Says.of(said) == Says(
        INVALID, 2, message, "rename one: the first word of its `Series(…)`", f"{other}/series.py"
    )
    twice = refusal(choose, [str(acme.path), str(acme.path)])
    assert twice.hint == "leave one out"


def test_two_series_do_not_share_a_patch(acme: Acme) -> None:
    acme.edit("patches/note.py", 'id="note"', 'id="harness_column"')
    said = refusal(choose, ["codex", str(acme.path)])
    assert said.message == "codex and acme both have a patch harness_column"
    assert said.where == f"{acme.path}/patches/note.py"


def test_two_series_do_not_bring_the_same_file(acme: Acme) -> None:
    acme.edit("patches/note.py", "server/lib/note.js", "server/lib/Codex-Files.js")
    said = refusal(choose, ["codex", str(acme.path)])
    assert said.message == "codex_rollouts and note both bring the file server/lib/Codex-Files.js"


def test_what_a_series_prints_is_not_our_answer(acme: Acme) -> None:
    acme.pinned().edit("series.py", "SERIES = ", 'print("loaded")\nSERIES = ')
    ended = acme.run("check", "--format", "json")
    assert ended.code == 0 and json.loads(ended.out)["ok"] and "loaded" in ended.err


def test_a_template_that_is_not_utf8(acme: Acme) -> None:
    acme.pinned()
    for name in ("templates/note.lib.js.j2", "templates/note.js"):
        (acme.path / name).write_bytes(b"caf\xe9;\n")
        ended = acme.run("check")
        assert (ended.code, "is not UTF-8" in ended.err, f"{acme.path}/{name}" in ended.err) == (2, True, True)
        acme.write(name, "1;\n")


@pytest.mark.parametrize("answer", ["None", "True", "1 / 0"])
def test_a_contract_that_does_not_answer_is_not_observed(acme: Acme, tmp_path: Path, answer: str) -> None:
    first = tmp_path / "first"
    acme.cli("series", "new", first)
    contract = first / "contracts/first_greets.py"
    text = contract.read_text()
    contract.write_text(text.replace("    return Observation(", f"    return {answer}\n    return Observation("))
    ended = acme.cli("prove", "--series", first)
    assert ended.code == 4 and "could not be observed on the pristine tree" in ended.out


@pytest.mark.parametrize("name", ["templates/linked.js", "templates/folder", "patches/linked.py"])
def test_a_link_that_leads_out_of_the_series_is_refused(acme: Acme, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.js").write_text("1;\n")
    (acme.path / name).symlink_to(outside if name.endswith("folder") else outside / "x.js")
    said = refusal(load, str(acme.path))
    assert (said.code, said.exit_code, said.where) == (TEMPLATE, 2, f"{acme.path}/{name}")
    assert said.message.startswith("is a link to ") and said.message.endswith(", outside of its series")


def test_a_link_within_the_series_is_one_of_its_files(acme: Acme) -> None:
    (acme.path / "templates/other.js").symlink_to("note.js")
    assert load(str(acme.path)).name == "acme"


# --- what is loaded --------------------------------------------------------------------------------------------


def test_a_series_knows_where_it_comes_from(acme: Acme) -> None:
    series = load(str(acme.pinned().path))
    [patch] = series.patches
    assert (series.name, series.version, series.label, series.home) == ("acme", "1.0", "acme 1.0", str(acme.path))
    assert (patch.origin.series, patch.origin.source) == ("acme", f"{acme.path}/patches/note.py")
    assert [len(site.pins) for site in patch.sites] == [1]
    assert {patch.sites[0].templates, patch.overlays[0].templates} == {f"{acme.path}/templates"}


def test_an_edit_within_a_second_is_seen(acme: Acme) -> None:
    """Bytecode is known by its second and its length: a series is compiled from its source each time."""
    first = load(str(acme.path))
    acme.edit("patches/note.py", "Says what is saved.", "Says what is shown.")
    second = load(str(acme.path))
    assert first.patches[0].summary == "Says what is saved." and second.patches[0].summary == "Says what is shown."
    assert first.sha256 != second.sha256
    assert not list(acme.path.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("patches/other.py", True),
        ("templates/README.md", True),
        ("templates/.hidden", True),
        ("common.py", True),
        ("README.md", False),
        (".git/HEAD", False),
        (".venv/x.py", False),
        ("patches/__pycache__/note.pyc", False),
    ],
)
def test_what_a_series_is_made_of(acme: Acme, name: str, counts: bool) -> None:
    before = load(str(acme.path)).sha256
    acme.write(name, "x = 1\n")
    assert (load(str(acme.path)).sha256 != before) == counts


def test_a_package_is_named_by_its_name(acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.write("__init__.py", "WORD = 1\n").edit("series.py", "from .patches", "from . import WORD\nfrom .patches")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path / "upstream")
    assert load("acme").home == str(acme.path)


def test_ours_comes_in_through_the_same_door() -> None:
    from patcher.series import checked

    [codex] = choose()
    checked.refuse_wrong(codex, "codex")
    checked.refuse_bad_sites(codex)
    assert codex.name == "codex" and codex.sha256 and {patch.origin.series for patch in codex.patches} == {"codex"}
    assert {patch.origin.options for patch in codex.patches} == {""}


# --- a first series --------------------------------------------------------------------------------------------


def test_a_new_series_builds_and_is_proven(acme: Acme, tmp_path: Path) -> None:
    first = tmp_path / "My first"
    assert acme.cli("series", "new", first).code == 0
    assert load(str(first)).name == "my_first"
    for chosen in (["codex", str(first)], [str(first), "codex"], [str(first)]):
        options = [word for each in chosen for word in ("--series", each)]
        assert acme.cli("check", *options).code == 0
    ended = acme.cli("prove", "--series", first, "--format", "json")
    [contract] = json.loads(ended.out)["contracts"]
    assert (ended.code, contract["id"], contract["ok"]) == (0, "my_first_greets", True)


@pytest.mark.parametrize("name", ["1st", "Ä", "a-b", "codex", "consent", "a b"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    said = refusal(write_new, str(tmp_path / "x"), name)
    assert (said.exit_code, said.hint) == (2, "give it one: `--name NAME`") and not (tmp_path / "x").exists()


def test_what_has_files_is_left_alone(acme: Acme) -> None:
    before = snapshot(acme.path)
    said = refusal(write_new, str(acme.path), "")
    assert (said.exit_code, said.message) == (2, "has files already") and snapshot(acme.path) == before


@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_first_series_that_cannot_be_written_nothing_stays(tmp_path: Path, is_there: bool) -> None:
    first = tmp_path / "first"
    if is_there:
        first.mkdir()
    command = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-m", "patcher", "series", "new", str(first)]
    variables = environment(PYTHONDONTWRITEBYTECODE="1")  # Python would keep modules that it could write in part only
    done = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (5, "") and f"{first}: cannot be written: File too large" in done.stderr
    assert list(tmp_path.rglob("*")) == ([first] if is_there else [])


def test_nobody_elses_series_has_the_name_of_ours(acme: Acme) -> None:
    acme.edit("series.py", '"acme"', '"consent"')
    assert refusal(load, str(acme.path)).message == "consent is the name of ours"
    assert load("consent").name == "consent"


def test_the_errors_of_the_door_are_expected_ones() -> None:
    assert issubclass(type(refusal(load, "no/such/place")), PatcherError)
