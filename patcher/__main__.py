"""The entry point. An up-to-date `build` is answered here, before anything that is slow to import."""

import gc
import os
import sys


def console() -> None:
    """The command itself. A short life needs no garbage collection, and no tidying of memory at its end."""
    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader has gone
        pass
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code says how it ended (`patcher/errors.py`)."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments[:1] == ["build"]:
            from patcher.uptodate import quick_build

            if quick_build(arguments[1:]):
                return 0
        from patcher.cli import run

        return run(arguments)
    except KeyboardInterrupt:  # while modules were being imported
        return 130


if __name__ == "__main__":
    console()
