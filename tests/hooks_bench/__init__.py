"""The figures of the Codex opt-in: `python -m tests.hooks_bench [--cases N] [--rounds N]`."""
