"""The supported versions of upstream, computed: as data, and as the table of a page.

Support can begin between two tags: `since` names the commit from which on the series fits up to the tag. The data is
`tests/supported.json`: names, versions, commit ids and patch ids, nothing of upstream's text.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from patcher import pipeline
from patcher.errors import PatcherError
from patcher.matrix import matrix
from patcher.patches import SERIES
from patcher.upstream.culprits import culprit
from patcher.upstream.history import Repository

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "supported.json"
PAGE = ROOT / "patcher" / "patches" / "README.md"
BEGIN, END = (
    "<!-- supported: made by `python3 .dev generate` -->\n",
    "<!-- /supported -->\n",
)


def computed(path: str) -> list[dict[str, Any]]:
    """For each version tag: its commit, whether it is supported, and which patches stop (`gates` for what gates do).

    since: for a supported tag behind one that is not, the commit from which on the series fits; else empty.
    """
    with Repository.open(path) as repository:
        result = matrix(repository, repository.tags(), SERIES)
        before = (None, *result.refs)
        return [
            {
                "ref": judged.ref,
                "commit": judged.commit,
                "supported": judged.supported,
                "stops": [finding.patch for finding in judged.findings if finding.verdict.stops]
                + (["gates"] if judged.gates_refuse else []),
                "since": _since(repository, judged.ref)
                if judged.supported and earlier is not None and not earlier.supported
                else "",
            }
            for earlier, judged in zip(before, result.refs, strict=False)
        ]


def _since(repository: Repository, ref: str) -> str:
    """The full id of the commit from which on, up to a supported ref, the series fits."""

    def fits(commit: str) -> bool:
        try:
            return pipeline.check_upstream(repository.upstream(commit), SERIES).ok
        except PatcherError:
            return False

    found = culprit(repository, ref, repository.sources, fits)
    return found.id if found else ""


def table(versions: Sequence[Mapping[str, Any]]) -> str:
    """The block of the page: each run of versions that are alike."""
    rows = list(_runs(versions))
    head = "| upstream | versions | the series |\n|---|---|---|\n"
    return BEGIN + head + "".join(f"| {refs} | {count} | {said} |\n" for refs, count, said in rows) + END


def _runs(versions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    start = 0
    for index in range(1, len(versions) + 1):
        if index == len(versions) or versions[index]["stops"] != versions[start]["stops"]:
            first, last = versions[start]["ref"], versions[index - 1]["ref"]
            since = versions[start].get("since", "")
            first = f"commit `{since[:12]}`, before {first}," if since else first
            stops = versions[start]["stops"]
            said = (
                f"refused: {', '.join(f'`{each}`' for each in stops)}"
                if stops
                else "fits: no anchor stops, every gate passes"
            )
            yield first if first == last else f"{first} to {last}", index - start, said
            start = index


def block(page: str) -> str:
    """The block as the page has it."""
    return BEGIN + page.partition(BEGIN)[2].partition(END)[0] + END


def stored() -> list[dict[str, Any]]:
    """The versions as they were computed last."""
    versions: list[dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))
    return versions


def products(versions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """The two files that say it, and what they must say."""
    page = PAGE.read_text(encoding="utf-8")
    yield DATA, json.dumps(versions, indent=1) + "\n"
    yield PAGE, page.replace(block(page), table(versions))
