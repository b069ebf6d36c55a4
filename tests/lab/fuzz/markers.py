"""Generated files with damaged markers, as `revert` and a build from a generated tree read them."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from hypothesis import strategies as st

from patcher import markers, pipeline
from patcher.errors import PatcherError
from patcher.model import Position, Series
from patcher.resources import MANIFEST
from tests.lab.fuzz.command import command
from tests.lab.fuzz.engine import Reader
from tests.lab.fuzz.given import generated_tree, small_series
from tests.lab.fuzz.mutations import damaged
from tests.support import APP, APP_FILE, PACKAGE_JSON

_WHERES = ("server/app.js", "bin/run", "server/app.tsx", "page.html", "")
_WAS = ('"\\ud800"', '"\\x"', '"\\u0000*\\/"')
_JSX = 'x = <div>{/* sidecar-patcher:begin a.0 (before) */}\n <b/>\n {/* sidecar-patcher:end a.0 was "\\u00e9*\\/" */}</div>;\n'


def make(given: Path) -> Reader:
    series = small_series()
    tree = generated_tree(given, series)
    begins = [markers.begin_marker(name, place) for name in ("audit.0", "audit.1", "b.0") for place in Position]
    ends = [
        markers.end_marker(name, was) for name in ("audit.0", "audit.1", "b.0") for was in ("", "x", '"*/\\', begins[0])
    ]
    odd = [
        "/*",
        "*/",
        "`",
        "'",
        "{",
        "}",
        "\r\n",
        ' was "\\ud800"',
        ' was "\\x"',
        "// ",
        "/* sidecar-patcher:begin ",
        "\\",
        markers.NAME,
    ]
    odd += [
        f"{begin} x {end}".replace('"x"', was)
        for begin, end in zip(begins[:: len(Position)], ends[1::4], strict=True)
        for was in _WAS
    ]
    words = [
        word.encode("utf-8", "surrogatepass")
        for word in (*begins, *ends, *odd, *(f"{{{word}}}" for word in begins[:2]))
    ]
    valid = st.sampled_from([(tree / APP_FILE).read_bytes(), _JSX.encode()])
    many = st.lists(st.sampled_from(words), max_size=300).map(b"\n".join)

    def read(data: bytes) -> Iterable[str]:
        text = data.decode("utf-8", "replace")
        for where in _WHERES:
            try:
                yield "done" if markers.unsplice(text, where)[1] else "none"
            except PatcherError as error:
                yield error.code
        _lay(data)
        yield from command("revert", "--format=json", "tree", "--out=out")
        Path("tree", MANIFEST).unlink()
        try:
            yield f"as upstream: {'stopped' if pipeline.check('tree', [Series('test', patches=series)]).stopped else 'done'}"
        except PatcherError as error:
            yield error.code

    return Reader(st.one_of(damaged(valid, words, most=8), damaged(many, words)), read)


def _lay(data: bytes) -> None:
    """A tree whose manifest knows these bytes as those that were built."""
    files = []
    for path, content, before in (
        (APP_FILE, data, APP.encode()),
        ("package.json", PACKAGE_JSON.encode(), PACKAGE_JSON.encode()),
    ):
        Path("tree", path).parent.mkdir(parents=True, exist_ok=True)
        Path("tree", path).write_bytes(content)
        digests = {"after": sha256(content).hexdigest(), "before": sha256(before).hexdigest()}
        files.append({"path": path, "executable": False, "status": "patched", **digests})
    Path("tree", MANIFEST).write_text(json.dumps({"schema": 1, "files": files, "upstream": {}}))
