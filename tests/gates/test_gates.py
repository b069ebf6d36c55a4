"""Stage 6: every gate refuses the bad output that it is there for, and a gate that cannot run has failed."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from patcher import javascript
from patcher.errors import EXIT_REFUSED, PatcherError
from patcher.gates import GATE_IDS, GATES, SECOND_BUILD, gate
from patcher.gates.engines import least_node, names_of
from patcher.gates.package_json import HINT, kind_of
from patcher.locate import locate
from patcher.model import MODULE, Anchor, Build, File, GateResult, Layer, Position, Splice, Tree, function
from patcher.prove import find_node
from tests.support import APP, APP_FILE, HANDLE, SMALL, STORE, PatchMaker, Run, Says, refusal
from tests.support import Tree as SmallTree

REPLACES = "store.save(session, total)"


def ran(bench: PatchMaker, payload: str, *, place: Position = Position.AFTER, pattern: str = REPLACES) -> Run:
    return SMALL.run(bench.insert("audit", pattern, payload, position=place))


def again(build: Build) -> dict[str, str]:
    """The gates that refuse this build, when a second one changes nothing."""
    return {each.id: each.message for each in gate(build, lambda tree: tree) if not each.ok}


def good(bench: PatchMaker) -> Build:
    return ran(bench, "console.log(session);").build


def with_file(build: Build, path: str, text: str) -> Build:
    return replace(build, tree={**build.tree, path: File(text.encode())})


def test_a_good_build_passes_them_all(bench: PatchMaker) -> None:
    assert [each for each in good(bench).gates if not each.ok] == []
    assert [each.id for each in good(bench).gates] == list(GATE_IDS)


def test_the_gates_are_those_of_the_design() -> None:
    wanted = [
        "template-residue",
        "parses",
        "untouched-bytes",
        "declared-scopes",
        "changes-something",
        "module-kind",
        "free-identifiers",
        "portable",
        "reversible",
    ]
    assert set(GATE_IDS) >= {*wanted, SECOND_BUILD}
    assert len(set(GATE_IDS)) == len(GATE_IDS)


# --- template-residue ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["/*=", "=*/", "/*%", "%*/", "/*#", "#*/"])
def test_a_template_delimiter_that_is_left_over_is_refused(bench: PatchMaker, delimiter: str) -> None:
    left = f'/*= "{delimiter[:2]}" ~ "{delimiter[2:]}" =*/'  # a template cannot hold its own delimiter
    refused = ran(bench, f"console.log(`\n{left}`);").refused
    assert refused["template-residue"] == f"{APP_FILE} (audit.one):2: the template delimiter `{delimiter}` is left over"


def test_a_delimiter_in_a_file_of_ours_is_refused(bench: PatchMaker) -> None:
    added = {"server/ours.js": File(b"1;\n/*% if x %*/\n")}
    assert again(replace(good(bench), added=added))["template-residue"] == (
        "server/ours.js:2: the template delimiter `/*%` is left over; "
        "server/ours.js:2: the template delimiter `%*/` is left over"
    )


# --- parses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("console.log(session", id="a bracket that is not closed"),
        pytest.param("const = 1;", id="a name that is missing"),
        pytest.param("}", id="a bracket too many"),
        pytest.param("if (session) {", id="a block that is not closed"),
    ],
)
def test_a_payload_that_does_not_parse_is_refused(bench: PatchMaker, payload: str) -> None:
    assert ran(bench, payload).refused["parses"].endswith(": does not parse")


def test_the_line_of_the_first_error_is_told(bench: PatchMaker) -> None:
    assert ran(bench, "const = 1;").refused["parses"] == f"{APP_FILE}:8: does not parse"


@pytest.mark.parametrize(
    ("path", "text", "refused"),
    [
        pytest.param("server/ours.js", "function (", True, id="a file of ours that is JavaScript"),
        pytest.param("server/ours.js", "a?.b ?? c;", False, id="a file of ours in newer JavaScript"),
        pytest.param("server/ours.html", "<p>", False, id="a file of ours that is none"),
    ],
)
def test_an_added_file_must_parse(bench: PatchMaker, path: str, text: str, refused: bool) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay(path, text),))
    assert ("parses" in SMALL.run(audit).refused) is refused


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        pytest.param(
            "const where = [;", "11: upstream's own file has a syntax error", id="a bracket that is not closed"
        ),
        pytest.param(
            "const where = [];\n<<<<<<< HEAD\nwhere.push(1);\n=======\nwhere.push(2);\n>>>>>>> other",
            "12: upstream's own file has a syntax error: there are markers of a merge conflict",
            id="an unfinished merge",
        ),
    ],
)
def test_a_file_that_upstream_broke_is_not_patched(bench: PatchMaker, broken: str, told: str) -> None:
    run = SMALL.edited("const where = [];", broken).run(bench.audit())
    assert run.refused["parses"] == f"{APP_FILE}:{told}"
    assert not run.build.ok


def test_a_file_that_upstream_broke_is_copied_where_nothing_is_patched_in_it(bench: PatchMaker) -> None:
    assert SMALL.having({"server/store.js": f"{STORE}<<<<<<< HEAD\n"}).run(bench.audit()).refused == {}


@pytest.mark.parametrize("ending", [".cjs", ".mjs", ".jsx", ".mts", ".cts", ".tsx", ""])
def test_an_added_file_of_any_ending_of_a_program_must_parse(bench: PatchMaker, ending: str) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay(f"bin/ours{ending}", "#!/usr/bin/env node\nfunction ("),))
    assert "parses" in SMALL.run(audit).refused


# --- untouched-bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(lambda text: f"{text} ", id="a blank at the end"),
        pytest.param(lambda text: f" {text}", id="a blank at the start"),
        pytest.param(lambda text: text.replace("return total", "return  total"), id="a blank behind the payload"),
        pytest.param(lambda text: text.replace("console.log(session)", "console.log(request)"), id="another payload"),
        pytest.param(lambda text: text.rstrip("\n"), id="the last newline"),
    ],
)
def test_bytes_outside_the_splices_are_untouched(bench: PatchMaker, after: object) -> None:
    build = good(bench)
    [layer] = build.layers
    assert callable(after)
    changed = replace(build, layers=(replace(layer, after=after(layer.after)),))
    assert again(changed)["untouched-bytes"] == f"{APP_FILE}: bytes outside the splices have changed"


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(File(b"exports.ensure = 1;\n"), id="other bytes"),
        pytest.param(replace(SMALL.upstream.tree["server/store.js"], executable=True), id="another mode"),
        pytest.param(None, id="no file at all"),
    ],
)
def test_a_file_without_a_splice_is_a_copy(bench: PatchMaker, file: File | None) -> None:
    build = good(bench)
    rest = {path: each for path, each in build.tree.items() if path != "server/store.js"}
    changed = replace(build, tree=rest if file is None else {**rest, "server/store.js": file})
    message = "server/store.js: no splice is in this file, and yet it is not the file that upstream ships"
    assert again(changed)["untouched-bytes"] == message


# --- declared-scopes -------------------------------------------------------------------------------------------


def test_a_change_in_a_scope_that_no_patch_declares_is_refused(bench: PatchMaker) -> None:
    build = good(bench)
    [layer] = build.layers
    splices = tuple(replace(splice, scope=function("other")) for splice in layer.splices)
    changed = again(replace(build, layers=(replace(layer, splices=splices),)))
    message = "function handle has changed, and no patch declares it: audit.one stands in it and says function other"
    assert changed["declared-scopes"] == f"{APP_FILE}: {message}"


def test_a_payload_in_a_function_within_the_scope_is_told_what_to_declare(bench: PatchMaker) -> None:
    app = APP.replace("function handle(request) {", "function outer() {\nfunction handle(request) {").replace(
        "  return total;\n}\n", "  return total;\n}\n}\n"
    )
    patch = bench.insert("audit", REPLACES, "console.log(session);", scope=function("outer"), on=app)
    [gate] = [each for each in SMALL.having({APP_FILE: app}).run(patch).build.gates if not each.ok]
    hint = 'write `scope=function("handle")` in the anchor of audit.one, and pin it again: a pin reaches to the scope'
    assert (gate.id, gate.hint) == ("declared-scopes", hint)


def test_a_route_is_a_scope_too(bench: PatchMaker) -> None:
    build = good(bench)
    [layer] = build.layers
    after = layer.after.replace("const where = []", "const where = [0]")
    changed = again(replace(build, layers=(replace(layer, after=after),)))
    assert changed["declared-scopes"] == f"{APP_FILE}: route GET /list has changed, and no patch declares it"


def test_a_scope_that_disappears_is_refused(bench: PatchMaker) -> None:
    build = good(bench)
    [layer] = build.layers
    after = layer.after.replace('app.get("/list"', 'app.get("/lists"')
    message = again(replace(build, layers=(replace(layer, after=after),)))["declared-scopes"]
    assert "route GET /list has changed" in message and "route GET /lists has changed" in message


def test_the_scopes_around_a_declared_one_may_change(bench: PatchMaker) -> None:
    text = "function outer() {\n  function inner() {\n    mark();\n  }\n}\n"
    patch = bench.insert("audit", "mark()", "console.log(1);", on=text, scope=function("inner"))
    assert SMALL.having({APP_FILE: text}).run(patch).refused == {}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("const names = [session].map((each) => each.id);", id="a constant from a call with a function"),
        pytest.param("function audit() {}", id="a function"),
    ],
)
def test_a_payload_may_declare_a_function(bench: PatchMaker, payload: str) -> None:
    assert ran(bench, payload).refused == {}


# --- changes-something -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "place", "refused"),
    [
        pytest.param("/*= original =*/", Position.REPLACE, True, id="what stands there"),
        pytest.param("store.save(session, total,)", Position.REPLACE, True, id="the same, with a comma"),
        pytest.param("store.save( /* all */ session, total )", Position.REPLACE, True, id="the same, with a comment"),
        pytest.param("store.save(session, total, 1)", Position.REPLACE, False, id="an argument more"),
        pytest.param("store.save(total, session)", Position.REPLACE, False, id="another order"),
        pytest.param("", Position.AFTER, True, id="nothing"),
        pytest.param("// a note\n/* another */", Position.BEFORE, True, id="notes"),
        pytest.param(";", Position.AFTER, True, id="a semicolon"),
        pytest.param("store.save(session, total);", Position.AFTER, False, id="what stands there, once more"),
    ],
)
def test_a_payload_that_changes_nothing_is_refused(
    bench: PatchMaker, payload: str, place: Position, refused: bool
) -> None:
    assert ("changes-something" in ran(bench, payload, place=place).refused) is refused


@pytest.mark.parametrize(
    ("payload", "place", "message"),
    [
        pytest.param(
            "store.save(session,\n  total)",
            Position.REPLACE,
            "expected audit.one to change what it replaces, `store.save(session, total)`; "
            "found `store.save(session, total)`",
            id="a replacement",
        ),
        pytest.param(
            "// a note",
            Position.AFTER,
            "expected code in the payload of audit.one, found none: `// a note`",
            id="an insertion",
        ),
    ],
)
def test_a_payload_that_changes_nothing_is_told(bench: PatchMaker, payload: str, place: Position, message: str) -> None:
    [result] = [each for each in ran(bench, payload, place=place).build.gates if not each.ok]
    hint = "give the payload what it is to change, or take this site out of the patch"
    assert result == GateResult("changes-something", False, f"{APP_FILE}:6: {message}", f"{APP_FILE}:6", hint)


# --- module-kind -----------------------------------------------------------------------------------------------

ES = '{"type": "module"}'
COMMON = '{"type": "commonjs"}'
ROOT_ES = '{"name": "agent-dashboard", "version": "1.2.0", "type": "module"}'
KINDS = [
    pytest.param({}, "bin/a.js", "commonjs", "package.json says no type", id="no type"),
    pytest.param({"package.json": ROOT_ES}, "bin/a.js", "module", 'package.json says "type": "module"', id="the root"),
    pytest.param(
        {"package.json": ROOT_ES, "bin/package.json": COMMON},
        "bin/deep/a.js",
        "commonjs",
        'bin/package.json says "type": "commonjs"',
        id="a nearer one",
    ),
    pytest.param(
        {"package.json": ROOT_ES, "bin/package.json": "{}"},
        "bin/a.js",
        "commonjs",
        "bin/package.json says no type",
        id="a nearer one without a type",
    ),
    pytest.param({"bin/package.json": ES}, "server/a.js", "commonjs", "package.json says no type", id="one elsewhere"),
    pytest.param({"bin/package.json": ES}, "binary.js", "commonjs", "package.json says no type", id="a similar name"),
    pytest.param({"package.json": ROOT_ES}, "bin/a.cjs", "commonjs", "its name ends in .cjs", id="an ending"),
    pytest.param({}, "bin/a.mjs", "module", "its name ends in .mjs", id="another ending"),
    pytest.param(
        {"bin/package.json": '{"type": "Module"}'}, "bin/a.js", "commonjs", 'says "type": "Module"', id="a word"
    ),
]


@pytest.mark.parametrize(("files", "path", "kind", "by"), KINDS)
def test_the_nearest_package_json_decides(files: dict[str, str], path: str, kind: str, by: str) -> None:
    found = kind_of(SMALL.having(files).upstream.tree, path)
    assert (found.name, found.problem) == (kind, "") and by in found.by


def test_without_any_package_json_a_file_is_commonjs() -> None:
    assert kind_of({}, "a/b.js") == ("commonjs", "no package.json is above it", "")


REQUIRES = "const fs = require('fs');\nmodule.exports = fs;\n"
EXPORTS = "import fs from 'fs';\nexport default fs;\n"


@pytest.mark.parametrize(
    ("code", "commonjs", "module"),
    [
        pytest.param("console.log(1);", True, True, id="neither's"),
        pytest.param(REQUIRES, True, False, id="`require` and `module`"),
        pytest.param("exports.a = 1;", True, False, id="`exports`"),
        pytest.param("console.log(__dirname);", True, False, id="`__dirname`"),
        pytest.param("console.log({ __filename });", True, False, id="`__filename` in an object"),
        pytest.param("const require = f(); require('x');\nfunction f() {}", True, True, id="a `require` of its own"),
        pytest.param("const load = typeof require === 'function' ? require : null;", True, True, id="asked for first"),
        pytest.param("typeof module; require('fs');", True, False, id="another one asked for first"),
        pytest.param("return;", True, False, id="`return` at the top"),
        pytest.param("with (Math) { console.log(1); }", True, False, id="`with`"),
        pytest.param("console.log(010);", True, False, id="an octal number"),
        pytest.param(EXPORTS, False, True, id="`import` and `export`"),
        pytest.param("console.log(import.meta.url);", False, True, id="`import.meta`"),
        pytest.param("await Promise.resolve();", False, True, id="`await` at the top"),
        pytest.param("for await (const a of []) console.log(a);", False, True, id="`for await` at the top"),
        pytest.param(
            "async function f() { await 1; for await (const a of []) f(a); }", True, True, id="`await` inside"
        ),
        pytest.param("for (const a of []) console.log(a);", True, True, id="`for` at the top"),
        pytest.param("import('fs');", True, True, id="`import()`"),
    ],
)
def test_code_runs_in_these_kinds(bench: PatchMaker, code: str, commonjs: bool, module: bool) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("bin/ours.js", f"{code}\n"),))
    assert ("module-kind" not in SMALL.run(audit).refused) is commonjs
    assert ("module-kind" not in SMALL.having({"bin/package.json": ES}).run(audit).refused) is module


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        pytest.param(
            {"bin/package.json": ES},
            REQUIRES,
            "bin/ours.js:1: expected what runs in an ES module, which this file is "
            '(bin/package.json says "type": "module"); found `require` in line 1, `module` in line 2',
            id="for CommonJS",
        ),
        pytest.param(
            {},
            EXPORTS,
            "bin/ours.js:1: expected what runs in a CommonJS module, which this file is "
            "(package.json says no type); found `import` in line 1, `export` in line 2",
            id="for an ES module",
        ),
    ],
)
def test_a_file_of_ours_that_would_not_run_is_told(
    bench: PatchMaker, files: dict[str, str], code: str, message: str
) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("bin/ours.js", code),))
    [result] = [each for each in SMALL.having(files).run(audit).build.gates if each.id == "module-kind"]
    assert result == GateResult("module-kind", False, message, "bin/ours.js:1", HINT)


@pytest.mark.parametrize(
    ("package", "said"),
    [
        pytest.param("{", "bin/package.json is not JSON: ", id="no JSON"),
        pytest.param("[]", "bin/package.json is not a package: expected an object", id="a list"),
        pytest.param(
            '{"type": 5}', "bin/package.json is not a package: expected an object", id="a type that is a number"
        ),
    ],
)
def test_a_package_json_that_node_refuses_stops_what_is_below_it(bench: PatchMaker, package: str, said: str) -> None:
    """Node 24 loads no file there: "Invalid package config"."""
    audit = replace(bench.audit(), overlays=(bench.overlay("bin/ours.js", "1;\n"),))
    refused = SMALL.having({"bin/package.json": package}).run(audit).refused["module-kind"]
    assert refused.startswith(f"bin/ours.js: Node loads nothing here: {said}")
    assert SMALL.having({"docs/package.json": package}).run(audit).refused == {}


def test_a_payload_with_the_syntax_of_the_other_kind_is_refused(bench: PatchMaker) -> None:
    refused = ran(bench, "console.log(import.meta.url);").refused
    assert "found `import.meta` in line 8" in refused["module-kind"]


def test_what_upstream_wrote_for_the_other_kind_is_its_own_affair(bench: PatchMaker) -> None:
    assert SMALL.having({"server/package.json": ES}).run(bench.audit()).refused == {}
    text = f"import every from './store.js';\n{APP}"
    patch = bench.insert("other", REPLACES, "console.log(session);", on=text)
    assert SMALL.having({APP_FILE: text}).run(patch).refused == {}


@pytest.mark.parametrize("name", ["require('fs')", "module.id", "exports", "__dirname", "__filename"])
@pytest.mark.parametrize(
    ("files", "bound"),
    [
        pytest.param({"server/package.json": ES}, False, id="in an ES module"),
        pytest.param({"package.json": ROOT_ES, "server/package.json": COMMON}, True, id="in a CommonJS module"),
    ],
)
def test_a_payload_may_use_what_its_kind_of_module_binds(
    bench: PatchMaker, name: str, files: dict[str, str], bound: bool
) -> None:
    patch = bench.insert("audit", REPLACES, f"console.log({name});")
    assert ("free-identifiers" not in SMALL.having(files).run(patch).refused) is bound


def test_a_name_that_an_es_module_does_not_bind_is_told(bench: PatchMaker) -> None:
    patch = bench.insert("audit", REPLACES, "require('fs');")
    run = SMALL.having({"package.json": ROOT_ES}).run(patch)
    assert run.refused["free-identifiers"] == (
        f"{APP_FILE}:7: the payload of audit uses `require`, which is not bound in function handle at this place: "
        'the file is an ES module (package.json says "type": "module")'
    )


@pytest.mark.parametrize(
    ("head", "payload"),
    [
        pytest.param("import { createRequire } from 'module';\nconst require = createRequire(import.meta.url);", "require('fs');", id="bound by upstream"),
        pytest.param("", "if (typeof require === 'function') require('fs');", id="asked for first"),
    ],
)  # fmt: skip
def test_a_name_that_is_there_all_the_same_is_fine(bench: PatchMaker, head: str, payload: str) -> None:
    text = f"{head}\n{APP}"
    patch = bench.insert("audit", REPLACES, payload, on=text)
    assert SMALL.having({APP_FILE: text, "package.json": ROOT_ES}).run(patch).refused == {}


def test_a_target_that_ends_in_mjs_is_an_es_module(bench: PatchMaker) -> None:
    patch = bench.insert("audit", REPLACES, "require('fs');", file="server/app.mjs")
    assert list(SMALL.having({"server/app.mjs": APP}).run(patch).refused) == ["free-identifiers"]


# --- kinds of file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["package.json", "server/page.css", "server/page.html", "README.md", "server/data.json", "LICENSE", "bin/run", "a.py",
     "server/app.JSON", "server/app.js.bak", ".env"],
)  # fmt: skip
def test_a_place_in_a_file_that_is_no_program_is_refused_before_anything_is_located(
    bench: PatchMaker, path: str
) -> None:
    other = bench.edit("store.save(session, total)", "console.log(1);", file=path)
    patch = bench.patch("audit", bench.edit(REPLACES, "console.log(1);"), other)
    tree = SMALL.having({path: APP})
    message = (
        "expected JavaScript or TypeScript, or an item of a list in JSON, CSS or HTML; "
        f"found sites of the series in {path} (audit.two)"
    )
    hint = "give them a `list` and an `item`, or replace the whole file with `scope=FILE`"
    expected = Says("file-kind-unsupported", EXIT_REFUSED, message, hint, path)
    assert Says.of(refusal(tree.run, patch)) == expected


@pytest.mark.parametrize(
    ("path", "head"),
    [
        *((f"server/app{ending}", "") for ending in javascript.ENDINGS),
        ("bin/run", "#!/usr/bin/env node\n"),
        ("bin/run", "#!/usr/bin/env -S node --no-warnings\n"),
    ],
)
def test_a_place_in_a_program_of_any_ending_is_patched(bench: PatchMaker, path: str, head: str) -> None:
    text = head + APP.replace('const store = require("./store");', "const store = {};")
    patch = bench.insert("audit", REPLACES, "console.log(1);", file=path, on=text)
    assert SMALL.having({path: text}).run(patch).refused == {}


# --- free-identifiers ------------------------------------------------------------------------------------------

BINDINGS = [
    pytest.param("const x = 1;\nmark();", True, id="a constant above"),
    pytest.param("let x;\nmark();", True, id="a variable above"),
    pytest.param("mark();\nvar x;", True, id="a `var` below: it is hoisted"),
    pytest.param("mark();\nfunction x() {}", True, id="a function below: it is hoisted"),
    pytest.param("const { x } = a();\nmark();", True, id="taken out of an object"),
    pytest.param("const { y: x } = a();\nmark();", True, id="taken out under another name"),
    pytest.param("const { y: { x = 1 } } = a();\nmark();", True, id="deep, with a default"),
    pytest.param("const [, x] = a();\nmark();", True, id="taken out of an array"),
    pytest.param("const { ...x } = a();\nmark();", True, id="the rest of an object"),
    pytest.param("class x {}\nmark();", True, id="a class above"),
    pytest.param("function f(x) { mark(); }", True, id="a parameter"),
    pytest.param("function f({ y: x = 1 }) { mark(); }", True, id="a parameter that is taken apart"),
    pytest.param("function f(...x) { mark(); }", True, id="the rest of the parameters"),
    pytest.param("const f = x => { mark(); };", True, id="the parameter of an arrow"),
    pytest.param("const f = function x() { mark(); };", True, id="the function's own name"),
    pytest.param("function x() { mark(); }", True, id="the declared function around it"),
    pytest.param("class A { f(x) { mark(); } }", True, id="the parameter of a method"),
    pytest.param("try { a(); } catch (x) { mark(); }", True, id="what was caught"),
    pytest.param("for (const x of a) { mark(); }", True, id="the variable of a for-of"),
    pytest.param("for (const [y, x] of a) { mark(); }", True, id="one of the variables of a for-of"),
    pytest.param("for (const x in a) { mark(); }", True, id="the variable of a for-in"),
    pytest.param("for (let x = 0; x < 1; x++) { mark(); }", True, id="the variable of a loop"),
    pytest.param("switch (a) { case 1: const x = 1; mark(); }", True, id="a constant of the same case"),
    pytest.param("function f() { mark(); }\nconst x = 1;", True, id="a constant below, but outside the function"),
    pytest.param("import x from 'y';\nmark();", True, id="an import"),
    pytest.param("import { x } from 'y';\nmark();", True, id="a named import"),
    pytest.param("import * as x from 'y';\nmark();", True, id="an import of everything"),
    pytest.param("mark();", False, id="nothing"),
    pytest.param("const y = 1;\nmark();", False, id="another name: the variable was renamed"),
    pytest.param("mark();\nconst x = 1;", False, id="a constant below: it is not there yet"),
    pytest.param("mark();\nlet x;", False, id="a variable below: it is not there yet"),
    pytest.param("mark();\nclass x {}", False, id="a class below: it is not there yet"),
    pytest.param("{ const x = 1; }\nmark();", False, id="a constant in a block above"),
    pytest.param("function f(x) {}\nmark();", False, id="a parameter of another function"),
    pytest.param("try { a(); } catch (x) {}\nmark();", False, id="what was caught elsewhere"),
    pytest.param("for (const x of a) {}\nmark();", False, id="the variable of a loop above"),
    pytest.param("const { x: y } = a();\nmark();", False, id="a key that is no name"),
    pytest.param("a.x = 1;\nmark();", False, id="a property"),
    pytest.param("a({ x: 1 });\nmark();", False, id="a key"),
    pytest.param("const y = 'x';\nmark();", False, id="a string"),
    pytest.param(
        "switch (a) { case 1: { const x = 1; } case 2: mark(); }", False, id="a constant of a block in another case"
    ),
    pytest.param("import { x as y } from 'y';\nmark();", False, id="an import under another name"),
]


@pytest.mark.parametrize(("text", "bound"), BINDINGS)
def test_a_name_is_bound_by(bench: PatchMaker, text: str, bound: bool) -> None:
    scopes = (MODULE, function("f"), function("x"))
    scope = next(each for each in scopes if locate(text, Anchor(each, "mark()", ())).matches)
    patch = bench.insert("audit", "mark()", "console.log(x);", on=text, scope=scope)
    refused = SMALL.having({APP_FILE: text}).run(patch).refused
    assert ("free-identifiers" not in refused) is bound


@pytest.mark.parametrize(
    ("payload", "unbound"),
    [
        pytest.param("console.log(gone);", "gone", id="a name"),
        pytest.param("gone();", "gone", id="a function"),
        pytest.param("gone = 1;", "gone", id="a name that is written"),
        pytest.param("console.log({ gone });", "gone", id="a name in an object"),
        pytest.param("console.log(`${gone}`);", "gone", id="a name in a template literal"),
        pytest.param("console.log({ key: gone });", "gone", id="a name behind a key"),
        pytest.param("console.log(session[gone]);", "gone", id="a name in brackets"),
        pytest.param("const f = () => gone;", "gone", id="a name in a function"),
        pytest.param(
            "{ const gone = 1; console.log(gone); }\nconsole.log(gone);", "gone", id="a name of an inner block"
        ),
        pytest.param("const own = 1; console.log(own);", "", id="its own constant is fine"),
        pytest.param(
            "const [one, { two: three }] = session; console.log(one, three);", "", id="its own patterns are fine"
        ),
        pytest.param("session.forEach((each) => console.log(each));", "", id="its own parameters are fine"),
        pytest.param("try { store.x(); } catch (error) { console.log(error); }", "", id="what it catches is fine"),
        pytest.param("for (const each of session) console.log(each);", "", id="its own loops are fine"),
        pytest.param("console.log(session.gone);", "", id="a property is fine"),
        pytest.param("console.log({ gone: 1 });", "", id="a key is fine"),
        pytest.param("console.log('gone'); // gone", "", id="strings and comments are fine"),
        pytest.param("process.exit(require('fs').x);", "", id="what Node brings is fine"),
    ],
)
def test_a_payload_uses(bench: PatchMaker, payload: str, unbound: str) -> None:
    refused = ran(bench, payload).refused.get("free-identifiers", "")
    place = "which is not bound in function handle at this place"
    assert refused == (f"{APP_FILE}:7: the payload of audit uses `{unbound}`, {place}" if unbound else "")


def test_a_variable_that_upstream_renamed_is_caught(bench: PatchMaker) -> None:
    """The pin would stop this too; the gate holds where a pin was taken too hastily."""
    text = APP.replace("total", "sum")
    patch = bench.insert("audit", "store.save($$$A)", "console.log(total);", on=text)
    refused = SMALL.having({APP_FILE: text}).run(patch).refused
    assert list(refused) == ["free-identifiers"]


def test_all_unbound_names_are_told(bench: PatchMaker) -> None:
    refused = ran(bench, "one(two, three.four);").refused["free-identifiers"]
    assert [name for name in ("one", "two", "three", "four") if f"uses `{name}`" in refused] == ["one", "two", "three"]


# --- imports ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        pytest.param('require("./gone");', "`./gone` is not in the generated tree", id="a module that is not there"),
        pytest.param(
            'require("../server/gone.js");', "`../server/gone.js` is not in the generated tree", id="another one"
        ),
        pytest.param(
            'require("./store").gone();', "`server/store.js` does not export `gone`", id="a name that is not exported"
        ),
        pytest.param(
            'const { ensure, gone } = require("./store");',
            "`server/store.js` does not export `gone`",
            id="one of several names",
        ),
        pytest.param(
            'const { gone: x } = require("./store");',
            "`server/store.js` does not export `gone`",
            id="a name under another",
        ),
        pytest.param(
            'require("express");',
            "`express` is neither a file of the tree nor one of Node's own modules, nor a dependency of package.json",
            id="an npm module",
        ),
        pytest.param("require(session);", "`require(session)` does not name a module", id="a module without a name"),
        pytest.param('require("./store").ensure(1);', "", id="an export is fine"),
        pytest.param('const { ensure } = require("./store.js");', "", id="an export, with the ending, is fine"),
        pytest.param('const x = require("./store");', "", id="a whole module is fine"),
        pytest.param('require("node:fs"); require("path");', "", id="Node's own are fine"),
        pytest.param('require("node:sqlite");', "", id="Node's own SQLite is fine"),
        pytest.param('require("./lib").inner();', "", id="the index of a folder is fine"),
        pytest.param('require("./shapes").one(); require("./shapes").two();', "", id="an object of exports is fine"),
        pytest.param('require("./shapes").three();', "", id="a method in an object of exports is fine"),
        pytest.param('require("./shapes").four();', "", id="a quoted export is fine"),
    ],
)
def test_a_payload_requires(bench: PatchMaker, payload: str, message: str) -> None:
    patch = bench.insert("audit", REPLACES, payload)
    shapes = "module.exports = { one, two: 2, three() {}, 'four': 4 };\n"
    tree = SMALL.having({"server/lib/index.js": "module.exports.inner = 1;\n", "server/shapes.js": shapes})
    expected = {"imports": f"{APP_FILE} (audit.one):1: {message}"} if message else {}
    assert tree.run(patch).refused == expected


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param(
            "import './gone.js';", "`./gone.js` is not in the generated tree", id="a module that is not there"
        ),
        pytest.param("import '../server/store';", "`../server/store` is not in the generated tree", id="no ending"),
        pytest.param("import { gone } from './one.mjs';", "`bin/one.mjs` does not export `gone`", id="a name"),
        pytest.param(
            "import x from 'express';",
            "`express` is neither a file of the tree nor one of Node's own modules, nor a dependency of package.json",
            id="an npm module",
        ),
        pytest.param("import('./gone.mjs');", "`./gone.mjs` is not in the generated tree", id="a module for later"),
        pytest.param("import { one } from './one.mjs';", "", id="an export is fine"),
        pytest.param("import { ensure } from '../server/store.js';", "", id="an export of a CommonJS module is fine"),
        pytest.param("import x, { readFile } from 'node:fs';", "", id="Node's own are fine"),
        pytest.param("import store from '../server/store.js';", "", id="a whole module is fine"),
    ],
)
def test_a_file_of_ours_imports(bench: PatchMaker, code: str, message: str) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("bin/ours.mjs", f"{code}\n"),))
    refused = SMALL.having({"bin/one.mjs": "export const one = 1;\n"}).run(audit).refused
    assert refused == ({"imports": f"bin/ours.mjs:1: {message}"} if message else {})


def test_a_file_of_ours_is_looked_at_where_it_will_be(bench: PatchMaker) -> None:
    good_one = bench.overlay("server/lib/ours.js", 'require("../store").ensure();\n')
    bad_one = bench.overlay("server/lib/other.js", '\nrequire("./store");\n')
    run = SMALL.run(replace(bench.audit(), overlays=(good_one, bad_one)))
    assert run.refused == {"imports": "server/lib/other.js:2: `./store` is not in the generated tree"}


DEPENDENCIES = {
    "dependencies": {"express": "^4"},
    "optionalDependencies": {"maybe": "1"},
    "devDependencies": {"vite": "5"},
}


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        pytest.param("express", "", id="a dependency"),
        pytest.param("express/lib/router", "", id="a file of a dependency"),
        pytest.param(
            "maybe", "it is a dependency of package.json that is optional, and may not be there", id="optional"
        ),
        pytest.param("vite", "it is a dependency of package.json that is for development only", id="of development"),
        pytest.param("left-pad", "nor a dependency of package.json", id="none"),
    ],
)
def test_a_dependency_of_upstreams_is_there(bench: PatchMaker, module: str, reason: str) -> None:
    tree = SMALL.having({"package.json": json.dumps({"name": "agent-dashboard", "version": "1.2.0", **DEPENDENCIES})})
    text = f'const x = require("{module}");\nmodule.exports = x;\n'
    refused = tree.run(replace(bench.audit(), overlays=(bench.overlay("server/lib/ours.js", text),))).refused
    assert reason in refused.get("imports", "") and bool(refused) == bool(reason)


# --- portable --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("console.log(session?.id);", id="optional chaining"),
        pytest.param("console.log(session ?? 1);", id="a default for nothing"),
        pytest.param("try { store.x(); } catch { store.y(); }", id="a catch without a name"),
        pytest.param("import('x');", id="a module that is loaded later"),
        pytest.param("console.log(/a/s);", id="a flag of a regular expression"),
        pytest.param("console.log(/(?<=a)b/);", id="a look behind"),
        pytest.param("class A { x = 1 }", id="a class field"),
        pytest.param("const a = { ...session };", id="an object spread"),
        pytest.param("const { a, ...b } = session;", id="an object rest"),
        pytest.param("session.a ||= 1;", id="a logical assignment"),
        pytest.param("console.log(1_000);", id="a separator in a number"),
        pytest.param("console.log(10n);", id="a big number"),
    ],
)
def test_newer_javascript_is_refused_in_a_portable_file_alone(bench: PatchMaker, code: str) -> None:
    portable = bench.overlay("bin/hook.js", f"function f(session, store) {{ {code} }}\n", portable=True)
    refused = SMALL.run(replace(bench.insert("audit", REPLACES, code), overlays=(portable,))).refused["portable"]
    assert re.search(r"^bin/hook\.js(:1)?: is not ES2017: \S", refused) and APP_FILE not in refused


def engines(wanted: str) -> SmallTree:
    package = {"name": "agent-dashboard", "version": "1.2.0", "engines": {"node": wanted}}
    return SMALL.having({"package.json": json.dumps(package)})


@pytest.mark.parametrize(
    ("code", "since"),
    [
        pytest.param("console.log(/a/v);", 20, id="a flag of a regular expression"),
        pytest.param("console.log(/(?i:a)/);", 24, id="flags inside a regular expression"),
    ],
)
def test_a_payload_may_use_what_the_engines_allow(bench: PatchMaker, code: str, since: int) -> None:
    patch = bench.insert("audit", REPLACES, code)
    assert "portable" not in engines(f">={since}").run(patch).refused
    refused = engines(f">={since - 2}").run(patch).refused["portable"]
    assert re.fullmatch(rf"{APP_FILE} \(audit\.one\):1: is newer than the sidecar's Node: .+ \(Node {since}\)", refused)


@pytest.mark.parametrize("wanted", ["", "*", "x", ">=18.0.0", "^18 || >=20", "18.x || 20"])
def test_engines_that_say_little_mean_the_oldest(wanted: str) -> None:
    assert least_node(engines(wanted).upstream.tree) == 18


@pytest.mark.parametrize(("name", "since"), [("fetch", 18), ("AbortSignal", 18), ("crypto", 20), ("WebSocket", 22)])
def test_what_the_sidecars_node_binds_is_bound(bench: PatchMaker, name: str, since: int) -> None:
    patch = bench.insert("audit", REPLACES, f"console.log({name});")
    assert "free-identifiers" not in engines(f">={since}").run(patch).refused
    if since > 18:
        assert f"`{name}`" in engines(">=18").run(patch).refused["free-identifiers"]


def test_every_name_is_one_that_a_node_binds() -> None:
    node = find_node()
    script = "console.log(Object.getOwnPropertyNames(globalThis).join(' '))"
    there = subprocess.run([node.path, "-e", script], capture_output=True, text=True, check=True).stdout.split()
    assert names_of(24) - set(there) == set()


def test_a_file_that_is_not_portable_may_be_newer(bench: PatchMaker) -> None:
    audit = replace(bench.audit(), overlays=(bench.overlay("server/ours.js", "a?.b ?? 1;\n"),))
    assert SMALL.run(audit).refused == {}


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        pytest.param("if (session) return total;", Position.AFTER, id="return"),
        pytest.param(
            "console.log(session) || /*= original =*/", Position.REPLACE, id="an expression around upstream's own"
        ),
        pytest.param("const f = async () => { await session; };", Position.AFTER, id="async of ES2017"),
    ],
)
def test_a_payload_may_be(bench: PatchMaker, payload: str, place: Position) -> None:
    assert "portable" not in ran(bench, payload, place=place).refused


def test_what_upstream_wrote_is_not_held_to_es2017(bench: PatchMaker) -> None:
    newer = APP.replace("store.save(session, total)", "store.save(session?.id, total)")
    patch = bench.insert(
        "audit", "store.save($$$A)", "console.log(1) || /*= original =*/", on=newer, position=Position.REPLACE
    )
    assert SMALL.having({APP_FILE: newer}).run(patch).refused == {}


def test_a_portable_file_may_start_with_a_shebang(bench: PatchMaker) -> None:
    hook = bench.overlay("bin/hook.js", "#!/usr/bin/env node\nconsole.log(1);\n", portable=True, executable=True)
    assert SMALL.run(replace(bench.audit(), overlays=(hook,))).refused == {}


# --- reversible, second-build ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "return total",
            "return 0",
            f"{APP_FILE}: taking the payloads out does not give the pristine bytes",
            id="other bytes around the payload",
        ),
        pytest.param(
            "/* sidecar-patcher:end audit.one */",
            "",
            "could not run: not-reversible: the marker of audit.one has no partner",
            id="a marker that is missing",
        ),
    ],
)
def test_what_cannot_be_reverted_is_refused(bench: PatchMaker, old: str, new: str, message: str) -> None:
    build = good(bench)
    text = build.tree[APP_FILE].data.decode().replace(old, new)
    assert again(with_file(build, APP_FILE, text))["reversible"].split("\n", 1)[0] == message


def test_a_second_build_that_changes_something_is_refused(bench: PatchMaker) -> None:
    results = gate(good(bench), lambda tree: {**tree, "LICENSE": File(b"other"), "new.js": File(b"")})
    assert results[-1] == GateResult(
        SECOND_BUILD,
        False,
        "LICENSE: a second build over the result changes this file; new.js: a second build over the result changes this file",
        "LICENSE",
    )


def test_a_second_build_that_drops_a_file_is_refused(bench: PatchMaker) -> None:
    def drop(tree: Tree) -> Tree:
        return {path: file for path, file in tree.items() if path != "LICENSE"}

    assert gate(good(bench), drop)[-1].message == "LICENSE: a second build over the result changes this file"


# --- gates that break ------------------------------------------------------------------------------------------


def raising(build: Build) -> Iterator[None]:
    del build
    yield None
    raise RuntimeError("no memory left")


@pytest.mark.parametrize("index", range(len(GATES)), ids=[name for name, _ in GATES])
def test_a_gate_that_raises_has_failed(bench: PatchMaker, monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    build, broken = good(bench), list(GATES)
    broken[index] = (GATES[index][0], raising)  # type: ignore[assignment]
    monkeypatch.setattr("patcher.gates.GATES", tuple(broken))
    failed = [each for each in gate(build, lambda tree: tree) if not each.ok]
    assert failed == [GateResult(GATES[index][0], False, "could not run: RuntimeError: no memory left")]


def test_a_second_build_that_raises_has_failed(bench: PatchMaker) -> None:
    def stop(tree: Tree) -> Tree:
        raise PatcherError(f"{len(tree)} files", where="here", hint="look")

    last = gate(good(bench), stop)[-1]
    assert (last.message, last.where, last.hint) == ("could not run: error: 4 files", "here", "look")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            lambda build: replace(build, added={"a.js": File(b"\xff")}), id="a file of ours that is not UTF-8"
        ),
        pytest.param(lambda build: replace(build, tree={}), id="a tree without its files"),
        pytest.param(
            lambda build: replace(
                build, layers=(Layer(APP_FILE, APP, (Splice(0, 0, "no marker", "", "p", 0, Position.AFTER, ""),), APP),)
            ),
            id="a splice without a marker",
        ),
    ],
)
def test_a_build_that_makes_no_sense_never_passes(bench: PatchMaker, broken: object) -> None:
    assert callable(broken)
    assert again(broken(good(bench)))


def test_refusals_of_several_gates_are_all_told(bench: PatchMaker) -> None:
    refused = ran(bench, 'require("./gone"); gone?.();').refused
    assert list(refused) == ["free-identifiers", "imports"]


def test_a_refused_build_is_not_ok(bench: PatchMaker) -> None:
    build = ran(bench, "gone();").build
    assert (build.stopped, build.refused, build.ok) == (False, True, False)


def test_scopes_of_the_payloads_are_the_anchors(bench: PatchMaker) -> None:
    assert {splice.scope for layer in good(bench).layers for splice in layer.splices} == {HANDLE}


def test_a_patch_of_nothing_passes() -> None:
    assert again(replace(SMALL.run().build, findings=())) == {}
