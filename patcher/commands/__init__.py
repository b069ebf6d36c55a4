"""The verbs of the command line: each takes the options and returns an `Outcome`, without printing."""
