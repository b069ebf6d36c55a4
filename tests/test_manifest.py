"""Stage 8: the manifest is the same wherever it is made, and finds what a person has changed."""

import json
import os
from pathlib import Path

import pytest

from patcher import generated, pipeline
from patcher.errors import EXIT_IO
from patcher.errors.text import printable
from patcher.fingerprint import NOT_BUILT_WITH, tool_fingerprint
from patcher.generated import differences, read
from patcher.model import Series, digest
from patcher.resources import MANIFEST
from patcher.uptodate import is_up_to_date
from tests.support import APP, APP_FILE, SMALL, CommandLine, PatchMaker, Says, refusal, snapshot, spawn

NOT_OURS = "this is not a generated tree; `sidecar-patcher build --out DIR` makes one"


def built(bench: PatchMaker, tmp_path: Path, out: str = "out") -> Path:
    ours = bench.overlay("bin/ours.js", "1;\n", executable=True)
    audit = bench.patch("audit", *bench.audit().sites, overlays=(ours,))
    spec = SMALL.write(tmp_path / "upstream")
    assert pipeline.build(spec, str(tmp_path / out), series=[Series("test", patches=(audit,))]).ok
    return tmp_path / out


def found(out: Path) -> list[tuple[str, str]]:
    return list(differences(str(out), read(str(out))["files"]))


def test_a_page_for_people_is_no_part_of_what_the_tool_consists_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patcher.fingerprint.TEMPLATES", str(tmp_path))
    (tmp_path / "payload.js.j2").write_text("1;\n")
    before = tool_fingerprint()
    (tmp_path / "README.md").write_text("What is here.\n")
    assert tool_fingerprint() == before
    (tmp_path / "other.js.j2").write_text("2;\n")
    assert tool_fingerprint() != before


@pytest.mark.parametrize("name", sorted(NOT_BUILT_WITH | {"series"}))
def test_a_folder_of_payloads_counts_whatever_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("patcher.fingerprint.TEMPLATES", str(tmp_path))
    before = tool_fingerprint()
    (tmp_path / "server" / name).mkdir(parents=True)
    (tmp_path / "server" / name / "index.js").write_text("1;\n")
    assert tool_fingerprint() != before


# --- the same everywhere ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_builds_are_the_same_to_the_byte_wherever_they_run(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    places: list[tuple[Path, int, dict[str, str]]] = [
        (tmp_path, 0o022, {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}),
        (tmp_path / "elsewhere", 0o077, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8"}),
        (Path("/"), 0o000, {"PYTHONHASHSEED": "3", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ]
    for number, (cwd, umask, changes) in enumerate(places):
        ended = spawn("build", "--out", tmp_path / f"out-{number}", cwd=cwd, umask=umask, **changes)
        assert ended.code == 0, ended.err
    first, *others = (snapshot(tmp_path / f"out-{number}") for number in range(len(places)))
    assert all(other == first for other in others)


def test_two_builds_of_a_directory_do_not_say_where_it_was(bench: PatchMaker, tmp_path: Path) -> None:
    first, second = built(bench, tmp_path / "one"), built(bench, tmp_path / "two")
    assert snapshot(first) == snapshot(second)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(lambda: os.uname().nodename, id="the machine"),
        pytest.param(os.getcwd, id="the working directory"),
        pytest.param(lambda: str(Path.home()), id="the home directory"),
    ],
)
def test_the_manifest_does_not_name(bench: PatchMaker, tmp_path: Path, host: object) -> None:
    assert callable(host)
    text = (built(bench, tmp_path) / MANIFEST).read_text()
    assert f'"{host()}' not in text and str(tmp_path) not in text


# --- what it says ----------------------------------------------------------------------------------------------


def test_the_manifest_has_the_schema_of_the_design(bench: PatchMaker, tmp_path: Path) -> None:
    content = dict(read(str(built(bench, tmp_path))))
    assert set(content) == {"schema", "tool", "upstream", "series", "patches", "files"}
    assert content["series"] == [{"name": "test", "version": "", "sha256": ""}]  # of no directory: never up to date
    assert set(content["tool"]) == {"name", "version", "fingerprint"}
    assert set(content["upstream"]) == {"name", "version", "ref", "tree_sha256", "source"}
    assert {key for patch in content["patches"] for key in patch} == {
        *("id", "series", "verdict", "pins", "payload_sha256")
    }
    assert {key for file in content["files"] for key in file} == {"path", "status", "before", "after", "executable"}


def test_the_manifest_is_sorted_json_with_a_final_newline(bench: PatchMaker, tmp_path: Path) -> None:
    text = (built(bench, tmp_path) / MANIFEST).read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    paths = [file["path"] for file in content["files"]]
    assert paths == sorted(paths) and MANIFEST not in paths


def test_each_file_has_its_digest_before_and_after(bench: PatchMaker, tmp_path: Path) -> None:
    out = built(bench, tmp_path)
    files = {file["path"]: file for file in read(str(out))["files"]}
    assert {path: digest((out / path).read_bytes()) for path in files} == {
        path: file["after"] for path, file in files.items()
    }
    assert files[APP_FILE]["before"] == digest(APP.encode()) and files["bin/ours.js"]["before"] == ""
    assert [(file["status"], file["executable"]) for file in files.values() if file["executable"]] == [("added", True)]


def test_each_patch_has_its_verdict_and_pin(bench: PatchMaker, tmp_path: Path) -> None:
    [patch] = read(str(built(bench, tmp_path)))["patches"]
    assert (patch["id"], patch["verdict"]) == ("audit", "exact")
    assert patch["pins"] == [bench.audit().sites[0].anchors[0].pins[0].tokens]


def test_another_payload_has_another_digest(bench: PatchMaker, tmp_path: Path) -> None:
    first = read(str(built(bench, tmp_path, "one")))["patches"][0]
    bench.templates["overlay/bin/ours.js.j2"] = "2;\n"
    ours = bench.overlay("bin/ours.js", "2;\n", executable=True)
    audit = bench.patch("audit", *bench.audit().sites, overlays=(ours,))
    pipeline.build(str(tmp_path / "upstream"), str(tmp_path / "two"), series=[Series("test", patches=(audit,))])
    assert read(str(tmp_path / "two"))["patches"][0]["payload_sha256"] != first["payload_sha256"]


# --- what it finds ---------------------------------------------------------------------------------------------


def test_a_tree_as_it_was_built_has_no_differences(bench: PatchMaker, tmp_path: Path) -> None:
    assert found(built(bench, tmp_path)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda out: (out / APP_FILE).write_text("x"), [("edited", APP_FILE)], id="an edited file"),
        pytest.param(lambda out: (out / "LICENSE").chmod(0o755), [("edited", "LICENSE")], id="another mode"),
        pytest.param(lambda out: (out / "LICENSE").unlink(), [("deleted", "LICENSE")], id="a deleted file"),
        pytest.param(lambda out: (out / "x").write_text(""), [("added", "x")], id="an added file"),
        pytest.param(lambda out: (out / "server/data").mkdir(), [], id="an empty folder is nothing"),
        pytest.param(
            lambda out: ((out / "server/data").mkdir(), (out / "server/data/x").write_text("")),
            [("added", "server/data/x")],
            id="a deeper `data` is not the sidecar's",
        ),
        pytest.param(
            lambda out: (
                (out / "LICENSE").unlink(),
                (out / "b").write_text(""),
                (out / "server/store.js").write_text(""),
            ),
            [("deleted", "LICENSE"), ("added", "b"), ("edited", "server/store.js")],
            id="several, in path order",
        ),
        pytest.param(
            lambda out: ((out / "LICENSE").unlink(), (out / "LICENSE").symlink_to("nowhere")),
            [("edited", "LICENSE")],
            id="a link to nothing",
        ),
        pytest.param(lambda out: (out / "extra").symlink_to("server"), [("added", "extra")], id="a link to a folder"),
    ],
)
def test_what_a_person_changed_is_found(
    bench: PatchMaker, tmp_path: Path, change: object, expected: list[tuple[str, str]]
) -> None:
    out = built(bench, tmp_path)
    assert callable(change)
    change(out)
    assert found(out) == expected


@pytest.mark.parametrize("folder", sorted(generated.RUNTIME))
def test_what_a_running_sidecar_puts_there_is_no_difference(bench: PatchMaker, tmp_path: Path, folder: str) -> None:
    out = built(bench, tmp_path)
    (out / folder / "deep").mkdir(parents=True)
    (out / folder / "deep/x").write_text("x")
    assert found(out) == []


def test_what_upstream_ships_below_data_is_no_difference(bench: PatchMaker, tmp_path: Path) -> None:
    package = '{"name": "agent-dashboard", "version": "1.2.0", "files": ["data"]}'
    spec = SMALL.having({"package.json": package, "data/README": "x"}).write(tmp_path / "upstream")
    pipeline.build(spec, str(tmp_path / "out"), series=[Series("test", patches=(bench.audit(),))])
    assert found(tmp_path / "out") == []


# --- what cannot be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is not JSON: Expecting value: line 1 column 1 (char 0)", id="an empty file"),
        pytest.param(
            "{",
            "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            id="cut off",
        ),
        pytest.param("[]", "expected schema 1, found 'list'", id="a list"),
        pytest.param("{}", "expected schema 1, found None", id="no schema"),
        pytest.param('{"schema": 2}', "expected schema 1, found 2", id="a newer schema"),
        pytest.param('{"schema": 1}', "has no files", id="no files"),
        pytest.param("[" * 5000, "is not JSON: it is nested too deeply", id="too deep for Python"),
        pytest.param("[" * 300 + "]" * 300, "is not JSON: it is nested too deeply", id="too deep"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    expected = Says("manifest-unreadable", EXIT_IO, message, NOT_OURS, str(tmp_path / MANIFEST))
    assert Says.of(refusal(read, str(tmp_path))) == expected


@pytest.mark.parametrize(
    "path", ["../x", "data/../../x", "/x", "", ".", "a//b", "a\\b", "C:x", "a\0b", "\ud800", None, 3, ["x"]], ids=ascii
)
def test_a_path_that_is_not_in_the_tree_is_refused(tmp_path: Path, path: object) -> None:
    entry = {"path": path, "after": "", "before": "", "status": "copied", "executable": False}
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": 1, "files": [entry]}))
    message = refusal(read, str(tmp_path)).message
    assert message == printable(f"expected paths in the tree, found {path!r}")


@pytest.mark.parametrize("upstream", [None, [], {"ref": 3}, {"ref": [[]]}])
def test_a_manifest_that_does_not_say_what_it_is_of(tmp_path: Path, cli: CommandLine, upstream: object) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": 1, "files": [], "upstream": upstream}))
    ended = cli("verify", tmp_path)
    assert ended.code == EXIT_IO
    assert f"error[manifest-unreadable]: {tmp_path}: the manifest does not say what upstream it is of" in ended.said


@pytest.mark.parametrize(
    "text", ['{"tool": 3}', "[" * 5000, '{"tool": {"fingerprint": FINGERPRINT}, "upstream": {"source": 3}}']
)
def test_a_manifest_of_odd_types_is_not_up_to_date(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text.replace("FINGERPRINT", json.dumps(tool_fingerprint())))
    assert not is_up_to_date("builtin", str(tmp_path))


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_directory_without_a_manifest_is_refused(tmp_path: Path, name: str) -> None:
    expected = Says(
        "manifest-unreadable", EXIT_IO, f"expected {MANIFEST}, found no such file", NOT_OURS, str(tmp_path / name)
    )
    assert Says.of(refusal(read, str(tmp_path / name))) == expected


def test_a_manifest_that_is_a_directory_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    assert refusal(read, str(tmp_path)).message == "cannot be read: Is a directory"
