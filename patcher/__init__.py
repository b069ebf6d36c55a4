"""Hash-anchored, idempotent patches for a third-party Node sidecar.

Public API: the names in `__all__`; for authors of a series also the classes of a declaration in `patcher.model`
(`Patch`, `Site`, `Anchor` and the types of their fields) and those of a contract in `patcher.prove`. Everything else is
private and may change without notice.

    >>> import patcher
    >>> patcher.check("agent-monitor@v1.2.0").ok
    >>> patcher.build("agent-monitor@v1.2.0", "out", series=["codex", "acme"])
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes as long as the rest of an up-to-date build
    from typing import Any

    from patcher.errors import PatcherError
    from patcher.model import Series, Verdict
    from patcher.pipeline import build, check

    SERIES: Series
    """Our own series, `codex`."""

__version__ = "0.1.0"

__all__ = ["SERIES", "PatcherError", "Series", "Verdict", "__version__", "build", "check"]


def __getattr__(name: str) -> "Any":
    """Import each public name on first use: an up-to-date build must import as little as possible."""
    from importlib import import_module

    if name == "SERIES":
        return import_module("patcher.series.codex").codex()
    where = {"PatcherError": "errors", "Series": "model", "Verdict": "model", "build": "pipeline", "check": "pipeline"}
    if name not in where:
        raise AttributeError(f"module 'patcher' has no attribute {name!r}")
    return getattr(import_module(f"patcher.{where[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
