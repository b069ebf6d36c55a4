"""Tests of `patcher/matrix/`."""
