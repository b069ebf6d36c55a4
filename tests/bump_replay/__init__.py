"""Bumps of the past, done again: between adjacent tags, and over a commit that breaks a place among innocent ones.

`python -m tests.bump_replay` the tags, `python -m tests.bump_replay --drift` the mutations of the drift corpus.
"""
