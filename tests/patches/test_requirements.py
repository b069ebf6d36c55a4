"""What a patch requires, and what that requires: followed in one place, for `diff`, `matrix` and `bump`."""

import pytest

from patcher.model import Patch
from patcher.patches import CLIENT_SERIES, SERIES, with_requirements
from patcher.pipeline import check_upstream
from patcher.upstream.materialize import materialize

CHAIN = (
    Patch("base", ""),
    Patch("other", ""),
    Patch("middle", "", requires=("base",)),
    Patch("top", "", requires=("middle",)),
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["base"], ["base"]),
        (["top"], ["base", "middle", "top"]),
        (["top", "other"], ["base", "other", "middle", "top"]),
        ([], []),
    ],
)
def test_they_come_with_the_patch_in_the_order_of_the_series(wanted: list[str], expected: list[str]) -> None:
    assert [each.id for each in with_requirements(CHAIN, wanted)] == expected


@pytest.mark.parametrize("patch", SERIES, ids=lambda patch: patch.id)
def test_what_comes_with_a_patch_requires_nothing_else(patch: Patch) -> None:
    found = with_requirements(SERIES, [patch.id])
    assert {name for each in found for name in each.requires} <= {each.id for each in found}


@pytest.mark.parametrize("patch", (*SERIES, *CLIENT_SERIES), ids=lambda patch: patch.id)
def test_a_patch_builds_with_what_it_requires_alone(patch: Patch) -> None:
    """So `bump` tries a candidate: each module that is required in their files has to be one of theirs, or upstream's."""
    series = with_requirements((*SERIES, *CLIENT_SERIES), [patch.id])
    build = check_upstream(materialize("builtin", client=True), series)
    assert [gate.message for gate in build.gates if not gate.ok] == []
    assert build.ok
