"""Tests of `patcher/prove/`."""
