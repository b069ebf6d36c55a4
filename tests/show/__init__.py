"""The figures that the README states, each by a command: `python -m tests.show [FIGURE…]`."""
