"""Tests of `patcher/report/`."""
