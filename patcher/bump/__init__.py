"""From one upstream version to the next: what moved, who moved it, what to do, and the pins that a person accepted.

`run` puts the parts together. `revisions` reads both ends and the reviews, `changes` says what became of a site,
`candidates` makes new anchors, `trial` tries them, `proving` runs contracts on them, `regressions` explains red ones,
`record` writes. The commits come from the walk of `patcher.matrix.blame`.
"""
