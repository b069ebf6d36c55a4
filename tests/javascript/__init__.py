"""Tests of `patcher/javascript/`."""
