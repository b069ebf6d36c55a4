"""Random and damaged input for each reader of foreign bytes: `python3 .dev lab fuzz` (see `engine`)."""
