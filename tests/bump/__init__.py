"""Tests of `patcher/bump/`."""
