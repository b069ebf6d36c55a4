"""`python3 .dev lab bump_replay [--prove] [--pairs A..B]` and `… --drift [--every N]`, `… --pulls [N…]`."""

import argparse
import os
import sys

from tests.lab.bump_replay import drifts, pulls, tags


def main() -> int:
    """Exit code 0 when every stop is explained by the right commit; 1 when one is not; 2 without upstream."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bump_replay", description=__doc__)
    parser.add_argument("--drift", action="store_true", help="the breaking mutations of the drift corpus, not the tags")
    parser.add_argument(
        "--every", metavar="N", type=int, default=25, help="each Nth mutation; 1: all (default: %(default)s)"
    )
    parser.add_argument(
        "--upstream", metavar="SPEC", action="append", help="for --drift (default: builtin, v1.2.0, v1.4.8, v2.0.3)"
    )
    parser.add_argument(
        "--prove", action="store_true", help="run the contracts on each tree that a candidate was accepted for"
    )
    parser.add_argument(
        "--pairs", metavar="A..B", nargs="+", default=(), help="only these pairs of adjacent tags (default: all)"
    )
    parser.add_argument(
        "--pulls",
        metavar="N",
        nargs="*",
        help=f"real pull requests, by the printed commands alone: {', '.join(pulls.PULLS)}",
    )
    options = parser.parse_args()
    repository = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
    if options.pulls is not None and not repository:
        print("skipped: SIDECAR_UPSTREAM_REPO does not name a clone of upstream")
        return 0
    if options.pulls is not None:
        return int(not pulls.show(repository, options.pulls or pulls.PULLS))
    if options.drift:
        return int(not drifts.show(repository, options.every, options.upstream))
    if not repository:
        sys.stderr.write("SIDECAR_UPSTREAM_REPO does not name a clone of upstream\n")
        return 2
    return int(not tags.show(repository, prove=options.prove, pairs=options.pairs))


if __name__ == "__main__":
    raise SystemExit(main())
