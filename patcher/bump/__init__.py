"""From one upstream version to the next: what changed, in which commit, what to do, and the pins that were accepted.

`run` is the whole. `revisions` reads both versions and the reviews, `changes` describes what happened to a site,
`candidates` makes new anchors, `trial` tries them, `proving` runs contracts on them, `regressions` explains red ones,
`record` writes. `patcher.matrix.blame` finds the commits.
"""
