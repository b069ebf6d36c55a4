"""The test harness as a product: a Codex that emits both roads, the truth of it, and a pytest plugin."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patcher.testing.assertions import assert_exactly_once, assert_proven
    from patcher.testing.codex import CODE, DIRECT, OLD, VERSIONS, Codex, Thread, Version
    from patcher.testing.live import LiveCodex
    from patcher.testing.simulator import Scenario
    from patcher.testing.truth import Event, Judgement, judge

__all__ = [
    "CODE",
    "DIRECT",
    "OLD",
    "VERSIONS",
    "Codex",
    "Event",
    "Judgement",
    "LiveCodex",
    "Scenario",
    "Thread",
    "Version",
    "assert_exactly_once",
    "assert_proven",
    "judge",
]


def __getattr__(name: str) -> Any:
    """What is asked for, imported now: every pytest run of a project that has us imports this package."""
    if name in __all__:
        for module in ("assertions", "codex", "live", "simulator", "truth"):
            found = vars(import_module(f"{__name__}.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
