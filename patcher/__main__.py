"""The entry point. An up-to-date `build` ends here, before any module that is slow to import."""

import gc
import os
import sys

from patcher import streams
from patcher.errors import EXIT_INTERRUPTED


def console() -> None:
    """Run the command and end the process. Skips garbage collection and interpreter teardown: the process is short."""
    gc.disable()
    try:
        streams.prepare()
        code = streams.finish(main())
    except KeyboardInterrupt:  # during start-up, or while the last lines are flushed to a slow reader
        code = EXIT_INTERRUPTED
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (listed in `patcher/errors/`)."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments[:1] == ["build"] and _is_up_to_date(arguments[1:]):
            return 0
        from patcher.cli import run

        return run(arguments)
    except KeyboardInterrupt:  # while modules were being imported
        return EXIT_INTERRUPTED


def _is_up_to_date(arguments: list[str]) -> bool:
    """Whether there is nothing to do. False on any problem: the full build then reports it."""
    if "" in arguments:
        return False
    from patcher.uptodate import quick_build

    try:
        return quick_build(arguments)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    console()
