"""The record of what the parsers found in our own texts: complete, compared with them, and trusted no further."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from patcher import apply, javascript
from patcher.gates import gate, portable, verified
from patcher.gates.verified import facts, is_es2017
from patcher.model import Build, File, Upstream
from patcher.patches import SERIES
from patcher.report import problems
from patcher.upstream.materialize import materialize
from tests.prove.native import miniature
from tests.support import Says, refusal

LAYOUT, JSON = "server/lib/json-layout.js", "server/lib/json-text.js"
TAKES_JSON = 'require("./json-text")'
HINT = "in a checkout, `python3 .dev generate` writes it again; else install the tool again"
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


def record_of(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(verified, "RECORD", str(path))
    return str(path)


# --- a build that knows them -----------------------------------------------------------------------------------


@LINES
def test_a_build_parses_none_of_our_files(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, build = [], built(upstream)
    monkeypatch.setattr(javascript, "parse", lambda text, *rest: parsed.append(text) or PARSE(text, *rest))
    assert refused(build) == {}
    ours = {file.data.decode() for file in build.added.values()}
    assert parsed and not ours & set(parsed)


@LINES
def test_a_build_gives_esprima_nothing_to_do(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    build, judged = built(upstream), []
    monkeypatch.setattr(portable, "judge", lambda where, text: judged.append(where) or ())
    assert build.portable and not refused(build)
    assert judged == []
    edited = {where: f"{text}\n" for where, text in build.portable.items()}
    assert refused(replace(build, portable=edited)) == {}
    assert judged == [where for where in edited if where in build.added]  # payloads are for the sidecar's own Node


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
    wanted = f"{place(build, LAYOUT, TAKES_JSON)}: `./json-text` is not in the generated tree"
    record_of(monkeypatch, tmp_path / "verified.json", '{"files": [], "payloads": {}}')
    assert refused(without) == known and wanted in known["imports"]
    assert refused(build) == {}


def test_a_name_that_this_upstream_does_not_export_is_refused() -> None:
    build = built()
    other = build.tree["server/db.js"].data.replace(b"module.exports", b"exports.other")
    changed = replace(build, tree={**build.tree, "server/db.js": File(other)})
    where = place(build, "server/lib/codex-checkpoints.js", 'require("../db")')
    assert f"{where}: `server/db.js` does not export `db`" in refused(changed)["imports"]


def test_a_name_that_one_of_our_files_no_longer_exports_is_refused() -> None:
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
    assert facts("server/lib/json-text.ts", file) is None


def test_upstream_is_not_known() -> None:
    tree = materialize("builtin").tree
    assert [path for path, file in tree.items() if facts(path, file) is not None] == []


# --- a record that cannot be read ------------------------------------------------------------------------------


ENTRY = '{"path": "a.js", "sha256": "00", "exports": %s, "requires": %s, "kinds": %s, "es2017": %s}'
FIELDS = "file 1 with es2017, exports, kinds, path, requires, sha256"


def files(*fields: str) -> str:
    return f'{{"files": [{ENTRY % fields}], "payloads": {{}}}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("<<<<<<< HEAD\n", "is not JSON: Expecting value: line 1 column 1 (char 0)", id="a merge conflict"),
        pytest.param("", "is not JSON: Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param("[]", "expected files and payloads, found []", id="not an object"),
        pytest.param('{"files": []}', 'expected files and payloads, found {"files": []}', id="no payloads"),
        pytest.param('{"files": 1, "payloads": {}}', "expected a list of files, found 1", id="files that are no list"),
        pytest.param('{"files": [1], "payloads": {}}', f"expected {FIELDS}, found 1", id="a file that is no object"),
        pytest.param('{"files": [{}], "payloads": {}}', f"expected {FIELDS}, found {{}}", id="no fields"),
        pytest.param(files("1", "{}", "[]", "true"), None, id="exports that are no list"),
        pytest.param(files("[1]", "{}", "[]", "true"), None, id="exports that are no names"),
        pytest.param(files("[]", "[]", "[]", "true"), None, id="requires that is no object"),
        pytest.param(files("[]", '{"fs": null}', "[]", "true"), None, id="requires without names"),
        pytest.param(files("[]", "{}", "{}", "true"), None, id="kinds that are no list"),
        pytest.param(files("[]", "{}", "[]", "1"), None, id="es2017 that is neither true nor false"),
        pytest.param(
            '{"files": [], "payloads": []}',
            "expected a digest for each of the payloads, found []",
            id="a list of payloads",
        ),
        pytest.param(
            '{"files": [], "payloads": {"a.b": null}}',
            'expected a digest for each of the payloads, found {"a.b": null}',
            id="a payload without a digest",
        ),
    ],
)
def test_a_damaged_record_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str | None
) -> None:
    path = record_of(monkeypatch, tmp_path / "verified.json", text)
    entry = text.removeprefix('{"files": [')
    message = message or f"expected {FIELDS}, found {entry[:80]}"
    for question in (lambda: facts("a.js", File(b"")), lambda: is_es2017("")):
        assert Says.of(refusal(question)) == Says("verified-unreadable", 5, message, HINT, path)


def test_a_record_that_is_not_there_fails_the_gates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    monkeypatch.setattr(verified, "RECORD", gone)
    gates = gate(built(), lambda tree: tree)
    build = replace(built(), gates=gates)
    said = "could not run: verified-unreadable: expected the record of verified texts, found no such file"
    assert refused(build) == {"parses": said, "module-kind": said, "imports": said, "portable": said}
    assert [(each.where, each.hint) for each in gates if not each.ok] == [(gone, HINT)] * 4
    assert [problem.hint for problem in problems.of_build(build)] == [HINT] * 4


def test_a_record_that_may_not_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(verified, "RECORD", str(tmp_path))
    assert refusal(facts, "a.js", File(b"")).message == "cannot be read: Is a directory"
