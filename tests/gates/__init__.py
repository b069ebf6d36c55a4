"""Tests of `patcher/gates/`."""
