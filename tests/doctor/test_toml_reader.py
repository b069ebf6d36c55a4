"""Our TOML reader beside Python's: never another value, and never a value where Python refuses."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from patcher.errors import NodeMissing
from patcher.node.find import find_node
from patcher.render import render
from tests.doctor import toml_documents

_DOCUMENTS = 20_000
_STRICTER = 30  # a dotted key that goes on in a table which only a deeper header made: TOML is of two minds there
_DRIVER = """
const { parseToml, UNREAD } = require(process.argv[1]);
const plain = value => {
  if (value === UNREAD) return { unread: true };
  if (value instanceof Map) return { table: Object.fromEntries([...value].map(([key, each]) => [key, plain(each)])) };
  return Array.isArray(value) ? value.map(plain) : value;
};
require("node:readline").createInterface({ input: process.stdin }).on("line", line => {
  let answer = null;
  try { answer = plain(parseToml(JSON.parse(line))); }
  catch (error) { if (!(error instanceof SyntaxError)) throw error; }
  console.log(JSON.stringify(answer));
});
"""


def answers(texts: list[str], directory: Path) -> list[object]:
    module = directory / "codex-toml.js"
    module.write_text(render("overlay/server/lib/codex-toml.js"), encoding="utf-8")
    try:
        node = find_node().path
    except NodeMissing as error:
        pytest.skip(error.message)
    lines = "".join(f"{json.dumps(text)}\n" for text in texts)
    command = [node, "-e", _DRIVER, str(module)]
    done = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_random_documents_are_read_as_python_reads_them(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - documents, not secrets
    texts = [toml_documents.document(chance) for _ in range(_DOCUMENTS)]
    expected = [toml_documents.read(text) for text in texts]
    given = answers(texts, tmp_path)
    wrong = [
        text for text, ours, theirs in zip(texts, given, expected, strict=True) if ours is not None and ours != theirs
    ]
    stricter = [
        text for text, ours, theirs in zip(texts, given, expected, strict=True) if ours is None and theirs is not None
    ]
    assert wrong == []
    assert len(stricter) <= _STRICTER, stricter[:5]
    assert sum(answer is not None for answer in given) > _DOCUMENTS / 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="an empty file"),
        pytest.param("\ufeff[features]\r\nhooks = false # off\r\n", {"features": {"table": {"hooks": False}}}, id="a BOM"),
        pytest.param("a = '''\n'''\n__proto__ = 'x'", {"a": "", "__proto__": "x"}, id="a name that JavaScript knows"),
        pytest.param("[a]\n[a]", None, id="a table twice"),
        pytest.param("a = 1\na = 2", None, id="a key twice"),
        pytest.param("a = {b = 1}\na.c = 2", None, id="an inline table is complete"),
        pytest.param("a = []\n[[a]]", None, id="an array does not become tables"),
        pytest.param("a = \u2603", None, id="no value"),
    ],
)  # fmt: skip
def test_what_it_reads(text: str, expected: object, tmp_path: Path) -> None:
    assert answers([text], tmp_path) == [None if expected is None else {"table": expected}]
