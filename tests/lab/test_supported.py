"""The page's supported versions are what the matrix computed, and still computes."""

import json
import os

import pytest

from patcher.patches import SERIES
from tests.lab.supported import DATA, PAGE, block, computed, table

UPSTREAM = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
VERSIONS = json.loads(DATA.read_text(encoding="utf-8"))


def test_the_readme_is_what_was_computed() -> None:
    hint = "`python3 .dev lab supported --write` makes both anew"
    assert block(PAGE.read_text(encoding="utf-8")) == table(VERSIONS), hint


def test_the_data_is_about_this_series() -> None:
    assert {each for version in VERSIONS for each in version["stops"]} <= {patch.id for patch in SERIES} | {"gates"}
    assert all(version["supported"] == (version["stops"] == []) for version in VERSIONS)


def test_a_table_joins_neighbours_that_are_alike() -> None:
    versions = [
        {"ref": "v1", "stops": ["a", "b"]},
        {"ref": "v2", "stops": []},
        {"ref": "v3", "stops": []},
        {"ref": "v4", "stops": ["a"]},
        {"ref": "v5", "stops": [], "since": "0123456789abcdef0123456789abcdef01234567"},
        {"ref": "v6", "stops": [], "since": ""},
    ]
    assert table(versions).splitlines()[3:-1] == [
        "| v1 | 1 | refused: `a`, `b` |",
        "| v2 to v3 | 2 | fits: no anchor stops, every gate passes |",
        "| v4 | 1 | refused: `a` |",
        "| commit `0123456789ab`, before v5, to v6 | 2 | fits: no anchor stops, every gate passes |",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
def test_the_data_is_what_upstream_gives_now() -> None:
    assert computed(UPSTREAM)[: len(VERSIONS)] == VERSIONS, "`python3 .dev lab supported --write`"
