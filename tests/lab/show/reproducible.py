"""Two builds of one input, from different directories, umasks, locales and time zones, are byte-identical."""

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

SURROUNDINGS = (
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1", "umask": "022"},
    {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2", "umask": "077"},
    {"LC_ALL": "POSIX", "TZ": "America/St_Johns", "PYTHONUTF8": "0", "umask": "000"},
)
UPSTREAMS = ("v1.1.1", "v1.2.0", "v1.4.8", "v2.0.3")


def show(repository: str) -> bool:
    """One line for each upstream: how many different results came out of how many builds."""
    good = True
    for spec in ("builtin", *(f"{repository}@{ref}" for ref in UPSTREAMS)):
        with tempfile.TemporaryDirectory() as scratch:
            results = {_build(spec, Path(scratch) / f"place {n}", each) for n, each in enumerate(SURROUNDINGS)}
        print(f"{spec.rpartition('@')[2]}: {len(SURROUNDINGS)} builds, {len(results)} different result(s)")
        good &= len(results) == 1
    return good


def _build(spec: str, folder: Path, surroundings: dict[str, str]) -> str:
    folder.mkdir()
    environment = {**os.environ, **{key: value for key, value in surroundings.items() if key != "umask"}}
    command = [sys.executable, "-m", "patcher", "build", "--upstream", spec, "--out", "out"]
    root = str(Path(__file__).resolve().parents[3])
    subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": root},
        umask=int(surroundings["umask"], 8),
        check=True,
        capture_output=True,
    )
    return tree_state(folder / "out")


def tree_state(root: Path) -> str:
    """One digest over every path, mode and byte below `root`."""
    hasher = sha256()
    for path in sorted(root.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        hasher.update(f"{path.relative_to(root)}\0{path.stat().st_mode:o}\0{sha256(data).hexdigest()}\n".encode())
    return hasher.hexdigest()
