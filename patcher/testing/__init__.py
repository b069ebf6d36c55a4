"""The test harness for projects that install us: a simulated Codex, checks of its rows, and a pytest plugin."""

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


_MODULES = (
    *("codex.version", "codex.records", "codex.judgement", "codex.simulated"),
    *("testing.simulator", "testing.live", "testing.assertions"),
)


def __getattr__(name: str) -> Any:
    """Import each name on first use: every pytest run of a project that installs us imports this package."""
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"patcher.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
