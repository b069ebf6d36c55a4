"""The generated trees before and after: as the package of an older revision builds them, and as today's does.

Each file that differs is listed with the reason, and today's `verify` and `revert` are run on the older tree.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from patcher import __main__, javascript, markers, pipeline
from patcher.javascript.digest import tokens
from patcher.model import digest
from patcher.patches import SERIES
from patcher.resources import MANIFEST
from patcher.upstream.materialize import materialize
from tests.lab.show.versions import FITS
from tests.support import ROOT, snapshot

BEFORE = "86bebc7"
"""The last revision before sites had names."""
HANDLER = re.compile(r"(^|/)(codex-)?hook-handler\.js$")
FIXTURE = "the builtin sidecar itself"
_NAMES = re.compile(r"(sidecar-patcher:(?:begin|end) [\w-]+)\.\w+")
Files = Mapping[str, tuple[bytes, bool]]


def show(repository: str, before: str = BEFORE) -> bool:
    """One line for each upstream, then each file that differs, why, and where. False if an older tree is not taken."""
    good, built, reasons = True, 0, defaultdict[tuple[str, str], list[str]](list)
    with tempfile.TemporaryDirectory(prefix="trees-") as scratch, worktree(before, Path(scratch, "before")) as older:
        for spec in ("builtin", *(f"{repository}@{ref}" for ref in FITS)):
            ref = spec.rpartition("@")[2]
            old, new, back = (Path(scratch, f"{ref}.{name}") for name in ("old", "new", "back"))
            if error := built_by(older, spec, old):
                print(f"{ref}: not built at {before}: {error}")
                continue
            built += 1
            pipeline.build(spec, str(new))
            taken = [_run("verify", str(old)), _run("revert", str(old), "--out", str(back))]
            pristine = materialize(str(older / "fixtures/sidecar") if spec == "builtin" else spec).tree
            same = snapshot(back) == {path: (file.data, file.executable) for path, file in pristine.items()}
            files = dict(differences(snapshot(old), snapshot(new)))
            print(f"{ref}: {len(files)} files differ; the older tree: verify {taken[0]}, revert {taken[1]}, "
                  f"{'every byte as upstream ships it' if same else 'NOT AS UPSTREAM SHIPS IT'}")  # fmt: skip
            good &= taken == [0, 0] and same
            for path, reason in files.items():
                reasons[path, reason].append(ref)
    counted = Counter(reason.partition(" (")[0] for (_, reason), refs in reasons.items() for _ in refs)
    print("\n" + "".join(f"{count:>5} {reason}\n" for reason, count in counted.most_common()))
    for (path, reason), refs in sorted(reasons.items()):
        print(f"{path}: {reason}: {'all' if len(refs) == built else ' '.join(refs)}")
    return good


@contextlib.contextmanager
def worktree(revision: str, path: Path) -> Iterator[Path]:
    """A checkout of an older revision of this repository."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(path), revision], check=True)
    try:
        yield path
    finally:
        subprocess.run([*git, "remove", "--force", str(path)], check=True)


def built_by(package: Path, spec: str, out: Path) -> str:
    """Build with the package of that checkout; the errors if it does not."""
    command = [sys.executable, "-m", "patcher", "build", "--upstream", spec, "--out", str(out)]
    ended = subprocess.run(
        command,
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("error")]
    return "" if ended.returncode == 0 else "; ".join(lines) or f"exit code {ended.returncode}"


def differences(old: Files, new: Files) -> Iterator[tuple[str, str]]:
    """Each path that is not the same in both trees, and the reason."""
    known = {each["id"] for each in json.loads(old[MANIFEST][0])["patches"]}
    shipped = {each["path"] for each in json.loads(new[MANIFEST][0])["files"] if each["status"] != "added"}
    digests = {digest(data): path for path, (data, _) in old.items() if path not in new}
    moved = {
        path: digests[digest(data)] for path, (data, _) in new.items() if path not in old and digest(data) in digests
    }
    for path in sorted({*old, *new}):
        if old.get(path) == new.get(path) or path in moved.values():
            continue
        if path == MANIFEST:
            yield path, "manifest"
        elif path in moved:
            yield path, f"moved (from {moved[path]})"
        elif path not in old:
            yield path, FIXTURE if path in shipped else _whose(path, known)
        elif path not in new:
            yield path, "gone (a file of ours)"
        else:
            yield path, _changed(path, old[path][0].decode(), new[path][0].decode(), known)


def _whose(path: str, known: set[str]) -> str:
    owner = _owner(path)
    return f"new file ({owner})" if owner in known else f"new patch ({owner})"


def _changed(path: str, old: str, new: str, known: set[str]) -> str:
    """Why a file that is in both trees differs."""
    if _NAMES.sub(r"\1", old) == _NAMES.sub(r"\1", new):
        return "marker names only"
    if HANDLER.search(path):
        return "handler"
    (before, ours), (after, theirs) = markers.unsplice(old, path), markers.unsplice(new, path)
    if not ours and not theirs:
        return _ours(path, old, new) if markers.GENERATED.decode() in new else FIXTURE
    if before != after:
        return FIXTURE
    changed = {patch for patch in {each.patch for each in (*ours.values(), *theirs.values())}
               if _texts(ours, patch) != _texts(theirs, patch)}  # fmt: skip
    fresh = sorted(changed - known)
    payloads = f"changed payload ({', '.join(sorted(changed & known))})" if changed & known else ""
    patches = f"new patch ({', '.join(fresh)})" if fresh else ""
    return "; ".join(each for each in (payloads, patches) if each) or "another place in the same file"


def _ours(path: str, old: str, new: str) -> str:
    if javascript.is_program(path, new[:128].encode()):
        before, after = (list(tokens(javascript.parse(text, javascript.language_of(path)))) for text in (old, new))
        if before == after:
            return "comments and layout of a file of ours"
    return f"changed file of ours ({_owner(path)})"


def _owner(path: str) -> str:
    return next((patch.id for patch in SERIES for each in patch.overlays if each.path == path), "?")


def _texts(blocks: Mapping[str, markers.Block], patch: str) -> list[tuple[str, str]]:
    return [(each.inner, _NAMES.sub(r"\1", each.was)) for each in blocks.values() if each.patch == patch]


def _run(*arguments: str) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return __main__.main(list(arguments))
