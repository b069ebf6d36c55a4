"""A progress bar for long work, on stderr, on a terminal only. Leaf module."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(steps: int | None) -> Iterator[Callable[[str, int], None]]:
    """A bar of `steps` steps, None where the number is not known; nothing where stderr is not a terminal.

    Gives `advance(said, by)`: shows `said` beside the bar and moves it on by so many steps.
    """
    if not sys.stderr.isatty():
        yield lambda said, by: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=steps)
        yield lambda said, by: bar.update(task, description=said, advance=by)
