"""Our series: every patch, listed explicitly and in order."""

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher.model import Origin, Patch
from patcher.patches import (
    agent_hooks,
    agent_sessions,
    capture_columns,
    charge_tokens_used,
    claude_failed_calls,
    claude_gaps,
    claude_notifications,
    claude_subagent_once,
    codex_conversation,
    codex_hooks,
    codex_hooks_page,
    codex_prices,
    codex_rollouts,
    family_prices,
    filter_by_harness,
    harness_badge,
    harness_column,
    harness_filter,
    local_only,
    parse_outside_transaction,
    read_rollouts_whole,
    record_hooks_once,
    session_capture,
    settings_switch,
    stamp_harness,
)
from patcher.patches.pins import UPSTREAM_PINS, pinned
from patcher.resources import BUILTIN_PINS, PACKAGE, TEMPLATES

DECLARED = (
    harness_column.PATCH,
    capture_columns.PATCH,
    parse_outside_transaction.PATCH,
    stamp_harness.PATCH,
    record_hooks_once.PATCH,
    agent_sessions.PATCH,
    claude_subagent_once.PATCH,
    claude_failed_calls.PATCH,
    claude_notifications.PATCH,
    claude_gaps.PATCH,
    codex_rollouts.PATCH,
    read_rollouts_whole.PATCH,
    charge_tokens_used.PATCH,
    codex_hooks.PATCH,
    codex_hooks_page.PATCH,
    agent_hooks.PATCH,
    local_only.PATCH,
    filter_by_harness.PATCH,
    codex_conversation.PATCH,
    codex_prices.PATCH,
    family_prices.PATCH,
    session_capture.PATCH,
)

CLIENT_DECLARED = (settings_switch.PATCH, harness_badge.PATCH, harness_filter.PATCH)

SERIES: tuple[Patch, ...]
"""The declared patches with their pins."""
CLIENT_SERIES: tuple[Patch, ...]
"""The patches of the client's sources, after the series and with `--client` only."""


def __getattr__(name: str) -> tuple[Patch, ...]:
    """Read the pins on first use, not at import: a damaged record is then reported like any other error."""
    if name not in {"SERIES", "CLIENT_SERIES"}:
        raise AttributeError(name)
    groups = [[placed(patch) for patch in group] for group in (DECLARED, CLIENT_DECLARED)]
    found = dict(zip(("SERIES", "CLIENT_SERIES"), pinned(*groups), strict=True))
    globals().update(found)
    return found[name]


def placed(patch: Patch) -> Patch:
    """A patch of ours with its origin."""
    source = os.path.join(PACKAGE, "patches", f"{patch.id}.py")
    return replace(patch, origin=Origin("codex", source, TEMPLATES, UPSTREAM_PINS, BUILTIN_PINS))


def with_requirements(series: Sequence[Patch], patches: Collection[str]) -> tuple[Patch, ...]:
    """The patches with these ids and all that they require, in the order of the series."""
    needed = set(patches)
    for each in reversed(series):
        if each.id in needed:
            needed.update(each.requires)
    return tuple(each for each in series if each.id in needed)
