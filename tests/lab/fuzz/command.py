"""The command line in this process, as a fuzzed reader calls it."""

import contextlib
import io
import json
import re
from collections.abc import Iterable

from patcher import __main__
from patcher.errors import EXIT_BUG
from tests.lab.fuzz.engine import Broken


def command(*arguments: str) -> Iterable[str]:
    """`exit N`, and the codes of the errors of its JSON report. Raises `Broken` for exit code 70."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = __main__.main([*arguments])
    printed, said = (_text(stream) for stream in (out, err))
    if code == EXIT_BUG:
        [*_, place] = re.findall(r'patcher/([^"]+)", line (\d+)', said)
        kind = re.findall(r"^([\w.]+)(?::.*)?$", said, re.MULTILINE)[-1]
        raise Broken(f"exit 70 at {':'.join(place)}: {kind}", said)
    yield f"exit {code}"
    yield from re.findall(r"error\[([\w-]+)\]", said)
    with contextlib.suppress(ValueError):
        yield from (error["code"] for error in json.loads(printed)["errors"])


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return bytes(stream.buffer.read()).decode("utf-8", "replace")
