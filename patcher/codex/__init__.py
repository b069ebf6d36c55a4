"""A simulated Codex CLI: events, and the hooks and rollout lines that the real one would produce for them."""
