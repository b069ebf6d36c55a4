"""Real agent CLIs against one scripted model server, offline, with their hooks posted to a patched sidecar."""
