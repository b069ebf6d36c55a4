"""What the tests share: small upstream trees, small series, a command line, and the invariants of every result.

No text of upstream is in here: `APP` is ours.
"""

import contextlib
import io
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest

from patcher import __main__, markers, pipeline
from patcher.errors import PatcherError
from patcher.generated import SCHEMA
from patcher.locate import locate
from patcher.model import (
    Anchor,
    Build,
    File,
    Finding,
    Overlay,
    Patch,
    Pin,
    Position,
    Scope,
    Site,
    Upstream,
    Verdict,
    function,
)
from patcher.patches import pins
from patcher.resources import MANIFEST

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
APP_FILE = "server/app.js"
APP = """\
const store = require("./store");

function handle(request) {
  const session = store.ensure(request);
  const total = store.count(session);
  store.save(session, total); // keep it
  return total;
}

app.get("/list", (req, res) => {
  const where = [];
  res.json(store.query(where));
});

module.exports = { handle };
"""
STORE = "exports.ensure = (id) => id;\n"
PACKAGE_JSON = '{"name": "agent-dashboard", "version": "1.2.0"}\n'
HANDLE = function("handle")


# --- trees -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """Files in, a run, verdicts and changed files out. Immutable: a change is a new tree."""

    files: Mapping[str, str | bytes]
    version: str = "1.2.0"
    executable: frozenset[str] = frozenset()

    def having(self, files: Mapping[str, str | bytes]) -> "Tree":
        return replace(self, files={**self.files, **files})

    def without(self, *paths: str) -> "Tree":
        return replace(self, files={path: text for path, text in self.files.items() if path not in paths})

    def edited(self, old: str, new: str, path: str = APP_FILE) -> "Tree":
        text = self.files[path]
        assert isinstance(text, str) and old in text, f"{old!r} is not in {path}"
        return self.having({path: text.replace(old, new)})

    @property
    def upstream(self) -> Upstream:
        tree = {path: File(to_bytes(data), path in self.executable) for path, data in self.files.items()}
        return Upstream("agent-dashboard", self.version, "directory", tree)

    def run(self, *series: Patch) -> "Run":
        """Every stage but reading and writing. What comes out must keep the invariants."""
        run = Run(pipeline.check_upstream(self.upstream, series), series)
        if run.build.ok:
            assert_invariants(run.build, series)
        return run

    def write(self, directory: Path) -> str:
        for path, data in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(to_bytes(data))
            target.chmod(0o755 if path in self.executable else 0o644)
        return str(directory)


SMALL = Tree({"package.json": PACKAGE_JSON, APP_FILE: APP, "server/store.js": STORE, "LICENSE": "MIT\n"})


def to_bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


@dataclass(frozen=True)
class Run:
    """What a run of the flow and the gates found."""

    build: Build
    series: tuple[Patch, ...]

    def finding(self, patch: str) -> Finding:
        [found] = [each for each in self.build.findings if each.patch == patch]
        return found

    @property
    def verdicts(self) -> dict[str, str]:
        return {finding.patch: str(finding.verdict) for finding in self.build.findings}

    @property
    def refused(self) -> dict[str, str]:
        """The gates that refused, with their messages."""
        return {gate.id: gate.message for gate in self.build.gates if not gate.ok}

    @property
    def changed(self) -> dict[str, str]:
        """The files that are not as upstream ships them, as text."""
        before, after = self.build.upstream.tree, self.build.tree
        return {path: file.data.decode() for path, file in after.items() if before.get(path) != file}

    def again(self) -> "Run":
        """The same series on its own output."""
        upstream = replace(self.build.upstream, tree=self.build.tree)
        return Run(pipeline.check_upstream(upstream, self.series), self.series)

    def output(self) -> Tree:
        files = {path: file.data.decode() for path, file in self.build.tree.items()}
        return Tree(files, self.build.upstream.version)


def assert_invariants(build: Build, series: tuple[Patch, ...]) -> None:
    """A second run changes nothing; unsplicing gives the pristine bytes; nothing outside the splices moved."""
    again = pipeline.check_upstream(replace(build.upstream, tree=build.tree), series)
    assert again.tree == build.tree
    for path in {layer.file for layer in build.layers}:
        text, _ = markers.unsplice(build.tree[path].data.decode())
        assert text.encode() == build.upstream.tree[path].data
    for layer in build.layers:
        assert (
            _spliced_by_hand(layer.before, [(each.start, each.end, each.text) for each in layer.splices]) == layer.after
        )
    patched = {layer.file for layer in build.layers}
    for path in build.upstream.tree.keys() - patched:
        assert build.tree[path] == build.upstream.tree[path]


def _spliced_by_hand(text: str, splices: Iterable[tuple[int, int, str]]) -> str:
    out, position = "", 0
    for start, end, spliced in sorted(splices):
        out, position = out + text[position:start] + spliced, end
    return out + text[position:]


def generated(files: Mapping[str, str | bytes], executable: Iterable[str] = ()) -> dict[str, File]:
    """A generated tree as `write` takes it: files, and a manifest that names them."""
    tree = {path: File(to_bytes(data), path in executable) for path, data in files.items()}
    entries = [
        {"path": path, "after": file.sha256, "executable": file.executable, "before": file.sha256, "status": "copied"}
        for path, file in sorted(tree.items())
    ]
    return {**tree, MANIFEST: File(json.dumps({"schema": SCHEMA, "files": entries}).encode())}


# --- patches ---------------------------------------------------------------------------------------------------


def reviewed(text: str, anchor: Anchor) -> Anchor:
    """The anchor with the pin that a person who reviewed `text` would give it."""
    [match] = locate(text, anchor).matches
    return replace(anchor, pins=(*anchor.pins, Pin(match.tokens, match.text, match.line)))


class Templates(dict[str, str]):
    """Texts by the name of their template, which are files of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = str(folder)

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        path = Path(self.folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


@dataclass
class PatchMaker:
    """Declares small patches. `templates` is what their payloads and overlays are rendered from."""

    templates: Templates

    def edit(
        self,
        pattern: str,
        payload: str,
        *,
        position: Position = Position.AFTER,
        name: str = "one",
        scope: Scope = HANDLE,
        on: str = APP,
        file: str = APP_FILE,
        **anchor: Any,
    ) -> Site:
        template = f"payload/{len(self.templates)}.js.j2"
        self.templates[template] = payload
        anchors = (reviewed(on, Anchor(scope, pattern, (), **anchor)),)
        return Site(name, file, position, template, anchors, templates=self.templates.folder)

    def patch(self, name: str, *edits: Site, **more: Any) -> Patch:
        """The sites are named `one`, `two`, … in their order."""
        names = ("one", "two", "three", "four")
        sites = tuple(replace(site, name=names[index]) for index, site in enumerate(edits))
        return Patch(name, f"Does {name}.", sites, **more)

    def insert(self, name: str, pattern: str, payload: str, *, requires: tuple[str, ...] = (), **more: Any) -> Patch:
        """A patch with one site."""
        return self.patch(name, self.edit(pattern, payload, **more), requires=requires)

    def overlay(self, path: str, text: str, **more: Any) -> Overlay:
        self.templates[f"overlay/{path}.j2"] = text
        return Overlay(path, f"overlay/{path}.j2", templates=self.templates.folder, **more)

    def audit(self) -> Patch:
        """The patch that most tests use: one line behind the statement that saves."""
        return self.insert("audit", "store.save(session, total)", "console.log(session);")


AUDITED = """\
  store.save(session, total); // keep it
  /* sidecar-patcher:begin audit.one (after) */
  console.log(session);
  /* sidecar-patcher:end audit.one */
  return total;
"""


def series_directory(path: Path, *patches: Patch, name: str = "test") -> str:
    """A series on the disk that has these patches, their templates and their pins."""
    (path / "templates").mkdir(parents=True)
    for each in [*(site for patch in patches for site in patch.sites), *(o for p in patches for o in p.overlays)]:
        written = path / "templates" / each.template
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_bytes(Path(each.templates, each.template).read_bytes())
    declared = ", ".join(as_source(pins.with_pins(patch, ())) for patch in patches)
    text = f'from patcher.model import *\n\nSERIES = Series("{name}", patches=({declared},))\n'
    (path / "series.py").write_text(text, encoding="utf-8")
    record = {site.id: site.pins for patch in patches for site in patch.sites if site.pins}
    (path / "pins.json").write_text(pins.written(record), encoding="utf-8")
    return str(path)


def as_source(value: Any) -> str:
    """The Python that declares a value of the model."""
    if is_dataclass(value):
        told = {each.name: getattr(value, each.name) for each in fields(value)}
        kept = {name: each for name, each in told.items() if name not in {"origin", "templates", "patch", "pins"}}
        return f"{type(value).__name__}({', '.join(f'{name}={as_source(each)}' for name, each in kept.items())})"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple):
        return f"({''.join(f'{as_source(each)}, ' for each in value)})"
    return repr(dict(value)) if isinstance(value, Mapping) else repr(value)


# --- errors ----------------------------------------------------------------------------------------------------


def refusal(raising: Callable[..., object], *arguments: Any, **named: Any) -> PatcherError:
    """The error that a call ends with."""
    with pytest.raises(PatcherError) as caught:
        raising(*arguments, **named)
    return caught.value


@dataclass(frozen=True)
class Says:
    """What a person and a script are told: code, exit code, place, message and hint, to the letter."""

    code: str
    exit_code: int
    message: str
    hint: str = ""
    where: str = ""

    @classmethod
    def of(cls, error: PatcherError) -> "Says":
        return cls(error.code, error.exit_code, error.message, error.hint, error.where)


# --- upstreams on the disk -------------------------------------------------------------------------------------


def tar(path: Path, members: Mapping[str, str | bytes | tarfile.TarInfo], mode: str = "w:gz") -> str:
    """A tar archive; a `TarInfo` value is a link or a special file, its name is the key."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(to_bytes(content))
            member.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(member, io.BytesIO(to_bytes(content)))
    return str(path)


def link(target: str, kind: bytes = tarfile.SYMTYPE, mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo()
    made.type, made.linkname, made.mode = kind, target, mode
    return made


@dataclass(frozen=True)
class Repository:
    """A git repository of a test."""

    path: Path

    @classmethod
    def made(cls, path: Path, tree: Tree = SMALL) -> "Repository":
        made = cls(path)
        made.git("init", "--quiet", "--initial-branch=main")
        return made.commit(tree, "v1.2.0")

    def commit(self, tree: Tree, tag: str) -> "Repository":
        tree.write(self.path)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self

    def merge(self, tree: Tree, subject: str, tag: str) -> "Repository":
        """A commit of its own branch, tagged `subject`, and a merge that brings it to `main`, tagged `tag`."""
        self.git("checkout", "--quiet", "-b", "side")
        self.commit(tree, subject)
        self.git("checkout", "--quiet", "main")
        self.commit(SMALL.having({"server/other.js": "exports.y = 2;\n"}), "beside")
        self.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #7", "side")
        self.git("tag", tag)
        return self

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        person = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        command = ["git", *person, "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def at(self, ref: str = "v1.2.0") -> str:
        return f"{self.path}@{ref}"


# --- the run itself --------------------------------------------------------------------------------------------


def dealt(items: Sequence[T], is_long: Sequence[bool], workers: int) -> list[T]:
    """The items in the stretches that `--dist worksteal` gives to the workers: the long ones in turn, then others."""
    long = [item for item, wanted in zip(items, is_long, strict=True) if wanted]
    others = iter([item for item, wanted in zip(items, is_long, strict=True) if not wanted])
    found: list[T] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        own = long[worker::workers]
        found += [*own, *itertools.islice(others, max(0, size - len(own)))]
    return found


# --- processes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """What stderr got, without an empty line at its start."""
        return self.err.lstrip("\n")


@dataclass(frozen=True)
class CommandLine:
    """The command line in this process; `Ended.code` is what the shell would see."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Ended:
        self.capsys.readouterr()
        try:
            code = __main__.main([str(each) for each in arguments])
        except SystemExit as ended:  # argparse: `--help` and usage
            assert isinstance(ended.code, int)
            code = ended.code
        out, err = self.capsys.readouterr()
        return Ended(code, out, err)


def environment(**changes: str) -> dict[str, str]:
    """An environment for a process of ours: the package is found, whatever the working directory."""
    kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "PYTHONHASHSEED", "TERM"}}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def start(
    *arguments: str | Path, cwd: Path | None = None, umask: int = -1, stdout: int = subprocess.PIPE, **changes: str
) -> "subprocess.Popen[str]":
    """`python ARGUMENTS`, running."""
    return subprocess.Popen(
        [sys.executable, *(str(each) for each in arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=cwd,
        umask=umask,
        env=environment(**changes),
    )


def spawn(*arguments: str | Path, cwd: Path | None = None, umask: int = -1, **changes: str) -> Ended:
    """`python -m patcher ARGUMENTS` in a process of its own, to its end."""
    process = start("-m", "patcher", *arguments, cwd=cwd, umask=umask, stdout=subprocess.PIPE, **changes)
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def said_by(stream: IO[str] | None, seconds: float = 20) -> str:
    """The next line that a process says; none in time, or none any more, is a failure, not a test that hangs."""
    assert stream is not None and select.select([stream], [], [], seconds)[0], "nothing was said in time"
    line = stream.readline()
    assert line, "the process ended its output"
    return line


def stop(process: "subprocess.Popen[str]", by: int = signal.SIGKILL) -> None:
    """End a process that a test has started, and close its pipes."""
    process.send_signal(by)
    process.communicate(timeout=30)


def impatient(checkout: Path) -> None:
    """Let the contracts of a copy of our code wait less for what does not come: on the pristine tree most of it."""
    for path in (checkout / "patcher/prove").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "_PATIENCE = 5.0" in text:
            path.write_text(text.replace("_PATIENCE = 5.0", "_PATIENCE = 2.0"), encoding="utf-8")


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something has happened, and fail when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def snapshot(directory: str | Path) -> dict[str, tuple[bytes, bool]]:
    """Every file below a directory: its bytes, and whether it may be executed."""
    root = Path(directory)
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in files}


def stopping(run: Run) -> dict[str, str]:
    """The patches that stop the build, with their verdicts."""
    return {finding.patch: str(finding.verdict) for finding in run.build.findings if Verdict(finding.verdict).stops}


def end_all_below(folder: Path) -> None:
    """End the processes that run in the folder: who is killed with `kill -9` cannot end its sidecar any more."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if Path(os.readlink(entry / "cwd")).is_relative_to(folder.resolve()):
                os.kill(int(entry.name), signal.SIGKILL)
