"""`python3 .dev lab adopt [--forks CLONE…] [--commits N] [--survival]`: what is adopted, and how long it stays in place."""

import argparse
import os
import statistics
import sys
import time
from collections import Counter

from patcher.adopt import files
from patcher.adopt.files import Adopted
from patcher.progress import progress
from tests.lab.adopt import forks, survival
from tests.lab.adopt.forks import Change

UNDONE = "commits, undone"


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    options = _options()
    upstream = os.environ["SIDECAR_UPSTREAM_REPO"]
    everything = {
        "forks": [each for clone in options.forks for each in forks.clone(clone, upstream)],
        "pull requests": list(forks.pulls(upstream)) if options.pulls else [],
        "commits": list(forks.commits(upstream, options.commits)),
        UNDONE: list(forks.commits(upstream, options.commits, undone=True)) if options.survival else [],
    }
    missed = False
    for name, changes in everything.items():
        if changes:
            missed |= _measured(name, changes, upstream, options)
    return int(missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 .dev lab adopt")
    parser.add_argument("--forks", nargs="*", default=(), metavar="CLONE", help="clones of forks of upstream")
    parser.add_argument("--commits", type=int, default=100, metavar="N", help="of upstream, as pseudo-forks")
    parser.add_argument("--pulls", action=argparse.BooleanOptionalAction, default=True, help="pull requests as forks")
    parser.add_argument("--survival", action="store_true", help="also at later tags, beside `git apply`")
    return parser.parse_args()


def _measured(name: str, changes: list[Change], upstream: str, options: argparse.Namespace) -> bool:
    began = time.monotonic()
    found: list[tuple[Change, Adopted]] = []
    with progress(len(changes)) as step:
        for change in changes:
            step(change.path, 1)
            found.append((change, files.modified(change.path, change.before, change.after, change.base)))
    took = time.monotonic() - began
    statuses = Counter(each.status for _, each in found)
    total, adopted = sum(each.hunks for _, each in found), sum(each.adopted for _, each in found)
    replaced = sorted(size for _, each in found for size in each.replaced)
    same = statuses[files.IDENTICAL]
    print(f"{name}: {len(found)} files of {len({change.fork for change, _ in found})}, {took:.1f} s")
    print(f"  hunks adopted      {adopted} of {total}, {adopted / max(total, 1):.1%} (aim 98 %)")
    print(f"  files identical    {same} of {len(found)}, {same / len(found):.1%} (aim 98 %)")
    print(f"  replaced per edit  median {statistics.median(replaced):.0f}, p90 {_p90(replaced)} (aims 100, 600)")
    named = [(change, each) for change, each in found if each.status != files.IDENTICAL]
    silent = sum(not each.reason for _, each in named)
    print(f"  named              {len(named)}, without a reason {silent} (aim 0)")
    for change, each in named:
        print(f"    {change.fork} {each.path}: {each.status}: {each.reason}")
    if options.survival and name != "commits":  # upstream has them at each later tag
        _survival(found, upstream)
    if name == UNDONE:  # taking code away replaces it
        return False
    return adopted < total * 0.98 or same < len(found) * 0.98 or bool(silent) or _p90(replaced) > 600


def _p90(sizes: list[int]) -> int:
    return sizes[int(len(sizes) * 0.9)] if sizes else 0


def _survival(found: list[tuple[Change, Adopted]], upstream: str) -> None:
    """At the next tag, the third and the last: how many hunks still have their place, by our anchors and by git."""
    tags = forks.git(upstream, "tag", "--sort=v:refname", "--list", "v*").split()
    for which, pick in (("next tag", 0), ("third tag", 2), ("last tag", -1)):
        hunks: list[survival.Hunk] = []
        for change, each in found:
            later = _later(change, tags, upstream, pick)
            text = forks.text(upstream, later, change.path) if later else None
            if text is not None:
                hunks += survival.hunks(each, change.before, change.after, text)
        ours, git = sum(each.ours for each in hunks), sum(each.git for each in hunks)
        broken, total = sum(each.broken for each in hunks), max(len(hunks), 1)
        print(
            f"  {which:<10} of {len(hunks)} hunks {ours} ({ours / total:.1%}) have their place, "
            f"with `git apply` {git} ({git / total:.1%}); broken {broken}"
        )


def _later(change: Change, tags: list[str], upstream: str, pick: int) -> str:
    base = forks.git(upstream, "rev-parse", "--verify", "-q", change.base).strip()
    contain = set(forks.git(upstream, "tag", "--contains", base).split()) if base else set()
    after = [tag for tag in tags if tag in contain]
    return after[pick] if after and (pick < 0 or len(after) > pick) else ""


if __name__ == "__main__":
    sys.exit(main())
