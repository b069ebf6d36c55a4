"""The drift corpus: upstream trees mutated around every patch of the series, built, and judged. `python3 .dev lab drift`.

`harmless` and `breaking` say how upstream may change around a place, `twice` how the scope's name is defined again,
`whole_tree` what happens to files that no patch is anchored in, and `changed_series` changes the series instead.
`reference` says where each payload stands in the unchanged tree, `judge` whether a result is right, and `corpus` runs it
all. The judge knows a mutant's right places from how the mutant was made; it uses nothing of `patcher.locate` and
`patcher.verify`.
"""
