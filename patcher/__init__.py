"""Hash-anchored, idempotent patches for a third-party Node sidecar."""

__version__ = "0.1.0"
