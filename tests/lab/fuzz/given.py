"""What the readers start from: small trees that are valid, and a series that fits them."""

from pathlib import Path

import jinja2

from patcher import pipeline, render
from patcher.model import Patch
from tests.support import SMALL, PatchMaker


def small_series() -> tuple[Patch, ...]:
    """One insertion into `SMALL` and a file of ours. Its templates are in memory, for the whole process."""
    templates: dict[str, str] = {}
    environment = render.environment().overlay()
    environment.loader = jinja2.DictLoader(templates)
    render.environment = lambda: environment  # type: ignore[assignment]
    bench = PatchMaker(templates)
    return (bench.patch("audit", *bench.audit().sites, overlays=(bench.overlay("bin/ours.js", "1;\n"),)),)


def generated_tree(given: Path, series: tuple[Patch, ...]) -> Path:
    """`SMALL` with the series applied, and its manifest."""
    built = pipeline.build(SMALL.write(given / "upstream"), str(given / "tree"), series=series)
    assert built.ok
    return given / "tree"
