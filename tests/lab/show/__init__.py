"""The figures that `tests/README.md` states, each by a command: `python3 .dev lab show [FIGURE…]`."""
