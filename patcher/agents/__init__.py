"""Simulated agent command lines: what their hooks and their transcripts report of a session."""
