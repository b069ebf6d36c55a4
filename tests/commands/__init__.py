"""Tests of `patcher/commands/`."""
