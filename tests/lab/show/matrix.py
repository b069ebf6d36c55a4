"""`matrix` over all tags and over every commit of two files: cold, as a process of its own, beside what it must show."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

LIMITS = {"every tag": 10.0, "server/routes/hooks.js": 60.0, "server/db.js": 60.0}  # seconds
REFUSED = ("v1.0.0", "v1.1.0")


def measured(repository: str, *arguments: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds from the start of Python to its end, seconds of CPU, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "patcher", "matrix", "--upstream", repository, "--report", str(report)]
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)
        seconds, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        return seconds, cpu, json.loads(report.read_text(encoding="utf-8"))


def unexplained(report: dict[str, Any]) -> list[str]:
    """The runs of stops for which no commit is named: neither one that began it nor one that ended it."""
    stops = report["stops"]
    return [f"{stop['id']} on {stop['since']}" for stop in stops if not (stop["culprit"] or stop["fits_since"])]


def sums_up(report: dict[str, Any]) -> bool:
    """Whether each patch has one verdict for each ref."""
    ids = Counter(patch["id"] for ref in report["refs"] for patch in ref["patches"])
    return set(ids.values()) == {len(report["refs"])}


def show(repository: str) -> bool:
    """A row for each run, then the supported range and every reason why the versions before it are refused."""
    runs: dict[str, list[str]] = {
        "every tag": [],
        **{file: ["--by-commit", "--touching", file] for file in LIMITS if "/" in file},
    }
    console = Console(width=200)
    table = Table(
        "over", "refs", "seconds", "of CPU", "at most", "supported", "verdicts sum up", "runs of stops", "commit named"
    )
    results = {name: measured(repository, *arguments) for name, arguments in runs.items()}
    good = True
    for name, (seconds, cpu, report) in results.items():
        missing = unexplained(report)
        supported = sum(ref["supported"] for ref in report["refs"])
        good &= seconds < LIMITS[name] and sums_up(report) and not missing
        named = f"{len(report['stops']) - len(missing)} of {len(report['stops'])}"
        cells = (
            len(report["refs"]),
            f"{seconds:.1f}",
            f"{cpu:.1f}",
            LIMITS[name],
            supported,
            sums_up(report),
            len(report["stops"]),
        )
        table.add_row(name, *(str(cell) for cell in cells), named)
    console.print(table)
    console.print(f"{len(os.sched_getaffinity(0))} cores, cold process", highlight=False)
    tags = results["every tag"][2]
    for span in tags["supported"]:
        console.print(f"supported: {span['since']} to {span['until']}, {span['refs']} versions", highlight=False)
    for ref in tags["refs"]:
        for reason in ref["reasons"] if ref["ref"] in REFUSED else ():
            console.print(f"{ref['ref']}  {reason}", highlight=False, markup=False)
    refused = {ref["ref"] for ref in tags["refs"] if ref["reasons"]}
    return good and set(REFUSED) <= refused
