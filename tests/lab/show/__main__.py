"""`python3 .dev lab show [FIGURE…]`: measure and print the figures that `tests/README.md` states."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial

from tests.lab.show import bumps, contracts, matrix, refs, reproducible, reverts, trees, upstream_tests, versions

FIGURES: dict[str, Callable[[str], bool]] = {
    "versions": versions.show,
    "matrix": matrix.show,
    "refs": refs.show,
    "reproducible": reproducible.show,
    "reverts": reverts.show,
    "trees": trees.show,
    "contracts": contracts.show,
    "bumps": bumps.show,
    "upstream-tests": upstream_tests.show,
}


def main() -> int:
    """Exit code 0 when each figure is what it must be; 1 when one is not; 2 without upstream."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.show", description=__doc__)
    parser.add_argument("figures", metavar="FIGURE", nargs="*", help=f"some of: {', '.join(FIGURES)} (default: all)")
    parser.add_argument(
        "--repository", default=os.environ.get("SIDECAR_UPSTREAM_REPO"), help="upstream's git repository"
    )
    parser.add_argument(
        "--before",
        metavar="REV",
        default=trees.BEFORE,
        help="of `trees`: the older revision of this repository (default: %(default)s)",
    )
    options = parser.parse_args()
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if not options.repository:
        sys.stderr.write("these figures are about real upstream: set SIDECAR_UPSTREAM_REPO, or give --repository\n")
        return 2
    good = True
    for name in options.figures or FIGURES:
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        figure = partial(trees.show, before=options.before) if name == "trees" else FIGURES[name]
        good &= figure(options.repository)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
