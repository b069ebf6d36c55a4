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
    parse_outside_transaction,
    read_rollouts_whole,
    record_hooks_once,
    settings_switch,
    stamp_harness,
)
from patcher.pins import pinned

_SERIES = (
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
    filter_by_harness.PATCH,
)

SERIES, CLIENT_SERIES = pinned(_SERIES, (settings_switch.PATCH,))
"""What is put into upstream, and with `--client` only, after it, what is put into the client's sources."""


def series_for(*, client: bool) -> tuple[Patch, ...]:
    """The series, with what goes into the client's sources or without."""
    return (*SERIES, *CLIENT_SERIES) if client else SERIES


def module_of(patch: Patch) -> ModuleType:
    """The module that declares the patch: its docstring says what, why, and what to search for."""
    return sys.modules[f"{__name__}.{patch.id}"]
