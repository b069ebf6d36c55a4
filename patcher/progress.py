"""A progress bar for long work, on stderr, on a terminal only. Leaf module."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(steps: int | None) -> Iterator[Callable[[str, int], None]]:
    """A bar of `steps` steps (None: number unknown). Draws nothing where stderr is not a terminal.

    Yields `advance(message, by)`, which shows `message` beside the bar and moves the bar `by` steps.
    """
    if not sys.stderr.isatty():
        yield lambda message, by: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=steps)
        yield lambda message, by: bar.update(task, description=message, advance=by)
