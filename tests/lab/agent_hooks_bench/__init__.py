"""The figures of the agents' installer: `python3 .dev lab agent_hooks_bench [--files N] [--seed N]`."""
