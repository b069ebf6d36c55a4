"""The test harness as a product: a Codex that emits both roads, the truth of it, and a pytest plugin."""

from patcher.testing.codex import CODE, DIRECT, OLD, VERSIONS, Codex, Thread, Version
from patcher.testing.simulator import Scenario
from patcher.testing.truth import Event, Verdict, judge

__all__ = ["CODE", "DIRECT", "OLD", "VERSIONS", "Codex", "Event", "Scenario", "Thread", "Verdict", "Version", "judge"]
