"""Tests of `patcher/client/`."""
