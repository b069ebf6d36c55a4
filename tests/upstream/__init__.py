"""Tests of `patcher/upstream/`."""
