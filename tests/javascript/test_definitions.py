"""A name that is defined twice is ambiguous wherever the pattern is: JavaScript runs only one of them."""

import pytest

from patcher.javascript import line_of, scopes_named
from patcher.javascript.definitions import definitions
from patcher.model import MODULE, Scope, function, route

SAVE, EVENT, ROOT = function("save"), route("POST", "/event"), route("GET", "/")
A_FUNCTION = "function save() { keep(1); }\n"
A_ROUTE = 'router.post("/event", (req, res) => { keep(1); });\n'
A_CLASS = "class Store {\n  save() { keep(1); }\n  %s\n}\n"


@pytest.mark.parametrize(
    ("text", "scope", "lines"),
    [
        pytest.param(A_FUNCTION, SAVE, [1], id="a function once"),
        pytest.param(A_FUNCTION + "save();\nconst x = { save };\nexports.save = save;\n", SAVE, [1], id="and used"),
        pytest.param(A_FUNCTION + "function save() {}\n", SAVE, [1, 2], id="a function twice"),
        pytest.param("function save() {}\n" + A_FUNCTION, SAVE, [1, 2], id="an empty one before"),
        pytest.param(A_FUNCTION + "save = () => {};\n", SAVE, [1, 2], id="assigned a function"),
        pytest.param(A_FUNCTION + "save = other;\n", SAVE, [1, 2], id="assigned a name"),
        pytest.param(A_FUNCTION + "save = wrap(save);\n", SAVE, [1, 2], id="wrapped"),
        pytest.param("let save = () => { keep(1); };\nsave = null;\n", SAVE, [1, 2], id="a variable, assigned"),
        pytest.param("const save = wrap(() => { keep(1); });\n", SAVE, [1], id="a function in a call, once"),
        pytest.param(A_FUNCTION + "(save) = other;\n", SAVE, [1, 2], id="in parentheses"),
        pytest.param(A_FUNCTION + "save ||= other;\n", SAVE, [1, 2], id="assigned where it is nothing"),
        pytest.param(A_FUNCTION + "({ save } = other);\n", SAVE, [1, 2], id="out of an object"),
        pytest.param(A_FUNCTION + "({ save = 1 } = other);\n", SAVE, [1, 2], id="with a default"),
        pytest.param(A_FUNCTION + "({ x: { save } } = other);\n", SAVE, [1, 2], id="out of an object in an object"),
        pytest.param(A_FUNCTION + "({ save: x } = other);\n", SAVE, [1], id="a member of the name, to another"),
        pytest.param(A_FUNCTION + "[x = save] = other;\n", SAVE, [1], id="only the default"),
        pytest.param(A_FUNCTION + "[, ...save] = other;\n", SAVE, [1, 2], id="the rest of a list"),
        pytest.param(A_FUNCTION + "for (save of others) {}\n", SAVE, [1, 2], id="in a loop"),
        pytest.param(A_FUNCTION + "for (var save in others) {}\n", SAVE, [1, 2], id="a var of a loop"),
        pytest.param(A_FUNCTION + "for (const save of others) {}\n", SAVE, [1], id="the loop's own"),
        pytest.param(A_FUNCTION + "for (let save of others) { save = 1; }\n", SAVE, [1], id="the loop's own, assigned"),
        pytest.param(A_FUNCTION + "for (let save = 0; ; ) { save = 1; }\n", SAVE, [1], id="the counter of a loop"),
        pytest.param(A_FUNCTION + "var save = other;\n", SAVE, [1, 2], id="a var beside it"),
        pytest.param(A_FUNCTION + "var { save } = other;\n", SAVE, [1, 2], id="a var out of an object"),
        pytest.param(A_FUNCTION + "var [x, save] = other;\n", SAVE, [1, 2], id="a var out of a list"),
        pytest.param(A_FUNCTION + "var save;\n", SAVE, [1], id="a var without a value"),
        pytest.param(A_FUNCTION + "{\n  const { save } = x;\n}\n", SAVE, [1], id="a constant of a block"),
        pytest.param(A_FUNCTION + "{\n  let save;\n  save = 1;\n}\n", SAVE, [1], id="a variable of a block"),
        pytest.param("{\n let save = () => {};\n save = 1;\n}\n", SAVE, [2, 3], id="the block's own, assigned"),
        pytest.param("var save = () => {};\n", SAVE, [1], id="a var once"),
        pytest.param("if (x) { function save() {} }\n" + A_FUNCTION, SAVE, [1, 2], id="in a block"),
        pytest.param("async function* save() {}\n" + A_FUNCTION, SAVE, [1, 2], id="a generator"),
        pytest.param(A_CLASS % "load() {}", SAVE, [2], id="a member once"),
        pytest.param(A_CLASS % "save() {}", SAVE, [2, 3], id="a member twice"),
        pytest.param(A_CLASS % "save = () => {};", SAVE, [2, 3], id="a field beside a member"),
        pytest.param(A_CLASS % "get other() {}", SAVE, [2], id="another accessor"),
        pytest.param(
            "class S { get save() { return 1; }\n set save(x) {} }\n", SAVE, [1], id="a getter and its setter"
        ),
        pytest.param("class S { get save() {}\n get save() {} }\n", SAVE, [1, 2], id="a getter twice"),
        pytest.param(
            "x = {\n save() { keep(1); },\n save: other,\n};\n", SAVE, [2, 3], id="a property beside a method"
        ),
        pytest.param(A_FUNCTION + "function f() {\n  function save() {}\n}\n", SAVE, [1], id="in another function"),
        pytest.param(A_FUNCTION + "function f() {\n  save = null;\n}\n", SAVE, [1, 3], id="assigned in a function"),
        pytest.param(A_FUNCTION + "function f() {\n  let save;\n  save = 1;\n}\n", SAVE, [1], id="its own variable"),
        pytest.param(
            A_FUNCTION + "function f() {\n  let { save } = x;\n  save = 1;\n}\n", SAVE, [1], id="its own, out of x"
        ),
        pytest.param(A_FUNCTION + "function f(save) {\n  save = 1;\n}\n", SAVE, [1], id="a parameter"),
        pytest.param(A_FUNCTION + "const f = save => {\n  save = 1;\n};\n", SAVE, [1], id="a lone parameter"),
        pytest.param("class A { save() {} }\nclass B {\n  save() {}\n}\n", SAVE, [1], id="of another class"),
        pytest.param(A_ROUTE, EVENT, [1], id="a route once"),
        pytest.param(A_ROUTE + 'router.get("/event", (q, s) => {});\n', EVENT, [1], id="another verb"),
        pytest.param(A_ROUTE + 'router.post("/events", (q, s) => {});\n', EVENT, [1], id="another path"),
        pytest.param('app.post("/event", handler);\n' + A_ROUTE, EVENT, [1, 2], id="a route with a named handler"),
        pytest.param("app.post('/event', check, handler);\n" + A_ROUTE, EVENT, [1, 2], id="other quotes, two handlers"),
        pytest.param("app.post(`/event`, handler);\n" + A_ROUTE, EVENT, [1, 2], id="a template"),
        pytest.param('app.post(["/a", "/event"], handler);\n' + A_ROUTE, EVENT, [1, 2], id="in an array of paths"),
        pytest.param('app.all("/event", handler);\n' + A_ROUTE, EVENT, [1, 2], id="all verbs"),
        pytest.param('app.route("/event").post(handler);\n' + A_ROUTE, EVENT, [1, 2], id="route().post()"),
        pytest.param('app.route("/event").get(a).post(b);\n' + A_ROUTE, EVENT, [1, 2], id="a longer chain"),
        pytest.param('app.route("/other").post(handler);\n' + A_ROUTE, EVENT, [2], id="route() of another path"),
        pytest.param('app["post"]("/event", handler);\n' + A_ROUTE, EVENT, [1, 2], id="a member in brackets"),
        pytest.param("app[verb]('/event', handler);\n" + A_ROUTE, EVENT, [2], id="a verb that nobody knows"),
        pytest.param('app.post("/event/", handler);\n' + A_ROUTE, EVENT, [1, 2], id="a slash behind the path"),
        pytest.param('app.post("/Event", handler);\n' + A_ROUTE, EVENT, [1, 2], id="capital letters"),
        pytest.param(A_ROUTE + A_ROUTE, EVENT, [1, 2], id="a route twice"),
        pytest.param('map.get("/");\nrouter.get("/", (q, s) => {});\n', ROOT, [2], id="a get that registers nothing"),
        pytest.param(A_FUNCTION, MODULE, [1], id="the module"),
    ],
)
def test_what_defines_a_name(text: str, scope: Scope, lines: list[int]) -> None:
    near = scopes_named(text, scope)[0]
    assert [line_of(node) for node in definitions(text, scope, near)] == lines


def test_in_typescript_too() -> None:
    text = "class Store {\n  save(): void {}\n  save = (): void => {};\n}\n"
    near = scopes_named(text, SAVE, "typescript")[0]
    assert [line_of(node) for node in definitions(text, SAVE, near, "typescript")] == [2, 3]
