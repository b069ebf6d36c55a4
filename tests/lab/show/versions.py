"""Which upstream versions the series fits, patch by patch."""

from rich.console import Console
from rich.table import Table

from patcher import pipeline
from patcher.patches import SERIES

FITS = (
    "840c518d",  # version 1.1.0, between two tags
    "v1.1.1",
    "v1.2.0",
    "v1.3.0",
    "v1.4.0",
    "v1.4.1",
    "v1.4.2",
    "v1.4.5",
    "v1.4.6",
    "v1.4.8",
    "v2.0.0",
    "v2.0.1",
    "v2.0.2",
    "v2.0.3",
)
REFUSED = ("v1.0.0", "v1.1.0")


def show(repository: str) -> bool:
    """A verdict for each patch and version, then every reason for a stop."""
    builds = {ref: pipeline.check(f"{repository}@{ref}") for ref in (*REFUSED, *FITS)}
    table = Table("patch", *builds, box=None, pad_edge=False)
    for patch in SERIES:
        table.add_row(patch.id, *(next(f.verdict for f in b.findings if f.patch == patch.id) for b in builds.values()))
    table.add_row("gates", *(f"{sum(g.ok for g in b.gates)}/{len(b.gates)}" for b in builds.values()))
    console = Console(width=200)
    console.print(table)
    for ref in REFUSED:
        for stop in builds[ref].stops:
            console.print(f"{ref}  {stop.patch}: {stop.file}:{stop.line}: {stop.message}", highlight=False)
    return all(builds[ref].ok for ref in FITS) and all(builds[ref].stopped for ref in REFUSED)
