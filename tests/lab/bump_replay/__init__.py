"""Bumps of the past, done again: between adjacent tags, and over a commit that breaks a place among innocent ones.

`python3 .dev lab bump_replay` the tags, `--drift` the mutations of the drift corpus, `--pulls` real pull requests of
upstream by the printed commands alone.
"""
