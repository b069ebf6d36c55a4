"""The entry point. An up-to-date `build` is answered here, before anything that is slow to import."""

import gc
import os
import sys

from patcher import streams
from patcher.errors import EXIT_INTERRUPTED


def console() -> None:
    """The command itself. Skip garbage collection and interpreter teardown: the process is short-lived."""
    gc.disable()
    try:
        streams.prepare()
        code = streams.finish(main())
    except KeyboardInterrupt:  # while it starts, or while a slow reader takes the last lines
        code = EXIT_INTERRUPTED
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code says how it ended (`patcher/errors/`)."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments[:1] == ["build"] and _is_up_to_date(arguments[1:]):
            return 0
        from patcher.cli import run

        return run(arguments)
    except KeyboardInterrupt:  # while modules were being imported
        return EXIT_INTERRUPTED


def _is_up_to_date(arguments: list[str]) -> bool:
    """Whether there is nothing to do. Where something is wrong, the long way says what."""
    if "" in arguments:
        return False
    from patcher.uptodate import quick_build

    try:
        return quick_build(arguments)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    console()
