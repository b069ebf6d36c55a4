"""The test harness as a product: a simulated Codex, the truth of it, and a pytest plugin."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patcher.codex.judgement import Judgement, judge
    from patcher.codex.records import Event
    from patcher.codex.simulated import Codex, Thread
    from patcher.codex.version import CODE, DIRECT, OLD, VERSIONS, Version
    from patcher.testing.assertions import assert_exactly_once, assert_proven
    from patcher.testing.live import LiveCodex
    from patcher.testing.simulator import Scenario

_MODULES = {
    "CODE": "codex.version",
    "DIRECT": "codex.version",
    "OLD": "codex.version",
    "VERSIONS": "codex.version",
    "Codex": "codex.simulated",
    "Event": "codex.records",
    "Judgement": "codex.judgement",
    "LiveCodex": "testing.live",
    "Scenario": "testing.simulator",
    "Thread": "codex.simulated",
    "Version": "codex.version",
    "assert_exactly_once": "testing.assertions",
    "assert_proven": "testing.assertions",
    "judge": "codex.judgement",
}
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
    if name in _MODULES:
        return getattr(import_module(f"patcher.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
