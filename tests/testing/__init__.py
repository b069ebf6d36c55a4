"""Tests of `patcher/testing/`."""
