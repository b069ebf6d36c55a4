"""The bumps of the past, done again: is every stop explained by the right commit?"""

from tests.lab.bump_replay import tags


def show(repository: str) -> bool:
    """A line for each pair of adjacent tags and for each stop, without the contracts: `python3 .dev lab bump_replay --prove`."""
    return tags.show(repository, prove=False)
