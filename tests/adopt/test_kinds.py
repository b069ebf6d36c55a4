"""Each kind of edit, twice: declared by hand, and adopted from an edited tree. Both give the edited bytes, and pass."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from patcher import pipeline
from patcher.adopt.files import modified
from patcher.adopt.run import run
from patcher.javascript import language_of
from patcher.locate import locate
from patcher.model import (
    FILE,
    MODULE,
    Anchor,
    File,
    ListKind,
    Patch,
    Pin,
    Position,
    Scope,
    Site,
    Upstream,
    callback,
    class_,
    element,
    function,
    member,
    pointer,
    rule,
    type_,
    variable,
)
from patcher.progress import progress

SERVER = """\
const http = require("http");

const limits = {
  first: 1,
  last: 2
};

const names = ["one", "two"];

const hooks = {
  before: function (value) {
    return value;
  },
};

class Store {
  open() {
    return 1;
  }
}

function start(port, host) {
  const app = http.createServer(handle);
  const when = Date.now();
  if (port > 0 && host) {
    app.listen(port, () => {
      console.log("listening");
      return when;
    });
  }
  // the last one
  app.close();
  app.close();
  return app;
}

function handle(request, response) {
  switch (request.method) {
    case "GET":
      response.end("ok");
      break;
    default:
      response.end();
  }
}

module.exports = { start, limits, names, hooks, Store };
"""
PAGE = """\
import { useState } from "react";

interface Shape {
  width: number;
}

export function Page(shape: Shape) {
  const [open, setOpen] = useState(false);
  return (
    <div className="page">
      <button onClick={() => setOpen(!open)}>More</button>
      <p title="wide">{shape.width}</p>
    </div>
  );
}
"""
STYLE = """\
:root {
  --main: red;
}

.page a {
  color: blue;
}
"""
HTML = """\
<!doctype html>
<html>
  <head>
    <title>Page</title>
  </head>
  <body>
    <div id="root"></div>
  </body>
</html>
"""
DATA = """\
{
  "title": "Page",
  "words": {
    "open": "Open",
    "close": "Close"
  }
}
"""
PACKAGE = '{"name": "agent-dashboard", "version": "1.2.0", "files": ["*"]}\n'
TREE = {
    "package.json": PACKAGE,
    "server/start.js": SERVER,
    "client/package.json": '{"dependencies": {"react": "1"}}\n',
    "client/src/Page.tsx": PAGE,
    "client/src/page.css": STYLE,
    "client/index.html": HTML,
    "server/words.json": DATA,
    "server/run.sh": "#!/bin/sh\necho run\n",
}


@dataclass(frozen=True)
class Kind:
    """A kind of edit: what stands there, what is made of it, and how a person declares it."""

    name: str
    file: str
    old: str
    new: str
    scope: Scope
    position: Position
    payload: str = ""
    anchor: dict[str, Any] = field(default_factory=dict)


JS, TSX, CSS, PAGE_HTML, JSON = (
    "server/start.js", "client/src/Page.tsx", "client/src/page.css", "client/index.html", "server/words.json",
)  # fmt: skip
BEFORE, AFTER, REPLACE, DELETE = Position.BEFORE, Position.AFTER, Position.REPLACE, Position.DELETE
START = function("start")
KINDS = [
    Kind("a statement before one", JS, "  const when", "  app.on(1);\n  const when", START, BEFORE, "app.on(1);\n",
         {"list": ListKind.STATEMENTS, "item": "const when", "before": 1}),
    Kind("a statement behind one", JS, "Date.now();\n", "Date.now();\n  app.on(when);\n", START, AFTER,
         "app.on(when);\n", {"list": ListKind.STATEMENTS, "item": "const when", "after": 1}),
    Kind("a statement replaced", JS, "Date.now();", "0;", START, REPLACE, "const when = 0;\n",
         {"list": ListKind.STATEMENTS, "item": "const when"}),
    Kind("several statements replaced", JS, '      response.end("ok");\n      break;', "      return;",
         function("handle"), REPLACE, "return;\n",
         {"list": ListKind.STATEMENTS, "item": 'response.end("ok")', "count": 2}),
    Kind("a statement deleted", JS, "  const when = Date.now();\n", "", START, DELETE, "",
         {"list": ListKind.STATEMENTS, "item": "const when"}),
    Kind("a header changed", JS, "port > 0 && host", "port > 1 && host", START, REPLACE, "port > 1 && host",
         {"list": ListKind.STATEMENTS, "item": "if (port", "target": "port > 0 && host"}),
    Kind("a callback", JS, '"listening");\n', '"listening");\n      console.log(port);\n', callback("app.listen"),
         AFTER, "console.log(port);\n", {"list": ListKind.STATEMENTS, "item": "console.log", "after": 1}),
    Kind("a function in a property", JS, "    return value;", "    console.log(value);\n    return value;",
         member("before"), BEFORE, "console.log(value);\n", {"list": ListKind.STATEMENTS, "item": "return value"}),
    Kind("a case of a switch", JS, "    default:", '    case "PUT":\n      break;\n    default:', function("handle"),
         BEFORE, 'case "PUT":\n  break;\n', {"list": ListKind.STATEMENTS, "item": "default:", "before": 1}),
    Kind("a property", JS, "  first: 1,\n", "  first: 1,\n  middle: 3,\n", variable("limits"), AFTER, "middle: 3,\n",
         {"list": ListKind.PROPERTIES, "item": "first:", "after": 1}),
    Kind("the last property", JS, "  last: 2\n", "  last: 2,\n  none: 0\n", variable("limits"), AFTER, "none: 0\n",
         {"list": ListKind.PROPERTIES, "item": "last:"}),
    Kind("an element of an array", JS, '["one", "two"]', '["one", "half", "two"]', variable("names"), AFTER, '"half"',
         {"list": ListKind.ELEMENTS, "item": '"one"', "after": 1}),
    Kind("an argument", JS, "app.listen(port, ()", "app.listen(port, host, ()", START, AFTER, "host",
         {"list": ListKind.ARGUMENTS, "item": "port", "after": 1}),
    Kind("a parameter", JS, "start(port, host)", "start(port, host, more)", START, AFTER, "more",
         {"list": ListKind.PARAMETERS, "item": "host"}),
    Kind("a member of a class", JS, "class Store {\n", "class Store {\n  shut() {}\n", class_("Store"), BEFORE,
         "shut() {}\n", {"list": ListKind.MEMBERS, "item": "open("}),
    Kind("a member of an interface", TSX, "width: number;\n", "width: number;\n  height?: number;\n", type_("Shape"),
         AFTER, "height?: number;\n", {"list": ListKind.MEMBERS, "item": "width"}),
    Kind("an import", TSX, "{ useState }", "{ useState, useMemo }", MODULE, AFTER, "useMemo",
         {"list": ListKind.IMPORTS, "item": "useState"}),
    Kind("a JSX attribute", TSX, "<button onClick", '<button type="button" onClick', function("Page"), BEFORE,
         'type="button"', {"list": ListKind.ATTRIBUTES, "item": "onClick"}),
    Kind("a JSX child", TSX, "      <p title", "      <hr />\n      <p title", function("Page"), BEFORE, "<hr />\n",
         {"list": ListKind.CHILDREN, "item": "<p", "before": 1}),
    Kind("a JSX attribute replaced", TSX, 'title="wide"', 'title="high"', function("Page"), REPLACE, 'title="high"',
         {"list": ListKind.ATTRIBUTES, "item": "title"}),
    Kind("a pair of JSON", JSON, '    "open": "Open",\n', '    "open": "Open",\n    "shut": "Shut",\n',
         pointer("/words"), AFTER, '"shut": "Shut"', {"list": ListKind.PAIRS, "item": '"open"', "after": 1}),
    Kind("a pair of JSON deleted", JSON, ',\n    "close": "Close"', "", pointer("/words"), DELETE, "",
         {"list": ListKind.PAIRS, "item": '"close"'}),
    Kind("a rule of CSS", CSS, ".page a {", ".page b {\n  color: red;\n}\n.page a {", MODULE, BEFORE,
         ".page b {\n  color: red;\n}\n", {"list": ListKind.RULES, "item": ".page a", "before": 1}),
    Kind("a declaration of CSS", CSS, "color: blue;", "color: green;", rule(".page a"), REPLACE, "color: green;",
         {"list": ListKind.RULES, "item": "color"}),
    Kind("an element of HTML", PAGE_HTML, "    <title>", '    <meta name="a">\n    <title>', element("head"), BEFORE,
         '<meta name="a">\n', {"list": ListKind.CHILDREN, "item": "<title"}),
    Kind("a whole file", "server/run.sh", "echo run", "exec run", FILE, REPLACE, "#!/bin/sh\nexec run\n"),
]  # fmt: skip
ADOPTED_ONLY = [
    Kind("a blank line", JS, "class Store", "\nclass Store", MODULE, REPLACE),
    Kind("a comment", JS, "// the last one", "// the very last one", START, REPLACE),
    Kind("a comment behind a statement", JS, "Date.now();", "Date.now(); // now", START, REPLACE),
    Kind("one of two equal statements", JS, "  app.close();\n  return", "  app.close(1);\n  return", START, REPLACE),
    Kind("a signature", JS, "function start(", "async function start(", START, REPLACE),
    Kind("a name in an import of TypeScript", TSX, 'from "react"', 'from "preact"', MODULE, REPLACE),
    Kind("an attribute and its handler", TSX, "setOpen(!open)", "setOpen(open)", function("Page"), REPLACE),
    Kind("text between tags", TSX, ">More<", ">More of it<", function("Page"), REPLACE),
    Kind("an attribute of HTML", PAGE_HTML, '<div id="root">', '<div id="root" class="a">', MODULE, REPLACE),
    Kind("a value of JSON", JSON, '"title": "Page"', '"title": "Pages"', MODULE, REPLACE),
]


def upstream(changed: Kind | None = None) -> Upstream:
    files = {path: File(text.encode(), path.endswith(".sh")) for path, text in TREE.items()}
    if changed is not None:
        files[changed.file] = replace(files[changed.file], data=edited(changed).encode())
    return Upstream("agent-dashboard", "1.2.0", "directory", files)


def edited(kind: Kind) -> str:
    text = TREE[kind.file]
    assert text.count(kind.old) == 1, f"{kind.old!r} stands {text.count(kind.old)} times"
    return text.replace(kind.old, kind.new)


def written(directory: Path, tree: Upstream) -> str:
    for path, file in tree.tree.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)
    return str(directory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_person_declares_it(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "payload").write_text(kind.payload)
    anchor = Anchor(kind.scope, **kind.anchor)
    [match] = locate(TREE[kind.file], anchor, language_of(kind.file)).matches
    anchor = replace(anchor, pins=(Pin(match.tokens, match.text, match.line),))
    site = Site("one", kind.file, kind.position, "payload", (anchor,), templates=str(tmp_path))
    build = pipeline.check_upstream(upstream(), (Patch("p", "Does.", (site,)),))
    assert [stop.message for stop in build.stops] == []
    assert build.plain[kind.file].data.decode() == edited(kind)
    assert {gate.id: gate.message for gate in build.gates if not gate.ok} == {}


@pytest.mark.parametrize("kind", [*KINDS, *ADOPTED_ONLY], ids=lambda kind: kind.name)
def test_lines_may_end_as_on_windows_and_a_file_may_begin_with_a_byte_order_mark(kind: Kind) -> None:
    def on_windows(text: str) -> str:
        return "\ufeff" + text.replace("\n", "\r\n")

    before, after = on_windows(TREE[kind.file]), on_windows(edited(kind))
    found = modified(kind.file, before, after, "1.2.0")
    expected = "override" if kind.file.endswith(".sh") else "identical"
    assert (found.status, found.reason if expected == "identical" else "") == (expected, "")


@pytest.mark.parametrize("kind", [*KINDS, *ADOPTED_ONLY], ids=lambda kind: kind.name)
def test_adopt_finds_it(tmp_path: Path, kind: Kind) -> None:
    spec = written(tmp_path / "pristine", upstream())
    there = written(tmp_path / "edited", upstream(kind))
    result = run(spec, str(tmp_path / "acme"), edited=there, diff=None, client=True, bar=progress)
    expected = "override" if kind.file.endswith(".sh") else "identical"
    assert [(each.path, each.status, each.adopted) for each in result.files] == [
        (kind.file, expected, 0 if expected == "override" else result.files[0].hunks)
    ]
    build = result.build
    assert build is not None
    assert build.plain[kind.file].data.decode() == edited(kind)
    refused = {gate.id: gate.message for gate in build.gates if not gate.ok}
    assert refused == ({"imports": refused.get("imports", "")} if "preact" in kind.new else {})
    lines = [text.count("\n") for path in (tmp_path / "acme/patches/adopted").glob("[a-z]*.py")
             for text in path.read_text().split("        Site(")[1:]]  # fmt: skip
    assert lines and max(lines) <= 17  # the declaration, and below the last one the end of the patch
