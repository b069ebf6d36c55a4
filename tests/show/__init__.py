"""The figures that `tests/README.md` states, each by a command: `python -m tests.show [FIGURE…]`."""
