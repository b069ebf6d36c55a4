"""`package.json` of upstream, and of folders in it, through the whole flow and its gates."""

from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st

from patcher import pipeline
from patcher.client.toolchain import _wanted
from patcher.commands.bump import has_dependencies
from patcher.errors import PatcherError
from patcher.gates.es_imports import outside
from patcher.report.as_json import to_json
from patcher.report.problems import report_of
from patcher.upstream.materialize import materialize
from patcher.upstream.travels import dependencies
from tests.lab.fuzz.engine import Reader
from tests.lab.fuzz.given import small_series
from tests.lab.fuzz.mutations import changed_json
from tests.support import SMALL

_PACKAGE = {
    "name": "agent-dashboard", "version": "1.2.0", "type": "commonjs", "files": ["server", "docs/*.md"],
    "dependencies": {"express": "^4"}, "devDependencies": {"vite": "1"},
}  # fmt: skip
_VALUES = (
    "agent-dashboard",
    "module",
    "commonjs",
    "**",
    "[",
    "../..",
    "client",
    "server/" * 300,
    "[!a-" * 200,
    "v1.2",
    "9" * 5000,
)


def make(given: Path) -> Reader:
    series = small_series()

    def read(files: tuple[bytes, bytes, bytes]) -> Iterable[str]:
        SMALL.write(Path("up"))
        for folder, data in zip(("", "server", "client"), files, strict=True):
            Path("up", folder).mkdir(exist_ok=True)
            Path("up", folder, "package.json").write_bytes(data)
        for client in (False, True):
            try:
                upstream = materialize("up", client=client)
                build = pipeline.check_upstream(upstream, series)
                to_json(report_of("check", build))
                yield "stopped" if build.stopped else "done" if build.ok else "refused"
                for ask in (
                    lambda: dependencies(upstream.tree["package.json"].data, "package.json"), lambda: has_dependencies(upstream),
                    lambda: client and _wanted(upstream.tree), lambda: client and outside("react", upstream.tree, "client/src/x.ts"),
                ):  # fmt: skip
                    ask()
            except PatcherError as error:
                str(error).encode()
                yield error.code

    whole = changed_json(_PACKAGE, _VALUES, most=2)
    return Reader(st.tuples(whole, st.one_of(st.just(b"{}"), whole), st.one_of(st.just(b"{}"), whole)), read)
