"""The series that a command line, or `sidecar.toml`, chooses."""

import argparse

from patcher.model import Series
from patcher.series.load import choose


def chosen(options: argparse.Namespace) -> tuple[Series, ...]:
    """In their order, each loaded anew. Raises what `series.load.choose` raises."""
    return choose(options.series, options=options.typed_series)
