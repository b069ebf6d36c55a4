"""Where an adopted edit goes when upstream has changed: it follows, or stops; it never chooses an order or a scope."""

from dataclasses import replace
from pathlib import Path

import pytest

from patcher import pipeline
from patcher.adopt.files import modified
from patcher.javascript import language_of
from patcher.locate import locate
from patcher.model import Build, File, Patch, Position, Site, Upstream, Verdict

CODE = """\
import first from "./first.js";
import second from "./second.js";

export function start(port) {
  const one = first(port);
  const two = second(port);
  return one + two;
}

export function stop(port) {
  const one = first(port);
  return one;
}
"""
FILE = "server/start.mjs"


def adopted(folder: Path, old: str, new: str, *, text: str = CODE, path: str = FILE) -> Patch:
    """The patch that `adopt` makes of one change."""
    found = modified(path, text, text.replace(old, new, 1), "1.2.0")
    assert found.status == "identical", found.reason
    sites = []
    for number, payload in enumerate(found.payloads):
        (folder / f"p{number}").write_text(payload.text)
        sites.append(Site(f"s{number}", path, Position.REPLACE, f"p{number}", (payload.anchor,), templates=str(folder)))
    return Patch("p", "Does.", tuple(sites))


def later(patch: Patch, text: str, path: str = FILE) -> Build:
    files = {path: File(text.encode()), "server/first.js": File(b"export default 1;\n"),
             "server/second.js": File(b"export default 1;\n"), "server/third.js": File(b"export default 1;\n")}  # fmt: skip
    return pipeline.check_upstream(Upstream("agent-dashboard", "1.3.0", "directory", files), (patch,))


def verdict(build: Build) -> Verdict:
    [finding] = build.findings
    return finding.verdict


INSERTED = ("  const two = second", "  log(one);\n  const two = second")


def test_it_goes_where_it_was_reviewed(tmp_path: Path) -> None:
    assert verdict(later(adopted(tmp_path, *INSERTED), CODE)) is Verdict.EXACT


def test_it_follows_when_lines_move(tmp_path: Path) -> None:
    build = later(adopted(tmp_path, *INSERTED), f"// a head\n{CODE}")
    assert verdict(build) is Verdict.MOVED
    assert "one = first(port);\n  log(one);\n  const two" in build.plain[FILE].data.decode()


def test_what_is_far_away_may_change(tmp_path: Path) -> None:
    text = CODE.replace("return one + two", "return two").replace("  return one;", "  return 2 * one;")
    assert not verdict(later(adopted(tmp_path, *INSERTED), text)).stops


@pytest.mark.parametrize("new", ["  upstreams();\n", "  const more = 1;\n"])
def test_it_stops_where_upstream_has_put_something_into_the_same_gap(tmp_path: Path, new: str) -> None:
    """Before it or behind it: which comes first is not ours to choose."""
    text = CODE.replace("  const two = second", f"{new}  const two = second", 1)
    assert verdict(later(adopted(tmp_path, *INSERTED), text)) is Verdict.DRIFTED


def test_it_stops_where_its_scope_is_gone_and_never_goes_into_another(tmp_path: Path) -> None:
    patch = adopted(tmp_path, "  return one;\n", "  log(one);\n  return one;\n")
    build = later(patch, CODE.replace("function stop", "function halt"))
    assert verdict(build) is Verdict.MISSING
    twice = later(patch, CODE + CODE[CODE.index("export function stop") :])
    assert verdict(twice) is Verdict.AMBIGUOUS


def test_of_two_equal_statements_the_window_says_which(tmp_path: Path) -> None:
    text = CODE.replace("  return one + two;", "  log();\n  one();\n  log();\n  two();")
    patch = adopted(tmp_path, "  one();\n  log();", "  one();\n  log(1);", text=text)
    build = later(patch, f"// a head\n{text}")
    assert verdict(build) is Verdict.MOVED
    assert "one();\n  log(1);\n" in build.plain[FILE].data.decode()
    assert verdict(later(patch, text.replace("one();", "three();"))).stops


def test_an_import_goes_in_beside_one_neighbour(tmp_path: Path) -> None:
    """The order of imports says nothing: a new one behind ours is no reason to stop."""
    patch = adopted(tmp_path, "\nexport function start", 'import third from "./third.js";\n\nexport function start')
    text = CODE.replace('"./second.js";\n', '"./second.js";\nimport other from "./third.js";\n')
    build = later(patch, text)
    assert not verdict(build).stops
    assert [gate.id for gate in build.gates if not gate.ok] == []


def test_what_upstream_has_brought_itself_is_not_brought_twice(tmp_path: Path) -> None:
    new = 'import third from "./third.js";\n'
    patch = adopted(tmp_path, "\nexport function start", f"{new}\nexport function start")
    build = later(patch, CODE.replace('"./second.js";\n', f'"./second.js";\n{new}'))
    [refused] = [gate for gate in build.gates if not gate.ok]
    assert refused.id == "declared-once"
    assert "p.s0 brings `third`, and the statements that it goes into have one already" in refused.message
    assert refused.hint


def test_a_pair_of_json_is_not_brought_twice(tmp_path: Path) -> None:
    data = '{\n  "a": 1,\n  "c": 3\n}\n'
    patch = adopted(tmp_path, '  "c"', '  "b": 2,\n  "c"', text=data, path="server/a.json")
    assert later(patch, data, "server/a.json").ok
    build = later(patch, data.replace('  "a": 1,\n', '  "a": 1,\n  "b": 2,\n'), "server/a.json")
    assert [gate.id for gate in build.gates if not gate.ok] == ["declared-once"]


def test_a_comment_goes_only_where_the_gap_is_the_same(tmp_path: Path) -> None:
    text = CODE.replace("  const two", "  // about two\n  const two")
    patch = adopted(tmp_path, "// about two", "// about the second", text=text)
    assert not verdict(later(patch, f"// a head\n{text}")).stops
    assert verdict(later(patch, text.replace("// about two", "// of two"))) is Verdict.DRIFTED


def test_a_header_is_pinned_without_what_is_below_it(tmp_path: Path) -> None:
    patch = adopted(tmp_path, "function start(port)", "async function start(port)")
    assert not verdict(later(patch, CODE.replace("return one + two", "return two"))).stops
    assert verdict(later(patch, CODE.replace("function start(port)", "function* start(port)"))).stops


def test_a_whole_file_is_pinned_by_its_digest(tmp_path: Path) -> None:
    found = modified("server/run.sh", "echo 1\n", "echo 2\n", "1.2.0")
    assert (found.status, found.hunks) == ("override", 0)
    anchor = found.payloads[0].anchor
    (tmp_path / "p").write_text("echo 2\n")
    site = Site("whole", "server/run.sh", Position.REPLACE, "p", (anchor,), templates=str(tmp_path))
    patch = Patch("p", "Does.", (site,))
    assert later(patch, "echo 1\n", "server/run.sh").plain["server/run.sh"].data == b"echo 2\n"
    assert verdict(later(patch, "echo 3\n", "server/run.sh")) is Verdict.DRIFTED


def test_an_anchor_without_its_pin_is_unreviewed(tmp_path: Path) -> None:
    patch = adopted(tmp_path, *INSERTED)
    bare = tuple(replace(site, anchors=(replace(site.anchors[0], pins=()),)) for site in patch.sites)
    assert verdict(later(replace(patch, sites=bare), CODE)) is Verdict.UNREVIEWED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  return one;\n", "  return one; // the end\n"),
        ("(port) {\n  const one = first(port);\n  const", "(port) {\n  // begin\n  const one = first(port);\n  const"),
        ("return one + two", "return one / two"),
        ("first(port);\n  const two", "first(port) /* c */;\n\n\n  const two"),
        ('"./second.js";\n', '"./second.js";\n/* a\n * b\n */\n'),
        (CODE, CODE + "// the end"),
        (CODE, "#!/usr/bin/env node\n" + CODE),
    ],
)
def test_a_payload_may_begin_or_end_with_anything(tmp_path: Path, old: str, new: str) -> None:
    """A `//` before a marker would hide it, a `/` would make a comment of it."""
    build = later(adopted(tmp_path, old, new), CODE)
    assert build.ok, [gate.message for gate in build.gates if not gate.ok]
    assert build.plain[FILE].data.decode() == CODE.replace(old, new, 1)


@pytest.mark.parametrize("sign", ["/", "<", "*", "+ /* c */"])
def test_a_sign_alone_may_be_replaced(tmp_path: Path, sign: str) -> None:
    """Behind `/` or `<` a marker would be something else."""
    long = "first(port, { alpha: 1, beta: 2, gamma: 3 }) + second(port, { alpha: 1, beta: 2, gamma: 3 })"
    text = CODE.replace("one + two", long)
    patch = adopted(tmp_path, ") + second", f") {sign} second", text=text)
    assert [site.anchors[0].header for site in patch.sites] == [True]
    build = later(patch, text)
    assert build.ok, [gate.message for gate in build.gates if not gate.ok]
    assert build.plain[FILE].data.decode() == text.replace(") + second", f") {sign} second")


def test_similar_items_are_named_where_there_is_none(tmp_path: Path) -> None:
    patch = adopted(tmp_path, "const two = second(port)", "const two = 2")
    anchor = patch.sites[0].anchors[0]
    located = locate(CODE.replace("const two =", "const twos ="), anchor, language_of(FILE))
    assert located.matches == ()
    assert str(located.candidates[0]).startswith("`const twos = second(port);`")
