"""Random and damaged input for each reader of foreign bytes: `python -m tests.fuzz` (see `engine`)."""
