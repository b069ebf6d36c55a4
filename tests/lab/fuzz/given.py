"""What the readers start from: small trees that are valid, and a series that fits them."""

import atexit
import shutil
import tempfile
from pathlib import Path

from patcher import pipeline
from patcher.model import Patch, Series
from tests.support import SMALL, PatchMaker, Templates


def small_series() -> tuple[Patch, ...]:
    """One insertion into `SMALL` and a file of ours. Its templates are in a folder, for the whole process."""
    folder = tempfile.mkdtemp(prefix="sidecar-patcher-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bench = PatchMaker(Templates(Path(folder)))
    return (bench.patch("audit", *bench.audit().sites, overlays=(bench.overlay("bin/ours.js", "1;\n"),)),)


def generated_tree(given: Path, series: tuple[Patch, ...]) -> Path:
    """`SMALL` with the series applied, and its manifest."""
    built = pipeline.build(
        SMALL.write(given / "upstream"), str(given / "tree"), series=[Series("test", patches=series)]
    )
    assert built.ok
    return given / "tree"
