"""From one upstream version to the next: what moved, who moved it, what to do, and the pins that a person accepted.

`run` puts the parts together. `moments` reads both ends, `culprit` walks the history, `change` says what became of a
place, `candidates` makes new anchors, `trial` tries them, `scope_diff` shows what else is new, `repin`, `save` write.
"""
