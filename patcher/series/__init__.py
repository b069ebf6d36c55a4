"""The door: a series is a directory, and ours (`codex`) comes in through it like anybody's.

`load` reads one, `choose` all that a command line names. `where` and `settings` are what an up-to-date build needs, and
import next to nothing.
"""
