"""`verify` and `revert`: what can be done with a generated tree."""

import argparse

from patcher import revert as reverting
from patcher.commands.outcome import Outcome
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, ManifestUnreadable
from patcher.generated import differences, on_disk, read
from patcher.report import destinations, document
from patcher.report.sbom import to_sbom
from patcher.write import write_new


def verify(options: argparse.Namespace) -> Outcome:
    """Bytes against the manifest: edited, added and deleted files are named."""
    content = read(options.directory)
    upstream = content.get("upstream")
    if not isinstance(upstream, dict) or not all(isinstance(each, str) for each in upstream.values()):
        hint = "`sidecar-patcher build --out DIR` makes a tree with a manifest that does"
        raise ManifestUnreadable("the manifest does not say what upstream it is of", where=options.directory, hint=hint)
    found = [{"path": path, "status": what} for what, path in differences(options.directory, content["files"])]
    text = "".join(f"{each['status']:<8} {each['path']}\n" for each in found)
    errors = [
        {
            "code": f"file-{each['status']}",
            "where": each["path"],
            "message": f"this file was {each['status']}",
            "hint": "",
        }
        for each in found
    ]
    body = {**document.report("verify"), "ok": not found, "upstream": upstream, "errors": errors}
    if options.sbom and not found:
        with open(on_disk(options.directory, "package.json"), "rb") as stream:
            destinations.write_whole(options.sbom, to_sbom(content, stream.read()))
    said = f"{len(found)} differences" if found else f"{options.directory} is as it was built"
    said += "; of an edited tree no SBOM is written" if options.sbom and found else ""
    return Outcome(EXIT_DIFFERENT if found else EXIT_DONE, body, text=text, said=said)


def revert(options: argparse.Namespace) -> Outcome:
    """The pristine bytes into a new directory."""
    tree = reverting.pristine(options.directory)
    write_new(tree, options.out)
    said = f"reverted {options.directory}: {len(tree)} files in {options.out}"
    return Outcome(EXIT_DONE, {**document.report("revert"), "paths": sorted(tree)}, text="", said=said)
