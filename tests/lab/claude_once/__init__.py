"""Real Claude Code with sub-agents, on the pristine sidecar and on the patched one; and all else that must stay."""
