"""`verify` and `revert`: what can be done with a generated tree."""

import argparse

from patcher import revert as reverting
from patcher.commands.outcome import Outcome, outcome
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, ManifestUnreadable
from patcher.generated import differences, read
from patcher.report import problems
from patcher.report.model import Report
from patcher.report.wording import counted
from patcher.write import write_new


def verify(options: argparse.Namespace) -> Outcome:
    """Bytes against the manifest: edited, added and deleted files are named."""
    content = read(options.directory)
    upstream = content.get("upstream")
    if not isinstance(upstream, dict) or not all(isinstance(each, str) for each in upstream.values()):
        hint = "`sidecar-patcher build --out DIR` makes a tree with a manifest that does"
        raise ManifestUnreadable("the manifest does not say what upstream it is of", where=options.directory, hint=hint)
    found = problems.of_differences(differences(options.directory, content["files"]))
    message = counted(len(found), "difference") if found else f"{options.directory} is as it was built"
    exit_code = EXIT_DIFFERENT if found else EXIT_DONE
    return Outcome(exit_code, Report("verify", problems=found, upstream=upstream), message=message)


def revert(options: argparse.Namespace) -> Outcome:
    """Write the pristine bytes into a new directory."""
    tree = reverting.pristine(options.directory)
    write_new(tree, options.out)
    message = f"reverted {options.directory}: {counted(len(tree), 'file')} in {options.out}"
    return outcome(Report("revert", paths=tuple(sorted(tree))), message=message)
