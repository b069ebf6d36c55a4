"""Where the time of one build goes, stage by stage, in a process that does nothing else. For information.

Nothing of the patcher is imported before the clock runs: loading modules is a stage too.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

Made = TypeVar("Made")


def profile(spec: str) -> Iterator[tuple[str, float]]:
    """The stages of one build and the seconds that each took. What a stage imports counts as that stage's."""
    begun = time.perf_counter()
    from patcher import apply, pipeline
    from patcher.gates import GATES, SECOND_BUILD
    from patcher.patches import SERIES
    from patcher.revert import write_new
    from patcher.upstream.materialize import materialize

    yield "load modules", time.perf_counter() - begun
    upstream, took = timed(lambda: materialize(spec))
    yield "materialize", took
    build, took = timed(lambda: apply.apply_series(upstream, SERIES))
    yield "locate, verify, render, splice", took
    for name, check in GATES:
        _, took = timed(lambda check=check: list(check(build)))  # type: ignore[misc]
        yield f"gate {name}", took
    _, took = timed(lambda: apply.apply_series(replace(upstream, tree=build.tree), SERIES))
    yield f"gate {SECOND_BUILD}", took
    tree, took = timed(lambda: pipeline.output(build))
    yield "manifest", took
    with tempfile.TemporaryDirectory() as scratch:
        _, took = timed(lambda: write_new(tree, os.path.join(scratch, "out")))
    yield "write", took


def timed(call: Callable[[], Made]) -> tuple[Made, float]:
    """What a call returns, and the seconds that it took."""
    begun = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begun


def main(spec: str) -> None:
    """Print the profile, a stage on each line."""
    found = list(profile(spec))
    total = sum(took for _, took in found)
    for name, took in found:
        print(f"  {name:<32}{took * 1000:>7.1f} ms{took / total:>6.0%}")


if __name__ == "__main__":
    main(sys.argv[1])
