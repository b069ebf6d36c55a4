"""Stage 3: matches and pins become a verdict, and words that say what to do."""

import random
from dataclasses import replace

import pytest

from patcher.locate import locate
from patcher.model import (
    Anchor,
    File,
    Finding,
    Line,
    Patch,
    Pin,
    Position,
    Site,
    Upstream,
    function,
    upstream_line,
    version_key,
)
from patcher.verify import verify
from tests.support import APP, APP_FILE, HANDLE, reviewed

UPSTREAM = Upstream("agent-dashboard", "1.2.0", "v1.2.0", {}, spec="repo@v1.2.0")
PATTERN = "store.save($$$A)"
ANCHOR = reviewed(APP, Anchor(HANDLE, PATTERN, ()))
EXPLAIN = "`sidecar-patcher explain audit{} shows the code that is there and what to search for"
HINT = (
    "`sidecar-patcher bump --upstream repo --to v1.2.0` shows which commit changed it, and what to accept; "
    + EXPLAIN.format(" --upstream repo@v1.2.0`")
)


def judge(text: str, anchor: Anchor = ANCHOR, upstream: Upstream = UPSTREAM) -> Finding:
    edit = Site("one", APP_FILE, Position.AFTER, "payload.js.j2", (anchor,))
    return verify(Patch("audit", "Audits.", (edit,)), edit, locate(text, anchor), upstream)


@pytest.mark.parametrize(
    ("text", "verdict", "line", "message"),
    [
        pytest.param(APP, "exact", 6, "", id="the bytes as reviewed"),
        pytest.param(f"\n\n{APP}", "moved", 8, "reviewed at line 6, now at line 8", id="further down"),
        pytest.param(
            APP.replace("const store", "// c\nconst store"),
            "moved",
            7,
            "reviewed at line 6, now at line 7",
            id="a new comment above",
        ),
        pytest.param(
            APP.replace("save(session, total)", "save(session,total)"),
            "reformatted",
            6,
            "the same tokens as reviewed, laid out differently",
            id="other white space",
        ),
        pytest.param(
            f"\n{APP}".replace("save(session, total);", "save(session, total)"),
            "reformatted",
            7,
            "the same tokens as reviewed, laid out differently",
            id="no semicolon, and moved",
        ),
        pytest.param(APP.replace("\n", "\r\n"), "exact", 6, "", id="CRLF around a window of one line"),
    ],
)
def test_a_build_goes_on_with(text: str, verdict: str, line: int, message: str) -> None:
    finding = judge(text)
    assert (finding.verdict, finding.line, finding.message, finding.hint) == (verdict, line, message, "")


def test_what_goes_on_says_which_pin_it_met() -> None:
    assert judge(APP).pins == (ANCHOR.pins[0].tokens,)


def test_crlf_in_a_window_of_two_lines_is_reformatted() -> None:
    anchor = reviewed(APP, Anchor(HANDLE, PATTERN, (), before=1))
    assert judge(APP.replace("\n", "\r\n"), anchor).verdict == "reformatted"


def test_any_of_several_pins_will_do() -> None:
    changed = APP.replace("save(session, total)", "save(session, total, 1)")
    both = reviewed(changed, ANCHOR)
    assert [judge(text, both).verdict for text in (APP, changed)] == ["exact", "exact"]


def test_a_pin_of_the_same_tokens_at_another_line_is_exact_too() -> None:
    twice = reviewed(f"\n{APP}", ANCHOR)
    assert [judge(text, twice).verdict for text in (APP, f"\n{APP}", f"\n\n{APP}")] == ["exact", "exact", "moved"]


EXPECTED = f"expected `{PATTERN}` once in function handle"
CHANGED = APP.replace("save(session, total)", "save(total, session)")


def found_tokens(text: str) -> str:
    return locate(text, ANCHOR).matches[0].tokens[:12]


@pytest.mark.parametrize(
    ("text", "verdict", "line", "message"),
    [
        pytest.param(
            CHANGED,
            "drifted",
            6,
            f"the code around `{PATTERN}` in function handle is not what was reviewed: expected tokens "
            f"{ANCHOR.pins[0].tokens[:12]}…, found {found_tokens(CHANGED)}…: `store.save(total, session);`",
            id="other tokens: drifted",
        ),
        pytest.param(
            APP.replace("handle(request)", "handle(req, res)"),
            "drifted",
            6,
            f"the code around `{PATTERN}` in function handle is not what was reviewed: expected tokens "
            f"{ANCHOR.pins[0].tokens[:12]}…, found {found_tokens(APP.replace('handle(request)', 'handle(req, res)'))}…: "
            "`store.save(session, total);`",
            id="another signature of the scope: drifted",
        ),
        pytest.param(
            APP.replace("store.save(session, total)", "store.saved(total)"),
            "missing",
            3,
            f"{EXPECTED}; found none; nearest: `store.saved(total);` (line 6)",
            id="another statement: missing",
        ),
        pytest.param(
            APP.replace("store.save(session, total)", "store.saved(\n    session,\n    total\n  )"),
            "missing",
            3,
            f"{EXPECTED}; found none; nearest: `store.saved( session, total );` (line 6)",
            id="another statement over some lines: missing, and shown whole",
        ),
        pytest.param(
            APP.replace("store.save(session, total)", f"store.saved(session, total, {{ {'x: 1, ' * 9}}})"),
            "missing",
            3,
            f"{EXPECTED}; found none; nearest: `store.saved(session, total, {{ {'x: 1, ' * 9}}});` (line 6)",
            id="another statement that goes on: missing, compared as far as the pattern",
        ),
        pytest.param(
            APP.replace("function handle", "function handler"),
            "missing",
            0,
            f"{EXPECTED}; found no function handle in the file; nearest: function handler (line 3)",
            id="another scope: missing",
        ),
        pytest.param(
            "const x = 1;\n",
            "missing",
            0,
            f"{EXPECTED}; found no function handle in the file; nothing similar is there",
            id="another file: missing",
        ),
        pytest.param(
            APP.replace("  return total;", "  store.save(session, 0);\n  return total;"),
            "ambiguous",
            6,
            f"{EXPECTED}; found 2 matches: line 6, line 7",
            id="twice: ambiguous",
        ),
        pytest.param(
            f"{APP}\nfunction handle() {{\n  store.save(1);\n}}\n",
            "ambiguous",
            3,
            f"expected function handle once, found it 2 times: line 3, line 17 (the later one runs); `{PATTERN}` is at "
            "line 6, line 18",
            id="two scopes of the name: ambiguous",
        ),
        pytest.param(
            f"{APP}\nfunction handle() {{}}\n",
            "ambiguous",
            3,
            f"expected function handle once, found it 2 times: line 3, line 17 (the later one runs); `{PATTERN}` is at "
            "line 6",
            id="the pattern is in only one of them: ambiguous",
        ),
        pytest.param(
            APP.replace("store.save(session, total)", "store.saved(total)") + "\nhandle = null;\n",
            "ambiguous",
            3,
            f"expected function handle once, found it 2 times: line 3, line 17 (the later one runs); `{PATTERN}` is at "
            "none of them",
            id="the pattern is in none of them: ambiguous",
        ),
    ],
)
def test_a_build_stops_with(text: str, verdict: str, line: int, message: str) -> None:
    finding = judge(text)
    assert (finding.verdict, finding.line, finding.pins) == (verdict, line, ())
    assert finding.message == f"{message} (agent-dashboard 1.2.0 (v1.2.0))"
    assert (finding.hint, finding.scope, finding.file) == (HINT, "function handle", APP_FILE)


def test_the_hint_quotes_what_a_shell_would_split() -> None:
    upstream = replace(UPSTREAM, spec="my tree@v1")
    assert "--upstream 'my tree@v1'`" in judge(CHANGED, upstream=upstream).hint


def test_a_pattern_with_a_word_in_it_says_the_word() -> None:
    anchor = Anchor(function("handle"), PATTERN, (), containing="gone")
    assert f"expected `{PATTERN}` with `gone` in it once in" in judge(APP, anchor).message


def test_an_anchor_without_a_pin_never_fits() -> None:
    finding = judge(APP, replace(ANCHOR, pins=()))
    assert (finding.verdict, finding.verdict.stops, finding.pins) == ("unreviewed", True, ())
    assert finding.message == (
        "nobody has reviewed the code around `store.save($$$A)` in function handle: "
        f"`store.save(session, total);` ({UPSTREAM.label})"
    )


def test_an_anchor_without_a_pin_names_the_command_that_pins() -> None:
    upstream = replace(UPSTREAM, spec="my tree@v1")
    wanted = "`sidecar-patcher pin audit.one --upstream 'my tree@v1'` shows the code that is there; read it, then add `--write`"
    assert judge(APP, replace(ANCHOR, pins=()), upstream=upstream).hint == wanted


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param(APP.replace("store.save", "store.keep"), "missing", id="no match"),
        pytest.param(APP.replace("return total;", "store.save(session, total);"), "ambiguous", id="two matches"),
    ],
)
def test_what_is_not_there_once_is_no_question_of_a_review(text: str, verdict: str) -> None:
    assert judge(text, replace(ANCHOR, pins=())).verdict == verdict


def test_all_pins_are_named_when_none_fits() -> None:
    anchor = replace(ANCHOR, pins=(Pin("a" * 64, "b" * 64, 1), Pin("c" * 64, "d" * 64, 1)))
    assert "expected tokens aaaaaaaaaaaa… or cccccccccccc…, found" in judge(APP, anchor).message


# --- versions and lines ----------------------------------------------------------------------------------------


def test_versions_are_sorted_as_npm_sorts_them() -> None:
    in_order = ["next", "1.9.0", "v1.10.0", "2.0.0-alpha", "2.0.0-rc.2", "2.0.0-rc.10", "2.0", "=2.0.3", "v10"]
    assert sorted(random.sample(in_order, len(in_order)), key=version_key) == in_order


@pytest.mark.parametrize("text", ["", "v", "next", "1.2.3.4", "1..2", "one.two", "01.2.3"])
def test_what_is_not_a_version_comes_first(text: str) -> None:
    assert version_key(text) == ()


SIGNS = {
    "server/lib/codex-ingest.js": "1;\n",
    "server/routes/hooks.js": "router . post( '/codex', handler)\n",
    "server/db.js": "db.exec(`CREATE INDEX IF NOT EXISTS idx_sessions_provider ON sessions(provider)`)\n",
}


@pytest.mark.parametrize(
    ("there", "line"),
    [
        pytest.param([], Line.V1, id="none of what v2 brought"),
        pytest.param(["server/db.js"], Line.V1, id="one of three"),
        pytest.param(["server/db.js", "server/routes/hooks.js"], Line.V2, id="two of three"),
        pytest.param(list(SIGNS), Line.V2, id="all of it"),
    ],
)
def test_a_line_of_upstream_is_told_by_its_code(there: list[str], line: Line) -> None:
    assert upstream_line({path: File(SIGNS[path].encode()) for path in there}) is line


@pytest.mark.parametrize(
    ("ref", "spec", "hint"),
    [
        pytest.param(
            "v1.2.0",
            "it's/repo@v1.2.0",
            "`sidecar-patcher bump --upstream 'it'\"'\"'s/repo' --to v1.2.0` shows",
            id="quoted",
        ),
        pytest.param(
            "v1.2.0", "https://a.example/repo@v1.2.0", "`sidecar-patcher explain", id="a URL has no history here"
        ),
        pytest.param("v1.2.0", "git@a.example:repo@v1.2.0", "`sidecar-patcher explain", id="nor has one of ssh"),
        pytest.param("directory", "some/where@home", "`sidecar-patcher explain", id="a directory with an at sign"),
        pytest.param("builtin", "builtin", "`sidecar-patcher explain", id="the builtin sidecar"),
        pytest.param("", "", EXPLAIN.format("`"), id="nowhere"),
    ],
)
def test_a_clone_is_sent_to_the_bump(ref: str, spec: str, hint: str) -> None:
    found = judge(CHANGED, upstream=replace(UPSTREAM, ref=ref, spec=spec)).hint
    assert found.startswith(hint) and found.endswith("shows the code that is there and what to search for")


def test_what_is_of_the_client_is_bumped_with_the_client() -> None:
    edit = Site("one", "client/src/App.tsx", Position.AFTER, "payload.js.j2", (ANCHOR,))
    hint = verify(Patch("audit", "Audits.", (edit,)), edit, locate(CHANGED, ANCHOR), UPSTREAM).hint
    assert hint.startswith("`sidecar-patcher bump --upstream repo --client --to v1.2.0` shows")
