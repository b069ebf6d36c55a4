"""The series: every patch, in order, in one place. No discovery."""

import sys
from types import ModuleType

from patcher.model import Patch
from patcher.patches import (
    capture_columns,
    charge_tokens_used,
    codex_hooks,
    codex_hooks_page,
    codex_rollouts,
    filter_by_harness,
    harness_column,
    local_only,
    parse_outside_transaction,
    read_rollouts_whole,
    record_hooks_once,
    settings_switch,
    stamp_harness,
)
from patcher.patches.pins import pinned

DECLARED = (
    harness_column.PATCH,
    capture_columns.PATCH,
    parse_outside_transaction.PATCH,
    stamp_harness.PATCH,
    record_hooks_once.PATCH,
    codex_rollouts.PATCH,
    read_rollouts_whole.PATCH,
    charge_tokens_used.PATCH,
    codex_hooks.PATCH,
    codex_hooks_page.PATCH,
    local_only.PATCH,
    filter_by_harness.PATCH,
)

CLIENT_DECLARED = (settings_switch.PATCH,)

SERIES: tuple[Patch, ...]
"""What is put into upstream: what is declared, with its pins."""
CLIENT_SERIES: tuple[Patch, ...]
"""After the series, with `--client` only: what is put into the client's sources."""


def __getattr__(name: str) -> tuple[Patch, ...]:
    """The pins are read when somebody needs them, not at import: then a damaged record is an error like any other."""
    if name not in {"SERIES", "CLIENT_SERIES"}:
        raise AttributeError(name)
    found = dict(zip(("SERIES", "CLIENT_SERIES"), pinned(DECLARED, CLIENT_DECLARED), strict=True))
    globals().update(found)
    return found[name]


def series_for(*, client: bool) -> tuple[Patch, ...]:
    """The series, with what goes into the client's sources or without."""
    from patcher.patches import CLIENT_SERIES, SERIES

    return (*SERIES, *CLIENT_SERIES) if client else SERIES


def module_of(patch: Patch) -> ModuleType:
    """The module that declares the patch: its docstring says what, why, and what to search for."""
    return sys.modules[f"{__name__}.{patch.id}"]
