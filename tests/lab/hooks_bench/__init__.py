"""The figures of the Codex opt-in: `python3 .dev lab hooks_bench [--cases N] [--rounds N]`."""
