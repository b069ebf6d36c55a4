"""The real Codex CLI against a scripted model, with the handler installed, on the patched sidecar."""
