"""Compresses files as Codex does, with the zstd of Node: Python has none before 3.14."""

import subprocess
import threading
from types import TracebackType
from typing import Self

from patcher.prove import Node

_PROGRAM = """
const fs = require("node:fs"), { zstdCompressSync } = require("node:zlib");
require("node:readline").createInterface({ input: process.stdin }).on("line", path => {
  fs.writeFileSync(path + ".draft", zstdCompressSync(fs.readFileSync(path)));
  process.stdout.write("done\\n");
});
"""


class Compressor:
    """A process that compresses what it is told to. A context manager."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([self._node.path, "-e", _PROGRAM], stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def compress(self, path: str) -> str:
        """Write what is in `path`, compressed, beside it; returns where."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
            if self._process.stdout.readline() != "done\n":
                raise RuntimeError(f"node could not compress {path}")
        return f"{path}.draft"
