"""JSX and TypeScript: tokens that a formatter cannot change, anchors on elements, markers between tags, the gates."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from patcher import apply, javascript, markers
from patcher.gates import gate
from patcher.gates.free_identifiers import free_names
from patcher.locate import locate
from patcher.model import MODULE, Anchor, Build, File, Overlay, Patch, Pin, Position, Site, Upstream, Verdict, function
from patcher.verify import verify
from tests.support import PatchMaker

PATH = "client/src/Page.tsx"
PAGE = """\
import { useState } from "react";
import { Card } from "./Card";

export const Page = ({ name }: { name: string }) => {
  const [open] = useState<boolean>(false);
  return (
    <main className="wide">
      {/* first */}
      <section id="one">
        <h2>{name}</h2> text // not a comment
      </section>
      <Card open={open} />
    </main>
  );
};
"""
CARD = "export function Card({ open }: { open: boolean }) {\n  const text = String(open);\n  return <p>{text}</p>;\n}\n"
PACKAGE = '{"name": "c", "dependencies": {"react": "1"}}'
SECTION = Anchor(scope=function("Page"), pattern="<section $$$A>$$$C</section>", pins=(), containing="{name}")


def tokens(text: str, anchor: Anchor = SECTION) -> str:
    [match] = locate(text, anchor, "tsx").matches
    return match.tokens


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.js", "javascript"),
        ("a.tsx", "tsx"),
        ("a.ts", "typescript"),
        ("a.mts", "typescript"),
        ("a.mjs", "javascript"),
    ],
)
def test_the_ending_chooses_the_grammar(path: str, language: str) -> None:
    assert javascript.language_of(path) == language


HARMLESS = {
    "text on lines of its own": ("<h2>{name}</h2> text //", "<h2>{name}</h2>{' '}\n        text\n   //"),
    "an element on lines of its own": ("<h2>{name}</h2>", "<h2>\n          {name}\n        </h2>"),
    "a comment between tags": ("<h2>", "{/* note */}\n        <h2>"),
    "quotes of an attribute": ('id="one"', "id='one'"),
    "parentheses around the whole": ("return (\n    <main", "return <main"),
    "attributes below each other": ('<section id="one">', '<section\n        id="one"\n      >'),
    "a neighbour": ("<Card open={open} />", "<Card open={!open} />"),
    "a new line ending": ("\n", "\r\n"),
}
BREAKING = {
    "another text": ("text //", "texts //"),
    "a blank that is shown": ("<h2>{name}</h2> text", "<h2>{name}</h2>\n        text"),
    "another attribute": ('id="one"', 'id="two"'),
    "another element": ("<h2>{name}</h2>", "<h3>{name}</h3>"),
    "a list around it": ('<main className="wide">', '<main className="grid">'),
    "another function": ("({ name }: { name: string }) =>", "({ name }: { name: number }) =>"),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_a_formatter_does_does_not_count(change: str) -> None:
    old, new = HARMLESS[change]
    assert old in PAGE
    changed = PAGE.replace(old, new)
    if change.startswith("parentheses"):
        changed = changed.replace("</main>\n  );", "</main>;")
    assert not javascript.syntax_errors(javascript.parse(changed, "tsx"))
    assert tokens(changed) == tokens(PAGE)


@pytest.mark.parametrize("change", BREAKING)
def test_what_changes_the_meaning_does(change: str) -> None:
    old, new = BREAKING[change]
    assert old in PAGE
    assert tokens(PAGE.replace(old, new)) != tokens(PAGE)


def test_parentheses_of_a_parameter_do_not_count_and_those_of_a_type_do() -> None:
    def of(text: str) -> list[str]:
        return list(javascript.tokens(javascript.parse(text, "tsx")))

    assert of("const f = (x) => x;") == of("const f = x => x;")
    assert of("const f = (x: number) => x;") != of("const f = (x) => x;")


# --- splices ---------------------------------------------------------------------------------------------------


def patched(
    bench: PatchMaker, place: Position, payload: str, page: str = PAGE, files: Mapping[str, str] | None = None
) -> Build:
    bench.templates["payload/p.tsx.j2"] = payload
    bench.templates["overlay/added.tsx.j2"] = (files or {}).get("client/src/Added.tsx", "export const Added = 1;\n")
    [match] = locate(PAGE, SECTION, "tsx").matches
    pin = Pin(match.tokens, match.text, match.line)
    anchor = Anchor(scope=SECTION.scope, pattern=SECTION.pattern, containing="{name}", pins=(pin,))
    overlay = Overlay(path="client/src/Added.tsx", template="overlay/added.tsx.j2", templates=bench.templates.folder)
    patch = Patch(
        "p",
        "Does.",
        (Site("one", PATH, place, "payload/p.tsx.j2", (anchor,), templates=bench.templates.folder),),
        overlays=(overlay,),
    )
    texts = {PATH: page, "client/src/Card.tsx": CARD, "client/package.json": PACKAGE}
    upstream = Upstream("agent-dashboard", "1.2.0", "directory", {name: File(t.encode()) for name, t in texts.items()})
    build = apply.apply_series(upstream, (patch,))
    assert not build.stopped, build.stops
    return replace(
        build, gates=gate(build, lambda tree: apply.apply_series(replace(upstream, tree=tree), (patch,)).tree)
    )


def refused(build: Build) -> dict[str, str]:
    return {each.id: each.message for each in build.gates if not each.ok}


@pytest.mark.parametrize("place", [place for place in Position if place is not Position.DELETE])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_payload_between_tags_goes_in_and_comes_out(bench: PatchMaker, place: Position, eol: str) -> None:
    page = PAGE.replace("\n", eol)
    build = patched(bench, place, "<Card open />\n", page)
    assert refused(build) == {}
    text = build.tree[PATH].data.decode()
    assert f"{{/* sidecar-patcher:begin p.one ({place}) */}}" in text
    assert markers.unsplice(text)[0] == page
    root = javascript.parse(text, "tsx")
    assert [node.text() for node in root.find_all(kind="jsx_self_closing_element")].count("<Card open />") == 1
    assert not [node for node in root.find_all(kind="jsx_text") if "sidecar-patcher" in node.text()]


def test_behind_an_element_is_not_behind_the_text_that_looks_like_a_comment(bench: PatchMaker) -> None:
    page = PAGE.replace("</section>", "</section> // shown")
    text = patched(bench, Position.AFTER, "<Card open />\n", page).tree[PATH].data.decode()
    assert "end p.one */} // shown" in text


def test_applied_and_tampered_are_seen_between_tags(bench: PatchMaker) -> None:
    first = patched(bench, Position.AFTER, "<Card open />\n")
    text = first.tree[PATH].data.decode()
    assert patched_again(bench, text) == Verdict.APPLIED
    assert patched_again(bench, text.replace("<Card open />", "<Card open={false} />")) == Verdict.TAMPERED


def patched_again(bench: PatchMaker, text: str) -> Verdict:
    [match] = locate(PAGE, SECTION, "tsx").matches
    anchor = Anchor(
        function("Page"), SECTION.pattern, (Pin(match.tokens, match.text, match.line),), containing="{name}"
    )
    patch = Patch(
        "p",
        "Does.",
        (Site("one", PATH, Position.AFTER, "payload/p.tsx.j2", (anchor,), templates=bench.templates.folder),),
    )
    bench.templates["payload/p.tsx.j2"] = "<Card open />\n"
    upstream = Upstream("agent-dashboard", "1.2.0", "directory", {PATH: File(text.encode())})
    return apply.apply_series(upstream, (patch,)).findings[0].verdict


def test_braces_of_upstream_are_not_those_of_a_marker() -> None:
    begin, end = markers.begin_marker("p.one", Position.REPLACE), markers.end_marker("p.one", "a: 1")
    assert markers.unsplice(f"f({{{begin} a: 2 {end}}});")[0] == "f({a: 1});"


# --- gates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "gate_id", "said"),
    [
        pytest.param(
            "<Cart open />", "free-identifiers", "uses `Cart`, which is not bound in function Page", id="unbound"
        ),
        pytest.param("<Card open={process.env.X} />", "free-identifiers", "uses `process`", id="Node in a browser"),
        pytest.param("<Card open", "parses", "does not parse", id="broken"),
        pytest.param("<Card>{'=*/'}</Card>", "template-residue", "is left over", id="residue"),
    ],
)
def test_a_gate_refuses_a_payload_between_tags(bench: PatchMaker, payload: str, gate_id: str, said: str) -> None:
    assert said in refused(patched(bench, Position.AFTER, f"{payload}\n"))[gate_id]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('import { Card } from "./Carte";\n', "`./Carte` is not in the client's sources"),
        ('import { Carte } from "./Card";\n', "`client/src/Card.tsx` does not export `Carte`"),
        ('import x from "lodash";\n', "`lodash` is neither a file of the tree nor a package of client/package.json"),
        ('import Card from "./Card";\n', "does not export `default`"),
        ('import { text } from "./Card";\n', "`client/src/Card.tsx` does not export `text`"),
    ],
)
def test_the_imports_of_a_file_of_ours_are_there(bench: PatchMaker, source: str, said: str) -> None:
    build = patched(bench, Position.AFTER, "<Card open />\n", files={"client/src/Added.tsx": source})
    assert said in refused(build)["imports"]


def test_imports_that_are_there_pass(bench: PatchMaker) -> None:
    source = 'import { useState } from "react";\nimport { Card } from "./Card";\nexport const a = [useState, Card];\n'
    assert refused(patched(bench, Position.AFTER, "<Card open />\n", files={"client/src/Added.tsx": source})) == {}


def test_tags_of_html_are_no_names() -> None:
    assert free_names("<div><Card open={x} /><b.C /></div>", "tsx") == {"Card", "x", "b"}


def test_a_statement_of_the_module_is_found_in_typescript() -> None:
    anchor = Anchor(MODULE, 'import { Card } from "./Card"', pins=())
    located = locate(PAGE, anchor, "tsx")
    [match] = located.matches
    assert (match.line, match.jsx) == (2, False)
    patch = Patch("p", "Does.", (Site("one", PATH, Position.AFTER, "t", (anchor,)),))
    upstream = Upstream("agent-dashboard", "1.2.0", "directory", {})
    assert verify(patch, patch.sites[0], located, upstream).verdict is Verdict.UNREVIEWED


def test_two_elements_are_ambiguous() -> None:
    twice = PAGE.replace("<Card open={open} />", "<section>{name}</section>")
    assert [match.line for match in locate(twice, SECTION, "tsx").matches] == [9, 12]
