"""The contracts of our series, listed explicitly and in order."""

from patcher.prove.contracts import (
    claude_hook_stays_claude,
    codex_conversation_is_complete,
    codex_hook_stamps_session,
    codex_hooks_feed_native_ingest,
    codex_hooks_follow_the_intent,
    codex_session_has_its_cost,
    codex_session_outlives_restart,
    codex_transcript_is_not_parsed_as_claude,
    consent_page_flips_the_hooks,
    existing_database_gains_columns,
    failed_batch_is_told_once,
    filter_separates_harnesses,
    foreign_sites_cannot_flip_the_switch,
    harness_is_shown,
    hooked_then_imported_has_no_row_twice,
    native_tokens_are_what_was_used,
    nobody_else_on_the_network,
    rollout_alone_is_recorded_once,
    session_says_how_it_came_in,
    sessions_page_filters_by_harness,
    settings_has_the_switch,
    transcript_parsed_outside_write_lock,
    unknown_provider_changes_nothing,
    v1_database_goes_on_natively,
)

CONTRACTS = (
    existing_database_gains_columns.CONTRACT,
    codex_hook_stamps_session.CONTRACT,
    claude_hook_stays_claude.CONTRACT,
    unknown_provider_changes_nothing.CONTRACT,
    filter_separates_harnesses.CONTRACT,
    transcript_parsed_outside_write_lock.CONTRACT,
    codex_transcript_is_not_parsed_as_claude.CONTRACT,
    codex_session_outlives_restart.CONTRACT,
    rollout_alone_is_recorded_once.CONTRACT,
    hooked_then_imported_has_no_row_twice.CONTRACT,
    codex_conversation_is_complete.CONTRACT,
    session_says_how_it_came_in.CONTRACT,
    codex_hooks_follow_the_intent.CONTRACT,
    consent_page_flips_the_hooks.CONTRACT,
    foreign_sites_cannot_flip_the_switch.CONTRACT,
    nobody_else_on_the_network.CONTRACT,
    codex_session_has_its_cost.CONTRACT,
    codex_hooks_feed_native_ingest.CONTRACT,
    v1_database_goes_on_natively.CONTRACT,
    failed_batch_is_told_once.CONTRACT,
    native_tokens_are_what_was_used.CONTRACT,
)

CLIENT_CONTRACTS = (
    settings_has_the_switch.CONTRACT,
    harness_is_shown.CONTRACT,
    sessions_page_filters_by_harness.CONTRACT,
)
"""Contracts of the built client, in a browser: run with `--client` only."""
