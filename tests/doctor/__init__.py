"""Tests of `patcher/doctor/`."""
