"""Tests of `patcher/patches/`."""
