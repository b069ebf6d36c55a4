"""Random sessions of several agents in one sidecar: each event once, each session under its harness."""
