"""The drift corpus: upstream trees mutated around every patch of the series, built, and judged. `python -m tests.drift`.

`harmless` and `breaking` say how upstream may change, `reference` where each payload stands in the unchanged tree,
`judge` whether a result is right, and `corpus` runs it all. The judge knows a mutant's right places from how the mutant
was made; it uses nothing of `patcher.locate` and `patcher.verify`.
"""
