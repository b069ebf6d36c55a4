"""`python3 .dev lab fuzz [READER…] [--minutes N] [--seed S] [--jobs N]`: every input ends in a result or an error of ours."""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.lab.fuzz.engine import Room, hunt
from tests.support import ROOT

READERS = ("spec", "archive", "trees", "manifest", "markers", "hooks", "package", "argv")
KEPT = ROOT / ".cache" / "fuzz"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)}; default: all")
    parser.add_argument("--minutes", type=float, default=5, metavar="N", help="for each reader; default 5")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first batch; default 0")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="readers at once; default 1")
    parser.add_argument("--input", type=Path, metavar="FILE", help="only this input, of one reader")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if unknown := set(args.readers) - set(READERS):
        parser.error(f"expected readers of {', '.join(READERS)}, found {', '.join(sorted(unknown))}")
    if args.input:
        return replay(args.readers[0], args.input)
    if args.alone:
        found = hunt(maker(args.readers[0]), args.minutes * 60, args.seed, KEPT / args.readers[0])
        (KEPT / args.readers[0] / "found.json").write_text(json.dumps(vars(found)))
        return 0
    with ThreadPoolExecutor(args.jobs) as pool:
        ended = [pool.submit(in_a_process, name, args.minutes, args.seed) for name in args.readers or READERS]
        return max([shown(*each.result()) for each in ended])


def maker(name: str) -> Any:
    return import_module(f"tests.lab.fuzz.{name}").make


def in_a_process(name: str, minutes: float, seed: int) -> tuple[str, dict[str, Any]]:
    """What one reader made of its inputs. A process that did not end well is a failure of its last input."""
    result = KEPT / name / "found.json"
    result.unlink(missing_ok=True)
    words = ["-m", "tests.lab.fuzz", name, "--alone", "--minutes", str(minutes), "--seed", str(seed)]
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(KEPT / "hypothesis")}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return name, json.loads(result.read_text())
    said = done.stderr[-2000:].strip() or f"exit {done.returncode}"
    lost = {"inputs": 0, "seconds": 0, "crashes": 0, "hangs": 1, "ends": {}}
    return name, {**lost, "failures": {f"the process ended: {said}": str(KEPT / name / "current.txt")}}


def shown(name: str, found: dict[str, Any]) -> int:
    ends = ", ".join(f"{end} {count:,}" for end, count in sorted(found["ends"].items(), key=lambda each: -each[1]))
    print(
        f"{name}: {found['inputs']:,} inputs in {found['seconds']:.0f} s, {found['crashes']} crashes, {found['hangs']} hangs"
    )
    print(f"  {len(found['ends'])} ends: {ends}")
    for signature, path in found["failures"].items():
        print(f"  {signature}\n    {path}")
    sys.stdout.flush()
    return 1 if found["failures"] or not found["inputs"] else 0


def replay(name: str, path: Path) -> int:
    value = ast.literal_eval(path.read_text())
    with tempfile.TemporaryDirectory(prefix="sidecar-fuzz-") as root:
        room = Room(root)
        print(room.attempt(maker(name)(room.given), value))
        os.chdir("/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
