"""Tests of what runs in the sidecar; those in JavaScript are in `tests/js/`."""
