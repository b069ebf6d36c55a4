"""Upstream as bytes in memory: what a spec names, and a clone read at many refs."""
