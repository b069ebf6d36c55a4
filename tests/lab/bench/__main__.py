"""`python3 .dev lab bench`: time and memory of a build as ratios, each side by side with its measure in the same run."""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count

from patcher import pipeline
from patcher.errors import PatcherError
from patcher.model import Build, File
from patcher.resources import PACKAGE
from patcher.revert import write_new
from patcher.series.settings import FILE
from patcher.upstream.materialize import materialize
from patcher.upstream.spec import split
from tests.lab.bench.measured import Cost, Failed, median, run
from tests.lab.bench.patch_package import VERSION, Project, differences
from tests.lab.drift import nodejs

_REPOSITORY = os.path.dirname(PACKAGE)
_REF = "v1.2.0"
_SET = "git ref by sidecar.toml"
_NEITHER = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "NODE_OPTIONS", "NODE_V8_COVERAGE")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything that could be measured was; 1 when something failed; 2 for a bad command line."""
    options = _parser().parse_args(argv)
    if not options.upstream:
        sys.stderr.write(f"skipped: {_REF} of the real upstream: SIDECAR_UPSTREAM_REPO is not set; builtin instead\n")
    spec = options.upstream or "builtin"
    try:
        build = pipeline.check(spec)
        if not build.ok:
            raise Failed(f"{spec} does not build: `python -m patcher check --upstream {spec}` says why")
        with tempfile.TemporaryDirectory(prefix="sidecar-patcher-bench-") as scratch:
            _as_on_a_second_run(scratch)
            for line in _bench(spec, build, options.rounds, scratch):
                print(line, flush=True)
    except (Failed, PatcherError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench", description=__doc__)
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO")
    default = f"{repository}@{_REF}" if repository else None
    help_ = f"`builtin`, a directory, a .tgz, or REPOSITORY@REF (default: {_REF} of $SIDECAR_UPSTREAM_REPO)"
    parser.add_argument("--upstream", metavar="SPEC", default=default, help=help_)
    parser.add_argument(
        "--rounds", metavar="N", type=_positive, default=9, help="of each measurement (default: %(default)s)"
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of rounds, found {text!r}")
    return int(text)


def _as_on_a_second_run(scratch: str) -> None:
    """Python keeps what it has compiled, wherever this checkout may be; the first round, which does not count, fills it."""
    for name in _NEITHER:
        os.environ.pop(name, None)
    os.environ["PYTHONPYCACHEPREFIX"] = os.path.join(scratch, "pycache")
    os.environ["PYTHONPATH"] = _REPOSITORY


def _bench(spec: str, build: Build, rounds: int, scratch: str) -> Iterator[str]:
    """The lines of the report, each as soon as it is known."""
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    yield f"{build.upstream.label}, {rounds} rounds, medians; {load}\n"
    yield from _cold(spec, build, rounds, scratch)
    yield from _up_to_date(spec, rounds, scratch)
    yield "\none build by stages, in a process that has just started:"
    yield from _stages(spec)


def _cold(spec: str, build: Build, rounds: int, scratch: str) -> Iterator[str]:
    """Ours writes a new tree each time, theirs changes a pristine one in place; every round has one of each."""
    numbers = count()

    def ours() -> Cost:
        return run(_build(spec, os.path.join(scratch, f"out-{next(numbers)}")), scratch)

    try:
        theirs = _theirs(build, scratch)
    except nodejs.Unavailable as error:
        yield f"skipped: patch-package: {error}"
        [cost] = _interleaved([ours], rounds)
        yield f"cold build, all gates: {_milliseconds(cost)}"
    else:
        cost, measure = _interleaved([ours, theirs], rounds)
        yield _compared("cold build, all gates", cost, f"patch-package {VERSION}", measure)
    yield f"peak memory of a cold build: {cost.megabytes:.0f} MB"


def _theirs(build: Build, scratch: str) -> Callable[[], Cost]:
    """The same edits by patch-package, and the proof that they are the same. Raises `nodejs.Unavailable`."""
    nodejs.installed("patch-package", VERSION)
    project = Project(scratch, build.upstream.version, build.upstream.tree, build.tree)

    def apply() -> Cost:
        project.reset()
        cost = project.apply()
        wrong = differences(project.result(), build.tree)
        if wrong:
            raise Failed(f"patch-package makes another tree than we do: {', '.join(wrong[:5])}")
        return cost

    return apply


def _up_to_date(spec: str, rounds: int, scratch: str) -> Iterator[str]:
    """Every kind of spec beside the same bare interpreter, in the same rounds. The aim is 3 or less for each.

    And the git ref once more, as `sidecar.toml` in the working directory sets it.
    """
    sides, specs = {}, _kinds(spec, scratch)
    for kind, each in specs.items():
        sides[kind] = partial(run, _build(each, os.path.join(scratch, f"up-to-date-{kind.strip('.')}")), scratch)
        sides[kind]()
    sides[_SET] = partial(
        run, [sys.executable, "-m", "patcher", "build"], _working_directory(specs["git ref"], scratch)
    )
    sides[_SET]()
    *again, bare = _interleaved([*sides.values(), partial(run, [sys.executable, "-c", "pass"], scratch)], rounds * 3)
    for kind, cost in zip(sides, again, strict=True):
        yield _compared(f"build that is up to date, {kind}", cost, "`python -c pass`", bare)


def _working_directory(spec: str, scratch: str) -> str:
    """A directory with a `sidecar.toml` that sets what the other commands have typed."""
    directory = os.path.join(scratch, "settings")
    text = f'upstream = {json.dumps(spec)}\nout = "out"\nseries = ["codex"]\n'
    write_new({FILE: File(text.encode())}, directory)
    return directory


def _kinds(spec: str, scratch: str) -> dict[str, str]:
    """The same upstream as a spec of each kind; builtin is its own."""
    tree = materialize(spec).tree
    directory, archive, clone = (os.path.join(scratch, name) for name in ("directory", "upstream.tgz", "clone"))
    write_new(tree, directory)
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(directory, "package")
    write_new(tree, clone)
    person = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
    for words in (["init", "--quiet"], ["add", "--all"], [*person, "commit", "--quiet", "--message", "bench"]):
        subprocess.run(["git", *words], cwd=clone, check=True, capture_output=True)
    git = spec if split(spec)[1] else f"{clone}@HEAD"
    return {"builtin": "builtin", "git ref": git, "directory": directory, ".tgz": archive}


def _build(spec: str, out: str) -> list[str]:
    return [sys.executable, "-m", "patcher", "build", "--upstream", spec, "--out", out]


def _interleaved(sides: Sequence[Callable[[], Cost]], rounds: int) -> list[Cost]:
    """The median of each side; the first round warms the disk cache and does not count."""
    costs = [[side() for side in sides] for _ in range(rounds + 1)][1:]
    return [median(each) for each in zip(*costs, strict=True)]


def _compared(name: str, cost: Cost, other: str, measure: Cost) -> str:
    ratio = cost.seconds / measure.seconds
    memory = f"{cost.megabytes:.0f} MB, {measure.megabytes:.0f} MB"
    return f"{name}: {ratio:.2f} of {other} ({_milliseconds(cost)}, {_milliseconds(measure)}; {memory})"


def _milliseconds(cost: Cost) -> str:
    return f"{cost.seconds * 1000:.0f} ms"


def _stages(spec: str) -> list[str]:
    """Measured in a process of its own: this one has everything loaded and remembered."""
    command = [sys.executable, "-m", "tests.lab.bench.stages", spec]
    done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise Failed(f"the stages could not be measured: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
