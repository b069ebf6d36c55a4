"""What we know of the Codex CLI, as one simulated Codex: a truth, and the hooks and rollout lines that tell of it."""
