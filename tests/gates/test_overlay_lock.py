"""The list of what the parser found in our own files: complete, held to the parser, and trusted no further than that."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from patcher import apply, javascript
from patcher.gates import gate, overlay_lock
from patcher.gates.overlay_lock import LOCK, facts
from patcher.model import Build, File, Overlay, Upstream
from patcher.patches import SERIES
from patcher.report import problems
from patcher.upstream.materialize import materialize
from tests.lab import overlay_lock as command
from tests.prove.native import miniature
from tests.support import Says, refusal

LAYOUT, JSON = "server/lib/codex-hooks-layout.js", "server/lib/codex-json.js"
TAKES_JSON = 'require("./codex-json")'
HINT = "in a checkout, `python3 .dev lab overlay_lock --write` makes it anew; else install the tool again"
LINES = pytest.mark.parametrize(
    "upstream", [pytest.param(materialize("builtin"), id="v1"), pytest.param(miniature(), id="v2")]
)


def refused(build: Build) -> dict[str, str]:
    return {each.id: each.message for each in gate(build, lambda tree: tree) if not each.ok}


def built(upstream: Upstream | None = None) -> Build:
    return apply.apply_series(upstream or materialize("builtin"), SERIES)


def place(build: Build, path: str, code: str) -> str:
    text = build.added[path].data.decode()
    return f"{path}:{text.count(chr(10), 0, text.index(code)) + 1}"


def lock_of(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(overlay_lock, "LOCK", str(path))
    return str(path)


def test_the_lock_says_exactly_what_the_parser_says() -> None:
    assert Path(LOCK).read_text(encoding="utf-8") == command.expected(), command.WRITE


# --- a build that knows them -----------------------------------------------------------------------------------


@LINES
def test_a_build_parses_none_of_our_files(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, build = [], built(upstream)
    monkeypatch.setattr(javascript, "parse", lambda text, *rest: parsed.append(text) or PARSE(text, *rest))
    assert refused(build) == {}
    ours = {file.data.decode() for file in build.added.values()}
    assert parsed and not ours & set(parsed)


PARSE = javascript.parse


@LINES
def test_it_comes_to_the_same_as_parsing_them(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build = built(upstream)
    without = replace(
        build, tree={path: file for path, file in build.tree.items() if path not in {JSON, "server/db.js"}}
    )
    known = refused(without)
    wanted = f"{place(build, LAYOUT, TAKES_JSON)}: `./codex-json` is not in the generated tree"
    lock_of(monkeypatch, tmp_path / "overlay.lock", "[]")
    assert refused(without) == known and wanted in known["imports"]
    assert refused(build) == {}


def test_a_name_that_this_upstream_does_not_export_is_refused() -> None:
    build = built()
    other = build.tree["server/db.js"].data.replace(b"module.exports", b"exports.other")
    changed = replace(build, tree={**build.tree, "server/db.js": File(other)})
    where = place(build, "server/lib/codex-checkpoints.js", 'require("../db")')
    assert f"{where}: `server/db.js` does not export `db`" in refused(changed)["imports"]


def test_a_name_that_one_of_our_files_gives_no_more_is_refused() -> None:
    build = built()
    other = File(build.added[JSON].data.replace(b"splice", b"cut"))
    changed = replace(build, tree={**build.tree, JSON: other}, added={**build.added, JSON: other})
    where = place(build, LAYOUT, TAKES_JSON)
    assert f"{where}: `{JSON}` does not export `splice`" in refused(changed)["imports"]


# --- what it does not know -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("const = 1;\n", {"parses": "does not parse"}, id="does not parse"),
        pytest.param('require("./gone");\n', {"imports": "`./gone` is not in the generated tree"}, id="takes more"),
    ],
)
def test_a_text_that_somebody_is_just_writing_is_parsed(code: str, said: Mapping[str, str]) -> None:
    build = built()
    lines = build.added[JSON].data.count(b"\n")
    edited = File(build.added[JSON].data + code.encode())
    changed = replace(build, tree={**build.tree, JSON: edited}, added={**build.added, JSON: edited})
    assert refused(changed) == {name: f"{JSON}:{lines + 1}: {message}" for name, message in said.items()}


def test_a_known_text_that_does_not_run_where_it_lands_is_refused() -> None:
    build = built()
    es = {"server/package.json": File(b'{"type": "module"}')}
    said = refused(replace(build, tree={**build.tree, **es}))["module-kind"]
    assert f"{JSON}:" in said and "found `module` in line" in said and "scripts/" not in said


def test_the_same_text_in_another_language_is_not_known() -> None:
    file = built().added[JSON]
    assert facts(JSON, file) is not None
    assert facts("server/lib/codex-json.ts", file) is None


def test_upstream_is_not_known() -> None:
    tree = materialize("builtin").tree
    assert [path for path, file in tree.items() if facts(path, file) is not None] == []


# --- a lock that cannot be read --------------------------------------------------------------------------------


ENTRY = '{"path": "a.js", "sha256": "00", "gives": %s, "takes": %s, "kinds": %s}'
NAMELESS = '{"fs": null}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("<<<<<<< HEAD\n", "is not JSON: Expecting value: line 1 column 1 (char 0)", id="a merge conflict"),
        pytest.param("", "is not JSON: Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param("{}", "expected a list, found dict", id="no list"),
        pytest.param("[1]", "entry 1: expected gives, kinds, path, sha256, takes, found 1", id="no object"),
        pytest.param(
            f"[{ENTRY % ('[]', '{}', '[]')}, {{}}]",
            "entry 2: expected gives, kinds, path, sha256, takes, found {}",
            id="no fields",
        ),
        pytest.param(f"[{ENTRY % ('1', '{}', '[]')}]", None, id="gives that is no list"),
        pytest.param(f"[{ENTRY % ('[1]', '{}', '[]')}]", None, id="gives that are no names"),
        pytest.param(f"[{ENTRY % ('[]', '[]', '[]')}]", None, id="takes that is no object"),
        pytest.param(f"[{ENTRY % ('[]', NAMELESS, '[]')}]", None, id="takes without names"),
        pytest.param(f"[{ENTRY % ('[]', '{}', '{}')}]", None, id="kinds that are no list"),
    ],
)
def test_a_damaged_lock_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str | None
) -> None:
    path = lock_of(monkeypatch, tmp_path / "overlay.lock", text)
    message = message or f"entry 1: expected gives, kinds, path, sha256, takes, found {text[1:-1][:80]}"
    error = refusal(facts, "a.js", File(b""))
    assert Says.of(error) == Says("lock-unreadable", 5, message, HINT, path)


def test_a_lock_that_is_not_there_fails_the_gates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    monkeypatch.setattr(overlay_lock, "LOCK", gone)
    gates = gate(built(), lambda tree: tree)
    build = replace(built(), gates=gates)
    said = "could not run: lock-unreadable: expected the list of overlays, found no such file"
    assert refused(build) == {"parses": said, "module-kind": said, "imports": said}
    assert [(each.where, each.hint) for each in gates if not each.ok] == [(gone, HINT)] * 3
    assert [problem.hint for problem in problems.of_build(build)] == [HINT] * 3


def test_a_lock_that_may_not_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(overlay_lock, "LOCK", str(tmp_path))
    assert refusal(facts, "a.js", File(b"")).message == "cannot be read: Is a directory"


# --- the command -----------------------------------------------------------------------------------------------


def test_the_command_says_when_it_is_out_of_date_and_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lock = tmp_path / "overlay.lock"
    lock.write_text("[]\n")
    monkeypatch.setattr(command, "LOCK", str(lock))
    monkeypatch.setattr("sys.argv", ["overlay_lock"])
    assert command.main() == 1
    assert capsys.readouterr().err == f"{lock} is out of date: `python3 .dev lab overlay_lock --write`\n"
    monkeypatch.setattr("sys.argv", ["overlay_lock", "--write"])
    assert command.main() == 0 and lock.read_text() == command.expected()
    monkeypatch.setattr("sys.argv", ["overlay_lock"])
    assert command.main() == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("\nconst = 1;", "server/a.js:2: does not parse", id="does not parse"),
        pytest.param("require(x);", "server/a.js:1: `require(x)` does not name a module", id="takes what nobody knows"),
    ],
)
def test_a_text_that_no_gate_would_pass_is_not_listed(monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    monkeypatch.setattr(command, "render", lambda template, **params: code)
    with pytest.raises(SystemExit, match=said.replace("(", r"\(").replace(")", r"\)")):
        command.entry(Overlay("server/a.js", "overlay/a.js.j2"))
