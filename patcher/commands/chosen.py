"""The series that a command line, or `sidecar.toml`, chooses."""

import argparse
import sys
from contextlib import redirect_stdout

from patcher.model import Series
from patcher.series.load import choose


def chosen(options: argparse.Namespace) -> tuple[Series, ...]:
    """In their order, each loaded anew. Raises what `series.load.choose` raises."""
    with redirect_stdout(sys.stderr):  # what their Python prints is not our answer
        return choose(options.series, options=options.typed_series)
