"""What the readers start from: small trees that are valid, and a series that fits them."""

from pathlib import Path

from patcher import pipeline
from patcher.model import Patch, Series
from tests.support import ROOT, SMALL, PatchMaker, Templates


def small_series() -> tuple[Patch, ...]:
    """One insertion into `SMALL` and a file of ours. Its templates are in the cache, where no input can reach them."""
    bench = PatchMaker(Templates(ROOT / ".cache/fuzz/templates"))
    return (bench.patch("audit", *bench.audit().sites, overlays=(bench.overlay("bin/ours.js", "1;\n"),)),)


def generated_tree(given: Path, series: tuple[Patch, ...]) -> Path:
    """`SMALL` with the series applied, and its manifest."""
    built = pipeline.build(
        SMALL.write(given / "upstream"), str(given / "tree"), series=[Series("test", patches=series)]
    )
    assert built.ok
    return given / "tree"
