"""The series that a command line, or `sidecar.toml`, chooses."""

import argparse
import sys
from contextlib import redirect_stdout

from patcher.model import Series
from patcher.series.load import choose


def chosen(options: argparse.Namespace) -> tuple[Series, ...]:
    """The chosen series, in order, newly loaded. Raises what `series.load.choose` raises."""
    with redirect_stdout(sys.stderr):  # output of their Python code is not part of our result
        return choose(options.series, options=options.typed_series)
