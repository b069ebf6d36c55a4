"""From a generated tree back to the bytes that upstream shipped."""

import json
from pathlib import Path

import pytest

from patcher import pipeline, revert
from patcher.errors import EXIT_ANCHOR, EXIT_IO
from patcher.model import Position, Series, digest
from patcher.resources import MANIFEST
from patcher.revert import write_new
from tests.support import APP, APP_FILE, SMALL, CommandLine, PatchMaker, Says, Tree, refusal, snapshot

REBUILD = "build the tree again from upstream: `sidecar-patcher build --upstream SPEC`"


def built(bench: PatchMaker, tmp_path: Path, tree: Tree = SMALL) -> Path:
    """Two layers, a replacement and a file of ours."""
    audit = bench.insert("audit", "store.save(session, total)", "console.log(session);\nconsole.log(total);")
    on_audit = tree.run(audit).changed[APP_FILE]
    seal = bench.edit("console.log(total)", "console.log(/*= original =*/)", on=on_audit, position=Position.REPLACE)
    both = (audit, bench.patch("seal", seal, requires=("audit",), overlays=(bench.overlay("bin/ours.js", "1;\n"),)))
    assert pipeline.build(
        tree.write(tmp_path / "upstream"), str(tmp_path / "out"), series=[Series("test", patches=both)]
    ).ok
    return tmp_path / "out"


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(SMALL, id="as it is"),
        pytest.param(SMALL.having({APP_FILE: APP.replace("\n", "\r\n")}), id="with CRLF"),
        pytest.param(SMALL.having({APP_FILE: f"\ufeff{APP}".rstrip("\n")}), id="with a BOM and no last newline"),
        pytest.param(SMALL.having({APP_FILE: f"/* 😀 */ {APP}"}), id="with characters beyond the BMP"),
        pytest.param(SMALL.having({"server/data.bin": b"\xff\x00\r\n", "server/empty.js": ""}), id="with other files"),
        pytest.param(
            Tree({**SMALL.files, "bin/run.sh": "#!/bin/sh\n"}, executable=frozenset({"bin/run.sh", APP_FILE})),
            id="with modes",
        ),
    ],
)
def test_the_pristine_bytes_come_back(bench: PatchMaker, tmp_path: Path, tree: Tree) -> None:
    out = built(bench, tmp_path, tree)
    write_new(revert.pristine(str(out)), str(tmp_path / "reverted"))
    assert snapshot(tmp_path / "reverted") == snapshot(tmp_path / "upstream")


def test_the_generated_tree_is_left_as_it_is(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    before = snapshot(out)
    revert.pristine(str(out))
    assert snapshot(out) == before


def test_what_a_running_sidecar_put_there_stays_there(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    (out / "data").mkdir()
    (out / "data/dashboard.db").write_text("rows")
    assert "data/dashboard.db" not in revert.pristine(str(out))


def test_an_added_file_is_no_obstacle_and_does_not_come_back(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    (out / "notes.txt").write_text("mine")
    assert set(revert.pristine(str(out))) == set(SMALL.files)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(
            lambda out: (out / APP_FILE).write_text("x"), f"{APP_FILE} (edited)", id="a patched file was edited"
        ),
        pytest.param(lambda out: (out / "LICENSE").write_text("x"), "LICENSE (edited)", id="a copied file was edited"),
        pytest.param(
            lambda out: (out / "bin/ours.js").write_text("2;\n"), "bin/ours.js (edited)", id="a file of ours was edited"
        ),
        pytest.param(lambda out: (out / "LICENSE").unlink(), "LICENSE (deleted)", id="a file was deleted"),
        pytest.param(lambda out: (out / "LICENSE").chmod(0o755), "LICENSE (edited)", id="a mode was changed"),
    ],
)
def test_an_edited_tree_is_refused(bench: PatchMaker, tmp_path: Path, change: object, named: str) -> None:
    out = built(bench, tmp_path)
    assert callable(change)
    change(out)
    expected = Says("not-reversible", EXIT_ANCHOR, f"the tree is not as it was built: {named}", REBUILD, str(out))
    assert Says.of(refusal(revert.pristine, str(out))) == expected


def test_bytes_that_are_not_what_the_manifest_says_are_refused(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    text = (out / MANIFEST).read_text()
    before = digest(APP.encode())
    (out / MANIFEST).write_text(text.replace(before, "0" * 64))
    message = f"expected 000000000000…, found {before[:12]}… after taking the payloads out"
    hint = "this is a bug of ours; please report it with the manifest"
    assert Says.of(refusal(revert.pristine, str(out))) == Says("not-reversible", EXIT_ANCHOR, message, hint, APP_FILE)


def test_bytes_that_are_not_text_are_refused(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    data = (out / APP_FILE).read_bytes()
    (out / APP_FILE).write_bytes(data + b"\xff")
    (out / MANIFEST).write_text((out / MANIFEST).read_text().replace(digest(data), digest(data + b"\xff")))
    message = f"expected text with markers, found the byte 0xff at offset {len(data)}"
    assert Says.of(refusal(revert.pristine, str(out))) == Says(
        "not-reversible", EXIT_ANCHOR, message, REBUILD, APP_FILE
    )


@pytest.mark.parametrize("key", ["before", "status"])
@pytest.mark.parametrize("value", [3, [], {}, None])
def test_a_manifest_of_odd_types_is_refused(bench: PatchMaker, tmp_path: Path, key: str, value: object) -> None:
    manifest = built(bench, tmp_path) / MANIFEST
    content = json.loads(manifest.read_text())
    for entry in content["files"]:
        entry[key] = value
    manifest.write_text(json.dumps(content))
    error = refusal(revert.pristine, str(tmp_path / "out"))
    assert (error.code, error.message) == ("manifest-unreadable", "the manifest has no digests of the pristine files")


def test_no_file_from_outside_of_the_tree_comes_into_the_output(
    bench: PatchMaker, tmp_path: Path, cli: CommandLine
) -> None:
    out = built(bench, tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    content = json.loads((out / MANIFEST).read_text())
    sha256 = digest(b"secret")
    path = f"data/../../{secret.name}"
    content["files"].append({"path": path, "after": sha256, "before": sha256, "status": "copied", "executable": False})
    (out / MANIFEST).write_text(json.dumps(content))
    assert cli("revert", out, "--out", tmp_path / "deep" / "reverted").code == EXIT_IO
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("text", [pytest.param(None, id="no manifest"), pytest.param("{", id="a broken manifest")])
def test_a_tree_without_a_good_manifest_is_refused(bench: PatchMaker, tmp_path: Path, text: str | None) -> None:
    manifest = built(bench, tmp_path) / MANIFEST
    manifest.unlink() if text is None else manifest.write_text(text)
    error = refusal(revert.pristine, str(tmp_path / "out"))
    assert (error.code, error.exit_code) == ("manifest-unreadable", EXIT_IO)


def test_revert_is_a_command(bench: PatchMaker, tmp_path: Path, cli: CommandLine) -> None:
    out = built(bench, tmp_path)
    ended = cli("revert", out, "--out", tmp_path / "reverted")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"reverted {out}, by test: {len(SMALL.files)} files in {tmp_path / 'reverted'}\n"
    assert snapshot(tmp_path / "reverted") == snapshot(tmp_path / "upstream")


def test_a_directory_that_holds_something_is_not_written_to(
    bench: PatchMaker, tmp_path: Path, cli: CommandLine
) -> None:
    out = built(bench, tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    ended = cli("revert", out, "--out", tmp_path / "full")
    assert (ended.code, ended.out) == (EXIT_IO, "")
    assert "error[output-not-ours]" in ended.err and snapshot(tmp_path / "full") == {"mine.txt": (b"mine", False)}
