"""Laboratories: long runs that print the figures of `tests/README.md`, and tests of them."""
